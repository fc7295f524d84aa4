"""Minute bars of an underlying, from what its recorded option quotes say of it."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import DataError
from engine.sessions import is_session, stamps
from feeds.recorded.day import Sheet
from feeds.store.store import QuoteStore

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]


def minutes(
    store: QuoteStore, symbol: str, start: date | None, end: date | None, max_age: int, am: bool = False
) -> Bars:
    """Return minute bars of the days a store holds.

    A minute's prices are those of the snapshots in it: the price the recording tells of the
    underlying, else the forward of the nearest expiry by put-call parity. Minutes without a
    snapshot have no bar. There is no volume.

    Parameters
    ----------
    store : QuoteStore
    symbol : str
    start, end : date, optional
        First and last day.
    max_age : int
        Nanoseconds after which a quote is not believed.
    am : bool
        Read the series that settles on the open.

    Raises
    ------
    DataError
        The store holds no such day, or no price can be told on any of them.
    """
    days = [
        day
        for day in store.days(symbol)
        if is_session(day) and (start is None or day >= start) and (end is None or day <= end)
    ]
    if not days:
        held = ", ".join(store.symbols()) or "nothing"
        raise DataError(
            f"quotes {store.path}: no {symbol} quotes from {start or 'the start'} to {end or 'the end'}; "
            f"it holds {held}"
        )
    parts, derived = [], 0
    for day in days:
        at, price = store.spot(symbol, day)
        if not np.isfinite(price).any():
            at, price = _forwards(store, symbol, day, max_age, am)
            derived += 1
        known = np.isfinite(price) & (price > 0.0)
        parts.append(_day(stamps([day]), at[known], price[known]))
    stamp, opened, high, low, close = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not len(stamp):
        raise DataError(f"quotes {store.path}: neither prices nor parity tell {symbol}; give minute bars")
    notes = [f"{symbol} minutes are made of the recorded quotes' snapshots, without volume."]
    if derived:
        notes.append(f"On {derived} of {len(days)} days {symbol} is the forward implied by put-call parity.")
    return Bars(
        symbol, stamp, opened, high, low, close, np.zeros(len(stamp)),
        source=f"quotes {store.path.name}", notes=tuple(notes),
    ).check()  # fmt: skip


def _forwards(store: QuoteStore, symbol: str, day: date, max_age: int, am: bool) -> tuple[Int64, Floats]:
    for expiry in store.expiries(symbol, day):
        quotes = store.day(symbol, day, [expiry])
        sheet = Sheet.of(quotes, quotes.stamp, max_age, am) if expiry >= day else None
        if sheet is not None:
            return quotes.stamp, sheet.levels()[:, 0]
    return np.empty(0, np.int64), np.empty(0)


def _day(ends: Int64, at: Int64, price: Floats) -> tuple[Int64, Floats, Floats, Floats, Floats]:
    """Return the bars of one session: end, open, high, low, close of the minutes with a price."""
    minute = np.searchsorted(ends, at, side="left")
    inside = (minute < len(ends)) & (at > ends[0] - (ends[1] - ends[0]))
    minute, price = minute[inside], price[inside]
    held, first = np.unique(minute, return_index=True)
    if not len(held):
        nothing = np.empty(0)
        return ends[:0], nothing, nothing, nothing, nothing
    last = np.append(first[1:], len(minute)) - 1
    close = price[last]
    # a snapshot at a minute's end opens the next one
    opened = np.append(price[0], close[:-1])
    high = np.maximum(np.maximum.reduceat(price, first), opened)
    low = np.minimum(np.minimum.reduceat(price, first), opened)
    return ends[held], opened, high, low, close
