"""Breadth: how much of the universe stands above its session's open."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_KNOWN = 0.5  # of the stocks; the share of fewer says too little of the others


def standing(price: ArrayLike, opened: ArrayLike) -> NDArray[np.float64]:
    """Return 1 for a price above its session's open, 0 below, 0.5 at it, NaN where either is unknown."""
    return 0.5 * (1.0 + np.sign(np.subtract(price, opened, dtype=np.float64)))


def share(standings: ArrayLike) -> float:
    """Return the mean of the known `standing` of stocks, NaN when fewer than `LEAST_KNOWN` of them are."""
    values = np.asarray(standings, np.float64)
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) and len(known) >= LEAST_KNOWN * len(values) else np.nan
