"""``make bench``: how fast the backtest is, beside Backtrader's own loop in the same run.

Every figure is a median of runs in this process, so that ratios hold on a noisy machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from scripts.commands.options import CONFIG
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare

T = TypeVar("T")
HELP = ("-m", "scripts.cli", "--help")


def bench(timerange: str | None, runs: int, stock_runs: int) -> dict[str, float]:
    """Return what was measured: seconds, counts, megabytes.

    Parameters
    ----------
    timerange : str, optional
        ``YYYYMMDD-YYYYMMDD``; all five years without.
    runs, stock_runs : int
        Of the fast loop and of the stock one; their medians are kept.
    """
    request = BacktestRequest(config=CONFIG, out=Path("runs"), timerange=timerange)
    cold, setup = _timed(lambda: prepare(request))
    warm = [_timed(lambda: prepare(request))[0] for _ in range(max(runs // 2, 1))]
    first, (desk, _) = _timed(lambda: play(setup))
    fast = [_timed(lambda: play(setup))[0] for _ in range(runs)]
    stock = [_timed(lambda: play(setup, stock_loop=True))[0] for _ in range(stock_runs)]
    alone = {name: statistics.median(_alone(setup, name, runs)) for name in setup.bots}
    shown = [
        _timed(lambda: subprocess.run([sys.executable, *HELP], capture_output=True))[0] for _ in range(5)
    ]
    bars = len(next(iter(setup.bars.values())))
    return {
        "bars": bars,
        "trades": len(desk.journal.trades),
        "fills": len(desk.journal.fills),
        "order events": len(desk.journal.orders),
        "load, first in this process": cold,
        "load, again": statistics.median(warm),
        "fast loop, first": first,
        "fast loop": statistics.median(fast),
        "stock loop": statistics.median(stock),
        "stock over fast": statistics.median(stock) / statistics.median(fast),
        "stock loop, bars a second": bars / statistics.median(stock),
        **{f"fast loop, {name} alone": seconds for name, seconds in alone.items()},
        "mw --help": statistics.median(shown),
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


def _alone(setup: Setup, name: str, runs: int) -> list[float]:
    one = Setup(setup.settings, (name,), setup.products, setup.bars, setup.book, setup.calendar, setup.fees)
    return [_timed(lambda: play(one))[0] for _ in range(runs)]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timerange", help="YYYYMMDD-YYYYMMDD, five years without")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--stock-runs", type=int, default=1, help="of Backtrader's own loop, about a minute each"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found = bench(given.timerange, given.runs, given.stock_runs)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    table = Table("what", "measured")
    for name, value in found.items():
        table.add_row(name, f"{value:,.0f}" if value == int(value) or value > 1000 else f"{value:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
