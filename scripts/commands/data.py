"""``mw data``: make and look at market data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import CONFIG, AsJson, Config, LogFile, Made, Range, Seed, Verbose, start_log


def register(app: typer.Typer) -> None:
    """Add the commands."""
    data = typer.Typer(no_args_is_help=True, help="Make and look at market data.")
    data.command()(synth)
    data.command("synth-quotes")(synth_quotes)
    data.command("import")(import_quotes)
    data.command()(history)
    data.command("list")(list_store)
    data.command()(check)
    data.command()(info)
    app.add_typer(data, name="data")


def synth(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")] = "SPX",
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")] = Path("bars.parquet"),
    generator: Made = None,
    seed: Seed = None,
    timerange: Range = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Write synthetic minute bars of a symbol."""
    start_log(verbose, logfile)
    from scripts.data import synth as make

    made = None if generator is None else generator.value
    make(symbol=symbol, out=out, generator=made, seed=seed, timerange=timerange, config=config)


Store = Annotated[Path, typer.Argument(help="The store's folder.")]


def synth_quotes(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")],
    out: Annotated[Path, typer.Option(help="Folder for the files, one a day.")],
    timerange: Range = None,
    strikes: Annotated[int, typer.Option(min=1, help="Strikes a day, around the open.")] = 400,
    days: Annotated[int, typer.Option(min=0, help="Sessions to expiry.")] = 0,
    seed: Seed = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
) -> None:
    """Write the model's option quotes as a vendor would."""
    start_log(verbose)
    from scripts.synth_quotes import synth_quotes as make

    make(symbol, out, timerange, strikes, days, seed, config)


def import_quotes(
    files: Annotated[list[Path], typer.Argument(help="CSV, packed CSV, Parquet files or zips of CSV.")],
    store: Annotated[Path, typer.Option(help="The store; made when it is not there.")],
    symbol: Annotated[str, typer.Option(help="Underlying of all files, of config/universe.json.")],
    preset: Annotated[str | None, typer.Option(help="A file of config/vendors/, without its ending.")] = None,
    columns: Annotated[Path | None, typer.Option(help="A column map of one's own, YAML.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the days instead of adding.")] = False,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Import recorded option quotes into a store."""
    start_log(verbose, logfile)
    from scripts.imports import run_import

    run_import(files, store, symbol, config, preset, columns, replace, as_json)


def history(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    timerange: Annotated[str, typer.Option(help="Days, YYYYMMDD-YYYYMMDD.")],
    host: Annotated[str, typer.Option(help="Where TWS or IB Gateway listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port; 7497 is TWS on paper.")] = 7497,
    client_id: Annotated[int, typer.Option(min=0, help="One that nothing else uses.")] = 21,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 60.0,
    vix: Annotated[bool, typer.Option(help="Fetch VIX beside it.")] = True,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Fetch minute bars from Interactive Brokers, day by day. Run it again to go on."""
    start_log(verbose, logfile)
    from feeds.ibkr_history.download import Link
    from scripts.history import history as fetch

    fetch(symbol, out, timerange, Link(host, port, client_id, timeout), vix, as_json, config)


def list_store(store: Store, as_json: AsJson = False) -> None:
    """Say what a store of quotes holds."""
    from scripts.imports import describe

    describe(store, as_json)


def check(store: Store, as_json: AsJson = False) -> None:
    """Read every day of a store and say what its quotes are worth."""
    from scripts.imports import check as run

    run(store, as_json)


def info(
    store: Store,
    symbol: Annotated[str, typer.Argument(help="One that the store holds.")],
    as_json: AsJson = False,
) -> None:
    """Say what a store holds of a symbol, day by day."""
    from scripts.imports import info as run

    run(store, symbol, as_json)
