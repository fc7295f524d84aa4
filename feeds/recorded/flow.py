"""What was traded of a recorded day's nearest expiry, minute by minute."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from feeds.store.arrays import numbers
from feeds.store.store import QuoteStore

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]
COLUMNS = ["stamp", "expiry", "strike", "call", "am", "root", "volume", "open_interest"]


def is_running(store: QuoteStore, symbol: str) -> bool:
    """Tell whether volumes count from the morning, as some vendors give them, or for each snapshot alone.

    A count from the morning never falls. The first day held answers for all, so that no day is
    read in the light of a later one.
    """
    days = store.days(symbol)
    return not days or not _falls(store.read(symbol, days[0], "quotes", COLUMNS))


def _falls(table: pa.Table) -> bool:
    """Tell whether the volume of any contract (rows stand by contract) is ever lower than just before."""
    same = np.ones(max(len(table) - 1, 0), bool)
    for name in ("expiry", "am", "call", "strike"):
        column = table.column(name).to_numpy(zero_copy_only=False)
        same &= column[1:] == column[:-1]
    return bool((same & (np.diff(numbers(table, "volume", np.float64)) < 0)).any())


def day_flow(store: QuoteStore, symbol: str, day: date, stamps: Int64, running: bool) -> Floats:
    """Return puts and calls traded in every bar, and the open interest of the morning, contracts.

    Parameters
    ----------
    store, symbol, day
        A day the store holds.
    stamps : array of int, shape (n,)
        Ends of the day's bars, UTC nanoseconds.
    running : bool
        Volumes count from the morning.

    Returns
    -------
    ndarray, shape (3, n)
        NaN where the recording tells no volume, or no open interest.
    """
    out = np.full((3, len(stamps)), np.nan)
    table = store.read(symbol, day, "quotes", COLUMNS)
    expiries = [one for one in pc.unique(table.column("expiry")).to_pylist() if one >= day]
    if not expiries:
        return out
    table = table.filter(pc.equal(table.column("expiry"), pa.scalar(min(expiries))))
    known, call = numbers(table, "stamp", np.int64), numbers(table, "call", np.bool_)
    volume, interest = (numbers(table, name, np.float64) for name in ("volume", "open_interest"))
    if table.column("volume").null_count < len(table):
        for row, side in enumerate((~call, call)):
            out[row] = _traded(known[side], volume[side], stamps, running)
    if table.column("open_interest").null_count < len(table):
        morning = known == known.min()
        out[2] = np.where(stamps >= known.min(), interest[morning].sum(), np.nan)
    return out


def _traded(known: Int64, volume: Floats, stamps: Int64, running: bool) -> Floats:
    """Return what was traded in every bar; a snapshot belongs to the bar it falls into."""
    instants, place = np.unique(known, return_inverse=True)
    total = np.bincount(place, volume, len(instants))
    if running:
        # a contract left out of one snapshot has not been untraded
        total = np.diff(np.maximum.accumulate(total), prepend=0.0)
    bar = np.searchsorted(stamps, instants)
    inside = bar < len(stamps)
    return np.bincount(bar[inside], total[inside], len(stamps)).astype(np.float64)
