"""``mw db``, ``mw alerts`` and ``mw eod``: keep the journal, try the alerts, end the day."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scripts.commands.options import CONFIG, RUNS, AsJson, Config, LogFile, Profile, Verbose, start_log


class Venue(StrEnum):
    """Whose journal."""

    BACKTEST = "backtest"
    REHEARSAL = "rehearsal"
    PAPER = "paper"
    LIVE = "live"


class Form(StrEnum):
    """What an export writes."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


Whose = Annotated[Venue, typer.Option("--venue", help="Whose journal.")]
Database = Annotated[
    str | None, typer.Option(metavar="FILE|URL", help="Instead of the venue's own journal.", show_default="")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(no_args_is_help=True, help="Keep the journal's database.")
    db.command()(upgrade)
    db.command()(backup)
    db.command()(export)
    db.command()(check)
    app.add_typer(db, name="db")
    alerts = typer.Typer(no_args_is_help=True, help="Telegram, Discord and others.")
    alerts.command("test")(alerts_test)
    app.add_typer(alerts, name="alerts")
    app.command()(eod)


def upgrade(
    venue: Whose = Venue.PAPER,
    database: Database = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Bring the tables to this version, after a copy. Or make a fresh journal."""
    start_log(verbose, logfile)
    from scripts import journal

    journal.upgrade(journal.place_of(database, venue.value, config), venue.value)


def backup(
    venue: Whose = Venue.PAPER,
    database: Database = None,
    out: Annotated[Path | None, typer.Option(help="The copy; else beside the journal.")] = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Copy the journal, also while a session writes it."""
    start_log(verbose, logfile)
    from scripts import journal

    journal.backup(journal.place_of(database, venue.value, config), out)


def export(
    out: Annotated[Path, typer.Argument(help="Folder for the files, one a table.")],
    form: Annotated[Form, typer.Option("--format", help="Of the files.")] = Form.PARQUET,
    tables: Annotated[str | None, typer.Option(metavar="trades,fills", help="Only these tables.")] = None,
    venue: Whose = Venue.PAPER,
    database: Database = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Write the journal's tables as files."""
    start_log(verbose, logfile)
    from scripts import journal

    journal.export(journal.place_of(database, venue.value, config), out, form.value, tables)


def check(
    venue: Whose = Venue.PAPER,
    database: Database = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Look for damage, gaps, orphans and sums that do not add up."""
    start_log(verbose, logfile)
    from scripts import journal

    journal.check(journal.place_of(database, venue.value, config), as_json)


def alerts_test(
    profile: Profile = None, config: Config = CONFIG, verbose: Verbose = 0, logfile: LogFile = None
) -> None:
    """Send a message to every service the environment names."""
    start_log(verbose, logfile)
    from scripts import journal

    journal.alerts_test(config, profile)


def eod(
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The session's day; else the newest.")
    ] = None,
    venue: Whose = Venue.PAPER,
    database: Database = None,
    out: Annotated[Path, typer.Option(help="Folder for the report's own folder.")] = RUNS,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Judge a session and send its summary. Report, figures, the gate's verdict."""
    start_log(verbose, logfile)
    from engine.settings import Settings
    from scripts import journal
    from scripts.eod import EodRequest, run

    settings = Settings.load(config, profile)
    place = journal.place_of(database, venue.value, config, profile)
    day = date.date() if date else None
    run(EodRequest(config, settings, place, venue.value, out, day, as_json))
