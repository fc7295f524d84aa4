"""``mw backtest``: run the bots over bars, keep everything, show the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
from loguru import logger
from rich.console import Console

from analyzers.analysis import analyze
from analyzers.benchmarks import benchmarks
from analyzers.drawer import Drawer
from analyzers.report.terminal import print_tables
from analyzers.result import RunResult, save
from engine.desk import Desk
from engine.errors import LedgerError
from engine.gate.fingerprint import strategy_files
from engine.journal.redaction import REDACTOR, redact
from scripts.frames import EVENTS, frame
from scripts.null_control import NullControl
from scripts.origin import STRATEGIES, STRATEGY_FILES, git_commit
from scripts.progress import shown
from scripts.requests import BacktestRequest
from scripts.session import Setup, describe, play, prepare
from scripts.told import console_of, print_json


def run(request: BacktestRequest) -> Path:
    """Run a backtest and return the folder of its results.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right; nothing is written then.
    """
    console = console_of(request.as_json)
    keep = _keeper(request)
    began = time.perf_counter()
    with shown(console, "Preparing bars and quotes"):
        setup = prepare(request)
    prepared = time.perf_counter()
    wanted = request.control and not request.recording and setup.settings.quotes.premium != 0.0
    beside = NullControl(setup) if wanted else None
    drawer = Drawer() if request.report else None
    try:
        desk = _watched(console, setup, request.stock_loop)
        played = time.perf_counter()
        if request.verify:
            with shown(console, "Replaying in the other loop") as far:
                compare(desk, play(setup, not request.stock_loop, far)[0])
            console.print("Verified: Backtrader's own loop gives the same journal.")
        timings = {"prepare": prepared - began, "run": played - prepared}
        result = as_result(request, setup, desk, timings)
        if beside is not None:
            with shown(console, "Running the same bots without premium"):
                result = replace(result, null_control=beside.figures())
        with shown(console, "Writing the report"):
            analysis, passive = analyze(result), benchmarks(result.market)
            folder = save(result, analysis, passive, request.out, request.report, drawer)
            keep(result, desk, setup)
    finally:
        for process in (beside, drawer):
            if process is not None:
                process.stop()
    if request.as_json:
        print_json(analysis.to_summary() | {"folder": str(folder)})
        return folder
    print_tables(console, result, analysis)
    told = f"Report: {folder / 'report.html'}" if request.report else f"Figures: {folder / 'summary.json'}"
    console.print(told, soft_wrap=True)
    return folder


def _keeper(request: BacktestRequest) -> Callable[[RunResult, Desk, Setup], None]:
    """Return what writes a run into the journal, nothing where none is wanted; the database is open."""
    if not request.journal:
        return lambda result, desk, setup: None
    from scripts.journal import journal_backtest, open_backtests

    return partial(journal_backtest, open_backtests(request))


def _watched(console: Console, setup: Setup, stock_loop: bool) -> Desk:
    with shown(console, f"Running {', '.join(setup.bots)}") as told:
        desk, _ = play(setup, stock_loop, told)
    return desk


def market_days(setup: Setup) -> pd.DataFrame:
    """Return the sessions of the run's first symbol: date, open, high, low, close, vix."""
    bars = next(iter(setup.bars.values()))
    grid = bars.grid
    days = pd.DataFrame(
        {
            "day": grid.day,
            "open": bars.open,
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
            "vix": bars.lines["vix"],
        }
    ).groupby("day", sort=True)
    table = days.agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        vix=("vix", "last"),
    )
    table.insert(0, "date", pd.to_datetime(list(grid.dates)))
    return table.reset_index(drop=True)


def as_result(request: BacktestRequest, setup: Setup, desk: Desk, timings: dict[str, float]) -> RunResult:
    """Return everything a run produced as one value."""
    settings, journal = setup.settings, desk.journal
    created = datetime.now(UTC)
    notes, assumptions = describe(setup, desk)
    return RunResult(
        run_id=f"{created:%Y%m%d-%H%M%S}-{settings.digest[:6]}",
        created=created,
        command=redact(" ".join(["mw", *sys.argv[1:]]) if sys.argv[1:] else "mw backtest"),
        git_commit=git_commit(),
        config_digest=settings.digest,
        seed=None if request.recording else settings.data.seed,
        settings=REDACTOR.value(settings.model_dump(mode="json")),
        inputs=inputs(request) | {STRATEGY_FILES: strategy_files(settings, setup.bots, STRATEGIES)},
        data_notes=notes,
        assumptions=assumptions,
        sessions=tuple(desk.sessions),
        start_cash=desk.start_cash,
        decisions=journal.decisions(),
        market=market_days(setup),
        synthetic=not request.recording,
        timings=timings,
        **{name: frame(getattr(journal, name), kind) for name, kind in EVENTS.items()},
    )


def inputs(request: BacktestRequest) -> dict[str, str]:
    """Return what besides the settings decided on the data, for a later look at single trades."""
    given = {"config": request.config.resolve(), "timerange": request.timerange}
    kept = {name: str(value) for name, value in given.items() if value is not None}
    return kept | request.recording.told()


def compare(one: Desk, other: Desk) -> None:
    """Check that two runs left the same journal.

    Raises
    ------
    LedgerError
        Names the first event that differs.
    """
    for name in EVENTS:
        left, right = getattr(one.journal, name), getattr(other.journal, name)
        for number, (a, b) in enumerate(zip(left, right, strict=False)):
            if repr(a) != repr(b):
                raise LedgerError(f"verify: {name}[{number}] is {a} in one loop and {b} in the other")
        if len(left) != len(right):
            raise LedgerError(f"verify: {len(left)} {name} in one loop and {len(right)} in the other")
    left, right = one.journal.decisions(), other.journal.decisions()
    if not left.equals(right):
        raise LedgerError("verify: the decision tables of the two loops differ")
    logger.debug("verified {} trades", len(one.journal.trades))
