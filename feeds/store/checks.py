"""A vendor's file as rows of the store: what is believed, and what is kept apart and why."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa

from engine.errors import DataError
from engine.sessions import MINUTE_NS, OPEN_MINUTE, calendar_close, is_session, locate
from feeds.store.columns import ColumnMap
from feeds.store.schema import QUOTES, REJECTED

MOST_BYTES = 4_000_000_000  # of a file once unpacked
MOST_RATIO = 300  # unpacked over packed; quotes reach 30
AFTER_CLOSE = 15  # minutes in which index options still trade, and quotes may arrive


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


def read(path: Path, columns: ColumnMap) -> Checked:
    """Read a vendor's file and check every row.

    Raises
    ------
    DataError
        The file as a whole cannot be trusted: unreadable, empty, columns missing, stamps
        mostly outside New York's sessions (a wrong zone), bids mostly above asks (swapped).
    """
    table = _table(path, columns)
    missing = [given for given in columns.columns.values() if given not in table.columns]
    if missing:
        held = ", ".join(map(str, table.columns[:12])) or "none"
        raise DataError(f"{path.name}: no column {missing[0]!r}; it has {held} (is the delimiter right?)")
    if table.empty:
        raise DataError(f"{path.name}: the table is empty, expected quotes")
    rows = _rows(path, table, columns)
    reason = _reasons(rows)
    believed = reason == ""
    share = {name: float((reason == name).mean()) for name in set(reason)}
    if share.get(OUTSIDE, 0.0) > 0.5:
        raise DataError(
            f"{path.name}: {share[OUTSIDE]:.0%} of the stamps lie outside New York's sessions, the first is "
            f"{rows.stamp.iloc[0]}; expected another zone than {columns.zone}"
        )
    if share.get(CROSSED, 0.0) > 0.5:
        raise DataError(
            f"{path.name}: {share[CROSSED]:.0%} of the bids are above their asks; are they swapped?"
        )
    sided = believed & (rows.bid.isna() | rows.ask.isna()).to_numpy()
    rows["reason"], rows["file"], rows["row"] = reason, path.name, np.arange(1, len(rows) + 1)
    day = rows.stamp.dt.tz_convert("America/New_York").dt.date
    days = {}
    for when, held in rows.groupby(day.where(rows.stamp.notna(), None), sort=True):
        good = held[held.reason == ""]
        apart = held[held.reason != ""]
        days[when] = (_as(good[QUOTES.names], QUOTES), _as(apart[REJECTED.names], REJECTED))
    counted = Counter(str(name) for name in reason if name)
    return Checked(days, len(rows), int(sided.sum()), counted)


CROSSED = "bid above ask"
OUTSIDE = "outside the session"


def _reasons(rows: pd.DataFrame) -> np.ndarray:
    """Return why a row is not believed, empty where it is; the first reason counts."""
    reason = np.full(len(rows), "", object)

    def mark(wrong: np.ndarray | pd.Series, name: str) -> None:
        reason[(reason == "") & np.asarray(wrong, bool)] = name

    mark(rows.stamp.isna(), "no time")
    mark(rows.expiry.isna(), "no expiry")
    mark(rows.call.isna(), "neither call nor put")
    strike = rows.strike.to_numpy(float)
    mark(~(np.isfinite(strike) & (strike > 0.0)), "strike is no positive number")
    bid, ask = rows.bid.to_numpy(float), rows.ask.to_numpy(float)
    mark(np.isinf(bid) | np.isinf(ask) | (bid < 0.0) | (ask < 0.0), "price is no number above zero")
    mark(np.isnan(bid) & np.isnan(ask), "neither bid nor ask")
    with np.errstate(invalid="ignore"):
        mark(bid > ask, CROSSED)
    stamps = rows.stamp.dt.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64)
    stamps = np.where(rows.stamp.isna(), 0, stamps)
    session, minute = locate(stamps)
    late = minute - np.where(session >= 0, calendar_close(np.maximum(session, 0)), 0)
    mark((session < 0) | (minute < OPEN_MINUTE) | (late > AFTER_CLOSE), OUTSIDE)
    day = rows.stamp.dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize()
    mark(rows.expiry < day, "expired before the quote")
    trading = {when: _trades(when) for when in rows.expiry.dropna().unique()}
    mark(~rows.expiry.map(trading).fillna(False).astype(bool), "expiry is no trading day")
    mark(
        rows.duplicated(["expiry", "am", "call", "strike", "root", "stamp"]),
        "the contract and time stand above",
    )
    return reason


def _trades(when: pd.Timestamp) -> bool:
    # the third Friday may be a holiday, and years ahead nobody knows: only the near are held to it
    return is_session(when.date()) or when.year > 2028


def _rows(path: Path, table: pd.DataFrame, columns: ColumnMap) -> pd.DataFrame:
    def given(name: str) -> pd.Series:
        return table[columns.columns[name]]

    def number(name: str) -> pd.Series:
        if name not in columns.columns:
            return pd.Series(np.nan, index=table.index)
        return pd.to_numeric(given(name), errors="coerce")

    right = given("right").astype(str).str.strip()
    call = pd.Series(pd.NA, index=table.index, dtype="boolean")
    call[right.isin(columns.calls)] = True
    call[right.isin(columns.puts)] = False
    root = given("root").astype(str) if "root" in columns.columns else pd.Series("", index=table.index)
    am = (
        given("am").astype(str).isin(("True", "true", "1"))
        if "am" in columns.columns
        else root.isin(columns.am_roots)
    )
    stamp = _stamps(path, given("stamp"), columns)
    prices = {name: number(name) / columns.price_divisor for name in ("bid", "ask")}
    return pd.DataFrame(
        {
            "stamp": stamp,
            "expiry": pd.to_datetime(given("expiry"), errors="coerce").dt.normalize(),
            "strike": number("strike") / columns.strike_divisor,
            "call": call,
            "am": am,
            "root": root,
            # vendors write a side nobody quotes as nought
            **{name: values.mask(values == 0.0) for name, values in prices.items()},
            "bid_size": number("bid_size").fillna(0).clip(0, 2**31 - 1).astype(np.int32),
            "ask_size": number("ask_size").fillna(0).clip(0, 2**31 - 1).astype(np.int32),
            "spot": number("spot").where(lambda values: values > 0.0),
            "volume": number("volume").astype("Int64"),
            "open_interest": number("open_interest").astype("Int64"),
        }
    )


def _stamps(path: Path, given: pd.Series, columns: ColumnMap) -> pd.Series:
    try:
        ZoneInfo(columns.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DataError(f"zone: got {columns.zone!r}, expected a name like America/New_York") from None
    times = given if pd.api.types.is_datetime64_any_dtype(given.dtype) else None
    try:
        times = pd.to_datetime(given, errors="coerce", format=None if times is not None else "ISO8601")
    except ValueError as error:
        raise DataError(f"{path.name}: stamps mix offsets ({' '.join(str(error).split())[:80]})") from None
    if times.isna().all():
        raise DataError(
            f"{path.name}: no stamp can be read, the first is {given.iloc[0]!r}; expected ISO 8601"
        )
    if times.dt.tz is None:
        times = times.dt.tz_localize(columns.zone, ambiguous="NaT", nonexistent="NaT")
    late = MINUTE_NS * columns.minutes if columns.stamped == "start" else 0
    return (times.dt.tz_convert("UTC") + pd.Timedelta(late, unit="ns")).astype("datetime64[ns, UTC]")


def _table(path: Path, columns: ColumnMap) -> pd.DataFrame:
    name = path.name.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        if name.endswith(".parquet"):
            return pd.read_parquet(path)
        if name.endswith(".csv.gz"):
            _unpacks(path)
        elif not name.endswith(".csv"):
            raise DataError(f"{path.name}: expected a file ending in .csv, .csv.gz or .parquet")
        return pd.read_csv(path, sep=columns.delimiter, low_memory=False)
    except (ValueError, OSError, EOFError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{path.name}: cannot be read as a table ({said})") from None


def _unpacks(path: Path) -> None:
    """Refuse a file that swells beyond all measure before anything reads it whole."""
    most = min(MOST_BYTES, MOST_RATIO * path.stat().st_size + 1_000_000)
    size = 0
    with gzip.open(path) as packed:
        while part := packed.read(1 << 20):
            size += len(part)
            if size > most:
                raise DataError(f"{path.name}: unpacks to more than {size / 1e6:.0f} MB, which no quotes do")


def _as(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
