"""The smile in normalised strike: what the market quotes, and what would be fair.

``z`` is ln(strike / forward) over the at-the-money standard deviation of the time left;
values are implied volatility over the at-the-money one, level beyond both ends.
"""

from __future__ import annotations

import numpy as np

# Medians of 0DTE quotes 2016-26 at 10:00 and 13:00 (Vilkov, SSRN 4641356).
Z = np.array([-4.0, -2.62, -1.57, -1.04, -0.52, 0.0, 0.52, 1.04, 1.56, 2.07, 2.59, 4.0])
MARKET = np.array([1.70, 1.43, 1.22, 1.14, 1.07, 1.0, 0.97, 0.95, 0.99, 1.09, 1.19, 1.40])
# What pays for itself on simulated sessions: closes of half a million minutes against the
# forecast made at each (tests/feeds/test_null.py measures it anew).
FAIR = np.array([1.20, 1.10, 1.04, 1.02, 1.005, 1.0, 1.0, 1.01, 1.03, 1.06, 1.09, 1.16])
FAIR_LEVEL = 0.97  # fair at-the-money sd over the square root of the forecast variance
REFERENCE_PREMIUM = 0.08
MOST = 1.25


def smile(premium: float) -> np.ndarray:
    """Return the smile at ``Z`` for a premium of implied over fair volatility.

    The part of the market's smile that is not fair is premium too, and goes with it: at
    premium 0 nothing but the fair smile is left.
    """
    share = float(np.clip(premium / REFERENCE_PREMIUM, 0.0, MOST))
    return FAIR + share * (MARKET - FAIR)
