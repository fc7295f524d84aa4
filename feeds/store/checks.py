"""A vendor's file as rows of the store: what is believed, and what is kept apart and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import DataError
from engine.sessions import OPEN_MINUTE, calendar_close, is_session, locate, name_stamp
from feeds.store.columns import ColumnMap
from feeds.store.readers import pieces
from feeds.store.rows import NEVER, Rows, needs
from feeds.store.stale import stale

AFTER_CLOSE = 15  # minutes in which index options still trade, and quotes may arrive
LEAST_PAIRS = 5  # strikes of one chain with call and put, or half of those in all, by which units are judged
INSTANTS = 20  # of a file, at most, that judge them
DISPLACED = 30  # minutes that make a day of a session's length another zone's
EPOCH = date(1970, 1, 1)
LAST_YEAR = 2028  # of the trading calendar: nobody is held to it beyond

GOOD = ""
CROSSED = "bid above ask"
OUTSIDE = "outside the session"
FOREIGN = "of another underlying"
TWICE = "the contract and time stand above"
STALE = "stale"


@dataclass(frozen=True)
class Checked:
    """A file's rows by day: believed ones, those kept apart, and how many of each kind."""

    days: dict[date, tuple[pa.Table, pa.Table]]
    rows: int
    one_sided: int
    reasons: Counter[str]

    @property
    def kept(self) -> int:
        return self.rows - sum(self.reasons.values())


@dataclass(frozen=True)
class Instants:
    """The different times of a file, rising: their days, whether they are in a session; per row which."""

    stamp: NDArray[np.int64]
    day: NDArray[np.int64]
    outside: NDArray[np.bool_]
    at: NDArray[np.int64]


def read(path: Path, columns: ColumnMap, symbol: str = "") -> Checked:
    """Read a vendor's file and check every row.

    Parameters
    ----------
    path : Path
        CSV, packed CSV, Parquet or a zip of CSV.
    columns : ColumnMap
        What its columns are.
    symbol : str
        The underlying of all its rows: classes of another are kept apart.

    Raises
    ------
    DataError
        The file as a whole cannot be trusted: unreadable, empty, columns missing, stamps
        mostly outside New York's sessions or days beside them (a wrong zone), bids mostly above
        asks (swapped), roots mostly of another underlying, calls less puts that do not fall
        with the strike as parity has it (wrong units).
    """
    rows, first = _rows(path, columns)
    needs(rows, first, columns, path.name)
    instants = _instants(rows.stamp)
    reasons: list[str] = [GOOD]
    reason = _reasons(rows, instants, columns, symbol, reasons)
    _hours(path, columns, instants)
    share = dict(zip(reasons, np.bincount(reason, minlength=len(reasons)) / len(rows), strict=True))
    if share[OUTSIDE] > 0.5:
        known = rows.stamp[rows.stamp != NEVER]
        raise DataError(
            f"{path.name}: {share[OUTSIDE]:.0%} of the stamps lie outside New York's sessions, the first is "
            f"{name_stamp(known[0])}; expected another zone than {columns.zone}"
        )
    if share[CROSSED] > 0.5:
        raise DataError(
            f"{path.name}: {share[CROSSED]:.0%} of the bids are above their asks; are they swapped?"
        )
    if share.get(FOREIGN, 0.0) > 0.5:
        raise DataError(
            f"{path.name}: {share[FOREIGN]:.0%} of the rows are of {', '.join(sorted(rows.roots)[:3])}; "
            f"expected those of {symbol}"
        )
    _units(path, rows, np.flatnonzero(reason == 0), instants)
    order = _in_order(rows, instants, reason, reasons, columns)
    return _by_day(rows, instants, order, reason, reasons)


def _rows(path: Path, columns: ColumnMap) -> tuple[Rows, dict[str, Any]]:
    parts: list[Any] = []
    first: dict[str, Any] = {}
    for piece in pieces(path, columns):
        if piece.table.empty:
            continue
        if not first:
            for name, given in (("stamp", ("stamp", "day")), ("expiry", ("osi", "expiry"))):
                held = next(columns.columns[each] for each in given if each in columns.columns)
                first[name] = piece.table[held].iloc[0]
        parts.append(Rows.of(piece, columns))
    if not parts:
        raise DataError(f"{path.name}: the table is empty, expected quotes")
    return Rows.joined(parts), first


