"""Minimum price steps, and rounding to them without float dust.

Every listed step divides a dollar, so a price on the grid is ``n / (1 / tick)`` with two
whole numbers, which is the float nearest to the decimal price. Within a millionth of a
tick a price counts as on the grid, so that 0.30 - 0.15 rounds to 0.15 either way.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import OrderError
from engine.kernels import njit
from engine.options.contract import TickRule

Float64 = NDArray[np.float64]
DUST = 1e-6


@njit(cache=True)
def down1(price: float, per_dollar: float) -> float:
    """Round down to ``1 / per_dollar``; for kernels."""
    return float(np.floor(price * per_dollar + DUST) / per_dollar)


@njit(cache=True)
def up1(price: float, per_dollar: float) -> float:
    """Round up to ``1 / per_dollar``; for kernels."""
    return float(np.ceil(price * per_dollar - DUST) / per_dollar)


def per_dollar(tick: float) -> float:
    """Return how many ticks make a dollar; ``OrderError`` unless it is a whole number."""
    count = round(1.0 / tick) if np.isfinite(tick) and tick > 0.0 else 0
    if count < 1 or abs(count * tick - 1.0) > 1e-9:
        raise OrderError(f"tick is {tick}, expected a step that divides one dollar, such as 0.05")
    return float(count)


@overload
def tick_size(price: float, rule: TickRule) -> float: ...
@overload
def tick_size(price: Float64, rule: TickRule) -> Float64: ...
def tick_size(price: float | Float64, rule: TickRule) -> float | Float64:
    """Return the minimum step of a single option's price (combos use ``rule.combo``)."""
    if isinstance(price, np.ndarray):
        return np.where(np.abs(price) + 1e-9 < rule.threshold, rule.below, rule.above)
    return rule.below if abs(price) + 1e-9 < rule.threshold else rule.above


@overload
def round_down(price: float, tick: float) -> float: ...
@overload
def round_down(price: Float64, tick: ArrayLike) -> Float64: ...
def round_down(price: float | Float64, tick: ArrayLike) -> float | Float64:
    """Return the highest price on the grid at or below ``price`` (USD per share)."""
    count = _counts(tick)
    return _typed(np.floor(np.asarray(price) * count + DUST) / count + 0.0)


@overload
def round_up(price: float, tick: float) -> float: ...
@overload
def round_up(price: Float64, tick: ArrayLike) -> Float64: ...
def round_up(price: float | Float64, tick: ArrayLike) -> float | Float64:
    """Return the lowest price on the grid at or above ``price`` (USD per share)."""
    count = _counts(tick)
    return _typed(np.ceil(np.asarray(price) * count - DUST) / count + 0.0)


@overload
def round_nearest(price: float, tick: float) -> float: ...
@overload
def round_nearest(price: Float64, tick: ArrayLike) -> Float64: ...
def round_nearest(price: float | Float64, tick: ArrayLike) -> float | Float64:
    """Return the price on the grid nearest to ``price``; halves go away from zero."""
    count = _counts(tick)
    value = np.asarray(price) * count
    return _typed(np.copysign(np.floor(np.abs(value) + 0.5 + DUST), value) / count + 0.0)


def _counts(tick: ArrayLike) -> Float64 | float:
    if isinstance(tick, int | float):
        return per_dollar(tick)
    steps = np.asarray(tick, np.float64)
    known = {float(step): per_dollar(float(step)) for step in np.unique(steps)}
    counts: Float64 = np.vectorize(known.__getitem__, otypes=[np.float64])(steps)
    return counts


def _typed(value: Float64) -> float | Float64:
    return float(value) if value.ndim == 0 else value
