"""The rows of a vendor's file in the store's own terms, as plain arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import DataError
from engine.sessions import MINUTE_NS
from feeds.store.columns import ColumnMap
from feeds.store.readers import Piece
from feeds.store.schema import QUOTES, REJECTED

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]

NEVER = np.iinfo(np.int64).min
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
OSI = re.compile(r"([A-Z0-9.]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})")
SIZES = re.compile(r"\s*(\d+)\s*[xX]\s*(\d+)\s*")


@dataclass(frozen=True, eq=False)
class Rows:
    """Quotes as arrays, one entry a contract and instant.

    ``stamp`` UTC nanoseconds and ``expiry`` days since 1970 (NEVER: cannot be read);
    ``call`` 1, 0 or -1 for neither; ``root`` and ``source`` count in ``roots`` and ``names``;
    prices are NaN where there is none, sizes 0 where unknown.
    """

    stamp: Int64
    expiry: Int64
    strike: Floats
    call: NDArray[np.int8]
    am: NDArray[np.bool_]
    root: NDArray[np.int32]
    bid: Floats
    ask: Floats
    bid_size: NDArray[np.int32]
    ask_size: NDArray[np.int32]
    spot: Floats
    volume: Floats
    open_interest: Floats
    source: NDArray[np.int32]
    row: Int64
    roots: tuple[str, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.stamp)

    @classmethod
    def of(cls, piece: Piece, columns: ColumnMap) -> Rows:
        """Return a piece of a file as rows, two for one where call and put share it."""
        if not columns.calls_in:
            return _side(piece, columns, columns.columns, None)
        return cls.joined(
            [
                _side(piece, columns, {**columns.columns, **side}, call)
                for side, call in ((columns.calls_in, 1), (columns.puts_in, 0))
            ]
        )

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the rows of several pieces as one."""
        if len(parts) == 1:
            return parts[0]
        made: dict[str, Any] = {}
        for names, code in (("roots", "root"), ("names", "source")):
            known = {name: at for at, name in enumerate(dict.fromkeys(n for p in parts for n in p[names]))}
            made[names] = tuple(known)
            made[code] = np.concatenate(
                [np.array([known[name] for name in part[names]], np.int32)[part[code]] for part in parts]
            )
        for field in fields(cls):
            if field.name not in made:
                made[field.name] = np.concatenate([part[field.name] for part in parts])
        return cls(**made)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def table(self, at: Int64, reason: Sequence[str] | None = None) -> pa.Table:
        """Return the rows at places as a table of `schema.QUOTES`, with a reason of `schema.REJECTED`."""
        stamp, expiry, call = self.stamp[at], self.expiry[at], self.call[at]
        made = {
            "stamp": pa.array(stamp, pa.int64(), mask=stamp == NEVER),
            "expiry": pa.array(expiry, mask=expiry == NEVER).cast(pa.int32()),
            "strike": pa.array(self.strike[at], from_pandas=True),
            "call": pa.array(call == 1, mask=call < 0),
            "am": self.am[at],
            "root": pa.array(self.roots, pa.string()).take(pa.array(self.root[at])),
            **{name: pa.array(self[name][at], from_pandas=True) for name in ("bid", "ask", "spot")},
            **{name: self[name][at] for name in ("bid_size", "ask_size")},
            **{name: _whole(self[name][at]) for name in ("volume", "open_interest")},
        }
        if reason is None:
            return pa.table(made).select(QUOTES.names).cast(QUOTES)
        made["reason"] = pa.array(reason, pa.string())
        made["file"] = pa.array(self.names, pa.string()).take(pa.array(self.source[at]))
        made["row"] = self.row[at]
        return pa.table(made).select(REJECTED.names).cast(REJECTED)


def _whole(values: Floats) -> pa.Array:
    held = np.where(np.isfinite(values) & (np.abs(values) < 2**62), values, 0.0)
    return pa.array(held.astype(np.int64), mask=~np.isfinite(values) | (np.abs(values) >= 2**62))


