"""The quotes of one underlying and expiry at one instant, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.kernels import below1, njit, upto1
from engine.options.choice import CALL, OK, PUT, WHY, By, Choice, StrikeRule, choose1, nearest1, row1
from engine.options.contract import Right
from engine.options.expected_move import expected_move
from engine.options.pricing import implied1, price1

Float64 = NDArray[np.float64]
STRIKES_AROUND = 4  # looked at to either side of the forward for one that is quoted


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
        return float(nearest1(side.strike, side.delta, delta))

    def choose(self, rule: StrikeRule) -> Choice:
        """Return what a rule takes off this chain."""
        call, put = self.side(Right.CALL), self.side(Right.PUT)
        move = expected_move(self, rule.convention, rule.ratio).value
        call_near, put_near = (
            self.nearest(right, placed[1]) if placed and placed[0] is By.DELTA else nan
            for right, placed in ((Right.CALL, rule.call), (Right.PUT, rule.put))
        )
        out = np.empty(4)
        code = choose1(
            self.forward, self.spot, call.strike, put.strike, call_near, put_near, move, rule.numbers(), out
        )
        deltas = np.array([_delta_of(put, out[PUT]), _delta_of(call, out[CALL])])
        return Choice.of(None if code == OK else WHY[code], out, deltas, move)

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


def _delta_of(side: ChainSide, strike: float) -> float:
    row = row1(side.strike, strike) if np.isfinite(strike) else -1
    return nan if row < 0 else float(side.delta[row])


def _at(forward: float, strike: Float64, value: Float64) -> float:
    """Interpolate linearly between the strikes around the forward, level beyond them."""
    return float(np.interp(forward, strike, value))


@njit(cache=True)
def _straddle(forward: float, calls: Any, puts: Any, bid: Any, ask: Any) -> float:
    """Return `Chain.straddle`; ``bid`` and ``ask`` hold the calls', then the puts'."""
    n = len(calls)
    start = upto1(calls, forward)
    low, high = nan, nan
    below, above = nan, nan
    for i in range(start - 1, max(start - STRIKES_AROUND, 0) - 1, -1):
        low = _implied(forward, i, calls, puts, bid, ask, n)
        if np.isfinite(low):
            below = calls[i]
            break
    for i in range(start, min(start + STRIKES_AROUND, n)):
        high = _implied(forward, i, calls, puts, bid, ask, n)
        if np.isfinite(high):
            above = calls[i]
            break
    return straddle1(forward, below, low, above, high)


@njit(cache=True)
def straddle1(forward: float, below: float, low: float, above: float, high: float) -> float:
    """Return the straddle at the forward by the standard deviations of the strikes around it.

    ``low`` is what the straddle at ``below`` implies, ``high`` that at ``above``; one that is
    NaN leaves the other one level, two leave NaN.
    """
    if np.isfinite(low) and np.isfinite(high):
        sd = low + (high - low) * (forward - below) / (above - below)
    else:
        sd = low if np.isfinite(low) else high
    return float(2.0 * price1(forward, forward, sd, True))


@njit(cache=True)
def straddle_sd1(forward: float, strike: float, both: float) -> float:
    """Return the standard deviation a straddle's mid implies, NaN where there is none.

    By parity the call is half of straddle plus forward less strike.
    """
    return float(implied1(0.5 * (both + forward - strike), forward, strike, True))


@njit(cache=True)
def mid1(bid: float, ask: float) -> float:
    """Return half way between bid and ask; without a bid, half the ask."""
    return 0.5 * ((0.0 if np.isnan(bid) else bid) + ask)


@njit(cache=True)
def _implied(forward: float, i: int, calls: Any, puts: Any, bid: Any, ask: Any, n: int) -> float:
    j = below1(puts, calls[i])
    if j >= len(puts) or puts[j] != calls[i]:
        return nan
    return straddle_sd1(forward, calls[i], mid1(bid[i], ask[i]) + mid1(bid[n + j], ask[n + j]))
