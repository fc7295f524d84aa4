"""What a strike rule takes off the model's chains on many bars, without making the chains."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
from numba import njit

from engine.options.chain import STRIKES_AROUND, mid1, straddle1, straddle_sd1
from engine.options.choice import CALL, NO_EXPIRY, PUT, choose1
from feeds.surface import combo1, forward1, option1, variance1

REACH_SD, REACH_SHARE, REACH_STRIKES = 6.0, 0.08, 5  # of a chain, to either side
_DELTA = 1.0  # kind of a rule's side, see `engine.options.choice`


@njit(cache=True)
def listed1(bar: int, ahead: float, step: float, table: Any) -> tuple[int, int]:
    """Return the lowest and the highest strike of a bar's chain, in steps."""
    spot = table[bar, 0]
    sd = np.sqrt(variance1(bar, ahead, table))
    reach = max(min(REACH_SHARE, REACH_SD * sd), REACH_STRIKES * step / spot)
    return max(int(np.ceil(spot * (1.0 - reach) / step)), 1), int(spot * (1.0 + reach) / step)


@njit(cache=True)
def choices(
    bars: Any, ends: Any, step: float, rule: Any, share: float, table: Any, smile: Any, facts: Any,
    code: Any, strikes: Any, deltas: Any, move: Any,
) -> None:  # fmt: skip
    """Fill code, strikes (n, 4), deltas (n, 2) and move of `engine.options.choice.Choices`.

    ``ends`` numbers the session every bar's expiry ends with, NaN where none is listed;
    ``share`` is that of the straddle that makes the expected move.
    """
    out = np.empty(4)
    for i in range(len(bars)):
        bar, end = bars[i], ends[i]
        deltas[i, :], strikes[i, :], move[i] = np.nan, np.nan, np.nan
        if np.isnan(end):
            code[i] = NO_EXPIRY
            continue
        ahead = end - table[bar, 5]
        forward = forward1(bar, ahead, table)
        first, last = listed1(bar, ahead, step, table)
        listed = step * np.arange(first, last + 1)
        move[i] = share * _straddle(bar, forward, listed, end, table, smile, facts)
        put, call = np.empty(0), np.empty(0)
        if rule[0] == _DELTA:
            put = _deltas(bar, listed, False, end, table, smile, facts)
        if rule[3] == _DELTA:
            call = _deltas(bar, listed, True, end, table, smile, facts)
        code[i] = choose1(forward, table[bar, 0], listed, listed, call, put, move[i], rule, out)
        strikes[i] = out
        if np.isfinite(out[PUT]):
            deltas[i, 0] = option1(bar, out[PUT], False, end, table, smile, facts)[3]
        if np.isfinite(out[CALL]):
            deltas[i, 1] = option1(bar, out[CALL], True, end, table, smile, facts)[3]


@njit(cache=True)
def asks(bars: Any, legs: Any, table: Any, smile: Any, facts: Any) -> Any:
    """Return the ask of a combo a bar; ``legs`` is (n, legs, 4), rows as `combo1` takes them."""
    out = np.empty(len(bars))
    for i in range(len(bars)):
        out[i] = combo1(bars[i], legs[i], table, smile, facts)[1]
    return out


@njit(cache=True)
def _deltas(bar: int, listed: Any, call: bool, end: float, table: Any, smile: Any, facts: Any) -> Any:
    out = np.empty(len(listed))
    for k in range(len(listed)):
        out[k] = option1(bar, listed[k], call, end, table, smile, facts)[3]
    return out


@njit(cache=True)
def _straddle(bar: int, forward: float, listed: Any, end: float, table: Any, smile: Any, facts: Any) -> float:
    """Return `Chain.straddle`, pricing only the strikes it looks at."""
    n = len(listed)
    start = int(np.searchsorted(listed, forward, side="right"))
    below, low, above, high = nan, nan, nan, nan
    for i in range(start - 1, max(start - STRIKES_AROUND, 0) - 1, -1):
        low = _straddle_sd(bar, forward, listed[i], end, table, smile, facts)
        if np.isfinite(low):
            below = listed[i]
            break
    for i in range(start, min(start + STRIKES_AROUND, n)):
        high = _straddle_sd(bar, forward, listed[i], end, table, smile, facts)
        if np.isfinite(high):
            above = listed[i]
            break
    return straddle1(forward, below, low, above, high)


@njit(cache=True)
def _straddle_sd(
    bar: int, forward: float, strike: float, end: float, table: Any, smile: Any, facts: Any
) -> float:
    call = option1(bar, strike, True, end, table, smile, facts)
    put = option1(bar, strike, False, end, table, smile, facts)
    return straddle_sd1(forward, strike, mid1(call[0], call[1]) + mid1(put[0], put[1]))
