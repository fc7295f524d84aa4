"""What a strike rule takes off the model's chains on many bars, without making the chains."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from engine.kernels import njit, upto1
from engine.options.chain import STRIKES_AROUND, mid1, straddle1, straddle_sd1
from engine.options.choice import CALL, NO_EXPIRY, PUT, choose1
from engine.options.pricing import delta1
from feeds.surface import combo1, forward1, sd1, sides1_of, variance1

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
def _strikes(first: int, last: int, step: float) -> Any:
    out = np.empty(last - first + 1)
    for i in range(len(out)):
        out[i] = step * (first + i)
    return out


@njit(cache=True)
def choices(
    bars: Any, ends: Any, step: float, rule: Any, share: float, table: Any, smile: Any, facts: Any,
    code: Any, strikes: Any, deltas: Any, move: Any,
) -> None:  # fmt: skip
    """Fill code, strikes (n, 4), deltas (n, 2) and move of `engine.options.choice.Choices`.

    ``ends`` numbers the session every bar's expiry ends with, NaN where none is listed;
    ``share`` is that of the straddle that makes the expected move, NaN for moves left NaN.
    """
    out = np.empty(4)
    near = np.zeros(2)  # strikes, in steps, of the row before: the next ones are rarely far
    for i in range(len(bars)):
        bar, end = bars[i], ends[i]
        deltas[i, :], strikes[i, :], move[i] = np.nan, np.nan, np.nan
        if np.isnan(end):
            code[i] = NO_EXPIRY
            continue
        ahead = end - table[bar, 5]
        forward = forward1(bar, ahead, table)
        first, last = listed1(bar, ahead, step, table)
        listed = _strikes(first, last, step)
        if np.isfinite(share):
            move[i] = share * _straddle(bar, forward, listed, end, table, smile, facts)
        put, call = nan, nan
        if rule[0] == _DELTA:
            start = int(near[0]) - first
            put = _nearest(bar, forward, ahead, listed, False, rule[1], start, table, smile)
            if np.isfinite(put):
                near[0] = np.rint(put / step)
        if rule[3] == _DELTA:
            start = int(near[1]) - first
            call = _nearest(bar, forward, ahead, listed, True, rule[4], start, table, smile)
            if np.isfinite(call):
                near[1] = np.rint(call / step)
        code[i] = choose1(forward, table[bar, 0], listed, listed, call, put, move[i], rule, out)
        strikes[i] = out
        if np.isfinite(out[PUT]):
            deltas[i, 0] = _delta(bar, forward, ahead, out[PUT], False, table, smile)
        if np.isfinite(out[CALL]):
            deltas[i, 1] = _delta(bar, forward, ahead, out[CALL], True, table, smile)


@njit(cache=True)
def straddle_at(bar: int, end: float, step: float, table: Any, smile: Any, facts: Any) -> float:
    """Return the straddle on the chain of one bar, USD."""
    ahead = end - table[bar, 5]
    first, last = listed1(bar, ahead, step, table)
    forward = forward1(bar, ahead, table)
    return _straddle(bar, forward, _strikes(first, last, step), end, table, smile, facts)


@njit(cache=True)
def asks(bars: Any, legs: Any, table: Any, smile: Any, facts: Any) -> Any:
    """Return the ask of a combo a bar; ``legs`` is (n, legs, 4), rows as `combo1` takes them."""
    out = np.empty(len(bars))
    for i in range(len(bars)):
        out[i] = combo1(bars[i], legs[i], table, smile, facts)[1]
    return out


@njit(cache=True)
def _delta(
    bar: int, forward: float, ahead: float, strike: float, call: bool, table: Any, smile: Any
) -> float:
    return delta1(forward, strike, sd1(bar, strike, forward, ahead, table, smile), call)


@njit(cache=True)
def _nearest(
    bar: int, forward: float, ahead: float, listed: Any, call: bool, amount: float, start: int,
    table: Any, smile: Any,
) -> float:  # fmt: skip
    """Return `nearest1` of a side without computing all its deltas.

    On a smile free of arbitrage the delta is monotone in the strike (M. Fukasawa, "The normalizing
    transformation of the implied volatility smile", Mathematical Finance 22, 2012), so the place
    where it passes ``amount`` is found by steps from row ``start``, doubled until they pass it,
    and by halving from there.
    """
    wanted, count = abs(amount), len(listed)
    low, high = 0, count  # the first strike in here whose delta lies beyond the amount
    under, over = np.inf, np.inf  # how far from the amount the deltas on either side of it are
    middle, width = min(max(start, 0), count - 1), 1
    while low < high:
        size = abs(_delta(bar, forward, ahead, listed[middle], call, table, smile))
        if (size <= wanted) if call else (size >= wanted):
            high, over = middle, abs(size - wanted)
        else:
            low, under = middle + 1, abs(size - wanted)
        if low > 0 and high < count:
            middle = (low + high) // 2
        else:
            middle = max(high - width, 0) if low == 0 else min(low + width - 1, count - 1)
            width *= 2
    if over < under:
        return float(listed[low])
    if not np.isfinite(under):
        return nan
    found = low - 1
    while found > 0:  # of strikes equally far, the lowest
        away = abs(abs(_delta(bar, forward, ahead, listed[found - 1], call, table, smile)) - wanted)
        if away > under:
            break
        found -= 1
    return float(listed[found])


@njit(cache=True)
def _straddle(bar: int, forward: float, listed: Any, end: float, table: Any, smile: Any, facts: Any) -> float:
    """Return `Chain.straddle`, pricing only the strikes it looks at."""
    n = len(listed)
    start = upto1(listed, forward)
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
    ahead = end - table[bar, 5]
    if ahead < 0.0:
        return nan
    sd = sd1(bar, strike, forward, ahead, table, smile)
    call = sides1_of(bar, strike, forward, True, sd, table, facts)
    put = sides1_of(bar, strike, forward, False, sd, table, facts)
    return straddle_sd1(forward, strike, mid1(call[0], call[1]) + mid1(put[0], put[1]))
