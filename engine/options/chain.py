"""The quotes of one underlying and expiry at one instant, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from engine.options.contract import Right
from engine.options.pricing import implied1, price1

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChainSide:
    """The calls or the puts of a chain, strikes rising; USD per share."""

    strike: Float64
    bid: Float64
    ask: Float64
    iv: Float64
    delta: Float64

    @property
    def mid(self) -> Float64:
        """Half way between bid and ask; without a bid, half the ask."""
        return 0.5 * (np.nan_to_num(self.bid) + self.ask)


@dataclass(frozen=True, eq=False)
class Chain:
    """Quotes of one underlying and expiry.

    Rows stand by right, then strike: all calls first, strikes rising, then all puts.
    Prices are USD per share, ``bid`` NaN where there is none; ``iv`` is an annualised
    decimal on the variance clock, ``years`` the time left on it; greeks as in
    ``engine.options.pricing.Greeks``.
    """

    symbol: str
    product: str
    expiry: date
    at: datetime | None
    spot: float
    forward: float
    years: float
    strike: Float64
    call: NDArray[np.bool_]
    bid: Float64
    ask: Float64
    iv: Float64
    delta: Float64
    gamma: Float64
    vega: Float64
    theta: Float64

    @property
    def mid(self) -> Float64:
        """Half way between bid and ask; without a bid, half the ask."""
        return 0.5 * (np.nan_to_num(self.bid) + self.ask)

    @property
    def strikes(self) -> Float64:
        """Every strike once, rising."""
        return np.unique(self.strike)

    def side(self, right: Right) -> ChainSide:
        """Return the calls or the puts, as views."""
        calls = int(np.count_nonzero(self.call))
        rows = slice(0, calls) if right is Right.CALL else slice(calls, None)
        return ChainSide(self.strike[rows], self.bid[rows], self.ask[rows], self.iv[rows], self.delta[rows])

    def nearest(self, right: Right, delta: float) -> float:
        """Return the strike whose delta, signs ignored, is nearest to ``delta``; NaN without quotes."""
        side = self.side(right)
        away = np.abs(np.abs(side.delta) - abs(delta))
        if not np.isfinite(away).any():
            return nan
        return float(side.strike[int(np.nanargmin(away))])

    def atm_iv(self) -> float:
        """Return the implied volatility at the forward, between the two strikes around it.

        Each strike counts with the mean of its call's and its put's; NaN without any.
        """
        call, put = self.side(Right.CALL), self.side(Right.PUT)
        strike, i, j = np.intersect1d(call.strike, put.strike, assume_unique=True, return_indices=True)
        pair = np.stack([call.iv[i], put.iv[j]])
        known = np.isfinite(pair).any(axis=0)
        if not known.any():
            return nan
        return _at(self.forward, strike[known], np.nanmean(pair[:, known], axis=0))

    def straddle(self) -> float:
        """Return the mid of the straddle struck at the forward, USD per share; NaN without quotes.

        No strike stands exactly there, so the standard deviation implied by the straddles
        around the forward is interpolated and the straddle priced from it: the straddles
        themselves bend too much between two strikes for a straight line.
        """
        call, put = self.side(Right.CALL), self.side(Right.PUT)
        strike, i, j = np.intersect1d(call.strike, put.strike, assume_unique=True, return_indices=True)
        both = call.mid[i] + put.mid[j]
        near = np.argsort(np.abs(strike - self.forward), kind="stable")[:8]
        points = []
        for row in np.sort(near):
            # by parity the call is half of straddle plus forward less strike
            value = 0.5 * (both[row] + self.forward - strike[row])
            sd = implied1(value, self.forward, strike[row], True)
            if isfinite(sd):
                points.append((strike[row], sd))
        if not points:
            return nan
        at, sds = np.array(points).T
        return 2.0 * float(price1(self.forward, self.forward, _at(self.forward, at, sds), True))


def _at(forward: float, strike: Float64, value: Float64) -> float:
    """Interpolate linearly between the strikes around the forward, level beyond them."""
    return float(np.interp(forward, strike, value))
