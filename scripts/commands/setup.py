"""``mw init``, ``doctor``, ``show-config`` and ``completion``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import ConfigError
from scripts.commands.options import CONFIG, AsJson, Config, Profile, Verbose, start_log

SHELLS = ("bash", "zsh", "fish")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(doctor)
    app.command("show-config")(show_config)
    app.command()(completion)


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    cash: Annotated[float | None, typer.Option(min=1, help="The account's size, USD.")] = None,
    planned_loss: Annotated[float | None, typer.Option(min=1, help="Planned loss of a trade, USD.")] = None,
    day_cap: Annotated[float | None, typer.Option(min=1, help="Most a day may lose, USD.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """Make a working folder with commented settings."""
    start_log(0)
    from engine.settings_bots import CoreBots
    from scripts.commands.run import chosen
    from scripts.init import make

    changes: dict[str, Any] = {}
    if not yes and sys.stdin.isatty():
        bots = bots or typer.prompt("Bots", default="putlite,buywrite,condor")
        cash = cash or typer.prompt("Account, USD", default=150_000.0)
        planned_loss = planned_loss or typer.prompt("Planned loss of a trade, USD", default=50.0)
        day_cap = day_cap or typer.prompt("Most a day may lose, USD", default=150.0)
    for key, value in (
        ("account.cash", cash),
        ("risk.planned_loss", planned_loss),
        ("risk.day_cap", day_cap),
    ):
        if value is not None:
            changes[key] = int(value) if float(value).is_integer() else value
    names = chosen(bots)
    for name in CoreBots.model_fields if names else ():
        changes[f"bots.{name}.enabled"] = name in (names or ())
    made = make(folder, changes)
    typer.echo(f"{made}: made. Next: cd {made}; mw doctor; mw backtest")


def doctor(config: Config = CONFIG, profile: Profile = None, as_json: AsJson = False) -> None:
    """Check that everything is in place. Say what to do where it is not."""
    start_log(0)
    from scripts.doctor import examine, print_checks

    checks = examine(config, profile)
    print_checks(checks, as_json)
    raise typer.Exit(1 if any(check.verdict == "FAIL" for check in checks) else 0)


def show_config(
    profile: Profile = None, config: Config = CONFIG, as_json: AsJson = False, verbose: Verbose = 0
) -> None:
    """Print the merged settings, with the place each comes from."""
    start_log(verbose)
    from scripts.show_config import json_of, text_of

    typer.echo((json_of if as_json else text_of)(config, profile))


def completion(shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish")]) -> None:
    """Print what makes a shell complete mw's words.

    Use it as eval "$(mw completion bash)".
    """
    if shell not in SHELLS:
        from engine.settings_files import did_you_mean

        hint = did_you_mean(shell, SHELLS)
        raise ConfigError(f"completion: got {shell!r}, expected one of {', '.join(SHELLS)}{hint}")
    from typer.completion import get_completion_script

    from scripts.cli import COMPLETING

    script = get_completion_script(prog_name="mw", complete_var=COMPLETING, shell=shell)
    typer.echo(script)
