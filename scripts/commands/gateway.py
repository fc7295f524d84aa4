"""``mw gateway``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import CONFIG, Config, LogFile, Profile, Seed, Verbose, start_log


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gateway)


def gateway(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; else the last there is.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Sessions to play.")] = 1,
    speed: Annotated[float, typer.Option(help="1 is real time, at most 1000.")] = 60.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 4010,
    symbols: Annotated[
        str | None, typer.Option(metavar="XSP,SPY", help="Underlyings; else the bots' own.")
    ] = None,
    quotes: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Recorded quotes instead of the model's.")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="A script of faults, YAML.")] = None,
    state: Annotated[Path | None, typer.Option(help="Keep the account here across restarts.")] = None,
    account: Annotated[str, typer.Option(help="DU begins the name of a paper account.")] = "DU0000007",
    cash: Annotated[float | None, typer.Option(help="USD instead of account.cash.")] = None,
    seed: Seed = None,
    profile: Profile = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Serve the TWS protocol on this machine. For bots that have no broker."""
    start_log(verbose, logfile)
    from scripts.gateway import GatewayRequest, run

    run(
        GatewayRequest(
            config=config,
            day=day.date() if day else None,
            days=days,
            symbols=tuple(part.strip() for part in symbols.split(",")) if symbols else (),
            quotes=quotes,
            profile=profile,
            seed=seed,
            speed=speed,
            port=port,
            faults=faults,
            state=state,
            account=account,
            cash=cash,
        )
    )
