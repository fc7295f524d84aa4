"""The gateway's own time: it starts where it is told to and runs as fast as it is told to."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

from engine.errors import ConfigError
from engine.sessions import NEW_YORK

MIN_SPEED, MAX_SPEED = 0.1, 1000.0


class GatewayClock:
    """Simulated instants, ``speed`` seconds of them in a second of the machine.

    Parameters
    ----------
    start : datetime
        Aware; the instant at which the clock stands when it is made.
    speed : float
        1 is real time; at 0 the clock stands and only ``jump`` moves it.

    Raises
    ------
    ConfigError
        A speed out of range.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        if speed and not MIN_SPEED <= speed <= MAX_SPEED:
            raise ConfigError(f"speed is {speed}, expected a number from {MIN_SPEED:g} to {MAX_SPEED:g}")
        self.speed = speed
        self._start = start.astimezone(UTC)
        self._wall = time.monotonic()

    def now(self) -> datetime:
        """Return the present instant, in New York time."""
        passed = (time.monotonic() - self._wall) * self.speed
        return (self._start + timedelta(seconds=passed)).astimezone(NEW_YORK)

    @property
    def stamp(self) -> int:
        """The present instant as UTC nanoseconds."""
        return int(self.now().timestamp() * 1e9)

    def wait(self, instant: datetime) -> float:
        """Return how many seconds of the machine's time it is until an instant; 0 when it is past."""
        left = (instant - self.now()).total_seconds()
        if left <= 0.0:
            return 0.0
        return left / self.speed if self.speed else math.inf

    def jump(self, instant: datetime) -> None:
        """Stand at an instant from now on: nights and weekends need not be waited for."""
        self._start, self._wall = instant.astimezone(UTC), time.monotonic()
