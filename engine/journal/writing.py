"""Events into the database: numbered, as rows, in one transaction."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import JournalError
from engine.journal.database import Run, end_run, start_run, where, why
from engine.journal.inserting import insert_rows
from engine.journal.records import Decision, Event, Fill, GateEvent, SessionEvent
from engine.journal.redaction import REDACTOR, Redactor
from engine.journal.rows import TABLES, row_of
from engine.journal.tables import DecisionRow, EventRow, ReasonRow, SessionRow

REMEMBERED = 256  # decisions that may still be replaced

Numbered = tuple[Event, int]


class Numbers:
    """Number the events of a run, each kind from 1; a decision that replaces one takes its number."""

    def __init__(self) -> None:
        self._last: dict[type[Any], int] = {}
        self._executions: set[str] = set()
        self._decisions: OrderedDict[tuple[str, str, datetime], int] = OrderedDict()

    def number(self, event: Event) -> int | None:
        """Return the number of an event, None for an execution that has one already."""
        kind = type(event)
        if kind is Fill:
            assert isinstance(event, Fill)
            if event.exec_id in self._executions:
                return None
            self._executions.add(event.exec_id)
        if kind is Decision:
            assert isinstance(event, Decision)
            key = (event.bot, event.symbol, event.at)
            known = self._decisions.get(key)
            if known is not None:
                return known
            if len(self._decisions) >= REMEMBERED:
                self._decisions.popitem(last=False)
            self._decisions[key] = self._last.get(kind, 0) + 1
        self._last[kind] = self._last.get(kind, 0) + 1
        return self._last[kind]


def write(connection: Connection, run_id: int, events: Iterable[Numbered], redactor: Redactor) -> int:
    """Write events in the caller's transaction and return how many rows that changed.

    Raises
    ------
    SQLAlchemyError
        The database refuses: the caller rolls all of them back.
    """
    rows: dict[type[EventRow], dict[int, dict[str, Any]]] = {}
    sessions: list[SessionEvent] = []
    for event, seq in events:
        if isinstance(event, SessionEvent):
            sessions.append(event)
        else:
            rows.setdefault(TABLES[type(event)], {})[seq] = row_of(event, run_id, seq, redactor)
    changed = 0
    for session in sessions:
        changed += _session(connection, run_id, session, redactor)
    if DecisionRow in rows:
        _count(connection, run_id, rows[DecisionRow])
    for table, values in rows.items():
        changed += insert_rows(connection, table, list(values.values()))
    return changed


def _count(connection: Connection, run_id: int, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Count the reasons of decisions about to be written, less those of the rows they replace."""
    changes = Counter((row["bot"], row["reason"]) for row in rows.values())
    held = select(DecisionRow.seq, DecisionRow.bot, DecisionRow.reason).where(
        DecisionRow.run_id == run_id, DecisionRow.seq.between(min(rows), max(rows))
    )
    changes.subtract((bot, reason) for seq, bot, reason in connection.execute(held) if seq in rows)
    add_reasons(connection, run_id, changes)


def add_reasons(connection: Connection, run_id: int, changes: Mapping[tuple[str, str], int]) -> None:
    """Add to the counts of a run's reasons, by bot and reason."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(ReasonRow)
    more = {"count": ReasonRow.count + statement.excluded.count}
    adding = statement.on_conflict_do_update(index_elements=["run_id", "bot", "reason"], set_=more)
    values = [
        {"run_id": run_id, "bot": bot, "reason": reason, "count": count}
        for (bot, reason), count in sorted(changes.items())
        if count
    ]
    if values:
        connection.execute(adding, values)


def _session(connection: Connection, run_id: int, event: SessionEvent, redactor: Redactor) -> int:
    detail = redactor.value(event.detail)
    if event.kind == "ended":
        held = (SessionRow.run_id == run_id) & (SessionRow.day == event.day)
        ended = {"ended": event.at, "how": redactor.text(event.how), "detail": detail}
        return connection.execute(update(SessionRow).where(held).values(ended)).rowcount
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "run_id": run_id,
        "day": event.day,
        "venue": event.venue,
        "resumed": event.kind == "resumed",
        "started": event.at,
        "how": redactor.text(event.how),
        "detail": detail,
    }
    return connection.execute(make(SessionRow).on_conflict_do_nothing(), row).rowcount


class Writer:
    """Write single events at once, for a command or a server; the session has `Recorder`.

    Use as a context: the run's row is written on entering, its end on leaving.
    """

    def __init__(self, engine: Engine, run: Run, redactor: Redactor = REDACTOR) -> None:
        self._engine, self._run, self._redactor = engine, run, redactor
        self._numbers = Numbers()
        self.run_id = 0

    def __enter__(self) -> Self:
        try:
            with self._engine.begin() as connection:
                self.run_id = start_run(connection, self._run)
        except SQLAlchemyError as error:
            raise self._failed(error) from None
        return self

    def write(self, event: Event) -> bool:
        """Commit an event; return False when its reference or execution was known already.

        Raises
        ------
        JournalError
            It was not written: the database fails, a gate event would fork its chain or has a
            secret in its payload.
        """
        if isinstance(event, GateEvent) and self._redactor.text(event.payload) != event.payload:
            raise JournalError("gate event: its payload holds a secret, expected none")
        number = self._numbers.number(event)
        if number is None:
            return False
        try:
            with self._engine.begin() as connection:
                return write(connection, self.run_id, [(event, number)], self._redactor) > 0
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _failed(self, error: SQLAlchemyError) -> JournalError:
        return JournalError(f"database {where(self._engine.url)}: cannot be written: {why(error)}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        how = "done" if kind is None else f"failed: {kind.__name__}"
        try:
            with self._engine.begin() as connection:
                end_run(connection, self.run_id, how, datetime.now(UTC))
        except SQLAlchemyError as ending:
            if kind is None:
                raise self._failed(ending) from None
