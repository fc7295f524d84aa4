"""The journal's way into the database while trading: what matters at once, the rest soon after."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loguru import logger
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.errors import JournalError
from engine.journal.database import Run, end_run, start_run, where, why
from engine.journal.records import Event
from engine.journal.redaction import REDACTOR, Redactor
from engine.journal.rows import DURABLE
from engine.journal.writing import Numbered, Numbers, write

BATCH = 2_500  # events of one transaction


@dataclass(slots=True)
class _Waiting:
    """An event whose sender waits until it is committed."""

    numbered: Numbered
    done: threading.Event = field(default_factory=threading.Event)


class Recorder:
    """Keep a run's events in the database; a sink of `Journal`.

    Kinds in `engine.journal.rows.DURABLE` are committed before `record` returns. The others
    wait in a bounded queue for the one thread that writes; when it is full they are dropped,
    counted and told. When the database fails, the recorder says so once, turns ``healthy``
    False for good and drops what follows: the session then refuses entries and ends flat.

    Parameters
    ----------
    engine : Engine
        Of `engine.journal.database.open_journal`; the recorder disposes of it at its end.
    run : Run
    redactor : Redactor
    capacity : int
        Events the queue holds.
    patience : float
        Seconds a sender waits for a commit before the database counts as failed.
    tell : callable
        Takes the one line that says what happened.

    Raises
    ------
    JournalError
        The run's row cannot be written.
    """

    def __init__(
        self,
        engine: Engine,
        run: Run,
        redactor: Redactor = REDACTOR,
        capacity: int = 50_000,
        patience: float = 30.0,
        tell: Callable[[str], Any] = logger.error,
    ) -> None:
        self._engine, self._redactor = engine, redactor
        self._capacity, self._patience, self._tell = capacity, patience, tell
        self._numbers = Numbers()
        self._now: list[_Waiting] = []
        self._soon: deque[Numbered] = deque()
        self._change = threading.Condition()
        self._stopping = self._busy = False
        self._failure = ""
        self.written = self.dropped = self.lost = 0
        try:
            with engine.begin() as connection:
                self.run_id = start_run(connection, run)
        except SQLAlchemyError as error:
            raise JournalError(f"database {where(engine.url)}: cannot be written: {why(error)}") from None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """False once the database has failed."""
        return not self._failure

    @property
    def failure(self) -> str:
        """What went wrong, in one line; empty while healthy."""
        return self._failure

    def counts(self) -> Mapping[str, int]:
        """Return events written, waiting, dropped because the queue was full, lost to a failure."""
        with self._change:
            waiting = len(self._soon) + len(self._now)
        return {"written": self.written, "waiting": waiting, "dropped": self.dropped, "lost": self.lost}

    def record(self, event: Event) -> None:
        """Keep an event; returns after its commit when its kind is durable. Never raises."""
        with self._change:
            if self._failure or self._stopping:
                self.lost += 1
                return
            number = self._numbers.number(event)
            if number is None:
                return
            numbered = (event, number)
            if type(event) not in DURABLE:
                self._queue(numbered)
                return
            waiting = _Waiting(numbered)
            self._now.append(waiting)
            self._change.notify_all()
        if not waiting.done.wait(self._patience):
            self._fail(f"no answer within {self._patience:g} s")

    def _queue(self, numbered: Numbered) -> None:
        if len(self._soon) < self._capacity:
            self._soon.append(numbered)
            self._change.notify_all()
            return
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # the 1st, 2nd, 4th, 8th ...
            self._tell(f"journal: the queue is full, {self.dropped} events dropped so far")

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._now or self._soon or self._stopping)
                waiting, self._now = self._now, []
                events = [one.numbered for one in waiting]
                for _ in range(min(len(self._soon), max(0, BATCH - len(events)))):
                    events.append(self._soon.popleft())
                if not events:
                    return
                self._busy = True
            try:
                self._commit(events)
            except Exception as error:  # noqa: BLE001 - the boundary: whatever it was, the session must hear of it
                self._fail(why(error), len(events))
            finally:
                for one in waiting:
                    one.done.set()
                with self._change:
                    self._busy = False
                    self._change.notify_all()

    def _commit(self, events: list[Numbered]) -> None:
        if self._failure:
            self.lost += len(events)
            return
        try:
            self._write(events)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            logger.warning("journal: connection lost ({}), trying once more", why(error))
            self._write(events)  # rows that were committed after all are not written twice
        self.written += len(events)

    def _write(self, events: list[Numbered]) -> None:
        with self._engine.begin() as connection:
            write(connection, self.run_id, events, self._redactor)

    def _fail(self, reason: str, lost: int = 0) -> None:
        with self._change:
            self.lost += lost + len(self._soon)
            self._soon.clear()
            first, self._failure = not self._failure, self._failure or reason
            self._change.notify_all()
        if first:
            place = where(self._engine.url)
            self._tell(f"journal: database {place} failed: {reason}; no more entries, the session ends flat")

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was recorded is written; return whether it was."""
        with self._change:
            self._change.wait_for(lambda: not (self._soon or self._now or self._busy), timeout)
            return self.healthy and not (self._soon or self._now or self._busy)

    def close(self, how: str = "done") -> None:
        """Write what waits and the end of the run, and let the database go."""
        self.flush(self._patience)
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._thread.join(self._patience)
        if self.healthy:
            try:
                with self._engine.begin() as connection:
                    end_run(connection, self.run_id, how)
            except SQLAlchemyError as error:
                self._fail(why(error))
        self._engine.dispose()
