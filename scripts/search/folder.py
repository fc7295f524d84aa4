"""The folder of a search: one run at a time, finished files put in place whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import ConfigError

DONE = "done.jsonl"


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Make a search's folder and keep others out of it.

    Raises
    ------
    ConfigError
        Another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder}: another search is at work there, expected one at a time") from None
        yield folder


@contextmanager
def put(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file takes its place when it is whole."""
    beside = path.with_name(f".{path.name}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
