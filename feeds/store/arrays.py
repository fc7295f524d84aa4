"""A day's quotes as arrays of snapshots and contracts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DayQuotes:
    """The quotes of one underlying and day, as arrays (snapshots n, contracts m).

    ``stamp`` int64[n] UTC nanoseconds, rising; per contract ``expiry`` (day ordinal),
    ``strike``, ``call``, ``am``, ``root``; ``bid``, ``ask`` float[n, m] USD per share (NaN
    without one), ``bid_size``, ``ask_size`` int32[n, m] (0 unknown), ``spot`` float[n] (NaN
    unknown). Contracts stand by expiry, then PM before AM, calls before puts, strikes rising.
    """

    symbol: str
    day: date
    stamp: NDArray[np.int64]
    expiry: NDArray[np.int64]
    strike: NDArray[np.float64]
    call: NDArray[np.bool_]
    am: NDArray[np.bool_]
    root: NDArray[np.object_]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    bid_size: NDArray[np.int32]
    ask_size: NDArray[np.int32]
    spot: NDArray[np.float64]


def as_arrays(symbol: str, day: date, table: pa.Table) -> DayQuotes:
    """Return rows sorted by `schema.KEY` as arrays of snapshots and contracts."""
    stamps = numbers(table, "stamp", np.int64)
    expiry = numbers(table, "expiry", np.int32).astype(np.int64) + date(1970, 1, 1).toordinal()
    strike = numbers(table, "strike", np.float64)
    call, am = numbers(table, "call", np.bool_), numbers(table, "am", np.bool_)
    codes = table.column("root").combine_chunks().dictionary_encode()
    root = np.asarray(codes.indices)
    fresh = np.ones(len(stamps), bool)
    if len(stamps):
        fresh[1:] = False
        for column in (expiry, strike, call, am, root):
            fresh[1:] |= column[1:] != column[:-1]
    column_of = np.cumsum(fresh) - 1
    head = np.flatnonzero(fresh)
    stamp = np.unique(stamps)
    shape = len(stamp), len(head)
    at = np.searchsorted(stamp, stamps), column_of

    def laid(name: str, nothing: Any, kind: Any) -> Any:
        out = np.full(shape, nothing, kind)
        out[at] = numbers(table, name, kind)
        return out

    spot = np.full(len(stamp), np.nan)
    told = numbers(table, "spot", np.float64)
    known = ~np.isnan(told)
    spot[at[0][known]] = told[known]
    names = np.asarray(codes.dictionary.to_pylist(), object)
    return DayQuotes(
        symbol, day, stamp, expiry[head], strike[head], call[head], am[head], names[root[head]],
        laid("bid", np.nan, np.float64), laid("ask", np.nan, np.float64),
        laid("bid_size", 0, np.int32), laid("ask_size", 0, np.int32), spot,
    )  # fmt: skip


def numbers(table: pa.Table, name: str, kind: Any) -> Any:
    column = table.column(name).combine_chunks()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    if column.null_count and pa.types.is_integer(column.type):
        column = column.fill_null(0)
    return np.asarray(column.to_numpy(zero_copy_only=False), kind)
