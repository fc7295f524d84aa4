"""One synthetic session: a price path on the intraday variance clock, and its minute bars.

Everything works in logs relative to the session's open. A path gets clustered volatility,
leverage and jumps; ``feeds.synthetic.bridge`` then makes one meet a real day.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.kernels import njit
from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Floats = NDArray[np.float64]

# Variance by half hour from 09:30, mean 1, measured on SPY minutes 2024-25.
HALF_HOURS = (1.63, 1.76, 1.22, 0.95, 0.78, 0.67, 0.68, 0.72, 0.70, 0.85, 0.86, 0.81, 1.35)
# Single minutes that stand out of their half hour (minute of the bar's end: factor).
BURSTS = {571: 2.6, 572: 1.5, 573: 1.4, 574: 1.25, 601: 3.0, 602: 1.5, 841: 2.0, 842: 1.3, 960: 2.2}

SLOW_HALF_LIFE, SLOW_SD = 75.0, 0.23
FAST_HALF_LIFE, FAST_SD = 3.0, 0.22
LEVERAGE = -0.35
JUMPS_PER_DAY = 0.03
JUMP_SD = 6.0  # in standard deviations of a minute
BAR_REACH = 0.85  # share of a minute's variance that shows in its high and low
OPENING_FIRST = 0.7  # share of a stale open's catching up in the first minute, the rest in the second


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


@njit(cache=True)
def free_path(
    normal: Floats, uniform: Floats, weight: Floats, sd: float, opening: float, opening_sd: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw one unconditioned path: closes, highs, lows and cumulative variance by minute.

    ``normal`` is (4, n): returns, slow and fast volatility, jump sizes; ``uniform`` is
    (3, n): jump times and the bars' reach up and down. ``opening`` is the drawn move with
    which a stale opening print catches up during the first two minutes, ``opening_sd`` its
    standard deviation, which the variance clock counts.
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
        passed += variance
        if k < 2:
            share = OPENING_FIRST if k == 0 else 1.0 - OPENING_FIRST
            at += share * opening
            passed += share * opening_sd**2
        clock[k] = passed
        spread = (at - before) ** 2
        room = -2.0 * BAR_REACH * variance
        high[k] = 0.5 * (before + at + np.sqrt(spread + room * np.log(1.0 - uniform[1, k])))
        low[k] = 0.5 * (before + at - np.sqrt(spread + room * np.log(1.0 - uniform[2, k])))
        close[k] = at
        slow = slow_keep * slow + slow_step * (LEVERAGE * normal[0, k] + mixed * normal[1, k])
        fast = fast_keep * fast + fast_step * (LEVERAGE * normal[0, k] + mixed * normal[2, k])
    return close, high, low, clock
