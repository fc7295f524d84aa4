"""Recorded minute bars from a Parquet or CSV file.

Nothing about a file is guessed. Its columns, time zone, symbol and whether a stamp is the
bar's start or end are declared by the caller, by the file itself (aware stamps, a column
``bar_start`` or ``bar_end``, a column ``symbol``), or proven by its stamps
(``feeds.evidence``); otherwise the error names the option to give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from engine.bars import LINES, PRICES, Bars
from engine.errors import DataError
from engine.sessions import MINUTE_NS, name_stamp
from engine.settings_files import did_you_mean
from feeds.evidence import Side, bar_ends, beyond_any_session, new_york_hours, regular, stamped_side

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]

TIME_NAMES = ("time", "ts", "timestamp", "datetime", "bar_start", "bar_end")
NEEDED = (*PRICES, "volume")
# Symbols a file's name may name; any other is given by option.
NAMED = frozenset(
    "SPX SPY XSP QQQ AAPL MSFT NVDA TSLA AMZN META GOOGL XLF XLE XLV SMH "
    "AMD NFLX SHOP BA CRM ORCL COST WMT".split()
)
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")


def load_bars(
    path: Path | str,
    columns: Mapping[str, str | None] | None = None,
    zone: str | None = None,
    stamped: Side | None = None,
    symbol: str | None = None,
) -> Bars:
    """Load minute bars of one underlying.

    Parameters
    ----------
    path : Path
        A ``.parquet`` or ``.csv`` file; times are dates with a time of day, ISO 8601.
    columns : mapping, optional
        From ``time, open, high, low, close, volume, symbol`` and the names of
        `engine.bars.LINES` to the file's column names; what is not mapped is found under its
        own name in any case, the time also under ``ts, timestamp, datetime, bar_start, bar_end``.
        ``volume`` mapped to None says that the file has none.
    zone : str, optional
        Time zone of stamps without an offset, for instance ``America/New_York``.
    stamped : {"start", "end"}, optional
        Which end of the bar its stamp is.
    symbol : str, optional
        The underlying; selects its rows when the file has a column ``symbol``.

    Returns
    -------
    Bars
        Regular sessions only; ``notes`` tell what was proven, set apart or missing.

    Raises
    ------
    DataError
        One line naming file, place, value and what was expected.
    """
    path = Path(path)
    where = path.name
    table, told = _read(path)
    names = _names(table, dict(columns or {}), where)
    symbol, notes, table = _symbol(table, names, symbol or told.get("symbol"), path)
    if not len(table):
        raise DataError(f"{where}: the table is empty; expected minute bars")
    values = {
        name: _numbers(table, names[name], name, where) for name in (*NEEDED, *LINES) if names.get(name)
    }
    values.setdefault("volume", np.zeros(len(table)))
    raw, zone_note = _stamps(table, names["time"], zone, where)
    _check_prices(values, raw, where)
    _check_rising(raw, where)
    far = beyond_any_session(raw)
    if far:
        raise DataError(f"{where}: row {far[0] + 1}: {far[1]}")
    side, side_note = _side(raw, values["volume"], names["time"], stamped, where)
    stamp = bar_ends(raw, side)
    keep, apart = regular(stamp, where)
    unused = [str(column) for column in table.columns if column not in set(names.values())]
    notes += [note for note in (zone_note, side_note, *apart) if note]
    if unused:
        notes.append(f"Columns not used: {', '.join(unused)}.")
    kept = {name: np.ascontiguousarray(column[keep]) for name, column in values.items()}
    return Bars(
        symbol=symbol,
        stamp=np.ascontiguousarray(stamp[keep]),
        **{name: kept[name] for name in NEEDED},
        lines={name: kept[name] for name in LINES if name in kept},
        source=f"{where}, {told['source']}" if told.get("source") else where,
        # a file of this project says itself whether its minutes are synthetic
        notes=(*(json.loads(told["notes"]) if "notes" in told else [f"Recorded minutes: {where}."]), *notes),
    ).check()


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the file as a table, and what a file of this project tells in its head."""
    import pandas as pd
    import pyarrow as pa

    if path.suffix.lower() not in (".parquet", ".csv"):
        raise DataError(f"bars file {path}: ending {path.suffix!r}; expected .parquet or .csv")
    if not path.is_file():
        raise DataError(f"bars file {path}: no such file")
    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path), {}
        import pyarrow.parquet as pq

        head = pq.read_schema(path).metadata or {}
        told = {k[3:].decode(): v.decode() for k, v in head.items() if k.startswith(b"mw.")}
        table = pd.read_parquet(path)
        if isinstance(table.index, pd.DatetimeIndex):
            table = table.rename_axis(index=str(table.index.name or "time")).reset_index()
        return table, told
    except (ValueError, OSError, pa.ArrowException) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"bars file {path}: cannot be read as a table ({why})") from error


