"""``mw validate``: the model of the market against recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import AsJson, LogFile, Verbose, start_log

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(validate)


def validate(
    data: Annotated[
        Path,
        typer.Option(help="Folder of the recorded files.", show_default="../shared/data beside the project"),
    ] = DATA,
    out: Annotated[Path | None, typer.Option(help="Write the page here too, as Markdown.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="prices, american, parity, generator or indices; repeatable.")
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Hold prices and generator against recorded data. Exit 2 where a figure misses."""
    start_log(verbose, logfile)
    from scripts.validate.run import validate as run

    run(data=data, out=out, only=only or (), as_json=as_json)
