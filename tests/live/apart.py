"""Lockstep across processes: the session in one, the gateway in another, time in neither's way.

The gateway's process answers the session's: while it does not, the session stands still, so that
a question put to the gateway and to the journal at that moment has one answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from multiprocessing.connection import Connection
from typing import Any

from engine.errors import SessionError
from engine.gateway.gateway import Gateway
from engine.standing import StandingLoop, StandingTime
from scripts.live.lockstep import SETTLE_SECONDS, Lockstep

NAP = 0.0005  # wall seconds between two looks at a gateway that is busy


class Keeper:
    """Moves a gateway for a session in another process, until that is gone.

    Parameters
    ----------
    gateway : Gateway
    clock : Lockstep
        What would move the gateway for a session in this process.

    Attributes
    ----------
    moved : callable
        Told before every step of time; the session stands still meanwhile.
    """

    def __init__(self, gateway: Gateway, clock: Lockstep) -> None:
        self.gateway, self._clock = gateway, clock
        self._standing, self._loop = clock._standing, clock._loops[0]
        self._start = gateway.now - timedelta(seconds=self._standing.passed)
        self.moved: Callable[[datetime], None] = lambda at: None

    def serve(self, conn: Connection) -> threading.Thread:
        """Answer on a connection, in a thread, until its other end is closed."""
        thread = threading.Thread(target=self._answer, args=(conn,), daemon=True)
        thread.start()
        return thread

    def _answer(self, conn: Connection) -> None:
        try:
            while True:
                name, args = conn.recv()
                conn.send(getattr(self, name)(*args))
        except (EOFError, OSError):
            conn.close()

    def begin(self) -> tuple[datetime, float]:
        """Return the gateway's time and the seconds passed."""
        return self.gateway.now, self._standing.passed

    def rests(self) -> tuple[dict[int, tuple[int, int]], datetime | None, float] | None:
        """Return every connection's bytes, next event and next timer; None while the gateway is busy."""
        with self._standing.changed:  # its loop cannot wake up meanwhile
            if not self._loop.idle:
                return None
            due = self.gateway._server.player.next_due()
            return self.gateway.traffic(), due, self._loop.next_timer()

    def move(self, at: datetime, go: bool, wake: bool) -> None:
        """Let time come to an instant."""
        self.moved(at)
        self._standing.passed = max((at - self._start).total_seconds(), self._standing.passed)
        (self.gateway.go if go else self.gateway.stand)(at)
        if wake:
            self._loop.wake()

    def pass_by(self, until: datetime) -> None:
        """Let time pass with no session there."""
        self._clock.go(until)


class _FarGateway:
    """The gateway and its loop, as the session's process sees them."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.now, self.passed = self.ask("begin")

    def ask(self, name: str, *args: Any) -> Any:
        self._conn.send((name, args))
        return self._conn.recv()


class Apart(Lockstep):
    """The clock of a session whose gateway lives in another process.

    Parameters
    ----------
    conn : Connection
        To a `Keeper`.
    """

    def __init__(self, conn: Connection) -> None:
        far = _FarGateway(conn)
        standing = StandingTime()
        standing.passed = far.passed
        super().__init__(far, standing, None)  # type: ignore[arg-type]
        self._far = far
        self._loops = []  # none but the link's lives here
        self._timer = inf  # the gateway's next one

    def new_loop(self, traffic: Any) -> Any:
        self._loops = [StandingLoop(self._standing, holds=True)]
        self._traffic = traffic
        self._ports.clear()
        return self._loops[0]

    def _move(self, until: float) -> None:
        timers = {loop: loop.next_timer() for loop in self._loops if not loop.is_closed()}
        at = max(min(until, self._due, self._timer, *timers.values()), self._standing.passed)
        self._standing.passed = at
        self._far.ask("move", self._start + timedelta(seconds=at), self._due <= at, self._timer <= at)
        for loop, when in timers.items():
            if when <= at:
                loop.wake()

    def _settle(self) -> None:
        for loop in self._loops:
            loop.release()
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self._all_rest():
            time.sleep(NAP)
            if time.monotonic() > deadline:
                raise SessionError(f"apart: not come to rest within {SETTLE_SECONDS:g} s at {self.instant()}")

    def _all_rest(self) -> bool:
        """Tell whether both sides are idle and have received all that was sent."""
        before = self._mine()
        if before is None:
            return False
        told = self._far.ask("rests")
        if told is None or self._mine() != before:
            return False
        theirs, due, self._timer = told
        self._due = (due - self._start).total_seconds() if due is not None else inf
        self._ports |= before.keys()
        return before == {port: told for port, told in theirs.items() if port in self._ports}

    def _mine(self) -> dict[int, tuple[int, int]] | None:
        """Return the bytes of the open connection while the link is idle, None while it is not."""
        with self._standing.changed:
            if not all(loop.idle for loop in self._loops):
                return None
            open_ = self._loops and not self._loops[-1].is_closed()
            return self._traffic() if open_ else {}
