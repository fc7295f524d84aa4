"""``mw backtest``, ``report`` and ``chain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import ConfigError, DataError
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
    app.command()(backtest)
    app.command()(report)
    app.command()(chain)


def backtest(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    timerange: Range = None,
    bars: Annotated[Path | None, typer.Option(help="Minute bars, Parquet or CSV; else synthetic.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of the bars' stamps.")] = None,
    stamped: Annotated[
        str | None, typer.Option(metavar="start|end", help="Which end of a bar its stamp is.")
    ] = None,
    bars_symbol: Annotated[str | None, typer.Option(help="The underlying of the bars' file.")] = None,
    columns: Annotated[
        str, typer.Option(metavar="time=ts,volume=", help="The bars' column names; nothing: has none.")
    ] = "",
    quotes: Annotated[
        str, typer.Option(metavar="model|STORE", help="Where option quotes come from.")
    ] = "model",
    mix: Annotated[bool, typer.Option("--mix", help="Model quotes where the store has none.")] = False,
    profile: Profile = None,
    config: Config = CONFIG,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    symbol: Annotated[str | None, typer.Option(help="Instead of every bot's symbols.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the run's own folder.")] = RUNS,
    stock_loop: Annotated[bool, typer.Option("--stock-loop", help="Run in Backtrader's own loop.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Run in both loops and compare.")] = False,
    control: Annotated[
        bool, typer.Option("--control/--no-control", help="Also run without premium, for the break-even.")
    ] = True,
    journal: Annotated[
        bool, typer.Option("--journal", help="Write the run into the journal's database too.")
    ] = False,
    database: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="That database, instead of the backtests' own.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw report.html and report.png.")
    ] = True,
    as_json: AsJson = False,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Run the bots over minute bars and write a report."""
    start_log(verbose, logfile)
    from scripts.backtest import run
    from scripts.requests import BacktestRequest, Recording, pairs

    store = None if quotes == "model" else Path(quotes)
    if mix and store is None:
        raise ConfigError("--mix: expected with --quotes STORE")
    for name, value in (
        ("zone", zone),
        ("stamped", stamped),
        ("bars-symbol", bars_symbol),
        ("columns", columns),
    ):
        if value and bars is None:
            raise ConfigError(f"--{name}: expected with --bars FILE")
    request = BacktestRequest(
        config=config,
        out=out,
        bots=chosen(bots),
        timerange=timerange,
        recording=Recording(bars, zone, stamped, bars_symbol, pairs(columns), store, mix),
        profile=profile,
        seed=seed,
        premium=premium,
        generator=None if generator is None else generator.value,
        symbol=symbol,
        stock_loop=stock_loop,
        verify=verify,
        control=control,
        journal=journal or database is not None,
        database=database,
        report=report,
        as_json=as_json,
        verbose=verbose,
    )
    run(request)


def report(
    run: Annotated[
        str | None, typer.Argument(help="A run's folder or its name in runs/; else the newest.")
    ] = None,
    trade: Annotated[int | None, typer.Option(min=1, metavar="ID", help="Draw this trade's day.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Show a finished run again, or draw one trade's day."""
    start_log(verbose, logfile)
    folder = None if run is None else folder_of(run)
    from scripts.report import run as show

    show(folder, trade, as_json)


def chain(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help='New York time, as "2018-02-05 13:00", for model quotes.'),
    ] = None,
    days: Annotated[int, typer.Option(min=0, help="Sessions to expiry; 0 expires that day.")] = 0,
    source: Annotated[
        str | None, typer.Option(metavar="cboe|barchart", help="Who is asked for the delayed chain.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Keep the delayed chain in a quote store.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Of now, from TWS or IB Gateway.")] = False,
    as_json: AsJson = False,
    premium: Premium = None,
    seed: Seed = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Print a chain with greeks. A delayed one of now, or the model's at a time."""
    start_log(verbose, logfile)
    from scripts.chain import run, run_delayed

    if live:
        from scripts.live.chain import run as run_live

        if at is not None or source or save:
            raise ConfigError("--live: expected with --days and --json only")
        run_live(symbol, config, days, as_json=as_json)
        return
    if at is None:
        run_delayed(symbol, config, days, source, save, as_json)
        return
    for name, value in (("source", source), ("save", save)):
        if value:
            raise ConfigError(f"--{name}: expected without --at, for a delayed chain")
    run(symbol=symbol, at=at, config=config, seed=seed, premium=premium, days=days, as_json=as_json)


def chosen(text: str | None) -> tuple[str, ...] | None:
    """Return the bots named on the command line, None when none are."""
    if text is None:
        return None
    from engine.settings import BotsSettings
    from engine.settings_files import did_you_mean

    known = list(BotsSettings.model_fields)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in known:
            raise ConfigError(f"--bots: got {name!r}, expected some of {known}{did_you_mean(name, known)}")
    return names


def folder_of(run: str) -> Path:
    """Return the folder of a run named on the command line."""
    for folder in (Path(run), RUNS / run):
        if folder.is_dir():
            return folder
    from engine.settings_files import did_you_mean

    hint = did_you_mean(run, [path.parent.name for path in RUNS.glob("*/summary.json")])
    raise DataError(f"run: got {run!r}, expected a run's folder or the name of one in {RUNS}/{hint}")
