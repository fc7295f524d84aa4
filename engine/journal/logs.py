"""The program's own log: to standard error and to files that are set aside when they grow; no secrets."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from loguru import logger

from engine.journal.redaction import redact

if TYPE_CHECKING:
    from loguru import Record

LAYOUT = "{time:YYYY-MM-DD HH:mm:ss} {name} {level} {message}"
_MEGABYTE = 1_000_000


def start(level: str, logfile: Path | None = None) -> None:
    """Log to standard error, with a file at level DEBUG beside it when one is asked for."""
    logger.remove()
    logger.configure(patcher=_strike)
    logger.add(sys.stderr, level=level, format=LAYOUT)
    if logfile is not None:
        logger.add(logfile, level="DEBUG", format=LAYOUT)
    sys.excepthook = _hook


@contextmanager
def log_to_files(folder: Path, name: str, megabytes: float, files: int) -> Iterator[None]:
    """Log to ``<name>.log`` too, at level DEBUG; a full file is set aside, the oldest thrown away."""
    sink = logger.add(
        folder / f"{name}.log",
        level="DEBUG",
        format=LAYOUT,
        rotation=round(megabytes * _MEGABYTE),
        retention=files,
        encoding="utf-8",
    )
    try:
        yield
    finally:
        with suppress(ValueError):  # a program that begins its log anew has taken it away
            logger.remove(sink)


def _strike(record: Record) -> None:
    """Strike secrets out of a message and of the error below it."""
    text, error = record["message"], record["exception"]
    if error is not None and error.type is not None:
        text += "\n" + "".join(traceback.format_exception(error.type, error.value, error.traceback)).rstrip()
        record["exception"] = None
    record["message"] = redact(text)


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a defect's traceback as Python does, without secrets."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
