"""What time it is at the gateway: the wall's in paper and live, a faster one in a rehearsal."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

LEAST_WALL = 0.5  # seconds of the wall within which a message may be late at any speed
# bytes received and sent of the open connection by its port, None while it is being opened
Traffic = Callable[[], dict[int, tuple[int, int]] | None]
_WORTH = 600.0  # seconds after which a reading no longer bounds the clock


class GatewayClock:
    """The gateway's time between two askings, from a monotonic clock.

    The gateway answers in whole seconds. An answer ``t`` to a question put at ``a`` and answered
    at ``b`` bounds its clock: it stood within ``[t, t + 1)`` at some moment between. Several
    answers narrow the bounds; the middle of them is taken.

    Parameters
    ----------
    speed : float
        Seconds of the gateway's clock in one second of the wall's.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._lock = threading.Lock()
        self._origin = time.time() - time.monotonic() * speed
        self._low, self._high = float("-inf"), float("inf")
        self._read = float("-inf")
        self.known = False

    def read(self, asked: float, answered: float, told: float) -> None:
        """Take one answer: monotonic seconds of question and answer, epoch seconds told."""
        low, high = told - answered * self.speed, told + 1.0 - asked * self.speed
        with self._lock:
            fresh = answered - self._read > _WORTH
            self._low = low if fresh else max(self._low, low)
            self._high = high if fresh else min(self._high, high)
            if self._low > self._high:  # the clock was set meanwhile: only the newest counts
                self._low, self._high = low, high
            self._read = answered
            self._origin = 0.5 * (self._low + self._high)
            self.known = True

    def now(self) -> float:
        """Return the gateway's time, epoch seconds."""
        return self._origin + time.monotonic() * self.speed

    def instant(self) -> datetime:
        """Return the gateway's time, UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    @property
    def minute(self) -> int:
        """Whole minutes since the epoch."""
        return int(self.now() // 60.0)

    @property
    def skew(self) -> float:
        """Seconds by which the wall's clock is ahead of the gateway's; meaningless at a speed."""
        return time.time() - self.now()

    @property
    def uncertainty(self) -> float:
        """Half the width of the bounds, seconds of the gateway's clock; infinite before an answer."""
        return 0.5 * (self._high - self._low) if self.known else float("inf")

    def lenient(self, seconds: float) -> float:
        """Return so many seconds of the gateway's clock, or more where the speed leaves no time to act."""
        return max(seconds, LEAST_WALL * self.speed)

    def wall(self, seconds: float) -> float:
        """Return how many seconds of the wall's clock so many of the gateway's take."""
        return seconds / self.speed

    # how a session waits: all of it goes through here, so that a rehearsal can let time pass instead

    def seconds(self) -> float:
        """Return the seconds by which answers are waited for, from an arbitrary start; never backwards."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until an event is set, at most so many `seconds`; return whether it is."""
        return event.wait(seconds)

    def idle(self, event: threading.Event, seconds: float) -> None:
        """Let the main loop rest between two passes, at most so many seconds, unless an event is set."""
        event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Do nothing for so many `seconds`."""
        time.sleep(seconds)

    def new_loop(self, traffic: Traffic) -> asyncio.AbstractEventLoop:
        """Return the event loop for the link's thread, whose connection ``traffic`` tells of."""
        return asyncio.new_event_loop()