def _names(table: pd.DataFrame, columns: dict[str, str | None], where: str) -> dict[str, str]:
    """Return our column names to the file's."""
    known = {"time", "symbol", *NEEDED, *LINES}
    for name, given in columns.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise DataError(
                f"columns: unknown name {name!r}; expected one of {', '.join(sorted(known))}{hint}"
            )
        if given is not None and given not in table.columns:
            hint = did_you_mean(given, map(str, table.columns))
            raise DataError(f"{where}: no column {given!r} for {name}; it has {_listed(table)}{hint}")
    lower: dict[str, list[str]] = {}
    for column in table.columns:
        lower.setdefault(str(column).lower(), []).append(column)
    found: dict[str, str] = {name: given for name, given in columns.items() if given is not None}
    for name in ("time", "symbol", *NEEDED, *LINES):
        if name in columns:
            continue
        wanted = TIME_NAMES if name == "time" else (name,)
        here = [column for want in wanted for column in lower.get(want, [])]
        if len(here) > 1:
            raise DataError(f"{where}: columns {here} could all be {name}; give columns {{{name!r}: ...}}")
        if here:
            found[name] = here[0]
    for name in ("time", *NEEDED):
        if name not in found and not (name == "volume" and name in columns):
            raise DataError(f"{where}: no column {name!r}; it has {_listed(table)}")
    return found


def _listed(table: pd.DataFrame) -> str:
    return ", ".join(str(column) for column in table.columns) or "no columns"


def _symbol(
    table: pd.DataFrame, names: Mapping[str, str], symbol: str | None, path: Path
) -> tuple[str, list[str], pd.DataFrame]:
    if "symbol" in names:
        column = table[names["symbol"]].astype(str)
        held = sorted(set(column))
        if symbol is None and len(held) == 1:
            return held[0], [], table
        if symbol is None or symbol not in held:
            got = f"symbol is {symbol!r}" if symbol else "no symbol given"
            raise DataError(f"{path.name}: {got}; the file holds {', '.join(held)}")
        return symbol, [], table[(column == symbol).to_numpy()]
    if symbol:
        return symbol, [], table
    tokens = {token.upper() for token in re.split(r"[^A-Za-z]+", path.stem)} & NAMED
    if len(tokens) != 1:
        raise DataError(f"{path.name}: neither a column nor the file's name says the symbol; give symbol")
    return tokens.pop(), ["The symbol is taken from the file's name."], table


def _numbers(table: pd.DataFrame, column: str, name: str, where: str) -> Floats:
    import pandas as pd

    given = table[column]
    values = np.asarray(pd.to_numeric(given, errors="coerce"), np.float64)
    wrong = np.isnan(values) & given.notna().to_numpy()
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(f"{where}: {name} is {given.iloc[at]!r} in row {at + 1}; expected a number")
    return values


