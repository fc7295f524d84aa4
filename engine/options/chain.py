"""The quotes of one underlying and expiry at one instant, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import nan
from typing import Any

import numpy as np
from numba import njit
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

    @cached_property
    def _calls(self) -> int:
        return int(np.count_nonzero(self.call))

    def side(self, right: Right) -> ChainSide:
        """Return the calls or the puts, as views."""
        calls = self._calls
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
        n = self._calls
        return float(_straddle(self.forward, self.strike[:n], self.strike[n:], self.bid, self.ask))


def _at(forward: float, strike: Float64, value: Float64) -> float:
    """Interpolate linearly between the strikes around the forward, level beyond them."""
    return float(np.interp(forward, strike, value))


_STRIKES_AROUND = 8


@njit(cache=True)
def _straddle(forward: float, calls: Any, puts: Any, bid: Any, ask: Any) -> float:
    """Return `Chain.straddle`; ``bid`` and ``ask`` hold the calls', then the puts'."""
    strikes, value = np.empty(len(calls)), np.empty(len(calls))
    count = j = 0
    for i in range(len(calls)):
        while j < len(puts) and puts[j] < calls[i]:
            j += 1
        if j < len(puts) and puts[j] == calls[i]:
            row = len(calls) + j
            both = 0.5 * (_or_nothing(bid[i]) + ask[i]) + 0.5 * (_or_nothing(bid[row]) + ask[row])
            strikes[count] = calls[i]
            # by parity the call is half of straddle plus forward less strike
            value[count] = 0.5 * (both + forward - calls[i])
            count += 1
    start = max(int(np.searchsorted(strikes[:count], forward)) - _STRIKES_AROUND // 2, 0)
    at, sds, known = np.empty(_STRIKES_AROUND), np.empty(_STRIKES_AROUND), 0
    for k in range(start, min(start + _STRIKES_AROUND, count)):
        sd = implied1(value[k], forward, strikes[k], True)
        if np.isfinite(sd):
            at[known], sds[known] = strikes[k], sd
            known += 1
    if known == 0:
        return nan
    return float(2.0 * price1(forward, forward, np.interp(forward, at[:known], sds[:known]), True))


@njit(cache=True)
def _or_nothing(price: float) -> float:
    return 0.0 if np.isnan(price) else price
