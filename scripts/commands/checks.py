"""``mw lookahead`` and ``mw ablate``: does anything read ahead, and what is each filter worth."""

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
    Made,
    Premium,
    Profile,
    Range,
    Seed,
    Verbose,
    start_log,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(lookahead)
    app.command()(ablate)


def lookahead(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    cuts: Annotated[int, typer.Option(min=1, help="Instants after which the future is changed.")] = 4,
    sessions: Annotated[int, typer.Option(min=2, help="Use the last so many sessions.")] = 250,
    timerange: Range = None,
    bars: Annotated[Path | None, typer.Option(help="Minute bars instead of synthetic ones.")] = None,
    quotes: Annotated[
        str, typer.Option(metavar="model|STORE", help="Where option quotes come from.")
    ] = "model",
    mix: Annotated[bool, typer.Option("--mix", help="Model quotes where the store has none.")] = False,
    stock_loop: Annotated[bool, typer.Option(help="Check Backtrader's own loop too.")] = True,
    as_json: AsJson = False,
    profile: Profile = None,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Rerun a backtest on other futures. Report whatever changed before them."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.lookahead import LookaheadRequest, run
    from scripts.requests import BacktestRequest, Recording

    store = None if quotes == "model" else Path(quotes)
    base = BacktestRequest(
        config=config,
        out=Path(),
        bots=chosen(bots),
        timerange=timerange,
        recording=Recording(bars=bars, quotes=store, mix=mix),
        profile=profile,
        seed=seed,
        premium=premium,
        generator=None if generator is None else str(generator),
    )
    run(LookaheadRequest(base, cuts, sessions, stock_loop, as_json))


def ablate(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    optional: Annotated[bool, typer.Option(help="Try the filters that are off by default, too.")] = True,
    timerange: Range = None,
    profile: Profile = None,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 one a core.")] = -1,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Annotated[Path, typer.Option(help="Folder for the report's own folder.")] = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Switch each filter off alone. Say what it is worth on the same days."""
    start_log(verbose, logfile)
    from scripts.ablate import AblateRequest, run
    from scripts.commands.run import chosen
    from scripts.requests import BacktestRequest

    base = BacktestRequest(
        config=config,
        out=out,
        bots=chosen(bots),
        timerange=timerange,
        profile=profile,
        seed=seed,
        premium=premium,
        generator=None if generator is None else str(generator),
    )
    run(AblateRequest(base, optional, jobs, as_json))
