"""A rehearsal in lockstep: time moves only when gateway and session have done all there is to do."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timedelta
from math import floor, inf

from engine.errors import SessionError
from engine.gateway.gateway import Gateway
from engine.ibkr.clock import GatewayClock, Traffic
from engine.standing import StandingLoop, StandingTime

SETTLE_SECONDS = 60.0  # wall, until two loops must have come to rest
ROUND = 0.03  # seconds the main loop takes to come round once it is stirred
TINY = 1e-7  # seconds between two readings at one instant


class Lockstep(GatewayClock):
    """The session's clock at a gateway that stands, and what moves both.

    The session's main loop, its link and the gateway take turns. Where the main loop would wait,
    the two others run until both are idle and every byte sent has been received; only then time
    moves to the next instant at which anyone has something to do. So nobody is ever late, whatever
    the machine is busy with.

    Parameters
    ----------
    gateway : Gateway
        Started, at speed 0, in a loop on ``standing``.
    standing : StandingTime
    loop : StandingLoop
        The gateway's.
    """

    def __init__(self, gateway: Gateway, standing: StandingTime, loop: StandingLoop) -> None:
        super().__init__()
        self._gateway, self._standing = gateway, standing
        self._loops = [loop]
        self._start = gateway.now - timedelta(seconds=standing.passed)
        self._epoch = self._start.timestamp()
        self._traffic: Traffic = dict
        self._ports: set[int] = set()
        self._due, self._due_at = inf, -1  # the gateway's next event, and its turn when it was asked
        self._last = 0.0
        self.known = True

    # the clock -----------------------------------------------------------------------------

    def now(self) -> float:
        return self._epoch + self._standing.passed

    @property
    def skew(self) -> float:
        return 0.0

    @property
    def uncertainty(self) -> float:
        return 0.0

    def read(self, asked: float, answered: float, told: float) -> None:
        """Take no answer: the time is known."""

    def seconds(self) -> float:
        self._last = max(self._last + TINY, self._standing.passed)
        return self._last

    def new_loop(self, traffic: Traffic) -> asyncio.AbstractEventLoop:
        self._loops[1:] = [StandingLoop(self._standing, holds=True)]
        self._traffic = traffic
        self._ports.clear()
        return self._loops[1]

    # waiting -------------------------------------------------------------------------------

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._until(event, self._standing.passed + seconds)

    def sleep(self, seconds: float) -> None:
        self._until(threading.Event(), self._standing.passed + seconds)

    def idle(self, event: threading.Event, seconds: float) -> None:
        """Rest until the next half second, or until something stirs and the loop has come round.

        A minute's bar follows its quotes within that time: what is decided on both sees both.
        """
        if self._until(event, floor(self._standing.passed + 0.5) + 0.5):
            self.sleep(ROUND)

    def go(self, until: datetime) -> None:
        """Let time pass without a session."""
        self._until(threading.Event(), (until - self._start).total_seconds())

    def _until(self, event: threading.Event, until: float) -> bool:
        while True:
            self._settle()
            if event.is_set():
                return True
            if self._standing.passed >= until:
                return False
            self._move(until)

    def _move(self, until: float) -> None:
        """Move to the next instant at which anyone has something to do."""
        timers = {loop: loop.next_timer() for loop in self._loops if not loop.is_closed()}
        due = self._next_due()
        at = max(min(until, due, *timers.values()), self._standing.passed)
        self._standing.passed = at
        instant = self._start + timedelta(seconds=at)
        if due <= at:
            self._gateway.go(instant)
        else:
            self._gateway.stand(instant)
        for loop, timer in timers.items():
            if timer <= at:
                loop.wake()

    def _next_due(self) -> float:
        if self._due_at != self._loops[0].turns:
            due = self._gateway.due()
            self._due = (due - self._start).total_seconds() if due is not None else inf
            self._settle()
            self._due_at = self._loops[0].turns
        return self._due

    # coming to rest ------------------------------------------------------------------------

    def _settle(self) -> None:
        """Let link and gateway do all there is to do at this instant."""
        for loop in self._loops:
            loop.release()
        deadline = time.monotonic() + SETTLE_SECONDS
        with self._standing.changed:
            while not self._still():
                self._standing.changed.wait(1.0)
                if time.monotonic() > deadline:
                    states = ", ".join("idle" if loop.idle else "busy" for loop in self._loops)
                    raise SessionError(
                        f"lockstep: gateway and session have not come to rest within {SETTLE_SECONDS:g} s at "
                        f"{self.instant()}: {states}; bytes {self._gateway.traffic()}, {self._traffic()}"
                    )

    def _still(self) -> bool:
        if not all(loop.idle for loop in self._loops):
            return False
        mine = self._traffic() if not self._loops[-1].is_closed() else {}
        if mine is None:
            return False
        self._ports |= mine.keys()
        return mine == {port: told for port, told in self._gateway.traffic().items() if port in self._ports}