def _instants(stamps: NDArray[np.int64]) -> Instants:
    at, found = pd.factorize(stamps)
    rising = np.argsort(found)
    place = np.empty(len(found), np.int64)
    place[rising] = np.arange(len(found))
    stamp = found[rising]
    known = stamp != NEVER
    session, minute = locate(np.where(known, stamp, 0))
    late = minute - np.where(session >= 0, calendar_close(np.maximum(session, 0)), 0)
    local = pd.to_datetime(np.where(known, stamp, 0), utc=True).tz_convert("America/New_York")
    day = local.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64)
    outside = (session < 0) | (minute < OPEN_MINUTE) | (late > AFTER_CLOSE)
    return Instants(stamp, np.where(known, day, NEVER), outside, place[at])


def _hours(path: Path, columns: ColumnMap, instants: Instants) -> None:
    """Refuse days that are as long as a session and begin and end at other hours."""
    stamp = instants.stamp[instants.stamp != NEVER]
    session, minute = locate(stamp)
    stamp, session, minute = (held[session >= 0] for held in (stamp, session, minute))
    if not len(session):
        return
    first = np.flatnonzero(np.diff(session, prepend=-1))
    last = np.append(first[1:], len(session)) - 1
    opened, closed = minute[first] - OPEN_MINUTE, minute[last] - calendar_close(session[first])
    aside = (np.abs(opened) >= DISPLACED) & (np.abs(closed - opened) < DISPLACED)
    if aside.mean() > 0.5:
        day = int(np.argmax(aside))
        raise DataError(
            f"{path.name}: its days begin and end at other hours than New York's sessions, the first from "
            f"{name_stamp(stamp[first[day]])} to {name_stamp(stamp[last[day]])}; "
            f"expected another zone than {columns.zone}"
        )


def _reasons(
    rows: Rows, instants: Instants, columns: ColumnMap, symbol: str, reasons: list[str]
) -> NDArray[np.uint8]:
    """Return the number of why a row is not believed, 0 where it is; the first reason counts."""
    reason = np.zeros(len(rows), np.uint8)

    def mark(wrong: NDArray[np.bool_], name: str) -> None:
        reason[(reason == 0) & wrong] = len(reasons)
        reasons.append(name)

    mark(rows.stamp == NEVER, "no time")
    mark(rows.expiry == NEVER, "no expiry")
    mark(rows.call < 0, "neither call nor put")
    if symbol:
        mark(np.array([not _of(root, symbol) for root in rows.roots])[rows.root], FOREIGN)
    mark(~(np.isfinite(rows.strike) & (rows.strike > 0.0)), "strike is no positive number")
    bid, ask = rows.bid, rows.ask
    mark(np.isinf(bid) | np.isinf(ask) | (bid < 0.0) | (ask < 0.0), "price is no number above zero")
    mark(np.isnan(bid) & np.isnan(ask), "neither bid nor ask")
    mark(bid > ask, CROSSED)
    mark(instants.outside[instants.at], OUTSIDE)
    mark(rows.expiry < instants.day[instants.at], "expired before the quote")
    mark(~_each_expiry(rows, _trades), "expiry is no trading day")
    if symbol in columns.unnamed_am:
        mark(_each_expiry(rows, _monthly), "settles on the open or the close, the file does not say")
    return reason


def _of(root: str, symbol: str) -> bool:
    """Tell whether a class may be the underlying's: SPXW of SPX, GOOG of GOOGL, any without a name."""
    plain = root.lstrip("^.$")
    return plain.startswith(symbol) or symbol.startswith(plain)


def _each_expiry(rows: Rows, tell: Callable[[date], bool]) -> NDArray[np.bool_]:
    codes, found = pd.factorize(rows.expiry)
    return np.array([when != NEVER and tell(EPOCH + timedelta(days=int(when))) for when in found], bool)[
        codes
    ]


def _trades(when: date) -> bool:
    return when.year > LAST_YEAR or is_session(when)


def _monthly(when: date) -> bool:
    """Tell whether the month's own series expires then: the third Friday, or the day before a holiday."""
    third = next(friday for day in range(15, 22) if (friday := when.replace(day=day)).weekday() == 4)
    return when == third or (not _trades(third) and when == third - timedelta(days=1))


