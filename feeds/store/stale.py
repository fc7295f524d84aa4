"""Quotes that stand still while they ought to move.

A row is **stale** when all of this holds:

1. Bid, ask and both sizes are what they were in every row of the contract that day for at
   least ``minutes``, the row itself and two before it included.
2. Both sides are quoted, and the option is no far wing: its delta is at least `LEAST_DELTA`.
3. The underlying is more than ``share`` away from where it was when the quote last changed.
4. That distance times the delta is more than the quote's whole spread: the fair value has
   left the quote behind.

The delta is the one that Bachelier's formula has at the option's own price and distance to
the underlying; that ratio alone determines it, no time, rate or volatility is assumed. The
underlying is the file's, where it names none the forward of the same expiry and instant: the
median of strike + call - put over the `NEAREST` strikes at which call and put differ least.

The rows of a standstill before the underlying has moved are believed, and so are those after
it has come back. What the rule cannot see: a chain without the underlying's price that stands
still as a whole, its forward with it; wings, and whatever is quoted on one side only; a
contract with fewer than three rows a day; rows that a vendor leaves out while nothing
changes; what stands still across the edge of two files.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from engine.sessions import MINUTE_NS
from feeds.store.rows import Rows

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]

LEAST_DELTA = 0.05
LEAST_ROWS = 3
NEAREST = 5

# distance in standard deviations, falling, and the price there in distances, rising
_APART = np.linspace(8.0, 1e-3, 4000)
_PRICE = np.log(np.exp(-(_APART**2) / 2) / np.sqrt(2 * np.pi) / _APART - ndtr(-_APART))
_DELTA = ndtr(-_APART)


def stale(
    rows: Rows, order: Int64, contract: Int64, moment: Int64, minutes: int, share: float
) -> NDArray[np.bool_]:
    """Tell which rows are stale, as the module defines it.

    Parameters
    ----------
    rows : Rows
    order : int64[n]
        Places of the rows to look at, each contract's together and in the order of time.
    contract, moment : int64[n]
        In that order: the contract and day; the expiry, class and instant.
    minutes, share
        What the definition calls so.

    Returns
    -------
    bool[n]
        In that order.
    """
    count = len(order)
    stamp = rows.stamp[order]
    same = np.zeros(count, bool)
    same[1:] = contract[1:] == contract[:-1]
    for name in ("bid", "ask", "bid_size", "ask_size"):
        values = rows[name][order]
        same[1:] &= (values[1:] == values[:-1]) | ((values[1:] != values[1:]) & (values[:-1] != values[:-1]))
    places = np.arange(count)
    since = np.maximum.accumulate(np.where(same, 0, places))
    bid, ask = rows.bid[order], rows.ask[order]
    found = stamp - stamp[since] >= minutes * MINUTE_NS
    found &= (places - since >= LEAST_ROWS - 1) & ~np.isnan(bid) & ~np.isnan(ask)
    if not found.any():
        return found
    under = rows.spot[order]
    if np.isnan(under).any():
        under = np.where(np.isnan(under), _forwards(rows, order, moment, bid, ask), under)
    at = np.flatnonzero(found)
    before = under[since[at]]
    moved = np.abs(under[at] - before)
    with np.errstate(invalid="ignore"):
        delta = _delta((bid[at] + ask[at]) / 2, before, rows.strike[order[at]], rows.call[order[at]] == 1)
        found[at] = (moved > share * before) & (delta >= LEAST_DELTA) & (delta * moved > ask[at] - bid[at])
    return found


def _delta(price: Floats, under: Floats, strike: Floats, call: NDArray[np.bool_]) -> Floats:
    """Return the absolute delta of options by their price and place."""
    inside = np.where(call, under - strike, strike - under)
    apart = np.abs(inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        time_value = np.log((price - np.maximum(inside, 0.0)) / apart)
        outside = np.interp(time_value, _PRICE, _DELTA)
    outside = np.where(np.isnan(time_value), 0.0, outside)  # worth less than its exercise
    outside = np.where(apart == 0.0, 0.5, outside)
    return np.where(np.isnan(under), np.nan, np.where(inside > 0.0, 1.0 - outside, outside))


def _forwards(rows: Rows, order: Int64, moment: Int64, bid: Floats, ask: Floats) -> Floats:
    """Return per row the forward that parity implies for its expiry, class and instant."""
    both = np.flatnonzero(~np.isnan(bid) & ~np.isnan(ask))
    call = rows.call[order[both]] == 1
    calls, puts = both[call], both[~call]
    strikes, at = np.unique(rows.strike[order[both]], return_inverse=True)
    spots = moment[both] * len(strikes) + at
    _, one, other = np.intersect1d(spots[call], spots[~call], return_indices=True)
    one, other = calls[one], puts[other]
    if not len(one):
        return np.full(len(order), np.nan)
    gap = (bid[one] + ask[one] - bid[other] - ask[other]) / 2
    forward = rows.strike[order[one]] + gap
    nearest = np.lexsort((np.abs(gap), moment[one]))
    held, first, counts = np.unique(moment[one][nearest], return_index=True, return_counts=True)
    table = np.full((len(held), NEAREST), np.nan)
    for number in range(NEAREST):
        there = counts > number
        table[there, number] = forward[nearest[first[there] + number]]
    middle = np.append(np.nanmedian(table, axis=1), np.nan)
    place = np.searchsorted(held, moment)
    known = (place < len(held)) & (held[np.minimum(place, len(held) - 1)] == moment)
    return middle[np.where(known, place, len(held))]
