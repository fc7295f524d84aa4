"""Run the benchmark and print one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import backtrader as bt
from rich.console import Console
from rich.table import Table

from engine.errors import LedgerError
from feeds.model import ModelQuotes
from scripts.backtest import compare
from scripts.bench import growth, simple
from scripts.bench.clock import Timed, peak, process, timed
from scripts.bench.fresh import fresh
from scripts.bench.growth import Line
from scripts.bench.searches import variants
from scripts.commands.options import CONFIG
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare

HELP = ("-m", "scripts.cli", "--help")
Rows = dict[str, dict[str, float]]


def options(setup: Setup, runs: int, stock_runs: int) -> Rows:
    """Time the three option bots in both loops, and all calls to the quotes by themselves.

    Raises
    ------
    LedgerError
        The two loops left different journals.
    """
    first, fast = timed(lambda: play(fresh(setup))), timed(lambda: play(fresh(setup)), runs)
    desk = fast.done[0]
    found = {
        "three option bots, first in this process": _row(first),
        "three option bots": _row(fast) | _counts(desk.journal),
    }
    for name in setup.bots:
        alone = replace(setup, bots=(name,))
        found[f"{name} alone"] = _row(timed(lambda alone=alone: play(fresh(alone)), runs))  # type: ignore[misc]
    if isinstance(setup.book, ModelQuotes):
        found["the same calls to the quotes, nothing else"] = _row(timed(_calls(setup), runs))
    if stock_runs:
        stock = timed(lambda: play(setup, stock_loop=True), stock_runs)
        compare(desk, stock.done[0])
        found["stock loop, same bots, same journal"] = _row(stock) | {"times": stock.cpu / fast.cpu}
    return found


def _calls(setup: Setup) -> Callable[[], None]:
    """Play once with a book that writes down what it is asked, and return what asks it all again."""
    asked: list[tuple[str, int, tuple[Any, ...]]] = []

    class Heard(ModelQuotes):
        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if name not in ("quote", "legs", "first_exit", "choices", "asks"):
                return found

            def noted(*arguments: Any) -> Any:
                asked.append((name, super(Heard, self).__getattribute__("bar"), arguments))
                return found(*arguments)

            return noted

    book = setup.book
    assert isinstance(book, ModelQuotes)
    play(replace(setup, book=Heard(book.bars, book.products, book.settings, surfaces=book.surfaces)))

    def again() -> None:
        book: Any = fresh(setup).book
        for name, bar, arguments in asked:
            book.move(bar)
            getattr(book, name)(*arguments)

    return again


def shares(setup: Setup, runs: int, stock_runs: int) -> Rows:
    """Time the simple share job on every rung, the trades of all rungs being the same.

    Raises
    ------
    LedgerError
        Two rungs traded differently.
    """
    bars = next(iter(setup.bars.values()))
    floor = timed(lambda: simple.floor(bars), runs + 1)
    rungs: dict[str, tuple[int, dict[str, Any]]] = {
        "simple job": (runs + 1, {}),
        "simple job, every bar visited": (runs, {"every_bar": True}),
        "simple job, Backtrader's broker": (runs, {"broker": simple.WakingBroker}),
    }
    if stock_runs:
        own = {"loop": bt.Cerebro, "broker": bt.brokers.BackBroker, "every_bar": True}
        rungs["simple job, stock loop and broker"] = (stock_runs, own)
    found: Rows = {"simple job, compiled floor": _row(floor) | {"trades": float(len(floor.done))}}
    for name, (count, given) in rungs.items():
        done = timed(lambda given=given: simple.run(bars, **given), count)  # type: ignore[misc]
        if done.done.trades != floor.done:
            raise LedgerError(f"bench: {name} and the compiled floor differ in their trades")
        found[name] = _row(done) | {"trades": float(len(done.done.trades)), "notices": float(done.done.heard)}
        if given.get("every_bar"):
            found[name]["bars a second"] = len(bars) / done.cpu
    for row in found.values():
        row["times"] = row["cpu"] / found["simple job"]["cpu"]
    return found


def processes(timerange: str | None, runs: int, out: Path) -> Rows:
    """Time whole processes, start-up and all files included."""
    backtest = ["-m", "scripts.cli", "backtest", "--no-control", "--out", str(out)]
    backtest += ["--timerange", timerange] if timerange else []
    return {
        "mw --help": _row(process(HELP, runs)),
        "mw backtest --no-control --no-report": _row(process([*backtest, "--no-report"], runs)),
        "mw backtest --no-control": _row(process(backtest, runs)),
    }


def grown() -> Rows:
    """Return the points of growth and the lines through them."""
    found: Rows = {}
    for kind, rows in growth.points().items():
        for row in rows:
            found[f"growth: {row['years']:.0f} years, {row['symbols']:.0f} symbols"] = row
        size = [row["bars"] / 1e6 for row in rows]
        for what in ("load", "loop", "memory"):
            line = Line.through(size, [row[what] for row in rows])
            name = f"growth by {kind}: {what}"
            found[name] = {"base": line.base, "a million bars": line.slope, "R2": line.explained}
    return found


def bench(given: argparse.Namespace) -> Rows:
    """Measure everything asked for, row by row."""
    request = BacktestRequest(config=CONFIG, out=given.out, timerange=given.timerange)
    cold = timed(lambda: prepare(request))
    again = timed(lambda: prepare(request), max(given.runs // 2, 1))
    setup = cold.done
    bars = float(len(next(iter(setup.bars.values()))))
    rows = {"load, first in this process": _row(cold) | {"bars": bars}, "load, again": _row(again)}
    rows |= shares(setup, given.runs, given.stock_runs)
    rows |= options(setup, given.runs, given.stock_runs)
    if given.variants:
        swept = variants(given.variants, given.out)
        rows[f"sweep, {given.variants} condors over five years"] = _row(swept) | {
            "trades": float(swept.done),
            "a second": given.variants / swept.cpu,
        }
    rows["this process"] = {"memory": peak()}
    rows |= processes(given.timerange, given.process_runs, given.out) if given.process_runs else {}
    return rows | (grown() if given.growth else {})


def _row(done: Timed[Any]) -> dict[str, float]:
    return {"wall": done.wall, "cpu": done.cpu}


def _counts(journal: Any) -> dict[str, float]:
    return {name: float(len(getattr(journal, name))) for name in ("trades", "orders", "fills", "halts")}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one table: seconds by the wall and of the processor, medians."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("--timerange", help="YYYYMMDD-YYYYMMDD, five years without")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stock-runs", type=int, default=1, help="of Backtrader's own loop, minutes each")
    parser.add_argument("--variants", type=int, default=40, help="of the shipped sweep; 0 for none")
    parser.add_argument("--process-runs", type=int, default=5, help="of whole commands; 0 for none")
    parser.add_argument("--growth", action="store_true", help="1 to 20 years, 1 to 23 symbols")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the commands' runs")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    rows = bench(given)
    if given.json:
        json.dump(rows, sys.stdout, indent=1)
        return
    table = Table("what", "wall s", "cpu s", "and")
    for name, row in rows.items():
        rest = {key: value for key, value in row.items() if key not in ("wall", "cpu")}
        told = ", ".join(f"{key} {_text(value)}" for key, value in rest.items())
        table.add_row(name, *(f"{row[key]:.3f}" if key in row else "" for key in ("wall", "cpu")), told)
    Console().print(table)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