def _units(path: Path, rows: Rows, good: NDArray[np.int64], instants: Instants) -> None:
    """Refuse strikes or prices in another unit, and calls taken for puts.

    Calls less puts of one expiry and instant fall by a dollar for every dollar of strike,
    discounting and early exercise aside; the fullest instants judge together. Where they
    scatter by more than that, or are too few, they say nothing.
    """
    held = good[~np.isnan(rows.bid[good]) & ~np.isnan(rows.ask[good])]
    if not len(held):
        return
    fullest = np.argsort(-np.bincount(instants.at[held]), kind="stable")[:INSTANTS]
    held = held[np.isin(instants.at[held], fullest)]
    table = pd.DataFrame(
        {
            "at": instants.at[held],
            "expiry": rows.expiry[held],
            "root": rows.root[held],
            "strike": rows.strike[held],
            "call": rows.call[held] == 1,
            "mid": (rows.bid[held] + rows.ask[held]) / 2,
        }
    ).drop_duplicates(["at", "expiry", "root", "strike", "call"])
    keys = ["at", "expiry", "root", "strike"]
    pairs = table[table.call].merge(table[~table.call], on=keys, suffixes=("", "_put"))
    pairs["apart"] = pairs.mid - pairs.mid_put
    chains = pairs.groupby(keys[:3])[["strike", "apart"]]
    strike, apart = (pairs[["strike", "apart"]] - chains.transform("mean")).to_numpy(np.float64).T
    spread = float(strike @ strike)
    free = len(pairs) - chains.ngroups - 1
    if free < 1 or not spread > 0.0 or (chains.size().max() < LEAST_PAIRS and len(pairs) < 2 * LEAST_PAIRS):
        return
    slope = float(strike @ apart) / spread
    rest = apart - slope * strike
    doubt = 4 * float(np.sqrt(rest @ rest / free / spread))
    if slope < -1.5 - doubt or slope > -0.5 + doubt:
        raise DataError(
            f"{path.name}: calls less puts change by {slope:.3g} for a dollar of strike, expected -1; are "
            "the divisors of strikes and prices and the words for call and put right?"
        )


def _in_order(
    rows: Rows, instants: Instants, reason: NDArray[np.uint8], reasons: list[str], columns: ColumnMap
) -> NDArray[np.int64]:
    """Return the believed rows in the store's order; mark those that come twice or are stale."""
    order = np.flatnonzero(reason == 0)
    contract, moment = np.zeros(len(order), np.int64), np.zeros(len(order), np.int64)
    roots = np.argsort(np.argsort(np.array(rows.roots)))[rows.root[order]]
    for values in (rows.expiry[order], rows.am[order]):
        contract = moment = _codes(contract, values)
    for more in (1 - rows.call[order].astype(np.int64), rows.strike[order], roots):
        contract = _codes(contract, more)
    at = instants.at[order]
    key = contract * len(instants.stamp) + at
    rising = np.argsort(key, kind="stable")
    order, key = order[rising], key[rising]
    fresh = np.ones(len(order), bool)
    fresh[1:] = key[1:] != key[:-1]
    reason[order[~fresh]] = len(reasons)
    reasons.append(TWICE)
    order, rising, at = order[fresh], rising[fresh], instants.at[order[fresh]]
    if columns.stale_minutes:
        series = _codes(contract[rising], instants.day[at])
        moments = moment[rising] * len(instants.stamp) + at
        still = stale(rows, order, series, moments, columns.stale_minutes, columns.stale_share)
        reason[order[still]] = len(reasons)
        order = order[~still]
    reasons.append(STALE)
    return order


def _codes(outer: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return numbers that tell pairs apart and keep their order."""
    codes, found = pd.factorize(values)
    place = np.argsort(np.argsort(found))
    return outer * max(len(found), 1) + place[codes]


def _by_day(
    rows: Rows,
    instants: Instants,
    order: NDArray[np.int64],
    reason: NDArray[np.uint8],
    reasons: list[str],
) -> Checked:
    apart = np.flatnonzero(reason)
    names = np.array(reasons, object)[reason[apart]]
    good_day, bad_day = (instants.day[instants.at[places]] for places in (order, apart))
    days = {}
    for day in np.unique(np.concatenate([good_day, bad_day])):
        if day == NEVER:  # without a time there is no day to keep a row with; it is counted
            continue
        bad = bad_day == day
        days[EPOCH + timedelta(days=int(day))] = (
            rows.table(order[good_day == day]),
            rows.table(apart[bad], names[bad]),
        )
    sided = int((np.isnan(rows.bid[order]) | np.isnan(rows.ask[order])).sum())
    return Checked(days, len(rows), sided, Counter(map(str, names)))
