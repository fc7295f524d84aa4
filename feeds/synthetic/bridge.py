"""Paths that meet a real day: its close, high and low, and its VIX.

The day is met by sampling, not by force. Each candidate shape is scaled until the range of
its bridge to the close is the day's range; it is then drawn with the probability of that
scale, that close and that place of the range under the model. What is left of the distance
to the extremes is small, and is bent away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels import njit
from feeds.synthetic.minutes import free_path

Floats = NDArray[np.float64]

PLACE = 0.04  # sd, in ranges, of the allowed misplacement of a candidate's range before bending
VIX_BETA = -6.0
VIX_NOISE = 1.3  # sd of the VIX's own moves, in units of |VIX_BETA| times the price's sd
# How far a path may be squeezed under an extreme before it is reflected there. A reflected
# VIX would move with the price, so it is squeezed much longer.
PRICE_SQUEEZE, VIX_SQUEEZE = 1.5, 8.0


@njit(cache=True)
def _extremes(
    high: Floats, low: Floats, clock: Floats, scale: float, end: float, last: float
) -> tuple[float, float]:
    """Return highest and lowest point of the bridge of a shape at ``scale`` to ``end``."""
    n = len(clock)
    pull = (end - scale * last) / clock[n - 1]
    top, bottom = max(0.0, end), min(0.0, end)
    before = 0.0
    for k in range(n):
        drift = pull * clock[k]
        mean = 0.5 * (before + drift)
        top = max(top, scale * high[k] + mean)
        bottom = min(bottom, scale * low[k] + mean)
        before = drift
    return top, bottom


@njit(cache=True)
def _scale(
    high: Floats, low: Floats, clock: Floats, end: float, last: float, reach: float, guess: float
) -> float:
    """Return the scale at which the bridge's range is ``reach``; 0 when there is none."""
    below, above = 0.0, guess
    for _ in range(12):
        top, bottom = _extremes(high, low, clock, above, end, last)
        if top - bottom > reach:
            break
        below, above = above, 2.0 * above
    for _ in range(12):
        middle = 0.5 * (below + above)
        top, bottom = _extremes(high, low, clock, middle, end, last)
        if top - bottom > reach:
            above = middle
        else:
            below = middle
    return 0.5 * (below + above)


@njit(cache=True)
def _bridge(close: Floats, high: Floats, low: Floats, clock: Floats, scale: float, end: float) -> None:
    """Scale a shape and bridge it to ``end``, in place."""
    n = len(close)
    pull = (end - scale * close[n - 1]) / clock[n - 1]
    before = 0.0
    for k in range(n):
        drift = pull * clock[k]
        mean = 0.5 * (before + drift)
        close[k] = scale * close[k] + drift
        high[k] = scale * high[k] + mean
        low[k] = scale * low[k] + mean
        before = drift
    close[n - 1] = end
    last = 0.0
    for k in range(n):
        high[k] = max(high[k], last, close[k])
        low[k] = min(low[k], last, close[k])
        last = close[k]


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
def conditioned_day(
    normal: Floats,
    uniform: Floats,
    gaps: Floats,
    choice: float,
    weight: Floats,
    centre: float,
    spread: float,
    opening: float,
    end: float,
    top: float,
    bottom: float,
) -> tuple[Floats, Floats, Floats]:
    """Return closes, highs and lows of a day that ends at ``end`` between ``bottom`` and ``top``.

    ``normal`` is (candidates, 4, n), ``uniform`` (candidates, 3, n), both as in ``free_path``;
    the log of the session's standard deviation is normal with mean ``centre`` and deviation
    ``spread``; ``opening`` is the standard deviation of a stale open's catching up in units of
    it, ``gaps`` (candidates) the normal draws; ``choice`` in [0, 1) picks the candidate.
    """
    candidates = len(normal)
    reach = top - bottom
    if reach <= 0.0:  # a day of one price
        return np.zeros(len(weight)), np.zeros(len(weight)), np.zeros(len(weight))
    logs, scales = np.full(candidates, -np.inf), np.zeros(candidates)
    for c in range(candidates):
        close, high, low, clock = free_path(normal[c], uniform[c], weight, 1.0, opening * gaps[c], opening)
        last = close[-1]
        scale = _scale(high, low, clock, end, last, reach, np.exp(centre))
        if scale <= 0.0:
            continue
        high_here, low_here = _extremes(high, low, clock, scale, end, last)
        more_high, more_low = _extremes(high, low, clock, 1.01 * scale, end, last)
        slope = max(more_high - more_low - high_here + low_here, 1e-6 * reach) / (0.01 * scale)
        free = scale * np.sqrt(clock[-1])
        misplaced = (high_here - top) / (PLACE * reach)
        logs[c] = (
            -0.5 * ((np.log(scale) - centre) / spread) ** 2
            - np.log(scale * slope)
            - 0.5 * (end / free) ** 2
            - np.log(free)
            - 0.5 * misplaced**2
        )
        scales[c] = scale
    odds = np.cumsum(np.exp(logs - logs.max()))
    pick = min(int(np.searchsorted(odds, choice * odds[-1], side="right")), candidates - 1)
    close, high, low, clock = free_path(
        normal[pick], uniform[pick], weight, 1.0, opening * gaps[pick], opening
    )
    _bridge(close, high, low, clock, scales[pick], end)
    _fit(close, high, low, top, bottom, PRICE_SQUEEZE)
    return close, high, low


@njit(cache=True)
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
