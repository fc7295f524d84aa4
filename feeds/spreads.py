"""Half spreads of the model quotes, and the rounding to ticks.

Fitted to the median quoted spreads of 0DTE options 2016-26 (Vilkov, SSRN 4641356), in
shares of the spot: at the money the larger of 0.7 basis points and 1.8 % of the standard
deviation left, falling exponentially in normalised strike to 0.17 basis points.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.options.ticks import down1, up1

FLOOR, CENTRE, OF_SD, REACH = 0.17e-4, 0.70e-4, 0.0182, 1.05
STATE_MOST = 3.0


@njit(cache=True)
def half_spread1(spot: float, z: float, sd: float, state: float, scale: float) -> float:
    """Return half the quoted spread of one option, USD; wider while volatility is above expected."""
    centre = max(CENTRE, OF_SD * sd)
    width = FLOOR + (centre - FLOOR) * np.exp(-abs(z) / REACH)
    return float(0.5 * scale * spot * width * min(max(state, 1.0), STATE_MOST))


@njit(cache=True)
def sides1(mid: float, half: float, threshold: float, below: float, above: float) -> tuple[float, float]:
    """Return bid and ask on the tick: the bid rounded down (NaN under one tick), the ask up."""
    low, high = mid - half, mid + half
    bid = down1(low, below if low < threshold else above) if low > 0.0 else 0.0
    ask = up1(high, below if high < threshold else above)
    ask = max(ask, 1.0 / below)
    return (bid if bid > 0.0 else np.nan), ask
