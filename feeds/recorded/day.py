"""One day of recorded quotes, laid on the bars of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.options.combo import Combo
from engine.options.contract import Contract, Right
from feeds.recorded.levels import levels
from feeds.store.store import DayQuotes

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Side:
    """Quotes of one right of one expiry; arrays (bars, strikes), NaN for none."""

    strike: Floats
    bid: Floats
    ask: Floats
    size: NDArray[np.int32]  # the smaller of both sides, 0 unknown

    def column(self, strike: float) -> int | None:
        """Return the column of a strike, None when it is not listed."""
        at = int(np.searchsorted(self.strike, strike))
        return at if at < len(self.strike) and self.strike[at] == strike else None


@dataclass(frozen=True, eq=False)
class Sheet:
    """Quotes of one expiry over the bars of one day."""

    expiry: date
    sides: dict[Right, Side]

    def levels(self) -> Floats:
        """Return forward, at-the-money deviation and skew of every bar, shape (bars, 3)."""
        call, put = self.sides[Right.CALL], self.sides[Right.PUT]
        strike, i, j = np.intersect1d(call.strike, put.strike, assume_unique=True, return_indices=True)
        return np.asarray(levels(call.bid[:, i], call.ask[:, i], put.bid[:, j], put.ask[:, j], strike))


@dataclass(frozen=True, eq=False)
class DayBook:
    """The sheets of one day and symbol, by expiry."""

    sheets: dict[date, Sheet]

    @classmethod
    def of(cls, quotes: DayQuotes, stamps: Int64, max_age: int, am: bool) -> DayBook:
        """Lay a day's quotes on bars: each bar sees the newest snapshot not older than ``max_age``.

        Parameters
        ----------
        quotes : DayQuotes
        stamps : array of int
            Ends of the day's bars, UTC nanoseconds.
        max_age : int
            Nanoseconds.
        am : bool
            Take the series that settle on the open instead of those on the close.
        """
        row = np.searchsorted(quotes.stamp, stamps, side="right") - 1
        fresh = (row >= 0) & (stamps - quotes.stamp[np.maximum(row, 0)] <= max_age)
        row = np.maximum(row, 0)
        sheets = {}
        for number in np.unique(quotes.expiry):
            expiry = date.fromordinal(int(number))
            sides = {}
            for right in Right:
                chosen = np.flatnonzero(
                    (quotes.expiry == number) & (quotes.call == (right is Right.CALL)) & (quotes.am == am)
                )
                bid, ask = quotes.bid[:, chosen][row], quotes.ask[:, chosen][row]
                bid[~fresh], ask[~fresh] = np.nan, np.nan
                size = np.minimum(quotes.bid_size[:, chosen], quotes.ask_size[:, chosen])[row]
                sides[right] = Side(quotes.strike[chosen], bid, ask, size)
            if all(len(side.strike) for side in sides.values()):
                sheets[expiry] = Sheet(expiry, sides)
        return cls(sheets)

    def legs(self, combo: Combo) -> list[tuple[Side, int] | None] | None:
        """Return where each leg stands, None for shares; None at all when a leg is not listed."""
        found: list[tuple[Side, int] | None] = []
        for leg in combo.legs:
            held = leg.instrument
            if not isinstance(held, Contract):
                found.append(None)
                continue
            sheet = self.sheets.get(held.expiry)
            column = None if sheet is None else sheet.sides[held.right].column(held.strike)
            if sheet is None or column is None:
                return None
            found.append((sheet.sides[held.right], column))
        return found
