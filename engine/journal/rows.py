"""Events as rows: which table, which values; and which events must be kept before anyone acts on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from engine.journal import records, tables
from engine.journal.redaction import Redactor
from engine.journal.tables import EventRow

NEW_YORK = ZoneInfo("America/New_York")

TABLES: dict[type[Any], type[EventRow]] = {
    records.Decision: tables.DecisionRow,
    records.OrderEvent: tables.OrderRow,
    records.Fill: tables.FillRow,
    records.FeeEvent: tables.FeeRow,
    records.PositionEvent: tables.PositionRow,
    records.HaltEvent: tables.HaltRow,
    records.Trade: tables.TradeRow,
    records.StateEvent: tables.StateRow,
    records.TicketEvent: tables.TicketRow,
    records.Reconciliation: tables.ReconciliationRow,
    records.MarkEvent: tables.MarkRow,
    records.DailyMark: tables.DailyRow,
    records.Heartbeat: tables.HeartbeatRow,
    records.GateEvent: tables.GateRow,
    records.Note: tables.NoteRow,
    records.SlippageShadow: tables.SlippageRow,
}
"""The table of every kind of event; `SessionEvent` alone has rows that are written twice."""

DURABLE: frozenset[type[Any]] = frozenset(
    {
        records.OrderEvent,
        records.Fill,
        records.FeeEvent,
        records.PositionEvent,
        records.HaltEvent,
        records.Trade,
        records.StateEvent,
        records.TicketEvent,
        records.Reconciliation,
        records.DailyMark,
        records.GateEvent,
        records.Note,
        records.SessionEvent,
    }
)
"""Kinds that are committed before `record` returns; the others are written soon after."""

_AT = {records.Trade: "exit_time"}
_UNTOUCHED = ("payload", "hash", "previous")  # what the gate has signed


def _reader(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(one.name for one in fields(kind))
    return names, attrgetter(*names)


_READERS = {kind: _reader(kind) for kind in TABLES}


def day_of(at: datetime) -> Any:
    """Return the New York date of a time."""
    return at.astimezone(NEW_YORK).date()


def row_of(event: Any, run_id: int, seq: int, redactor: Redactor) -> dict[str, Any]:
    """Return the values of an event's row: numbers that are not known empty, secrets struck out."""
    kind = type(event)
    names, read = _READERS[kind]
    row: dict[str, Any] = {"run_id": run_id, "seq": seq}
    for name, value in zip(names, read(event), strict=True):
        if isinstance(value, float):
            row[name] = value if value == value else None
        elif isinstance(value, Enum):
            row[name] = str(value)
        elif isinstance(value, int) or name in _UNTOUCHED:
            row[name] = value
        else:
            row[name] = redactor.value(value)
    if kind in _AT:
        row["at"] = row[_AT[kind]]
    if "day" not in row:
        row["day"] = day_of(row["at"])
    return row
