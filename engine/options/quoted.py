"""A chain made of quotes alone: the forward by parity, volatilities of the out-of-the-money side."""

from __future__ import annotations

from datetime import date, datetime
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from engine.options.chain import Chain
from engine.options.contract import Product
from engine.options.levels import forward1
from engine.options.pricing import greeks, implied1

Floats = NDArray[np.float64]


def make_chain(
    product: Product,
    expiry: date,
    at: datetime | None,
    spot: float,
    years: float,
    strike: Floats,
    call: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
) -> Chain:
    """Return the chain of one expiry at one instant.

    Implied volatilities are those of the out-of-the-money option of each strike, for both
    rights. Contracts without an ask, which nobody can price or buy back, are left out.

    Parameters
    ----------
    product : Product
    expiry : date
    at : datetime
        New York.
    spot : float
        USD; NaN where unknown.
    years : float
        Left to the expiry on the variance clock.
    strike, call, bid, ask : arrays
        Calls first, strikes rising in each right; USD per share, NaN for none.
    """
    forward = _forward(strike, call, bid, ask)
    sd = _deviations(forward, strike, call, bid, ask)
    g = greeks(forward, strike, sd, call, years)
    keep = ~np.isnan(ask)
    with np.errstate(divide="ignore", invalid="ignore"):
        iv = sd / np.sqrt(years)
    return Chain(
        product.symbol, product.trading_class, expiry, at, spot, forward, years,
        strike[keep], call[keep], bid[keep], ask[keep], iv[keep], g.delta[keep], g.gamma[keep],
        g.vega[keep], g.theta[keep],
    )  # fmt: skip


def _forward(strike: Floats, call: NDArray[np.bool_], bid: Floats, ask: Floats) -> float:
    both, i, j = np.intersect1d(strike[call], strike[~call], assume_unique=True, return_indices=True)
    calls, puts = np.flatnonzero(call)[i], np.flatnonzero(~call)[j]
    return float(forward1(bid[calls], ask[calls], bid[puts], ask[puts], both))


def _deviations(forward: float, strike: Floats, call: NDArray[np.bool_], bid: Floats, ask: Floats) -> Floats:
    """Return each row's total standard deviation, from its strike's out-of-the-money option."""
    out = np.full(len(strike), nan)
    known: dict[float, float] = {}
    for k in np.flatnonzero(call == (strike >= forward)).tolist():
        mid = 0.5 * ((0.0 if isnan(bid[k]) else bid[k]) + ask[k])
        known[strike[k]] = implied1(mid, forward, strike[k], bool(call[k]))
    for row, value in enumerate(strike):
        out[row] = known.get(value, nan)
    return out
