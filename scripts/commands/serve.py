"""``mw dashboard``, ``serve`` and ``export pine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import ConfigError
from scripts.commands.options import CONFIG, Config, Verbose, start_log

Place = Annotated[
    str | None, typer.Option("--journal", metavar="FILE|URL", help="Instead of the project's journals.")
]
Port = Annotated[int | None, typer.Option(min=1024, max=65535, help="Instead of the settings' port.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dashboard)
    app.command()(serve)
    group = typer.Typer(help="Take results elsewhere.", no_args_is_help=True)
    group.command("pine")(pine)
    app.add_typer(group, name="export")


def dashboard(
    journal: Place = None,
    port: Port = None,
    logs: Annotated[Path | None, typer.Option(help="Instead of journal.logs.")] = None,
    config: Config = CONFIG,
) -> None:
    """Show the journals on a page of this machine."""
    start_log(0)
    from scripts.serve.start import show_dashboard

    show_dashboard(config, journal, port, logs)


def serve(
    journal: Place = None,
    port: Port = None,
    config: Config = CONFIG,
    verbose: Verbose = 1,
) -> None:
    """Serve status, metrics and a door for TradingView's alerts."""
    start_log(verbose)
    from scripts.serve.start import serve_journal

    serve_journal(config, journal, port)


def pine(
    symbol: Annotated[str, typer.Argument(help="The underlying whose trades are drawn.")],
    run: Annotated[Path | None, typer.Option(help="A run's folder; by default the newest.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; by default <symbol>.pine.")] = None,
) -> None:
    """Write a Pine script with a run's trades for TradingView."""
    start_log(0)
    from scripts.pine import write
    from scripts.report import RUNS, newest

    folder, target = run or newest(RUNS), out or Path(f"{symbol}.pine")
    if target.exists() and out is None:
        raise ConfigError(f"{target}: exists already, expected --out FILE")
    count = write(folder, symbol, target)
    typer.echo(f"{target}: {count} trades of {folder.name}")
