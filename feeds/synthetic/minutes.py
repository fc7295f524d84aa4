"""One synthetic session: a price path on the intraday variance clock, and its minute bars.

Everything works in logs relative to the session's open. A candidate path gets clustered
volatility, leverage and jumps; ``condition`` then bends the best candidate so that the
session's high, low and close are met exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Floats = NDArray[np.float64]

# Variance by half hour from 09:30, mean 1, measured on SPY minutes 2024-25.
HALF_HOURS = (1.63, 1.76, 1.22, 0.95, 0.78, 0.67, 0.68, 0.72, 0.70, 0.85, 0.86, 0.81, 1.35)
# Single minutes that stand out of their half hour (minute of the bar's end: factor).
BURSTS = {571: 2.6, 572: 1.5, 573: 1.4, 574: 1.25, 601: 3.0, 602: 1.5, 841: 2.0, 842: 1.3, 960: 2.2}

SLOW_HALF_LIFE, SLOW_SD = 60.0, 0.25
FAST_HALF_LIFE, FAST_SD = 3.0, 0.20
LEVERAGE = -0.35
JUMPS_PER_DAY = 0.03
JUMP_SD = 6.0  # in standard deviations of a minute
BAR_REACH = 0.85  # share of a minute's variance that shows in its high and low
VIX_BETA = -4.6
VIX_NOISE = 0.85  # sd of the VIX's own moves, in units of |VIX_BETA| times the price's sd
# How far a path may be squeezed under an extreme before it is reflected there. A reflected
# VIX would move with the price, so it is squeezed much longer.
PRICE_SQUEEZE, VIX_SQUEEZE = 1.5, 8.0


@lru_cache(maxsize=8)
def variance_profile(close_minute: int) -> Floats:
    """Return per-minute variance weights of a session, sum 1; a half day keeps both its ends."""
    minutes = close_minute - OPEN_MINUTE
    halves = np.array(HALF_HOURS)
    if close_minute < CLOSE_MINUTE:
        halves = np.append(halves[: minutes // 30 - 1], halves[-1])
    weight = np.ones(minutes)
    for minute, factor in BURSTS.items():
        at = minute - OPEN_MINUTE - 1 if minute < CLOSE_MINUTE else minutes - 1
        if at < minutes:
            weight[at] = factor
    block = np.minimum(np.arange(minutes) // 30, len(halves) - 1)
    share = np.bincount(block, weight, minlength=len(halves)) / np.bincount(block, minlength=len(halves))
    weight *= (halves / share)[block]
    weight /= weight.sum()
    weight.flags.writeable = False
    return weight


@njit(cache=True)  # type: ignore[untyped-decorator]
def free_path(
    normal: Floats, uniform: Floats, weight: Floats, sd: float, opening: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw one unconditioned path: closes, highs, lows and cumulative variance by minute.

    ``normal`` is (4, n): returns, slow and fast volatility, jump sizes; ``uniform`` is
    (3, n): jump times and the bars' reach up and down. ``opening`` is the move with which a
    stale opening print catches up during the first minutes.
    """
    n = len(weight)
    slow_keep = 0.5 ** (1.0 / SLOW_HALF_LIFE)
    fast_keep = 0.5 ** (1.0 / FAST_HALF_LIFE)
    slow_step = SLOW_SD * np.sqrt(1.0 - slow_keep**2)
    fast_step = FAST_SD * np.sqrt(1.0 - fast_keep**2)
    mixed = np.sqrt(1.0 - LEVERAGE**2)
    middle = SLOW_SD**2 + FAST_SD**2
    slow, fast = SLOW_SD * normal[1, 0], FAST_SD * normal[2, 0]
    close, high, low, clock = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    at, passed = 0.0, 0.0
    for k in range(n):
        variance = sd * sd * weight[k] * np.exp(2.0 * (slow + fast - middle))
        step = np.sqrt(variance)
        before = at
        at += step * normal[0, k]
        if uniform[0, k] < JUMPS_PER_DAY / n:
            at += JUMP_SD * sd / np.sqrt(n) * normal[3, k]
        if k == 0:
            at += 0.7 * opening
        elif k == 1:
            at += 0.3 * opening
        passed += variance
        clock[k] = passed
        spread = (at - before) ** 2
        room = -2.0 * BAR_REACH * variance
        high[k] = 0.5 * (before + at + np.sqrt(spread + room * np.log(1.0 - uniform[1, k])))
        low[k] = 0.5 * (before + at - np.sqrt(spread + room * np.log(1.0 - uniform[2, k])))
        close[k] = at
        slow = slow_keep * slow + slow_step * (LEVERAGE * normal[0, k] + mixed * normal[1, k])
        fast = fast_keep * fast + fast_step * (LEVERAGE * normal[0, k] + mixed * normal[2, k])
    return close, high, low, clock