def _side(piece: Piece, columns: ColumnMap, names: dict[str, str], call: int | None) -> Rows:
    table, count = piece.table, len(piece.table)

    def number(name: str, divisor: float = 1.0) -> Floats:
        if name not in names:
            return np.full(count, np.nan)
        made = pd.to_numeric(table[names[name]], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for value in columns.nothing:
            made = np.where(made == value, np.nan, made)
        return made / divisor if divisor != 1.0 else made

    def each(name: str, read: Callable[[str], Any], kind: Any) -> Any:
        return _each(table[names[name]], read, kind)

    made: dict[str, Any] = {
        "stamp": _stamps(table, columns, names, piece.names[0]),
        "row": piece.row,
        "source": piece.source,
    }
    if "osi" in names:
        codes, found = _codes(table[names["osi"]])
        series = [_series(str(value)) for value in found]
        made["roots"] = tuple(dict.fromkeys(str(each[0]) for each in series)) or ("",)
        series = [(made["roots"].index(each[0]), *each[1:]) for each in series]
        for at, (name, kind) in enumerate(
            (("root", np.int32), ("expiry", np.int64), ("call", np.int8), ("strike", np.float64))
        ):
            made[name] = np.array([each[at] for each in series], kind)[codes]
    else:
        made["expiry"] = _days(table[names["expiry"]], columns.dates)
        made["strike"] = number("strike", columns.strike_divisor)
        rights = {**dict.fromkeys(columns.calls, 1), **dict.fromkeys(columns.puts, 0)}
        made["call"] = (
            np.full(count, call, np.int8)
            if call is not None
            else each("right", lambda word: rights.get(word, -1), np.int8)
        )
        roots = each("root", str.upper, object) if "root" in names else np.full(count, "", object)
        made["root"], found = _codes(pd.Series(roots))
        made["roots"] = tuple(map(str, found)) or ("",)
    if "am" in names:
        made["am"] = each("am", lambda word: word in ("True", "true", "1"), np.bool_)
    else:
        made["am"] = np.array([root in columns.am_roots for root in made["roots"]], bool)[made["root"]]
    for name in ("bid", "ask"):
        price = number(name, columns.price_divisor)
        made[name] = np.where(price == 0.0, np.nan, price)  # vendors write a side nobody quotes as nought
    if "sizes" in names:
        codes, found = _codes(table[names["sizes"]])
        pairs = [SIZES.fullmatch(str(value)) for value in found]
        for at, name in ((1, "bid_size"), (2, "ask_size")):
            made[name] = _sizes(np.array([float(pair[at]) if pair else 0.0 for pair in pairs])[codes])
    else:
        made |= {name: _sizes(number(name)) for name in ("bid_size", "ask_size")}
    spot = number("spot")
    made["spot"] = np.where(spot > 0.0, spot, np.nan)
    made |= {name: number(name) for name in ("volume", "open_interest")}
    return Rows(**made, names=piece.names)


def _codes(values: pd.Series) -> tuple[NDArray[np.int32], list[Any]]:
    codes, found = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int32), list(found)


def _each(values: pd.Series, read: Callable[[str], Any], kind: Any) -> Any:
    """Return what a function says of every text, asked once for each different one."""
    codes, found = _codes(values)
    said = ["" if pd.isna(value) else str(value).strip() for value in found]
    return np.array([read(word) for word in said], kind)[codes]


def _sizes(values: Floats) -> NDArray[np.int32]:
    return np.clip(np.nan_to_num(values, nan=0.0), 0, 2**31 - 1).astype(np.int32)


