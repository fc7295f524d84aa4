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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.bars import LINES, PRICES, VIX_POINTS, Bars
from engine.errors import DataError
from engine.sessions import MINUTE_NS, name_stamp
from engine.settings_files import did_you_mean
from feeds.evidence import Side, bar_ends, beyond_any_session, declared_side, regular
from feeds.times import read_times

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
        From ``time, day, open, high, low, close, volume, symbol`` and the names of
        `engine.bars.LINES` to the file's column names; what is not mapped is found under its
        own name in any case, the time also under ``ts, timestamp, datetime, bar_start, bar_end``.
        With a ``day`` the time is one of day: text like 09:30, or milliseconds after midnight.
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
    raw, zone_note = read_times(table, names["time"], names.get("day"), zone, where)
    _check_prices(values, raw, where)
    _check_vix(values.get("vix"), raw, where)
    _check_rising(raw, where)
    far = beyond_any_session(raw)
    if far:
        raise DataError(f"{where}: row {far[0] + 1}: {far[1]}")
    side, side_note = declared_side(raw, values["volume"], names["time"], stamped, where)
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
    known = {"time", "day", "symbol", *NEEDED, *LINES}
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
    for name in ("time", "day", "symbol", *NEEDED, *LINES):
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


def _check_prices(values: Mapping[str, Floats], raw: Int64, where: str) -> None:
    for name in PRICES:
        bad = ~(np.isfinite(values[name]) & (values[name] > 0.0))
        if bad.any():
            at = int(np.argmax(bad))
            raise DataError(
                f"{where}: {name} is {values[name][at]:.10g} in row {at + 1} ({name_stamp(int(raw[at]))}); "
                "expected a positive price"
            )


def _check_vix(vix: Floats | None, raw: Int64, where: str) -> None:
    """Refuse a VIX that is no number of points: a decimal, or nought for none."""
    if vix is None:
        return
    low, high = VIX_POINTS
    bad = ~np.isnan(vix) & ~((vix >= low) & (vix <= high))
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{where}: vix is {vix[at]:.10g} in row {at + 1} ({name_stamp(int(raw[at]))}); "
            "expected points like 13.5, empty where unknown"
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
    usual = int(np.median(step)) // MINUTE_NS if len(step) else 1
    if usual > 1:
        raise DataError(f"{where}: most of its stamps are {usual} minutes apart; expected bars of one minute")
