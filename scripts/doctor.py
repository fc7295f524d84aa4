"""``mw doctor``: is everything in place for a backtest, a rehearsal, a session?"""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement

from engine.errors import MarketWatchError
from engine.sessions import cache_home
from engine.settings import Settings

Verdict = Literal["PASS", "WARN", "FAIL"]
Look = Callable[[Settings, Path], Iterable["Check"]]
SOON = 30  # days the event calendar ought to reach ahead
LOW_DISK, NO_DISK = 2_000, 300  # MB
PIPED = 1_000  # columns where the output is no terminal
EXTRAS = {
    "dashboard": "streamlit",
    "serve": "fastapi",
    "postgres": "psycopg",
    "cluster": "distributed",
    "search": "optuna",
    "ml": "sklearn",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what, how it is, in words, and what to do about it."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""


def examine(config: Path, profile: str | None) -> list[Check]:
    """Return all checks; a broken one is a FAIL of its own and never stops the others."""
    checks = [python(), *packages(), zone(), clock(), *folders()]
    try:
        settings = Settings.load(config, profile)
    except MarketWatchError as error:
        return [*checks, Check("settings", "FAIL", str(error), "correct that line; mw show-config shows all")]
    checks.append(Check("settings", "PASS", f"{config} is read, digest {settings.digest[:12]}"))
    for look in (events, universe, fees, journal, secrets_file, gateway):
        checks += _guarded(look, settings, config)
    return checks


def _guarded(look: Look, settings: Settings, config: Path) -> list[Check]:
    try:
        return list(look(settings, config))
    except MarketWatchError as error:
        return [Check(look.__name__.replace("_", " "), "FAIL", str(error), "correct what the line names")]


def python() -> Check:
    """Look at the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        return Check("python", "PASS", version)
    return Check(
        "python", "FAIL", f"{version}, expected 3.11 to 3.13", "make the environment with another Python"
    )


def packages() -> list[Check]:
    """Look at what is installed, against what the project asks for."""
    try:
        asked = importlib.metadata.requires("market-watch") or []
    except importlib.metadata.PackageNotFoundError:
        return [Check("packages", "WARN", "market-watch is not installed here", "pip install -e .")]
    wrong = []
    for text in asked:
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            held = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if held not in need.specifier:
            wrong.append(f"{need.name} is {held}, expected {need.specifier}")
    found = [
        Check("packages", "FAIL", "; ".join(wrong), "make the environment anew: make clean backtest")
        if wrong
        else Check("packages", "PASS", "all of the base set, in the versions asked for")
    ]
    if _has("ib_insync") and _has("ib_async"):
        text = "ib_insync and ib_async are both installed and overwrite each other's eventkit"
        found.append(Check("client library", "FAIL", text, "pip uninstall one, then reinstall the other"))
    missing = [extra for extra, module in EXTRAS.items() if not _has(module)]
    if missing:
        found.append(
            Check(
                "extras",
                "WARN",
                "not installed: " + ", ".join(missing),
                "make add SET=NAME in the project's folder",
            )
        )
    return found


def zone() -> Check:
    """Look whether New York's time is known."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        now = datetime.now(ZoneInfo("America/New_York"))
    except ZoneInfoNotFoundError:
        return Check("time zone", "FAIL", "America/New_York is not known", "install tzdata")
    return Check("time zone", "PASS", f"New York has {now:%H:%M}, this machine {datetime.now():%H:%M}")


def clock() -> Check:
    """Look whether the clock is kept by a time service, as far as the machine tells."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    if told == "yes":
        return Check("clock", "PASS", "kept by a time service")
    text = (
        "is not kept by a time service"
        if told == "no"
        else "whether a time service keeps it is not known here"
    )
    return Check(
        "clock", "WARN", text, "run a time service (on Debian: systemd-timesyncd); mw connect-test measures"
    )


def folders() -> list[Check]:
    """Look whether what is written can be written, and whether there is room."""
    found = []
    for name, folder in (("working folder", Path.cwd()), ("cache", cache_home())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            found.append(
                Check(name, "FAIL", f"{folder}: {error.strerror}", "make it writable, or set MW_CACHE")
            )
            continue
        free = shutil.disk_usage(folder).free // 1_000_000
        verdict: Verdict = "PASS" if free >= LOW_DISK else "WARN" if free >= NO_DISK else "FAIL"
        remedy = "" if verdict == "PASS" else "make room: a full disk ends a session"
        found.append(Check(name, verdict, f"{folder}: writable, {free:,} MB free", remedy))
    return found


def events(settings: Settings, config: Path) -> Iterable[Check]:
    """Look how far the calendar of announcements reaches."""
    from engine.reasons import Reason
    from engine.risk.blackouts import EventCalendar
    from engine.sessions import session_dates

    path = config / "events.json"
    calendar = EventCalendar.load(path, settings.risk.calendar_required)
    today = date.today()
    days = session_dates(today, today + timedelta(days=SOON))
    bots = [
        bot
        for bot in (getattr(settings.bots, name) for name in type(settings.bots).model_fields)
        if bot.enabled
    ]
    for symbol in dict.fromkeys(symbol for bot in bots for symbol in bot.symbols):
        verdicts = ((day, calendar.verdict(symbol, day)) for day in days)
        dark = [(day, held) for day, held in verdicts if held and held.reason is Reason.CALENDAR_UNCOVERED]
        if not dark:
            yield Check("event calendar", "PASS", f"{symbol}: covers the sessions of the next {SOON} days")
            continue
        day, held = dark[0]
        verdict: Verdict = "FAIL" if day == days[0] else "WARN"
        text = f"{symbol}: no entries from {day} on, {held.text}"
        yield Check(
            "event calendar", verdict, text, f"add the dates to {path}, docs/events.md says where from"
        )


def universe(_: Settings, config: Path) -> Iterable[Check]:
    """Look at the list of underlyings."""
    from engine.universe import load_universe

    known = load_universe(config / "universe.json")
    yield Check("universe", "PASS", f"{len(known)} symbols")


def fees(_: Settings, config: Path) -> Iterable[Check]:
    """Look at the fee schedule."""
    from engine.broker.fees import FeeSchedule

    FeeSchedule.load(config / "fees.yaml")
    yield Check("fees", "PASS", "the schedule is read")


def journal(settings: Settings, _: Path) -> Iterable[Check]:
    """Look at the journals there are."""
    from engine.journal.database import VENUES
    from engine.journal.queries import Reader

    found = [settings.journal.folder / f"{venue}.db" for venue in VENUES]
    held = [path for path in found if path.is_file()]
    for path in held:
        with Reader(path) as reader:
            yield Check("journal", "PASS", f"{path}: {reader.venue}, {len(reader.sessions(1000))} sessions")
    if not held:
        yield Check("journal", "PASS", f"none yet; sessions write {settings.journal.folder}/")


def secrets_file(_: Settings, __: Path) -> Iterable[Check]:
    """Look who may read the secrets."""
    path = Path(".env")
    if path.is_file() and path.stat().st_mode & 0o077:
        yield Check("secrets", "WARN", ".env can be read by others", "chmod 600 .env")


def gateway(settings: Settings, _: Path) -> Iterable[Check]:
    """Look whether TWS or IB Gateway listens where the settings say."""
    held: Any = getattr(settings, "ibkr", None)
    if held is None:
        return
    address = f"{held.host}:{held.port}"
    try:
        with socket.create_connection((held.host, held.port), timeout=2):
            yield Check("gateway", "PASS", f"something listens on {address}; mw connect-test asks it")
    except OSError:
        yield Check(
            "gateway",
            "WARN",
            f"nothing listens on {address}: enough for backtests and rehearsals",
            "start TWS or IB Gateway and enable its API, then mw connect-test",
        )


def print_checks(checks: list[Check], as_json: bool) -> None:
    """Print the checks, the remedy under each that is not a PASS."""
    if as_json:
        from scripts.told import print_json

        print_json({"at": datetime.now(UTC).isoformat(), "checks": [asdict(one) for one in checks]})
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED)  # a check a line: easy to search
    colours = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red"}
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        verdict = Text(check.verdict, colours[check.verdict])
        table.add_row(verdict, Text(check.subject), Text(check.text, overflow="fold"))
        if check.remedy:
            table.add_row("", "", Text(check.remedy, "dim", overflow="fold"))
    console.print(table)
    bad = sum(check.verdict == "FAIL" for check in checks)
    console.print("Ready." if not bad else f"{bad} to be put right first.")


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None
