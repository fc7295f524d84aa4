"""What a session is made of before it connects: settings, bots, products, places."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from engine.broker.fees import FeeSchedule
from engine.errors import SessionError
from engine.ibkr.clock import GatewayClock
from engine.journal.place import journal_place
from engine.journal.secrets import load
from engine.live.files import write_text
from engine.options.contract import Product
from engine.risk.blackouts import EventCalendar
from engine.sessions import NEW_YORK, close_minute, is_session
from engine.settings import Settings
from engine.universe import load_universe, single_stocks
from scripts.chosen import chosen_bots

LEAST_SECONDS = 20.0  # of the wall, for everything to be cancelled, closed and confirmed
EARLY = timedelta(minutes=30)  # before the open: contracts and history are fetched then
LATE = timedelta(minutes=5)  # after the last exit: a session that is flat has nothing more to do


@dataclass(frozen=True)
class Plan:
    """A session that could be played.

    Parameters
    ----------
    venue : str
        ``rehearsal``, ``paper`` or ``live``.
    speed : float
        Of the venue's clock; 1 except in a rehearsal.
    folder : Path
        Lock, kill file, heartbeat, memory of lines, contracts of the day.
    database : str
        The journal's place.
    logs : Path
        Folder of trades.log.
    brief : bool
        End once the window for entries is over and all is flat.
    clock : GatewayClock, optional
        The venue's, in place of one at ``speed``.
    members : mapping of symbol to Product
        Stocks whose breadth the settings ask for.
    """

    config: Path
    settings: Settings
    venue: str
    bots: tuple[str, ...]
    products: Mapping[str, Product]
    calendar: EventCalendar
    fees: FeeSchedule
    folder: Path
    database: str
    logs: Path
    speed: float = 1.0
    brief: bool = False
    clock: GatewayClock | None = None
    members: Mapping[str, Product] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Underlyings of all bots, each once."""
        return tuple(self.products)

    @property
    def paper(self) -> bool:
        return self.venue != "live"

    @property
    def patience(self) -> float:
        """Venue seconds the end may take; a fast clock must leave the machine its own time."""
        return max(self.settings.session.end_seconds, LEAST_SECONDS * self.speed)

    def days_ahead(self) -> dict[str, set[int]]:
        """Return by symbol how many sessions ahead the options expire that bots want."""
        found: dict[str, set[int]] = {}
        for name in type(self.settings.bots).model_fields:
            config = getattr(self.settings.bots, name)
            for symbol in config.symbols if name in self.bots or not self.bots else ():
                if symbol in self.products:
                    found.setdefault(symbol, set()).add(config.expiry_days)
        return found

    def tag(self, account: str) -> str:
        """Return the name of an account in file names, which does not give it away."""
        return f"{self.venue}-{hashlib.sha256(account.encode()).hexdigest()[:8]}"


def make_plan(
    config: Path,
    venue: str,
    bots: tuple[str, ...] | None = None,
    profile: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    speed: float = 1.0,
    folder: Path | None = None,
    database: str | None = None,
    logs: Path | None = None,
    brief: bool = False,
) -> Plan:
    """Load settings, calendar and fees; every user error surfaces here, before anything connects."""
    settings = Settings.load(config, profile, overrides)
    chosen = chosen_bots(settings, bots)
    universe = load_universe(config / "universe.json")
    symbols = dict.fromkeys(symbol for name in chosen for symbol in getattr(settings.bots, name).symbols)
    place = folder or settings.session.folder
    return Plan(
        config=config,
        settings=settings,
        venue=venue,
        bots=chosen,
        products={symbol: universe[symbol] for symbol in symbols},
        calendar=EventCalendar.load(
            config / "events.json",
            settings.risk.calendar_required,
            settings.common.regime.harvest is not None,
        ),
        fees=FeeSchedule.load(config / "fees.yaml"),
        folder=place,
        database=database or journal_place(settings.journal, venue, load()),
        logs=logs or settings.journal.logs,
        speed=speed,
        brief=brief,
        members=single_stocks(universe) if settings.common.regime.needs_breadth else {},
    )


def save_plan(plan: Plan, tag: str) -> Path:
    """Write down what the guard of a session must know of it, and return where."""
    path = plan.folder / f"{tag}.plan.json"
    told = {
        "config": str(plan.config.resolve()),
        "venue": plan.venue,
        "bots": plan.bots,
        "speed": plan.speed,
        "brief": plan.brief,
        "folder": str(plan.folder.resolve()),
        "database": plan.database if "://" in plan.database else str(Path(plan.database).resolve()),
        "logs": str(plan.logs.resolve()),
        "settings": plan.settings.model_dump(mode="json"),
    }
    write_text(path, json.dumps(told))
    return path


def read_plan(folder: Path, tag: str) -> Plan:
    """Return the plan of the session that `save_plan` wrote down.

    Raises
    ------
    SessionError
        There is none.
    """
    path = folder / f"{tag}.plan.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return make_plan(
            Path(told["config"]), told["venue"], tuple(told["bots"]), None, told["settings"],
            told["speed"], Path(told["folder"]), told["database"], Path(told["logs"]), told["brief"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise SessionError(f"{path}: no plan of a session there, expected one ({error})") from None


def session_of(now: datetime) -> date:
    """Return the session that runs, or else the next one, at an aware instant."""
    at = now.astimezone(NEW_YORK)
    day = at.date()
    if not is_session(day) or at >= instant(day, close_minute(day)):
        day += timedelta(days=1)
        while not is_session(day):
            day += timedelta(days=1)
    return day


def instant(day: date, minute: int) -> datetime:
    """Return a minute after midnight New York as an instant."""
    return datetime.combine(day, time(minute // 60, minute % 60), NEW_YORK)
