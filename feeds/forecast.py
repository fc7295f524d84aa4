"""What a session still has in it: variance of the time left, forecast from the past only.

One kernel walks over the bars and carries what it has seen; it cannot read ahead. The
forecast corrects itself: how far yesterday's forecasts lay off is known today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.bars import Bars
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Floats = NDArray[np.float64]

VIX_WEIGHT, DAY_WEIGHT, WEEK_WEIGHT = 0.55, 0.15, 0.30
SESSION_OF_VIX = 0.54  # session volatility over VIX, domain figure exp(-0.61)
VIX_OF_DAY = 1.27  # VIX over realised close-to-close volatility
PRIOR = 0.45  # weight of the morning's forecast, in sessions, against today's own variance
KEEP = 0.5 ** (1.0 / 120.0)  # per day, of what past errors taught
PRIOR_DAYS = 20.0
BUCKETS = 13
RECENT = 0.5 ** (1.0 / 5.0)  # per minute, of the short-term volatility state


@dataclass(frozen=True, eq=False)
class Forecast:
    """Per bar: variance of the rest of the session, of a whole session at today's level, the
    state of volatility (last minutes over expected, sd), and the VIX used (index points)."""

    remaining: Floats
    session: Floats
    state: Floats
    vix: Floats


def forecast(bars: Bars, clock: VarianceClock | None = None) -> Forecast:
    """Return the forecast of every bar, made of that bar and those before it.

    Where the bars carry no VIX, a stand-in is made of realised variance alone.
    """
    clock = clock or VarianceClock()
    grid = bars.grid
    shares = np.zeros((CLOSE_MINUTE - OPEN_MINUTE, CLOSE_MINUTE - OPEN_MINUTE + 1))
    for close in np.unique(grid.close_minute):
        table = clock.table(int(close))
        shares[int(close) - OPEN_MINUTE - 1, : len(table)] = table
    n = len(bars)
    vix = np.ascontiguousarray(bars.lines.get("vix", np.full(n, np.nan)), np.float64)
    out = [np.full(n, np.nan) for _ in range(4)]
    _walk(
        grid.day,
        grid.minute.astype(np.int64),
        grid.left.astype(np.int64),
        np.log(bars.open),
        np.log(bars.close),
        vix,
        shares,
        1.0 - clock.overnight_share,
        out[0],
        out[1],
        out[2],
        out[3],
    )
    return Forecast(*out)


@njit(cache=True)
def _walk(
    day: Any,
    minute: Any,
    left: Any,
    opened: Any,
    close: Any,
    vix: Any,
    shares: Any,
    session_share: float,
    remaining: Any,
    session: Any,
    state: Any,
    used: Any,
) -> None:
    weight, ratio = np.full(BUCKETS + 1, PRIOR_DAYS), np.full(BUCKETS + 1, PRIOR_DAYS)
    made = np.zeros(BUCKETS)  # today's raw forecast at the start of each half hour
    passed = np.zeros(BUCKETS)  # today's realised variance by then
    last_day, week = np.nan, np.nan
    today, raw, done, recent, norm, previous = 0.0, np.nan, 0.0, 0.0, 0.0, 0.0
    row = -1
    for i in range(len(day)):
        if i == 0 or day[i] != day[i - 1]:
            if i > 0 and raw > 0.0 and done > 0.5:
                _learn(weight, ratio, made, passed, today, raw, done)
            if i > 0 and done > 0.5:
                whole = today / done
                last_day = whole
                week = whole if np.isnan(week) else 0.8 * week + 0.2 * whole
            row = int(minute[i] + left[i]) - 571
            base = vix[i - 1] if i > 0 and vix[i - 1] > 0.0 else vix[i]
            raw = _prior(base, last_day, week)
            made[:], passed[:] = 0.0, 0.0
            today, done, recent, norm = 0.0, 0.0, 0.0, 0.0
            previous = opened[i]
            before = 1.0
        now = shares[row, int(minute[i]) - 570]
        step = close[i] - previous
        took = before - now
        today += step * step
        done = 1.0 - now
        recent = RECENT * recent + step * step
        norm = RECENT * norm + took
        previous, before = close[i], now
        if not raw > 0.0:
            continue
        prior = raw * ratio[BUCKETS] / weight[BUCKETS]
        level = (PRIOR * prior + today) / (PRIOR + done)
        b = min(max((minute[i] - 570) // 30, 0), BUCKETS - 1)
        if made[b] == 0.0 and now > 0.0:
            made[b], passed[b] = level * now, today
        c = min(b + 1, BUCKETS - 1)
        into = ((minute[i] - 570) % 30) / 30.0
        fix = (1.0 - into) * ratio[b] / weight[b] + into * ratio[c] / weight[c]
        remaining[i] = level * now * fix
        session[i] = level
        state[i] = np.sqrt((recent + 0.3 * level * 0.02) / ((norm + 0.3 * 0.02) * level))
        if vix[i] > 0.0:
            used[i] = vix[i]
        else:
            used[i] = 100.0 * VIX_OF_DAY * np.sqrt(SESSIONS_PER_YEAR * level / session_share)


@njit(cache=True)
def _prior(vix: float, last_day: float, week: float) -> float:
    """Return the variance of a session before it starts, uncorrected; NaN when nothing is known."""
    level = (SESSION_OF_VIX * vix / 100.0) ** 2 / SESSIONS_PER_YEAR
    if np.isnan(last_day):
        return level
    past = DAY_WEIGHT * np.log(last_day) + WEEK_WEIGHT * np.log(week)
    if np.isnan(level):
        return float(np.exp(past / (DAY_WEIGHT + WEEK_WEIGHT)))
    return float(np.exp(past + VIX_WEIGHT * np.log(level)))


@njit(cache=True)
def _learn(weight: Any, ratio: Any, made: Any, passed: Any, today: float, raw: float, done: float) -> None:
    """Take yesterday's forecasts against what came; outliers count at most fourfold."""
    weight *= KEEP
    ratio *= KEEP
    weight[BUCKETS] += 1.0
    ratio[BUCKETS] += min(today / done / raw, 4.0)
    for b in range(BUCKETS):
        if made[b] > 0.0:
            weight[b] += 1.0
            ratio[b] += min((today - passed[b]) / made[b], 4.0)
