"""``mw data``: make and look at market data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import CONFIG, Config, LogFile, Made, Range, Seed, Verbose, start_log


def register(app: typer.Typer) -> None:
    """Add the commands."""
    data = typer.Typer(no_args_is_help=True, help="Make and look at market data.")
    data.command()(synth)
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
