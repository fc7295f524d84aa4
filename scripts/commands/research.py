"""``mw control``, ``sweep``, ``walkforward`` and ``screen``: what a backtest's result is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import (
    CONFIG,
    RUNS,
    AsJson,
    Config,
    LogFile,
    Profile,
    Range,
    Seed,
    Verbose,
    start_log,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(control)
    app.command()(sweep)
    app.command()(walkforward)
    app.command()(screen)


def control(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Samples of simulated minutes.")] = 2,
    shuffles: Annotated[int, typer.Option(min=1, help="Deals of the filters' verdicts a sample.")] = 2,
    paths: Annotated[int, typer.Option(min=1, help="Drawn paths of every stress day.")] = 3,
    premiums: Annotated[
        str | None, typer.Option(metavar="-0.05,0,0.1", help="Volatility premiums to try.")
    ] = None,
    timerange: Range = None,
    profile: Profile = None,
    seed: Seed = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 one a core.")] = -1,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Annotated[Path, typer.Option(help="Folder for the report's own folder.")] = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Run the bots where nothing is earned, and on days that hurt."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.control import PREMIUMS, ControlRequest, premiums_of, run
    from scripts.requests import BacktestRequest

    base = BacktestRequest(
        config=config, out=out, bots=chosen(bots), timerange=timerange, profile=profile, seed=seed
    )
    tried = PREMIUMS if premiums is None else premiums_of(premiums)
    run(ControlRequest(base, seeds, shuffles, paths, jobs, tried, as_json))


Spec = Annotated[Path, typer.Argument(help="What to try, see docs/sweep.md.")]
Jobs = Annotated[int, typer.Option(help="Processes; -1 one a core.")]
Scheduler = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask cluster instead.")]
Out = Annotated[Path, typer.Option(help="Folder for the search's own folder.")]


def sweep(
    spec: Spec,
    jobs: Jobs = -1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Out = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Try many settings; started again, go on where it was."""
    start_log(verbose, logfile)
    from scripts.search.run import SearchRequest
    from scripts.search.sweep import run

    run(SearchRequest(spec, config, out, jobs, scheduler, as_json))


def walkforward(
    spec: Spec,
    jobs: Jobs = -1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Out = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Choose settings on past days and judge them on later ones."""
    start_log(verbose, logfile)
    from scripts.search.run import SearchRequest
    from scripts.search.walkforward import run

    run(SearchRequest(spec, config, out, jobs, scheduler, as_json))


def screen(
    spec: Spec,
    drawn: Annotated[int, typer.Option(min=1, help="Combinations by lot the engine plays too.")] = 20,
    confirm: Annotated[int, typer.Option(min=1, help="Best combinations the engine plays too.")] = 10,
    jobs: Jobs = -1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Out = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Try all entries, strikes and exits of a bot at once."""
    start_log(verbose, logfile)
    from scripts.search.run import SearchRequest
    from scripts.search.screen import ScreenRequest, run

    run(ScreenRequest(SearchRequest(spec, config, out, jobs, scheduler, as_json), drawn, confirm))
