"""``mw data import``, ``check``, ``list`` and ``info``: recorded option quotes and their store."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from engine.errors import ConfigError
from engine.sessions import session_dates
from engine.settings_files import did_you_mean
from engine.universe import load_universe
from feeds.store.checks import read
from feeds.store.columns import ColumnMap, preset
from feeds.store.store import QuoteStore
from scripts.market import find_product
from scripts.progress import watched
from scripts.told import console_of, print_json


def run_import(
    files: Sequence[Path],
    store: Path,
    symbol: str,
    config: Path,
    vendor: str | None = None,
    columns: Path | None = None,
    replace: bool = False,
    as_json: bool = False,
) -> dict[str, Any]:
    """Import vendors' files into a store and say what was believed, and what not and why.

    All of them or none: when one file cannot be trusted the store stays as it was. Single
    rows that cannot be are kept apart in the day's ``rejected.parquet``.

    Raises
    ------
    MarketWatchError
        A file, preset, map or symbol that is wrong; one line.
    """
    if (vendor is None) == (columns is None):
        raise ConfigError("import: expected either --preset NAME or --columns FILE")
    if not files:
        raise ConfigError("import: got no files, expected at least one")
    find_product(load_universe(config / "universe.json"), symbol)
    given = ColumnMap.load(columns) if columns else preset(config / "vendors", str(vendor))
    console = console_of(as_json)
    told: dict[str, Any] = {"symbol": symbol, "preset": vendor, "files": []}
    quotes = QuoteStore.create(store)
    with quotes.batch(told) as batch:
        for path in watched(console, "Importing files", len(files), files):
            checked = read(path, given, symbol)
            against = 0
            for day, (rows, apart) in checked.days.items():
                against += batch.write(symbol, day, rows, apart, not replace, path.name)
            told["files"].append(
                {
                    "file": path.name,
                    "sha256": _digest(path),
                    "rows": checked.rows,
                    "days": len(checked.days),
                    "kept": checked.kept - against,
                    "one_sided": checked.one_sided,
                    "contradictions": against,
                    "rejected": dict(checked.reasons),
                }
            )
    _show(console, told, as_json)
    return told


def _show(console: Console, told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    table = Table(title=f"Imported {told['symbol']}", title_justify="left")
    for name in ("File", "Rows", "Days", "Kept", "One-sided", "Kept apart"):
        table.add_column(name, justify="left" if name == "File" else "right")
    reasons: Counter[str] = Counter()
    for held in told["files"][:20]:
        table.add_row(
            held["file"],
            *(f"{held[key]:,}" for key in ("rows", "days", "kept", "one_sided")),
            f"{held['rows'] - held['kept']:,}",
        )
    for held in told["files"]:
        reasons.update(held["rejected"])
        reasons.update({"contradicts the store": held["contradictions"]} if held["contradictions"] else {})
    console.print(table)
    if len(told["files"]) > 20:
        console.print(f"and {len(told['files']) - 20} files more")
    for reason, count in reasons.most_common():
        console.print(f"{count:,} rows kept apart: {reason}")


def describe(store: Path, as_json: bool = False) -> list[dict[str, Any]]:
    """Print what a store holds, a row a symbol, and return it."""
    quotes = QuoteStore.open(store)
    rows = []
    for symbol in quotes.symbols():
        days = quotes.days(symbol)
        if not days:
            continue
        missing = sorted(set(session_dates(days[0], days[-1])) - set(days))
        size = sum(quotes.file(symbol, day).stat().st_size for day in days)
        rows.append(
            {
                "symbol": symbol,
                "days": len(days),
                "first": str(days[0]),
                "last": str(days[-1]),
                "missing_sessions": len(missing),
                "megabytes": round(size / 1e6, 1),
            }
        )
    _print(rows, f"Store {store}", as_json)
    return rows


def check(store: Path, as_json: bool = False) -> list[dict[str, Any]]:
    """Read every day of a store and print, a row a symbol, what its quotes are worth.

    Raises
    ------
    DataError
        A day's file is damaged; it is named.
    """
    quotes = QuoteStore.open(store)
    rows = []
    for symbol in quotes.symbols():
        total: Counter[str] = Counter()
        known = quotes.days(symbol)
        for day in watched(console_of(as_json), f"Reading days of {symbol}", len(known), known):
            held = quotes.read(symbol, day, "quotes", ["bid", "ask", "stamp"])
            total["rows"] += len(held)
            total["snapshots"] += len(pc.unique(held["stamp"]))
            total["without_bid"] += held["bid"].null_count
            total["without_ask"] += held["ask"].null_count
            total["crossed"] += int(pc.sum(pc.greater(held["bid"], held["ask"])).as_py() or 0)
            total["kept_apart"] += len(quotes.read(symbol, day, "rejected", ["reason"]))
        rows.append({"symbol": symbol, "days": len(known), **total})
    _print(rows, f"Check of {store}", as_json)
    return rows


def info(store: Path, symbol: str, as_json: bool = False) -> list[dict[str, Any]]:
    """Print the days of a symbol: snapshots, contracts, expiries, rows kept apart."""
    quotes = QuoteStore.open(store)
    if symbol not in quotes.symbols():
        held = ", ".join(quotes.symbols()) or "nothing"
        hint = did_you_mean(symbol, quotes.symbols())
        raise ConfigError(f"symbol: got {symbol!r}, the store holds {held}{hint}")
    rows = []
    known = quotes.days(symbol)
    for day in watched(console_of(as_json), f"Reading days of {symbol}", len(known), known):
        held = quotes.day(symbol, day)
        rows.append(
            {
                "day": str(day),
                "snapshots": len(held.stamp),
                "contracts": len(held.strike),
                "expiries": len(set(held.expiry.tolist())),
                "kept_apart": len(quotes.read(symbol, day, "rejected", ["reason"])),
            }
        )
    _print(rows, f"{symbol} in {store}", as_json)
    return rows


def _print(rows: list[dict[str, Any]], title: str, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ("nothing",):
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    Console().print(table)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
