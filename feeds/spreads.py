"""Half spreads of the model quotes, and the rounding to ticks.

The width in shares of the spot is fitted to the median quoted widths of 0DTE options
2016-26 (Vilkov, SSRN 4641356), all times and strikes within 15 %: it depends on the
option's out-of-the-money value, and through that on moneyness, volatility and time of day.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from engine.kernels import njit
from engine.options.ticks import down1, up1

# Width in percent of spot: constant, times value and times root of value (value likewise).
_FLOOR, _OF_VALUE, _OF_ROOT = 0.00150, 0.0250, 0.00624
_OF_INTRINSIC = 0.003  # wider in the money, from memory
_STATE_MOST = 4.0  # spreads widen two to four times on jumps
OWN_RISK = 10.0  # spreads of a stock over the index's: 1 + this x its own volatility, from memory
_SHARE_LEAST, _SHARE = 0.005, 3e-5  # half spread of shares: a cent wide, or in proportion


@njit(cache=True)
def half_spread1(spot: float, value: float, intrinsic: float, state: float, scale: float) -> float:
    """Return half the quoted width of one option in USD.

    ``value`` is its price without the ``intrinsic`` part. Wider while volatility is above
    the expected (``state`` over 1).
    """
    share = 100.0 * max(value, 0.0) / spot
    width = 0.01 * spot * (_FLOOR + _OF_VALUE * share + _OF_ROOT * sqrt(share)) + _OF_INTRINSIC * intrinsic
    return 0.5 * scale * width * min(max(state, 1.0), _STATE_MOST)


@njit(cache=True)
def sides1(mid: float, half: float, threshold: float, below: float, above: float) -> tuple[float, float]:
    """Return bid and ask on the tick: bids rounded down, asks up, NaN for a bid under one tick.

    ``below`` and ``above`` are ticks per dollar under ``threshold`` and from there. Rounding
    outwards adds a tick on average, which measured widths already hold: it is taken off first.
    """
    tick = 1.0 / below if mid < threshold else 1.0 / above
    half = max(half - 0.5 * tick, 0.0)
    low, high = mid - half, mid + half
    bid = down1(low, below if low < threshold else above) if low > 0.0 else 0.0
    ask = up1(high, below if high < threshold else above)
    ask = max(ask, 1.0 / below)
    if ask <= bid:
        ask = up1(bid + tick, below if bid + tick < threshold else above)
    return (bid if bid > 0.0 else np.nan), ask


@njit(cache=True)
def share_half_spread1(spot: float, own_risk: bool) -> float:
    """Return half the quoted width of the underlying's shares, USD."""
    return max(_SHARE_LEAST, _SHARE * spot) if own_risk else _SHARE_LEAST
