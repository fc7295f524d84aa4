"""What legs are worth at expiry: a curve of straight pieces with corners at the strikes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.options.contract import Contract, Instrument, Leg, Right, Stock

Float64 = NDArray[np.float64]


def payoff(legs: tuple[Leg, ...], spot: Float64, multiplier: int) -> Float64:
    """Return the value of the legs at expiry per share of ``multiplier``, for spot prices in USD."""
    total = np.zeros(spot.shape)
    for leg in legs:
        instrument = leg.instrument
        share = leg.ratio * instrument.multiplier / multiplier
        if isinstance(instrument, Stock):
            total += share * spot
        else:
            sign = 1.0 if instrument.right is Right.CALL else -1.0
            total += share * np.maximum(sign * (spot - instrument.strike), 0.0)
    return total


def slopes(legs: Iterable[Leg], multiplier: int) -> tuple[float, float]:
    """Return the payoff's slope from a spot of 0 to the lowest strike, and above the highest."""
    below = above = 0.0
    for leg in legs:
        instrument = leg.instrument
        share = leg.ratio * instrument.multiplier / multiplier
        if isinstance(instrument, Stock):
            below += share
            above += share
        elif instrument.right is Right.CALL:
            above += share
        else:
            below -= share
    return below, above


def corners(legs: tuple[Leg, ...], multiplier: int) -> tuple[list[float], list[float]]:
    """Return the spots at which the payoff bends, 0 the first of them, and its values there.

    In plain numbers: for a handful of legs an array takes longer to make than to fill.
    """
    at = sorted({0.0, *(leg.instrument.strike for leg in legs if isinstance(leg.instrument, Contract))})
    held = [(leg.ratio * leg.instrument.multiplier / multiplier, *_place(leg.instrument)) for leg in legs]
    values = []
    for spot in at:
        total = 0.0
        for share, sign, strike in held:
            away = sign * (spot - strike)
            if away > 0.0:
                total += share * away
        values.append(total)
    return at, values


def _place(instrument: Instrument) -> tuple[float, float]:
    """Return where and to which side an instrument is worth something: shares as calls at 0."""
    if isinstance(instrument, Stock):
        return 1.0, 0.0
    return (1.0 if instrument.right is Right.CALL else -1.0), instrument.strike


def floors(legs: tuple[Leg, ...], strikes: Float64, multiplier: int) -> Float64:
    """Return the least value of the legs at expiry, per share, with other strikes a row each.

    ``strikes`` has a column an option leg, in the order of the legs; the floor is that of the
    `corners`.
    """
    count = len(strikes)
    spots = np.column_stack([np.zeros(count), strikes])
    total = np.zeros(spots.shape)
    column = 0
    for leg in legs:
        instrument = leg.instrument
        share = leg.ratio * instrument.multiplier / multiplier
        if isinstance(instrument, Stock):
            total += share * spots
            continue
        sign = 1.0 if instrument.right is Right.CALL else -1.0
        total += share * np.maximum(sign * (spots - strikes[:, column, np.newaxis]), 0.0)
        column += 1
    return np.asarray(total.min(axis=1))
