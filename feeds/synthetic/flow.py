"""Volumes beside a synthetic path: of the index, and of its puts and calls.

They are made of past returns, the time of day and noise. No state of the generator
enters, so a filter that reads them learns nothing it could not learn from the prices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels import njit

Floats = NDArray[np.float64]

VOLUME_HALF_HOURS = (1.48, 1.12, 0.92, 0.84, 0.71, 0.64, 0.62, 0.63, 0.64, 0.78, 0.80, 0.96, 2.86)
INDEX_PER_MINUTE = 5.0e6
OPTIONS_PER_MINUTE = 1500.0
LOOKBACK = 30
NOISE_KEEP = 0.9


def volumes(returns: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return index, put and call volume per minute of one session from its minute returns."""
    n = len(returns)
    block = np.minimum(np.arange(n) // 30, 12)
    shape = np.array(VOLUME_HALF_HOURS)[block]
    if n < 390:
        shape[-30:] = VOLUME_HALF_HOURS[-1]
    count = np.arange(1, n + 1)
    known = np.sqrt(np.cumsum(returns**2) / count) + 1e-7
    surprise = np.minimum(np.abs(returns) / known, 5.0)
    index = INDEX_PER_MINUTE * shape * np.exp(0.25 * (surprise - 0.8) + 0.30 * rng.standard_normal(n))

    total = np.cumsum(returns)
    before = np.concatenate([np.zeros(min(LOOKBACK, n)), total[:-LOOKBACK]])
    window = np.minimum(count, LOOKBACK)
    drift = np.clip((total - before) / (known * np.sqrt(window)), -3.0, 3.0)
    noise = persistent(rng.standard_normal((2, n)), NOISE_KEEP)
    level = OPTIONS_PER_MINUTE * shape * np.exp(0.2 * (surprise - 0.8))
    put = level * np.exp(-0.15 * drift + 0.35 * noise[0])
    call = level * np.exp(0.15 * drift + 0.35 * noise[1])
    return np.round(index), np.round(put), np.round(call)


@njit(cache=True)
def persistent(shocks: Floats, keep: float) -> Floats:
    """Turn unit shocks, one series a row, into unit-variance first-order autoregressions."""
    out = shocks.copy()
    step = np.sqrt(1.0 - keep**2)
    for row in range(shocks.shape[0]):
        for k in range(1, shocks.shape[1]):
            out[row, k] = keep * out[row, k - 1] + step * shocks[row, k]
    return out
