"""``mw train`` and ``mw model``: fit models, look at them, hold them against each other."""

from __future__ import annotations

from enum import StrEnum
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


class Kind(StrEnum):
    """What is fitted."""

    LOGISTIC = "logistic"
    BOOSTING = "boosting"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    model = typer.Typer(no_args_is_help=True, help="Look at models made by mw train.")
    model.command()(show)
    model.command()(compare)
    app.add_typer(model, name="model")


def train(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Instead of learning.kind.")] = None,
    timerange: Range = None,
    bars: Annotated[Path | None, typer.Option(help="Minute bars instead of synthetic ones.")] = None,
    quotes: Annotated[
        str, typer.Option(metavar="model|STORE", help="Where option quotes come from.")
    ] = "model",
    mix: Annotated[bool, typer.Option("--mix", help="Model quotes where the store has none.")] = False,
    profile: Profile = None,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 one a core.")] = -1,
    as_json: AsJson = False,
    config: Config = CONFIG,
    out: Annotated[Path, typer.Option(help="Folder for the models' own folder.")] = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Learn from the bots' candidates which trades to leave. Say what that is worth."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.learning import TrainRequest, run
    from scripts.requests import BacktestRequest, Recording

    store = None if quotes == "model" else Path(quotes)
    base = BacktestRequest(
        config=config,
        out=out,
        bots=chosen(bots),
        timerange=timerange,
        recording=Recording(bars=bars, quotes=store, mix=mix, flow=True),
        profile=profile,
        seed=seed,
        premium=premium,
        generator=None if generator is None else str(generator),
    )
    run(TrainRequest(base, None if kind is None else str(kind), jobs, as_json))


def show(
    file: Annotated[Path, typer.Argument(help="A model made by mw train.")], as_json: AsJson = False
) -> None:
    """Say what a model is, what it was trained on and what it proved."""
    from scripts.models import show as told

    told([file], as_json)


def compare(
    files: Annotated[list[Path], typer.Argument(help="Two models or more, made by mw train.")],
    as_json: AsJson = False,
) -> None:
    """Hold models against each other."""
    from scripts.models import show as told

    told(files, as_json)
