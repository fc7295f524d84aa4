"""One expiry's recorded quotes of one day, laid on the bars of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.options.contract import Contract, Right
from engine.options.levels import levels
from feeds.store.arrays import DayQuotes

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Side:
    """Quotes of one right; arrays (bars, strikes), NaN for none."""

    strike: Floats
    bid: Floats
    ask: Floats
    size: NDArray[np.int32]  # the smaller of the known sides, 0 unknown

    def column(self, strike: float) -> int | None:
        """Return the column of a strike, None when it is not listed."""
        at = int(np.searchsorted(self.strike, strike))
        return at if at < len(self.strike) and self.strike[at] == strike else None


@dataclass(frozen=True, eq=False)
class Sheet:
    """Quotes of one expiry over the bars of one day."""

    sides: dict[Right, Side]

    @classmethod
    def of(cls, quotes: DayQuotes, stamps: Int64, max_age: int, am: bool) -> Sheet | None:
        """Lay the quotes of one expiry on bars; None when calls or puts are not listed.

        Every bar sees each contract's newest quote up to its end, unless that is older than
        ``max_age``.

        Parameters
        ----------
        quotes : DayQuotes
            Of one expiry.
        stamps : array of int
            Ends of the day's bars, UTC nanoseconds.
        max_age : int
            Nanoseconds.
        am : bool
            Take the series that settles on the open instead of the one on the close.
        """
        sides = {}
        for right in Right:
            chosen = (quotes.call == (right is Right.CALL)) & (quotes.am == am)
            if not chosen.any() or not len(quotes.stamp):
                return None
            sides[right] = _side(quotes, chosen, stamps, max_age)
        return cls(sides)

    def levels(self) -> Floats:
        """Return forward, at-the-money deviation and skew of every bar, shape (bars, 3)."""
        return np.asarray(levels(*self._pairs(slice(None))), np.float64)

    def forward(self, bar: int) -> float:
        """Return the forward at one bar by put-call parity, NaN when the quotes do not tell."""
        return float(levels(*self._pairs(slice(bar, bar + 1)))[0, 0])

    def _pairs(self, bars: slice) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        call, put = self.sides[Right.CALL], self.sides[Right.PUT]
        strike, i, j = np.intersect1d(call.strike, put.strike, assume_unique=True, return_indices=True)
        return call.bid[bars, i], call.ask[bars, i], put.bid[bars, j], put.ask[bars, j], strike

    def where(self, contract: Contract) -> tuple[Side, int] | None:
        """Return a contract's side and column, None when it is not listed."""
        side = self.sides[contract.right]
        column = side.column(contract.strike)
        return None if column is None else (side, column)


def _side(quotes: DayQuotes, chosen: NDArray[np.bool_], stamps: Int64, max_age: int) -> Side:
    # two classes may list the same strike; the first one stands
    strike, first = np.unique(quotes.strike[chosen], return_index=True)
    columns = np.flatnonzero(chosen)[first]
    bid, ask = quotes.bid[:, columns], quotes.ask[:, columns]
    told = ~(np.isnan(bid) & np.isnan(ask))
    newest = np.where(told, np.arange(len(quotes.stamp))[:, None], -1)
    np.maximum.accumulate(newest, axis=0, out=newest)
    row = np.searchsorted(quotes.stamp, stamps, side="right") - 1
    seen = np.where(row[:, None] >= 0, newest[np.maximum(row, 0)], -1)
    at = np.maximum(seen, 0), np.arange(len(columns))[None, :]
    stale = (seen < 0) | (stamps[:, None] - quotes.stamp[at[0]] > max_age)
    bid, ask = bid[at], ask[at]
    bid[stale], ask[stale] = np.nan, np.nan
    one, two = quotes.bid_size[:, columns], quotes.ask_size[:, columns]
    size = np.where((one > 0) & (two > 0), np.minimum(one, two), np.maximum(one, two))[at]
    return Side(strike, bid, ask, size)
