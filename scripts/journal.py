"""``mw db`` and ``mw alerts``; and what every run tells the journal of itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import ConfigError, JournalError
from engine.journal.alerts.messages import Message
from engine.journal.alerts.services import DISCORD, OTHERS, TELEGRAM, services
from engine.journal.database import Run, connect, open_journal, parse, where, why
from engine.journal.migrate import backup as copy
from engine.journal.migrate import upgrade as migrate
from engine.journal.place import journal_place
from engine.journal.secrets import load
from engine.settings import Settings
from scripts.origin import git_commit, program_version
from scripts.progress import shown
from scripts.requests import BacktestRequest
from scripts.told import console_of, print_json

if TYPE_CHECKING:
    from analyzers.result import RunResult
    from engine.desk import Desk
    from scripts.session import Setup

ACCOUNTS = {"backtest": "simulated", "rehearsal": "simulated", "paper": "paper", "live": "live"}


def new_run(kind: str, venue: str, settings: Settings, start_cash: float | None = None) -> Run:
    """Return what the journal is told of a run that begins now."""
    started = datetime.now(UTC)
    return Run(
        name=f"{started:%Y%m%d-%H%M%S-%f}-{venue}",
        kind=kind,
        venue=venue,
        account_kind=ACCOUNTS[venue],
        started=started,
        git_commit=git_commit(),
        config_hash=settings.digest,
        version=program_version(),
        command=" ".join(["mw", *sys.argv[1:]]),
        start_cash=start_cash,
        settings=settings.model_dump(mode="json"),
    )


def place_of(database: str | None, venue: str, config: Path, profile: str | None = None) -> str:
    """Return the place asked for, else the venue's own by settings and environment."""
    secrets = load()
    return database or journal_place(Settings.load(config, profile).journal, venue, secrets)


@contextmanager
def _existing(place: str, read_only: bool) -> Iterator[Engine]:
    url = parse(place)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise JournalError(f"database {where(url)}: no such file, expected a journal")
    engine = connect(url, read_only)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise JournalError(f"database {where(url)}: {why(error)}") from None
    finally:
        engine.dispose()


def open_backtests(request: BacktestRequest) -> Engine:
    """Return the backtests' journal, before the run that is to be written into it."""
    return open_journal(place_of(request.database, "backtest", request.config, request.profile), "backtest")


def journal_backtest(engine: Engine, result: RunResult, desk: Desk, setup: Setup) -> None:
    """Write a finished backtest into the journal, under the name of its folder."""
    import pandas as pd

    from engine.journal.bulk import write_backtest

    bars = next(iter(setup.bars.values()))
    ends = pd.to_datetime(bars.stamp, utc=True)
    grid = bars.grid
    first = (ends[grid.first] - pd.Timedelta(minutes=1)).to_pydatetime()
    times = dict(zip(grid.dates, zip(first, ends[grid.last].to_pydatetime(), strict=True), strict=True))
    run = replace(
        new_run("backtest", "backtest", setup.settings, result.start_cash),
        name=result.run_id,
        started=result.created,
        command=result.command,
        detail={
            "bots": list(setup.bots),
            "seed": result.seed,
            "synthetic": result.synthetic,
            "data_notes": list(result.data_notes),
            "assumptions": list(result.assumptions),
            "inputs": result.inputs,
        },
    )
    try:
        write_backtest(engine, run, desk.journal, times)
    finally:
        engine.dispose()


def upgrade(place: str, venue: str) -> None:
    """Bring a journal's tables to this program's version, or make a fresh journal."""
    console, url = Console(), parse(place)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        open_journal(place, venue).dispose()
        console.print(f"Made {where(url)}, a journal of {venue}.", soft_wrap=True)
        return
    with shown(console, "Bringing the tables to this version"), _existing(place, read_only=False) as engine:
        old, new, kept = migrate(engine)
    open_journal(place, venue).dispose()  # a fresh server's database learns its venue here
    if old == new:
        console.print(f"{where(url)} is of version {new} already.", soft_wrap=True)
        return
    beside = f"; the copy from before: {kept}" if kept else ""
    console.print(f"{where(url)}: from version {old or 'none'} to {new}{beside}.", soft_wrap=True)


def backup(place: str, out: Path | None) -> None:
    """Copy a SQLite journal, also while it is written."""
    console = Console()
    with shown(console, "Copying"), _existing(place, read_only=True) as engine:
        target = copy(engine, out)
    console.print(f"Copied to {target}", soft_wrap=True)


def export(place: str, out: Path, form: str, tables: str | None) -> None:
    """Write a journal's tables as files."""
    from engine.journal.export import export as write_files

    names = [name.strip() for name in tables.split(",")] if tables else None
    console = Console()
    with shown(console, "Writing the tables"), _existing(place, read_only=True) as engine:
        counts = write_files(engine, out, form, names)
    for name, count in counts.items():
        console.print(f"{out / f'{name}.{form}'}: {count:,} rows", soft_wrap=True)


def check(place: str, as_json: bool = False) -> None:
    """Look a journal through.

    Raises
    ------
    JournalError
        It is not sound; the problems are printed before.
    """
    from engine.journal.check import check as look_through

    console = console_of(as_json)
    with shown(console, "Looking through"), _existing(place, read_only=True) as engine:
        found = look_through(engine)
    if as_json:
        print_json({"rows": found.rows, "notes": found.notes, "problems": found.problems})
    else:
        for note in found.notes:
            console.print(f"note: {note}", soft_wrap=True)
        for problem in found.problems:
            console.print(f"problem: {problem}", soft_wrap=True)
    if found.problems:
        raise JournalError(f"{len(found.problems)} problems found, expected none")
    if not as_json:
        console.print(f"{found.rows:,} rows, no problem found.")


def alerts_test(config: Path, profile: str | None) -> None:
    """Send one message to every service and say how it went.

    Raises
    ------
    ConfigError
        The environment names no service.
    JournalError
        A service did not take the message.
    """
    settings, secrets = Settings.load(config, profile).alerts, load()
    found = services(secrets, settings.timeout_seconds)
    if not found:
        names = f"{' and '.join(TELEGRAM)}, {DISCORD} or {OTHERS}"
        raise ConfigError(f"alerts: the environment names no service, expected {names}")
    console, failed = Console(), 0
    message = Message("session", "Market Watch", "A test: alerts arrive here.")
    for service in found:
        outcome = service.send(message)
        failed += not outcome.delivered
        console.print(f"{service.name}: {'delivered' if outcome.delivered else 'failed, ' + outcome.why}")
    if failed:
        raise JournalError(f"{failed} of {len(found)} services did not take the message")
