"""``mw report``: show a finished run again, or draw the day of one of its trades."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.analysis import analyze
from analyzers.report.terminal import print_tables
from analyzers.result import RunResult, load
from engine.errors import DataError
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Leg, Right, Stock
from engine.settings import Settings
from scripts.files import put
from scripts.progress import shown
from scripts.requests import Recording
from scripts.told import console_of, print_json

RUNS = Path("runs")
OPTION = re.compile(r"(?P<kind>\S+) (?P<day>\d{4}-\d\d-\d\d) (?P<strike>[\d.]+)(?P<right>[CP])")


def run(folder: Path | None, trade: int | None, as_json: bool = False) -> None:
    """Print a run's tables, the newest one's by default, or its summary as JSON; or draw one trade's day.

    Raises
    ------
    DataError
        There is no such run or trade.
    """
    folder = newest(RUNS) if folder is None else folder
    if as_json and trade is None:
        print_json(json.loads((folder / "summary.json").read_text(encoding="utf-8")))
        return
    console = console_of(as_json)
    with shown(console, "Reading the run"):
        result, _ = load(folder)
        analysis = analyze(result) if trade is None else None
    if analysis is not None:
        print_tables(console, result, analysis)
        page = folder / "report.html"  # not there after --no-report
        name, place = ("Report", page) if page.is_file() else ("Figures", folder / "summary.json")
        console.print(f"{name}: {place}", soft_wrap=True)
        return
    assert trade is not None  # else the tables were asked for
    with shown(console, f"Drawing the day of trade {trade}"):
        path = draw(folder, result, trade)
    if as_json:
        print_json({"chart": str(path)})
        return
    console.print(f"Chart: {path}", soft_wrap=True)


def newest(runs: Path) -> Path:
    """Return the newest run's folder."""
    found = sorted(path.parent for path in runs.glob("*/summary.json"))
    if not found:
        raise DataError(f"{runs}/: holds no run, expected one; make it with mw backtest")
    return found[-1]


def draw(folder: Path, result: RunResult, number: int) -> Path:
    """Write ``trade-<number>.png`` into the run's folder and return its path."""
    from analyzers.report.trade_chart import trade_chart

    found = result.trades[result.trades.trade_id == number]
    if found.empty:
        known = result.trades.trade_id
        span = f"{known.min()} to {known.max()}" if len(known) else "none, the run has no trades"
        raise DataError(f"trade: got {number}, expected one of this run's, {span}")
    trade = found.iloc[0]
    bars, book = _market(result, trade.symbol)
    combo = combo_of(
        result.fills[(result.fills.trade_id == number) & result.fills.opening], book.products[trade.symbol]
    )
    day = trade.entry_time.tz_convert("America/New_York").date()
    row = bars.grid.dates.index(day)
    first, stop = int(bars.grid.first[row]), int(bars.grid.last[row]) + 1
    times = pd.DatetimeIndex(pd.to_datetime(bars.stamp[first:stop], utc=True)).tz_convert("America/New_York")
    _, _, mid = book.mark_path(combo, first, stop)
    strikes = [
        (
            leg.instrument.strike,
            f"{'−' if leg.ratio < 0 else '+'}{leg.instrument.strike:g}{leg.instrument.right}",
        )
        for leg in combo.legs
        if isinstance(leg.instrument, Contract)
    ]
    target = folder / f"trade-{number}.png"
    prices = pd.Series(bars.close[first:stop], index=times)
    with put(target) as path:
        trade_chart(trade, times, prices, strikes, pd.Series(-mid, index=times), path)
    return target


def _market(result: RunResult, symbol: str) -> tuple[Any, Any]:
    """Return the bars and the quotes the run was made on."""
    from engine.universe import load_universe
    from scripts.commands.options import CONFIG
    from scripts.market import market

    settings = Settings(**result.settings)
    told = result.inputs
    universe = load_universe(Path(told.get("config", CONFIG)) / "universe.json")
    recording = Recording.of(told)
    bars, book = market(settings, universe, [symbol], recording=recording, timerange=told.get("timerange"))
    return bars[symbol], book


def combo_of(opened: pd.DataFrame, product: Any) -> Combo:
    """Return the combo that a trade's opening fills bought, per unit."""
    totals = opened.groupby("instrument", sort=False).quantity.sum()
    counts = [int(count) for count in totals]
    unit = int(np.gcd.reduce(counts)) if counts else 1
    legs = []
    for text, count in zip(totals.index, counts, strict=True):
        match = OPTION.fullmatch(text)
        instrument: Instrument = Stock(product)
        if match:
            day = date.fromisoformat(match["day"])
            instrument = Contract(product, day, float(match["strike"]), Right(match["right"]))
        legs.append(Leg(instrument, count // unit))
    return Combo(tuple(legs), "held")
