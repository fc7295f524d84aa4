"""The one clock on which volatility is annualised: trading minutes weighted by variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ConfigError
from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Float64 = NDArray[np.float64]
SESSIONS_PER_YEAR = 252
HALF_HOUR = 30
# mean variance per half hour from 09:30, relative to the session's mean
HALF_HOURS = (1.63, 1.76, 1.22, 0.95, 0.78, 0.67, 0.68, 0.72, 0.70, 0.85, 0.86, 0.81, 1.35)


@dataclass(frozen=True)
class VarianceClock:
    """Variance time of a session and of the nights between sessions.

    Parameters
    ----------
    overnight_share : float
        Share of a day's close-to-close variance that falls between the sessions; the
        default is SPY's since May 2022.
    half_hours : sequence of 13 floats
        Relative variance of the half hours of a full session, 09:30 first; the default
        is the mean profile of one-minute S&P 500 returns.
    """

    overnight_share: float = 0.36
    half_hours: Sequence[float] = HALF_HOURS

    def __post_init__(self) -> None:
        if not 0.0 <= self.overnight_share < 1.0:
            raise ConfigError(f"overnight share is {self.overnight_share}, expected 0 <= share < 1")
        count = (CLOSE_MINUTE - OPEN_MINUTE) // HALF_HOUR
        weights = tuple(float(weight) for weight in self.half_hours)
        if len(weights) != count or not all(0.0 < weight < np.inf for weight in weights):
            raise ConfigError(f"variance profile is {weights}, expected {count} positive half-hour weights")
        object.__setattr__(self, "half_hours", weights)

    def minute_weights(self, close_minute: int = CLOSE_MINUTE) -> Float64:
        """Return each minute's share of its session's variance, 09:31 first, summing to 1.

        A shorter session is the full one with a piece before the last half hour cut out.
        """
        return _weights(tuple(self.half_hours), int(close_minute))

    def table(self, close_minute: int = CLOSE_MINUTE) -> Float64:
        """Return ``share_left`` at 09:30, 09:31, ... the close (index = minute - 570)."""
        return _table(tuple(self.half_hours), int(close_minute))

    def share_left(self, minute: ArrayLike, close_minute: ArrayLike = CLOSE_MINUTE) -> Float64:
        """Return the share of the session's variance that lies after ``minute``.

        Minutes count from midnight New York; arrays broadcast, fractions are
        interpolated. 1 up to the open, 0 from the close on.
        """
        at, close = np.broadcast_arrays(np.asarray(minute, np.float64), np.asarray(close_minute))
        out = np.empty(at.shape)
        for end in np.unique(close):
            table = self.table(int(end))
            here = close == end
            out[here] = np.interp(at[here] - OPEN_MINUTE, np.arange(table.size), table)
        return out[()]

    def years_left(
        self, minute: ArrayLike, close_minute: ArrayLike = CLOSE_MINUTE, sessions_ahead: ArrayLike = 0
    ) -> Float64:
        """Return the variance time to the close ``sessions_ahead`` sessions later, in years.

        Every further session adds one whole day, its night included; the total standard
        deviation is ``iv * sqrt(years_left)``.
        """
        left: Float64 = (1.0 - self.overnight_share) * self.share_left(minute, close_minute)
        years: Float64 = (left + np.asarray(sessions_ahead, np.float64)) / SESSIONS_PER_YEAR
        return years


@lru_cache(maxsize=64)
def _weights(half_hours: tuple[float, ...], close_minute: int) -> Float64:
    length = close_minute - OPEN_MINUTE
    full = np.repeat(np.asarray(half_hours), HALF_HOUR)
    if not 0 < length <= full.size:
        raise ConfigError(
            f"session closes at minute {close_minute}, expected {OPEN_MINUTE + 1} to {CLOSE_MINUTE}"
        )
    tail = min(length, HALF_HOUR)
    cut = np.concatenate([full[: length - tail], full[full.size - tail :]])
    weights: Float64 = cut / cut.sum()
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=64)
def _table(half_hours: tuple[float, ...], close_minute: int) -> Float64:
    weights = _weights(half_hours, close_minute)
    table = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
    table /= table[0]
    table.flags.writeable = False
    return table
