"""``trades.log``: one event a line as JSON, beside the database and independent of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

from loguru import logger

from engine.journal import records
from engine.journal.columns import to_json
from engine.journal.records import Event
from engine.journal.redaction import REDACTOR, Redactor

NAMES: dict[type[Any], str] = {
    records.Decision: "decision",
    records.OrderEvent: "order",
    records.Fill: "fill",
    records.FeeEvent: "fee",
    records.PositionEvent: "position",
    records.HaltEvent: "halt",
    records.Trade: "trade",
    records.StateEvent: "state",
    records.TicketEvent: "ticket",
    records.Reconciliation: "reconciliation",
    records.MarkEvent: "mark",
    records.DailyMark: "daily_mark",
    records.Heartbeat: "heartbeat",
    records.SessionEvent: "session",
    records.GateEvent: "gate",
    records.Note: "note",
    records.SlippageShadow: "slippage",
}
"""What each kind is called in a line's ``event``."""

_FIELDS = {kind: tuple(one.name for one in fields(kind)) for kind in NAMES}


class TradesLog:
    """Append every event to a file; a sink of `Journal`.

    A line is one JSON object: ``event``, ``run``, then the fields of the record, times in UTC.
    The file is the second witness, not the first: when it cannot be written that is told once,
    and trading goes on as long as the database keeps everything.

    Parameters
    ----------
    path : Path
    run : str
        Name of the run, in every line.
    limit : int
        Bytes above which the file is set aside under a number before a new one is begun.
    """

    healthy = True

    def __init__(
        self,
        path: Path,
        run: str,
        redactor: Redactor = REDACTOR,
        limit: int = 50_000_000,
        tell: Callable[[str], Any] = logger.error,
    ) -> None:
        self.path, self._run, self._redactor = path, run, redactor
        self._limit, self._tell = limit, tell
        self._file: TextIO | None = None
        self.lost = 0

    def record(self, event: Event) -> None:
        """Append one line; what cannot be written is counted in ``lost``."""
        kind = type(event)
        line: dict[str, Any] = {"event": NAMES[kind], "run": self._run}
        line |= {name: getattr(event, name) for name in _FIELDS[kind]}
        try:
            file = self._open()
            file.write(to_json(self._redactor.value(line)) + "\n")
            file.flush()
        except (OSError, ValueError) as error:  # ValueError: the file was closed under us
            self._give_up(error)

    def _open(self) -> TextIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
            if self._file.tell() and not _ends_with_newline(self.path):
                self._file.write("\n")  # a line cut by a crash stays alone
        elif self._file.tell() > self._limit:
            self._file.close()
            os.replace(self.path, _free(self.path))
            self._file = self.path.open("a", encoding="utf-8")
        return self._file

    def _give_up(self, error: Exception) -> None:
        self.lost += 1
        if self.lost == 1:
            self._tell(f"journal: {self.path} cannot be written: {error}")
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                logger.debug("journal: {} could not be closed either", self.path)

    def counts(self) -> Mapping[str, int]:
        """Return the lines that could not be written."""
        return {"lost": self.lost}

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _free(path: Path) -> Path:
    number = 1
    while path.with_suffix(f".{number}{path.suffix}").exists():
        number += 1
    return path.with_suffix(f".{number}{path.suffix}")
