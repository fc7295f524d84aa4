"""``mw lookahead``: does anything read ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import (
    CONFIG,
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
    profile: Profile = None,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Rerun a backtest on other futures and report whatever changed before them."""
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
    run(LookaheadRequest(base, cuts, sessions, stock_loop))
