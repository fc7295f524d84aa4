"""Where the gate's history is kept: a journal of its own, read whole, appended to, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import GateError
from engine.gate.chain import START
from engine.journal.database import Run, open_journal, where, why
from engine.journal.records import GateEvent
from engine.journal.tables import GateRow
from engine.journal.writing import Writer

VENUE = "gate"


class Store(Protocol):
    """Where a chain is kept."""

    def events(self) -> Sequence[GateEvent]: ...

    def append(self, event: GateEvent) -> None: ...


class Memory:
    """A chain that lives as long as the process: for simulations."""

    def __init__(self) -> None:
        self._events: list[GateEvent] = []

    def events(self) -> Sequence[GateEvent]:
        """Return all events, in order."""
        return self._events

    def append(self, event: GateEvent) -> None:
        """Keep one event."""
        self._events.append(event)


class Book:
    """A chain in a database.

    Parameters
    ----------
    place : str or Path
        File or URL of the gate's own journal; made when there is none.
    command, commit : str
        Who writes, for the row of the run.

    Raises
    ------
    JournalError
        It cannot be opened, or is the journal of something else.
    """

    def __init__(self, place: str | Path, command: str = "", commit: str = "unknown") -> None:
        self._engine = open_journal(place, VENUE)
        self._command, self._commit = command, commit

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def events(self) -> Sequence[GateEvent]:
        """Return all events in the order of their links.

        Raises
        ------
        GateError
            The database does not answer.
        """
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(GateRow.__table__)).mappings().all()
        except SQLAlchemyError as error:
            raise GateError(
                f"gate's journal {where(self._engine.url)}: cannot be read: {why(error)}"
            ) from None
        return in_order(
            [GateEvent(row["at"], row["kind"], row["payload"], row["previous"], row["hash"]) for row in rows]
        )

    def append(self, event: GateEvent) -> None:
        """Write one event; it is on the disk when this returns.

        Raises
        ------
        JournalError
            It was not written, because the database fails or another process was first.
        """
        at = datetime.now(UTC)
        name = f"gate-{at:%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
        run = Run(name, "gate", VENUE, "", at, git_commit=self._commit, command=self._command)
        with Writer(self._engine, run) as writer:
            writer.write(event)


def chain_of(rows: Iterable[Mapping[Any, Any]]) -> list[GateEvent]:
    """Return a journal's rows as events, in the order of their links."""
    names = [one.name for one in fields(GateEvent)]
    return in_order([GateEvent(**{name: row[name] for name in names}) for row in rows])


def in_order(events: Sequence[GateEvent]) -> list[GateEvent]:
    """Return events in the order in which they follow each other; those that follow nothing known last."""
    following = {event.previous: event for event in events}
    ordered: list[GateEvent] = []
    previous = START
    while previous in following:
        ordered.append(following.pop(previous))
        previous = ordered[-1].hash
    return ordered + [event for event in events if event.previous in following]
