"""Bars and surfaces made once and kept on disk as they lie in memory, so that reading is mapping.

A file is a line of JSON, padded to `ALIGNED` bytes, and the arrays one after another. It is put in
place whole, so that any number of processes may read and make it at the same time.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.bars import PRICES, Bars
from engine.sessions import replace_file
from feeds.surface import Surface

KEPT = 4  # files of a folder: five years of two symbols are about 150 MB
ALIGNED = 64
_COLUMNS = ("stamp", *PRICES, "volume")
_SURFACE = tuple(field.name for field in fields(Surface))


def read(path: Path) -> tuple[dict[str, Bars], dict[str, Surface]]:
    """Map bars and surfaces by symbol, as `write` left them; arrays that were one are one again.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        There is no such file, or it is none of `write`.
    """
    with path.open("rb") as stream:
        # a private copy: what a process writes into its arrays stays its own
        held = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    os.utime(path)
    head = json.loads(held.readline())
    if head["size"] != len(held):
        raise ValueError(f"{path}: {len(held)} bytes, expected {head['size']}")
    arrays = [
        np.frombuffer(held, dtype, int(np.prod(shape)), start).reshape(shape)
        for dtype, shape, start in head["arrays"]
    ]
    bars = {
        symbol: Bars(
            symbol=symbol,
            source=told["source"],
            notes=tuple(told["notes"]),
            lines={name: arrays[place] for name, place in told["lines"].items()},
            **{name: arrays[place] for name, place in told["columns"].items()},
        )
        for symbol, told in head["bars"].items()
    }
    surfaces = {
        symbol: Surface(**{name: arrays[place] for name, place in told.items()})
        for symbol, told in head["surfaces"].items()
    }
    return bars, surfaces


def write(path: Path, bars: Mapping[str, Bars], surfaces: Mapping[str, Surface]) -> None:
    """Keep bars and surfaces; of a folder's files those read or written longest ago make room.

    Raises
    ------
    OSError
        The disk is full or read-only; nothing is left behind.
    """
    held: dict[int, tuple[int, np.ndarray]] = {}

    def place(values: Any) -> int:
        known = held.setdefault(id(values), (len(held), values))
        return known[0]

    told: dict[str, Any] = {
        "bars": {
            symbol: {
                "source": one.source,
                "notes": one.notes,
                "columns": {name: place(getattr(one, name)) for name in _COLUMNS},
                "lines": {name: place(values) for name, values in one.lines.items()},
            }
            for symbol, one in bars.items()
        },
        "surfaces": {
            symbol: {name: place(getattr(one, name)) for name in _SURFACE} for symbol, one in surfaces.items()
        },
    }
    arrays = [np.ascontiguousarray(values) for _, values in held.values()]
    head, starts = _headed(told, arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(head)
            for values, start in zip(arrays, starts, strict=True):
                out.seek(start)
                out.write(values.data)
        os.chmod(part, 0o644)  # mkstemp's files are their owner's only
        replace_file(path, Path(part))
    except BaseException:
        os.unlink(part)
        raise
    _make_room(path)


def _headed(told: dict[str, Any], arrays: list[np.ndarray]) -> tuple[bytes, list[int]]:
    """Return the head of a file and where its arrays start, from the first byte of the file."""
    sizes = [-(-values.nbytes // ALIGNED) * ALIGNED for values in arrays]
    room = ALIGNED
    while True:  # the head tells places, which depend on how long the head is
        starts = [room + sum(sizes[:number]) for number in range(len(sizes))]
        told["size"] = starts[-1] + arrays[-1].nbytes
        told["arrays"] = [
            (values.dtype.str, values.shape, start) for values, start in zip(arrays, starts, strict=True)
        ]
        head = json.dumps(told).encode() + b"\n"
        if len(head) <= room:
            return head, starts
        room = -(-len(head) // ALIGNED) * ALIGNED


def _make_room(newest: Path) -> None:
    def age(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except OSError:  # another process made room first
            return 0.0

    others = sorted((path for path in newest.parent.glob("*.bin") if path != newest), key=age, reverse=True)
    for path in others[KEPT - 1 :]:
        path.unlink(missing_ok=True)