def _stamps(table: pd.DataFrame, column: str, zone: str | None, where: str) -> tuple[Int64, str | None]:
    """Return stamps in UTC nanoseconds, and a note when the zone was proven by the stamps."""
    import pandas as pd

    given = table[column]
    if given.isna().any():
        at = int(np.argmax(given.isna().to_numpy()))
        raise DataError(f"{where}: {column} is missing in row {at + 1}; expected a date and time")
    times = given if pd.api.types.is_datetime64_any_dtype(given.dtype) else _parsed(given, column, where)
    if times.dt.tz is not None:
        return _nanoseconds(times.dt.tz_convert("UTC")), None
    note = None
    if zone is None:
        _prove_new_york(times, where)
        zone, note = "America/New_York", "Stamps without a zone run like New York sessions and are read so."
    try:
        ZoneInfo(zone)
        return _nanoseconds(times.dt.tz_localize(zone).dt.tz_convert("UTC")), note
    except (ZoneInfoNotFoundError, OSError) as error:
        raise DataError(f"zone is {zone!r}; expected a name like America/New_York") from error
    except ValueError as error:
        raise DataError(f"{where}: a time does not exist or is ambiguous in {zone} ({error})") from error


def _nanoseconds(times: pd.Series[Any]) -> Int64:
    return np.asarray(times.dt.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64))


def _parsed(given: pd.Series[Any], column: str, where: str) -> pd.Series[Any]:
    import pandas as pd

    text = given.astype(str).str.strip()
    offset = text.str.contains(_OFFSET).to_numpy()
    if offset.any() and not offset.all():
        at = int(np.argmax(offset != offset[0]))
        raise DataError(
            f"{where}: {column} is {text.iloc[at]!r} in row {at + 1}; expected an offset on all or none"
        )
    dated = text.str.contains(r"^\d{4}-?\d{2}-?\d{2}[ T]").to_numpy()
    times = pd.to_datetime(text.where(dated), format="ISO8601", errors="coerce", utc=bool(offset.any()))
    if times.isna().any():
        at = int(np.argmax(times.isna().to_numpy()))
        raise DataError(
            f"{where}: {column} is {text.iloc[at]!r} in row {at + 1}; "
            "expected a time like 2024-03-26 09:30:00"
        )
    return times


def _prove_new_york(times: pd.Series[Any], where: str) -> None:
    """Refuse stamps without a zone unless they run like New York sessions."""
    plain = times.dt.tz_localize("America/New_York", ambiguous="NaT", nonexistent="NaT")
    proven = not plain.isna().any() and new_york_hours(_nanoseconds(plain.dt.tz_convert("UTC")))
    if not proven:
        raise DataError(f"{where}: the stamps carry no time zone and do not prove one; give zone")


def _check_prices(values: Mapping[str, Floats], raw: Int64, where: str) -> None:
    for name in PRICES:
        bad = ~(np.isfinite(values[name]) & (values[name] > 0.0))
        if bad.any():
            at = int(np.argmax(bad))
            raise DataError(
                f"{where}: {name} is {values[name][at]:.10g} in row {at + 1} ({name_stamp(int(raw[at]))}); "
                "expected a positive price"
            )


def _check_rising(raw: Int64, where: str) -> None:
    step = np.diff(raw)
    if len(step) and step.min() <= 0:
        at = int(np.argmax(step <= 0)) + 1
        what = "repeats" if step[at - 1] == 0 else "is earlier than"
        raise DataError(
            f"{where}: row {at + 1}: stamp {name_stamp(int(raw[at]))} {what} the one before it "
            f"({name_stamp(int(raw[at - 1]))}); expected strictly rising stamps"
        )
    if np.any(raw % MINUTE_NS):
        at = int(np.argmax(raw % MINUTE_NS != 0))
        raise DataError(f"{where}: row {at + 1}: stamp {name_stamp(int(raw[at]))}; expected whole minutes")


def _side(
    raw: Int64, volume: Floats, column: str, stamped: Side | None, where: str
) -> tuple[Side, str | None]:
    if stamped is not None:
        if stamped not in ("start", "end"):
            raise DataError(f"stamped is {stamped!r}; expected 'start' or 'end'")
        return stamped, None
    sides: dict[str, Side] = {"bar_start": "start", "bar_end": "end"}
    if column.lower() in sides:
        return sides[column.lower()], None
    proof = stamped_side(raw, volume)
    if proof is None:
        raise DataError(
            f"{where}: its stamps do not prove whether they are bar starts or ends; give stamped start or end"
        )
    return proof[0], f"Stamps are taken as bar {proof[0]}s: {proof[1]}."
