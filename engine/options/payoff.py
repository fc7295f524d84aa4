"""What legs are worth at expiry: a curve of straight pieces with corners at the strikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.options.contract import Leg, Right, Stock

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


def curve(legs: tuple[Leg, ...], multiplier: int) -> tuple[Float64, Float64, float, float]:
    """Return the corners of the payoff, its values there, and its slopes below and above them.

    The first corner is a spot price of 0, where the payoff ends; the slope below is the
    one between 0 and the lowest strike.
    """
    below = above = 0.0
    corners = {0.0}
    for leg in legs:
        instrument = leg.instrument
        share = leg.ratio * instrument.multiplier / multiplier
        if isinstance(instrument, Stock):
            below += share
            above += share
            continue
        corners.add(instrument.strike)
        if instrument.right is Right.CALL:
            above += share
        else:
            below -= share
    at = np.array(sorted(corners))
    return at, payoff(legs, at, multiplier), below, above


def floors(legs: tuple[Leg, ...], strikes: Float64, multiplier: int) -> Float64:
    """Return the least value of the legs at expiry, per share, with other strikes a row each.

    ``strikes`` has a column an option leg, in the order of the legs; the floor is that of the
    corners `curve` returns.
    """
    count = len(strikes)
    corners = np.column_stack([np.zeros(count), strikes])
    total = np.zeros(corners.shape)
    column = 0
    for leg in legs:
        instrument = leg.instrument
        share = leg.ratio * instrument.multiplier / multiplier
        if isinstance(instrument, Stock):
            total += share * corners
            continue
        sign = 1.0 if instrument.right is Right.CALL else -1.0
        total += share * np.maximum(sign * (corners - strikes[:, column, np.newaxis]), 0.0)
        column += 1
    return np.asarray(total.min(axis=1))