def _series(symbol: str) -> tuple[str, int, int, float]:
    found = OSI.fullmatch(symbol.strip())
    if found is None:
        return "", NEVER, -1, np.nan
    root, year, month, day, right, strike = found.groups()
    try:
        when = date(2000 + int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        when = NEVER
    return root, when, int(right == "C"), int(strike) / 1000.0


def _days(values: pd.Series, written: str) -> Int64:
    codes, found = pd.factorize(values)
    known = pd.Series(found)
    if pd.api.types.is_numeric_dtype(known.dtype):
        if written == "iso":  # a number is no ISO date, whatever the parser would make of it
            return np.full(len(values), NEVER)
        known = known.astype("Int64").astype(str)
    if not pd.api.types.is_datetime64_any_dtype(known.dtype):
        known = known.astype(str).str.strip() if len(known) else known
        known = pd.to_datetime(known, errors="coerce", format="ISO8601" if written == "iso" else written)
    if getattr(known.dtype, "tz", None) is not None:
        known = known.dt.tz_localize(None)
    days = known.to_numpy("datetime64[D]")
    return np.append(np.where(np.isnat(days), NEVER, days.astype(np.int64)), NEVER)[codes]


def _stamps(table: pd.DataFrame, columns: ColumnMap, names: dict[str, str], name: str) -> Int64:
    late = MINUTE_NS * columns.minutes if columns.stamped == "start" else 0
    if "day" in names:
        after = pd.to_numeric(table[names["milliseconds"]], errors="coerce").to_numpy(np.float64)
        days = _days(table[names["day"]], columns.dates)
        known = np.isfinite(after) & (after >= 0) & (after < 86_400_000) & (days != NEVER)
        told = np.where(known, days, 0) * 86_400_000 + np.where(known, after, 0).astype(np.int64)
        codes, each = pd.factorize(told)
        made = _local(pd.Series(pd.to_datetime(each, unit="ms")), columns.zone, late)[codes]
        return np.where(known, made, NEVER)
    values = table[names["stamp"]]
    codes, found = pd.factorize(values)
    times = pd.Series(found)
    if pd.api.types.is_datetime64_any_dtype(times.dtype):
        made = _local(times, columns.zone, late)
    elif columns.stamp_unit == "text":
        made = np.full(len(times), NEVER)
        if len(times) and not pd.api.types.is_numeric_dtype(times.dtype):
            try:
                read = pd.to_datetime(times, errors="coerce", format="ISO8601")
            except ValueError as error:
                said = " ".join(str(error).split())[:80]
                raise DataError(f"{name}: stamps mix offsets ({said})") from None
            made = _local(read, columns.zone, late)
    else:
        made = _since_1970(times, UNITS[columns.stamp_unit], late)
    return np.append(made, NEVER)[codes]


def _local(times: pd.Series, zone: str, late: int) -> Int64:
    if times.dt.tz is None:
        times = times.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    made = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ns]")
    return np.where(np.isnat(made), NEVER, made.astype(np.int64) + late)


def _since_1970(times: pd.Series, unit: int, late: int) -> Int64:
    counted = pd.to_numeric(times, errors="coerce")
    known = (counted.notna() & (counted > 0) & (counted < 2**62 // unit)).to_numpy(bool)
    held = counted.where(known, 0)
    if pd.api.types.is_float_dtype(held.dtype):  # a gap made floats of them: nanoseconds are lost
        step = max(1_000_000 // unit, 1)
        return np.where(known, (held / step).round().astype(np.int64) * step * unit + late, NEVER)
    return np.where(known, held.astype(np.int64) * unit + late, NEVER)


def needs(rows: Rows, first: dict[str, Any], columns: ColumnMap, name: str) -> None:
    """Refuse a file of which no time or no expiry can be read at all.

    Raises
    ------
    DataError
        None can; the first one is quoted.
    """
    expected = {"text": "ISO 8601"}.get(columns.stamp_unit, f"{columns.stamp_unit} since 1970")
    if "day" in columns.columns:
        expected = f"a date ({columns.dates}) and milliseconds"
    if (rows.stamp == NEVER).all():
        raise DataError(f"{name}: no stamp can be read, the first is {first['stamp']!r}; expected {expected}")
    if (rows.expiry == NEVER).all():
        written = "an OSI symbol" if "osi" in columns.columns else f"a date ({columns.dates})"
        raise DataError(
            f"{name}: no expiry can be read, the first is {first['expiry']!r}; expected {written}"
        )
