"""Time that stands until it is moved, and event loops that live by it and tell when they are idle."""

from __future__ import annotations

import asyncio
import heapq
import selectors
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from itertools import count
from math import inf
from typing import Any

BEHIND = 1e-6  # seconds by which timers come after what else is due at the same instant


def _over(timer: asyncio.TimerHandle) -> bool:
    """Tell whether a timer will not run any more; asked of asyncio, whose clock has its own tolerance."""
    return timer.cancelled() or not timer._scheduled  # type: ignore[attr-defined]


class StandingTime:
    """Simulated seconds since the start, the same for everyone who holds it.

    Attributes
    ----------
    passed : float
        Moved only while every loop is idle.
    changed : threading.Condition
        Notified when a loop has become idle; its lock keeps idle loops from waking up.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self.changed = threading.Condition()


class _Selector(selectors.DefaultSelector):
    """Tell before and after every wait for something to happen."""

    def __init__(self, told: Callable[[bool], None]) -> None:
        super().__init__()
        self._told = told

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0.0):
            return found
        self._told(True)
        try:
            return super().select(None)  # timers are woken by `StandingLoop.wake`
        finally:
            self._told(False)


class StandingLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run on standing time.

    Parameters
    ----------
    time : StandingTime
    holds : bool
        Keep what other threads post until `release`: they and the loop then take turns.
    """

    def __init__(self, time: StandingTime, holds: bool = False) -> None:
        self._standing, self._holds = time, holds
        self._waiting = False  # for something to happen
        self._posted = 0  # by other threads, not begun
        self._held: list[Callable[[], None]] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = count()
        self._lives_in = 0
        self.turns = 0
        super().__init__(_Selector(self._told))

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do, or the loop is closed; ask under the lock of ``time.changed``."""
        return self.is_closed() or (self._waiting and not self._posted)

    def _told(self, waiting: bool) -> None:
        with self._standing.changed:
            self._waiting = waiting
            self._lives_in = threading.get_ident()
            if waiting:
                self._standing.changed.notify_all()
            else:
                self.turns += 1

    def close(self) -> None:
        super().close()
        with self._standing.changed:
            self._standing.changed.notify_all()

    # time ------------------------------------------------------------------------------

    def time(self) -> float:
        return self._standing.passed - BEHIND

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        heapq.heappush(self._timers, (when, next(self._number), handle))
        return handle

    def next_timer(self) -> float:
        """Return when the next timer is due, infinite for none; ask while the loop is idle."""
        while self._timers and _over(self._timers[0][2]):
            heapq.heappop(self._timers)
        return self._timers[0][0] + BEHIND if self._timers else inf

    def wake(self) -> None:
        """Let run what the time has come for."""
        self._post(lambda: None)

    # other threads ---------------------------------------------------------------------

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        if self.is_closed():
            raise RuntimeError("the event loop is closed")
        within = context or copy_context()
        handle = asyncio.Handle(callback, args, self, within)

        def run() -> None:
            if not handle.cancelled():
                within.run(callback, *args)

        if self._holds and threading.get_ident() != self._lives_in:
            with self._standing.changed:
                self._held.append(run)
        else:
            self._post(run)
        return handle

    def release(self) -> None:
        """Let in what other threads have posted, all of it before anything that answers the first."""
        with self._standing.changed:
            held, self._held = self._held, []

        def begin() -> None:
            for run in held:
                self.call_soon(run)

        if held and not self.is_closed():
            self._post(begin)

    def _post(self, run: Callable[[], None]) -> None:
        def begin() -> None:
            with self._standing.changed:
                self._posted -= 1
            run()

        with self._standing.changed:
            self._posted += 1
        super().call_soon_threadsafe(begin)
