"""A session's record out of the journal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from enum import EnumType
from pathlib import Path
from typing import Any, get_type_hints

from sqlalchemy import select

from engine.errors import GateError
from engine.gate.record import RunSpan, SessionRecord
from engine.gate.rules import Rules
from engine.gate.settings import SessionCriteria
from engine.journal import records, tables
from engine.journal.queries import Reader, Row
from engine.journal.tables import EventRow, RunRow
from engine.risk.blackouts import EventCalendar
from engine.sessions import NEW_YORK
from engine.settings import Settings

EVENTS: dict[str, tuple[type[Any], type[EventRow]]] = {
    "decisions": (records.Decision, tables.DecisionRow),
    "orders": (records.OrderEvent, tables.OrderRow),
    "fills": (records.Fill, tables.FillRow),
    "fees": (records.FeeEvent, tables.FeeRow),
    "halts": (records.HaltEvent, tables.HaltRow),
    "trades": (records.Trade, tables.TradeRow),
    "states": (records.StateEvent, tables.StateRow),
    "reconciliations": (records.Reconciliation, tables.ReconciliationRow),
    "heartbeats": (records.Heartbeat, tables.HeartbeatRow),
    "shadows": (records.SlippageShadow, tables.SlippageRow),
}
BY_HAND = ("flatten",)  # kinds of runs that are somebody's hand
_SKIPS = ("fills",)  # an execution told twice takes a number and no row


def session_record(reader: Reader, day: date, account: str = "") -> SessionRecord:
    """Return all that a journal holds of the session of a day.

    Raises
    ------
    GateError
        No session of that day is in it.
    """
    numbers = reader.runs_of(day)
    if not numbers:
        raise GateError(f"journal {reader.place}: holds no session of {day}, expected one to judge")
    sessions = {row["run_id"]: row for row in reader.sessions_of(day)}
    runs = {row["id"]: row for row in reader.rows(select(RunRow.__table__).where(RunRow.id.in_(numbers)))}
    rows = {name: reader.events(table, numbers, day) for name, (_, table) in EVENTS.items()}
    events = {name: _records(kind, rows[name]) for name, (kind, _) in EVENTS.items()}
    return SessionRecord(
        day=day,
        venue=reader.venue,
        account=account,
        bots=_bots(runs.values()),
        runs=tuple(_span(runs[number], sessions[number]) for number in numbers),
        interventions=tuple(_hands(reader, day, numbers)),
        gaps=tuple(_gaps(rows)),
        **events,
    )


def _records(kind: type[Any], rows: Sequence[Row]) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind)]
    return tuple(kind(**{name: _value(hints[name], row[name]) for name in names}) for row in rows)


def _value(hint: Any, value: Any) -> Any:
    if value is None and hint is float:
        return math.nan
    return hint(value) if isinstance(hint, EnumType) else value


def _span(run: Row, session: Row) -> RunSpan:
    told = (session["detail"] or {}).get("errors", ())
    return RunSpan(
        run["name"],
        session["started"],
        session["ended"],
        session["how"],
        run["config_hash"],
        run["git_commit"],
        tuple(str(one) for one in told),
    )


def _bots(runs: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Return the bots a run said it plays, else all that its settings enable, with their symbols."""
    found: dict[str, tuple[str, ...]] = {}
    for run in runs:
        own = run["settings"].get("bots", {})
        for bot in run["detail"].get("bots") or [name for name, held in own.items() if held["enabled"]]:
            found[bot] = tuple(own[bot]["symbols"])
    return found


def _hands(reader: Reader, day: date, numbers: Sequence[int]) -> list[str]:
    """Return what was done by hand on a day; in a rehearsal, whose days are not today, after it began."""
    runs = reader.rows(select(RunRow.__table__).where(RunRow.kind.in_(BY_HAND)).order_by(RunRow.id))
    rehearsed = reader.venue == "rehearsal"
    found = []
    for run in runs:
        at = run["started"].astimezone(NEW_YORK)
        if run["id"] > numbers[0] if rehearsed else at.date() == day:
            found.append(f"{run['kind']} by hand at {at:%H:%M:%S}")
    return found


def _gaps(rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """Return where numbers are missing among a run's events of one kind."""
    found = []
    for name, events in rows.items():
        if name in _SKIPS:
            continue
        numbers: dict[int, list[int]] = {}
        for event in events:
            numbers.setdefault(event["run_id"], []).append(event["seq"])
        for run, known in numbers.items():
            missing = max(known) - min(known) + 1 - len(known)
            if missing:
                found.append(f"{missing} {name} of run {run} are missing")
    return found


def rules_of(
    reader: Reader, record: SessionRecord, config_dir: Path, criteria: SessionCriteria, agreed: str = ""
) -> Rules:
    """Return what a session is judged against: the limits it ran with, and the calendar.

    Parameters
    ----------
    reader : Reader
    record : SessionRecord
    config_dir : Path
        Folder of ``events.json``.
    criteria : SessionCriteria
    agreed : str
        Digest of the settings the gate was told when the session began.
    """
    name = record.runs[0].name
    (run,) = reader.rows(select(RunRow.__table__).where(RunRow.name == name))
    settings = Settings(**run["settings"])
    calendar = EventCalendar.load(config_dir / "events.json", settings.risk.calendar_required)
    return Rules(settings.risk.limits(), calendar, criteria, settings.common.decide_every, agreed)
