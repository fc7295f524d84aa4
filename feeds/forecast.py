"""What a session still has in it: volatility of the time left, forecast from the past only.

One kernel walks over the bars and carries what it has seen, so it cannot read ahead. The
log of the session's variance is a weighted mean of six views of it: the session so far and
its last minutes (both with the intraday season removed), the last day, week and month, and
VIX. Weights move from yesterday to today as the session passes; they were fitted on a year
of recorded SPY minutes. What such forecasts missed on past days corrects the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.kernels import njit
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Floats = NDArray[np.float64]

# Rows: minute of the day, then the weights of the session so far, of its last minutes, of
# yesterday, of the last week and of VIX; the last month has what is missing to 1.
_WEIGHTS = np.array(
    [
        (575, 0.15, 0.05, 0.15, 0.20, 0.40),
        (600, 0.30, 0.10, 0.12, 0.13, 0.30),
        (630, 0.33, 0.17, 0.10, 0.10, 0.26),
        (690, 0.27, 0.31, 0.09, 0.10, 0.19),
        (750, 0.20, 0.46, 0.08, 0.08, 0.14),
        (810, 0.19, 0.51, 0.07, 0.07, 0.12),
        (870, 0.24, 0.55, 0.06, 0.05, 0.06),
        (900, 0.27, 0.58, 0.04, 0.03, 0.05),
        (960, 0.27, 0.58, 0.04, 0.03, 0.05),
    ]
)
# The next whole session's variance: today's level, week, VIX; the month has the rest.
_NEXT = np.array([0.35, 0.25, 0.30])
# An index's opening print is stale, and the first minutes carry what the night left behind.
_LEFT_OUT = 5
_SESSION_OF_VIX = 0.54  # session's volatility over VIX, exp(-0.61) measured on SPY 2014-25
_VIX_OF_SESSION = 1.27 * 1.25  # VIX over close-to-close volatility; the latter over the session's
_UNKNOWN = (0.10**2) / SESSIONS_PER_YEAR  # variance of a session nothing at all is known of
_HALF_DAY = 0.55  # variance of a half day's session over a full one's
_RECENT = 0.5 ** (1.0 / 20.0)  # per minute, what "the last minutes" forget
_STATE = 0.5 ** (1.0 / 5.0)  # per minute, of the short-term volatility state
_OUTLIER = 25.0  # a minute's variance counts at most this many times the expected
_WEEK, _MONTH, _OFFSET = 0.25, 0.06, 1.0 / 60.0  # per day, what averages learn
_OFFSET_DAYS = 5.0  # days that the prior relation to VIX counts for
_KEEP = 0.5 ** (1.0 / 250.0)  # per day, of what past errors taught
_PRIOR_DAYS, _PRIOR_RATIO = 40.0, 1.03
_BUCKETS = 13


@dataclass(frozen=True, eq=False)
class Forecast:
    """What was to be expected at each bar, from it and the bars before it.

    ``remaining`` is the variance of the rest of the session, ``following`` that of the next
    session (without the night) and ``distant`` that of a session some weeks away, all squares
    of an expected volatility; ``rate`` is
    ``remaining`` over the share of the session left, finite also at the close. ``state`` is
    the volatility of the last minutes over the expected one, ``gap`` the log of the variance
    VIX speaks of over ``rate`` (0 without VIX), ``vix`` the VIX used.
    """

    remaining: Floats
    following: Floats
    distant: Floats
    rate: Floats
    state: Floats
    gap: Floats
    vix: Floats


def forecast(bars: Bars, clock: VarianceClock | None = None, relative: float = 1.0) -> Forecast:
    """Return the forecast of every bar.

    Where the bars carry no VIX, a stand-in is made of realised volatility alone.

    Parameters
    ----------
    bars : Bars
    clock : VarianceClock, optional
        Whose intraday profile is the season.
    relative : float
        A first guess of the underlying's volatility over the S&P 500's; the bars correct it.
    """
    clock = clock or VarianceClock()
    grid, n = bars.grid, len(bars)
    left = np.ascontiguousarray(clock.share_left(grid.minute, grid.minute + grid.left))
    vix = np.ascontiguousarray(bars.lines.get("vix", np.full(n, nan)), np.float64)
    minutes = np.arange(OPEN_MINUTE, CLOSE_MINUTE + 1)
    weights = np.column_stack([np.interp(minutes, _WEIGHTS[:, 0], column) for column in _WEIGHTS.T[1:]])
    out = np.full((7, n), nan)
    _walk(
        grid.day,
        grid.minute.astype(np.int64),
        grid.half,
        left,
        np.log(bars.open),
        np.log(bars.close),
        vix,
        weights,
        relative * relative,
        out,
    )
    return Forecast(*out)


@njit(cache=True)
def _walk(
    day: Any,
    minute: Any,
    half: Any,
    left: Any,
    opened: Any,
    close: Any,
    vix: Any,
    weights: Any,
    relative: float,
    out: Any,
) -> None:
    hits = np.full(_BUCKETS + 1, _PRIOR_DAYS)
    hits[:_BUCKETS] *= 0.6  # half hours count by the volatility left in them, which is less
    ratio = hits * _PRIOR_RATIO
    made = np.zeros(_BUCKETS)  # today's raw forecasts, one a half hour, as volatility
    passed = np.zeros(_BUCKETS)  # today's realised variance by then
    ahead = nan  # yesterday's raw forecast of today's volatility
    offset = log(relative * _SESSION_OF_VIX**2 / SESSIONS_PER_YEAR)
    last_day, week, month = nan, nan, nan
    days = 0.0
    total = counted = seen = recent = span = short = brief = 0.0
    level, previous, before, fear = nan, 0.0, 1.0, nan
    for i in range(len(day)):
        full = 0.0 if half[day[i]] else 1.0
        shift = 0.0 if full else log(_HALF_DAY)
        if i == 0 or day[i] != day[i - 1]:
            was_full = i > 0 and not half[day[i - 1]]
            if was_full and seen > 0.5 and total > 0.0:
                last_day = log(total / seen)
                usual_day = exp(0.5 * (last_day if np.isnan(month) else month))
                _learn(hits, ratio, made, passed, total, ahead, last_day, usual_day)
                week, month = _averages(last_day, week, month)
                if not np.isnan(fear):
                    days += 1.0
                    offset += max(_OFFSET, 1.0 / (days + _OFFSET_DAYS)) * (last_day - 2.0 * fear - offset)
                ahead = exp(0.5 * _next(level, week, month, fear + fear + offset))
            made[:], passed[:] = 0.0, 0.0
            total = counted = seen = recent = span = short = brief = 0.0
            previous, before = opened[i], 1.0
        if vix[i] > 0.0:
            fear = log(vix[i] / 100.0)
        step = (close[i] - previous) ** 2
        took = before - left[i]
        previous, before = close[i], left[i]
        known, yesterday, days5, days22 = _views(2.0 * fear + offset, last_day, week, month, relative)
        w = weights[minute[i] - OPEN_MINUTE]
        rest = 1.0 - w[0] - w[1] - w[2] - w[3] - w[4]
        past = w[2] * yesterday + w[3] * days5 + w[4] * known + rest * days22
        past += (w[2] + w[3] + w[4] + rest) * shift
        usual = level if seen > 0.0 and not np.isnan(level) else past / (1.0 - w[0] - w[1])
        if minute[i] > OPEN_MINUTE + _LEFT_OUT and took > 0.0:
            capped = min(step, _OUTLIER * took * exp(usual))
            total += step
            counted += capped
            seen += took
            recent = _RECENT * recent + capped
            span = _RECENT * span + took
        if took > 0.0:
            short = _STATE * short + step
            brief = _STATE * brief + took
        if counted > 0.0 and recent > 0.0:
            level = past + w[0] * log(counted / seen) + w[1] * log(recent / span)
        else:
            level = past / (1.0 - w[0] - w[1])
        fix = _correction(hits, ratio, minute[i] - OPEN_MINUTE)
        b = min(int((minute[i] - OPEN_MINUTE - 1) // 30), _BUCKETS - 1)
        if made[b] == 0.0 and (minute[i] - OPEN_MINUTE) % 30 >= 15 and left[i] > 0.0:
            made[b], passed[b] = exp(0.5 * level) * sqrt(left[i]), total
        rate = exp(level) * fix * fix
        further = ratio[_BUCKETS] / hits[_BUCKETS]
        following = exp(_next(level - shift, days5, days22, known)) * further * further
        out[0, i] = rate * left[i]
        out[1, i] = following
        out[2, i] = exp(known) * further * further
        out[3, i] = rate
        out[4, i] = sqrt((short + 0.02 * rate) / ((brief + 0.02) * rate))
        out[5, i] = 0.0 if np.isnan(fear) else 2.0 * fear + offset + shift - log(rate)
        out[6, i] = vix[i] if vix[i] > 0.0 else 100.0 * _VIX_OF_SESSION * sqrt(SESSIONS_PER_YEAR * following)


@njit(cache=True)
def _views(
    told: float, last_day: float, week: float, month: float, relative: float
) -> tuple[float, float, float, float]:
    """Return what VIX, the last day, week and month say, each made up for where it is not known.

    ``told`` is VIX's word, NaN without one; the week stands in for it, and a guess for both.
    """
    known = week if np.isnan(told) else told
    if np.isnan(known):
        known = log(_UNKNOWN * relative)
    if np.isnan(last_day):
        return known, known, known, known
    return known, last_day, week, month


@njit(cache=True)
def _averages(last_day: float, week: float, month: float) -> tuple[float, float]:
    """Return the averages of the week and of the month after a day; the first day begins both."""
    if np.isnan(week):
        week, month = last_day, last_day
    return week + _WEEK * (last_day - week), month + _MONTH * (last_day - month)


@njit(cache=True)
def _correction(hits: Any, ratio: Any, after: int) -> float:
    """Return what past forecasts have to be multiplied by so many minutes after the open."""
    place = after / 30.0 - 0.5
    low = min(max(int(np.floor(place)), 0), _BUCKETS - 2)
    into = min(max(place - low, 0.0), 1.0)
    return float((1.0 - into) * ratio[low] / hits[low] + into * ratio[low + 1] / hits[low + 1])


@njit(cache=True)
def _next(level: float, week: float, month: float, known: float) -> float:
    """Return the log of the next session's variance, uncorrected."""
    if np.isnan(known):
        known = week
    return float(
        _NEXT[0] * level + _NEXT[1] * week + _NEXT[2] * known + (1.0 - _NEXT[0] - _NEXT[1] - _NEXT[2]) * month
    )


@njit(cache=True)
def _learn(
    hits: Any, ratio: Any, made: Any, passed: Any, total: float, ahead: float, whole: float, usual: float
) -> None:
    """Hold a day's forecasts against the volatility that came; outliers count threefold at most.

    A day counts by its volatility over the ``usual`` one, because dollars do.
    """
    hits *= _KEEP
    ratio *= _KEEP
    for b in range(_BUCKETS):
        if made[b] > 0.0:
            told = made[b] / usual
            hits[b] += told
            ratio[b] += min(sqrt(max(total - passed[b], 0.0)) / usual, 3.0 * told)
    if ahead > 0.0:
        hits[_BUCKETS] += ahead / usual
        ratio[_BUCKETS] += min(exp(0.5 * whole), 3.0 * ahead) / usual
