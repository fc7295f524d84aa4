"""``mw gate``: from backtest over paper to live, and ``mw feasible``: whether there is anything to trade."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import ConfigError
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

Bot = Annotated[str | None, typer.Option(metavar="condor", help="Only this bot.")]
Place = Annotated[
    str | None,
    typer.Option(
        "--database", help="The gate's own journal, a file or a URL.", show_default="journal/gate.db"
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for the report's own folder.")]

gate = typer.Typer(invoke_without_command=True, help="Where the bots stand between backtest and live.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(gate, name="gate")
    app.command()(feasible)


@gate.callback()
def show(
    context: typer.Context,
    bot: Bot = None,
    report: Annotated[bool, typer.Option("--report", help="Write it as HTML and PNG.")] = False,
    history: Annotated[bool, typer.Option("--history", help="What the gate was told, all of it.")] = False,
    as_json: AsJson = False,
    place: Place = None,
    config: Config = CONFIG,
    out: Out = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Show where the bots stand between backtest and live, and what is missing."""
    if context.invoked_subcommand is not None:
        return
    start_log(verbose, logfile)
    from scripts.gate import GateRequest
    from scripts.gate import show as run

    run(GateRequest(place, config, None, bot, out), report, history, as_json)


@gate.command("register")
def register_now(
    bot: Bot = None,
    place: Place = None,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
) -> None:
    """Take the configuration as it is now. One that has changed starts over."""
    start_log(verbose)
    from scripts.gate import GateRequest
    from scripts.gate import register as run

    run(GateRequest(place, config, profile, bot), as_json)


@gate.command("record-backtest")
def record_backtest(
    run: Annotated[
        str | None, typer.Argument(help="A run's folder or its name in runs/; else the newest.")
    ] = None,
    bot: Bot = None,
    trials: Annotated[
        int | None, typer.Option(min=0, help="Variants ever tried; else those in the searches' ledgers.")
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Only the ledgers of these searches; repeatable.")
    ] = None,
    place: Place = None,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
) -> None:
    """Tell the gate what a backtest showed."""
    start_log(verbose)
    from scripts.commands.run import folder_of
    from scripts.gate import GateRequest
    from scripts.gate import record_backtest as tell
    from scripts.report import newest

    folder = newest(RUNS) if run is None else folder_of(run)
    tell(GateRequest(place, config, profile, bot), folder, trials, family or (), as_json)


@gate.command()
def override(
    bot: Annotated[str, typer.Argument(help="The bot that is to trade live although the gate refuses.")],
    day: Annotated[str, typer.Option(metavar="2026-11-30", help="The one day it is to.")],
    place: Place = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
) -> None:
    """Trade live for one day against the gate. Asks for the words."""
    start_log(verbose)
    from engine.gate.permission import words_for
    from scripts.gate import GateRequest, type_override

    try:
        when = datetime.strptime(day, "%Y-%m-%d").date()
    except ValueError:
        raise ConfigError(f"--day: got {day!r}, expected a day like 2026-11-30") from None
    typer.echo("The session will not count, and every later report will say so. To go on, type:")
    typer.echo(words_for(bot, when))
    type_override(GateRequest(place, config), bot, when, typer.prompt("", prompt_suffix="> "))


@gate.command()
def simulate(
    histories: Annotated[int, typer.Option(min=1, help="Simulated years at each true Sharpe ratio.")] = 500,
    sharpe: Annotated[str, typer.Option(metavar="0,1,2,3", help="True Sharpe ratios.")] = "0,1,2,3",
    seed: Annotated[int, typer.Option(min=0)] = 7,
    jobs: Annotated[int, typer.Option(help="Processes; -1 one a core.")] = -1,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
) -> None:
    """Send made-up track records up the ramp. How many pass, with and without an edge."""
    start_log(verbose)
    from scripts.gate_power import PowerRequest, ratios_of, run

    run(PowerRequest(histories, ratios_of(sharpe), seed, jobs, config, as_json))


def feasible(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="USD", help="R, instead of the configured planned loss.")
    ] = None,
    as_json: AsJson = False,
    timerange: Range = None,
    profile: Profile = None,
    seed: Seed = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Say on how many days a bot could trade at all. And what it could lose and would have to earn."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.feasible import run
    from scripts.requests import BacktestRequest

    asked = BacktestRequest(
        config=config, out=RUNS, bots=chosen(bots), timerange=timerange, profile=profile, seed=seed
    )
    run(asked, budget, as_json)