@njit(cache=True)  # type: ignore[untyped-decorator]
def _bridge(close: Floats, high: Floats, low: Floats, clock: Floats, end: float) -> None:
    n = len(close)
    pull = (end - close[n - 1]) / clock[n - 1]
    before = 0.0
    for k in range(n):
        drift = pull * clock[k]
        mean = 0.5 * (before + drift)
        close[k] += drift
        high[k] += mean
        low[k] += mean
        before = drift
    close[n - 1] = end
    last = 0.0
    for k in range(n):
        high[k] = max(high[k], last, close[k])
        low[k] = min(low[k], last, close[k])
        last = close[k]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fold(close: Floats, high: Floats, low: Floats, top: float, sign: float) -> None:
    """Reflect the path at ``top`` (at the bottom when ``sign`` is -1), bar by bar."""
    n = len(close)
    before = 0.0
    for k in range(n):
        up, down = sign * high[k], sign * low[k]
        if sign < 0.0:
            up, down = -low[k], -high[k]
        limit = sign * top
        here = sign * close[k]
        if here > limit:
            here = 2.0 * limit - here
        if up > limit:
            mirrored = 2.0 * limit - up
            if down > limit:
                up = 2.0 * limit - down
            else:
                up = limit
            down = min(down, mirrored)
        up, down = max(up, before, here), min(down, before, here)
        before = here
        close[k] = sign * here
        if sign > 0.0:
            high[k], low[k] = up, down
        else:
            high[k], low[k] = -down, -up


@njit(cache=True)  # type: ignore[untyped-decorator]
def _bend(x: float, ends: Floats, goals: Floats) -> float:
    """Map ``x`` by the monotone piecewise-linear function through four points."""
    for j in range(3):
        if x <= ends[j + 1] or j == 2:
            wide = ends[j + 1] - ends[j]
            if wide <= 0.0:
                return float(goals[j + 1])
            share = (x - ends[j]) / wide
            share = min(max(share, 0.0), 1.0)
            return float(goals[j] + share * (goals[j + 1] - goals[j]))
    return float(goals[3])


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fit(close: Floats, high: Floats, low: Floats, top: float, bottom: float, squeeze: float) -> None:
    """Bend a bridged path so that it reaches exactly ``top`` and ``bottom``."""
    n = len(close)
    end = close[n - 1]
    upper, lower = max(0.0, end), min(0.0, end)
    # squeezing a long way would leave the path flat at its extreme: reflect instead
    if high.max() - upper > squeeze * (top - upper):
        _fold(close, high, low, top, 1.0)
    if lower - low.min() > squeeze * (lower - bottom):
        _fold(close, high, low, bottom, -1.0)
    ends = np.array([min(low.min(), lower), lower, upper, max(high.max(), upper)])
    goals = np.array([bottom, lower, upper, top])
    at_high, at_low = int(np.argmax(high)), int(np.argmin(low))
    before = 0.0
    for k in range(n):
        close[k] = _bend(close[k], ends, goals)
        high[k] = max(_bend(high[k], ends, goals), before, close[k])
        low[k] = min(_bend(low[k], ends, goals), before, close[k])
        before = close[k]
    close[n - 1] = end
    high[at_high] = top
    low[at_low] = bottom


@njit(cache=True)  # type: ignore[untyped-decorator]
def conditioned_day(
    normal: Floats,
    uniform: Floats,
    weight: Floats,
    sds: Floats,
    openings: Floats,
    end: float,
    top: float,
    bottom: float,
) -> tuple[Floats, Floats, Floats]:
    """Return closes, highs and lows of the candidate that needs the least bending."""
    best = np.inf
    n = len(weight)
    kept = (np.empty(n), np.empty(n), np.empty(n))
    for c in range(len(sds)):
        close, high, low, clock = free_path(normal[c], uniform[c], weight, sds[c], openings[c])
        _bridge(close, high, low, clock, end)
        cost = ((high.max() - top) / sds[c]) ** 2 + ((low.min() - bottom) / sds[c]) ** 2
        if cost < best:
            best = cost
            kept = (close, high, low)
    _fit(kept[0], kept[1], kept[2], top, bottom, PRICE_SQUEEZE)
    return kept


@njit(cache=True)  # type: ignore[untyped-decorator]
def vix_day(returns: Floats, normal: Floats, start: float, end: float, top: float, bottom: float) -> Floats:
    """Return minute log VIX relative to its open: against the price, ending at ``end``.

    ``normal`` is (candidates, n). ``top`` and ``bottom`` are the day's extremes, or NaN when
    the day's range is unknown; the candidate nearest to them is bent to meet them.
    """
    n = len(returns)
    scale = np.sqrt((returns**2).mean())
    clock = np.cumsum((0.5 * scale + 0.5 * np.abs(returns)) ** 2)
    best = np.inf
    kept = np.empty(n)
    for c in range(len(normal)):
        path = np.empty(n)
        at = start
        for k in range(n):
            own = 0.5 * scale + 0.5 * abs(returns[k])
            at += VIX_BETA * returns[k] - VIX_BETA * VIX_NOISE * own * normal[c, k]
            path[k] = at
        if clock[n - 1] > 0.0:
            path += (end - at) / clock[n - 1] * clock
        path[n - 1] = end
        if np.isnan(top):
            return path
        cost = (path.max() - top) ** 2 + (path.min() - bottom) ** 2
        if cost < best:
            best = cost
            kept = path
    high, low = kept.copy(), kept.copy()
    _fit(kept, high, low, top, bottom, VIX_SQUEEZE)
    for k in range(n - 1):
        if high[k] == top:
            kept[k] = top
        elif low[k] == bottom:
            kept[k] = bottom
    return kept
