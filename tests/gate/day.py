"""A paper session of two bots, written into a real journal event by event, with a place for every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.gate.compliance import SessionVerdict, judge
from engine.gate.evidence import rules_of, session_record
from engine.gate.record import SessionRecord
from engine.gate.settings import Item
from engine.journal.database import Run, open_journal
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.records import (
    Decision,
    FeeEvent,
    Fill,
    HaltEvent,
    Heartbeat,
    OrderEvent,
    Reconciliation,
    SessionEvent,
    SlippageShadow,
    StateEvent,
    Trade,
)
from engine.reasons import Reason
from engine.risk.state import DayState, OpenTrade
from engine.sessions import NEW_YORK
from engine.settings import Settings
from tests.gate.makers import CONFIG, SETTINGS

DAY = date(2026, 3, 10)
REF = "condor-20260310-1"
SYMBOLS = {"putlite": "XSP", "condor": "XSP"}
LEGS = {"XSP 2026-03-10 598P": -1, "XSP 2026-03-10 597P": 1}


def at(text: str, day: date = DAY) -> datetime:
    """Return a New York time like ``11:05:30`` of the day."""
    hours, minutes, seconds = (int(part) for part in (text + ":00")[:8].split(":"))
    return datetime(day.year, day.month, day.day, hours, minutes, seconds, tzinfo=NEW_YORK)


@dataclass
class Day:
    """The events of a session as they would be written; a fault changes them before they are."""

    day: date = DAY
    events: list[Any] = field(default_factory=list)
    config: str = "c" * 64
    how: str = "flat"
    ended: bool = True
    detail: dict[str, Any] = field(default_factory=dict)

    def without(self, drop: Callable[[Any], bool]) -> Day:
        """Return the day without some events."""
        return replace(self, events=[event for event in self.events if not drop(event)])

    def changed(self, kind: type[Any], **changes: Any) -> Day:
        """Return the day with every event of a kind changed."""
        return replace(
            self,
            events=[replace(event, **changes) if type(event) is kind else event for event in self.events],
        )

    def with_(self, *events: Any) -> Day:
        """Return the day with more events, each in its place in time."""
        return replace(self, events=sorted([*self.events, *events], key=when))


def when(event: Any) -> datetime:
    return event.exit_time if isinstance(event, Trade) else event.at


def state(text: str, *open_trades: OpenTrade, lost: int = 0) -> StateEvent:
    """Return the governor's state at a time."""
    held = DayState(DAY, (("shared", lost),) if lost else (), tuple(open_trades))
    return StateEvent(at(text), DAY, held.to_json())


def opened(ref: str = REF, bot: str = "condor", structural: int = 9000, planned: int = 5000) -> OpenTrade:
    return OpenTrade(ref, bot, "shared", "XSP", structural, planned)


def order(text: str, number: int, what: str, ref: str = REF, bot: str = "condor") -> OrderEvent:
    done = what == "filled"
    return OrderEvent(f"{ref}/{number}", bot, "XSP", at(text), what, -0.2, int(done), int(not done))


def fill(text: str, number: int, opening: bool, ref: str = REF, bot: str = "condor") -> list[Fill]:
    """Return the two legs of an execution."""
    sign = 1 if opening else -1
    return [
        Fill(
            f"{ref}.{number}.{leg}", f"{ref}/{number}", 1, bot, "XSP", at(text), opening, instrument,
            sign * count, 0.3, 100, 0.72, -0.2, -0.22, "ibkr",
        )
        for leg, (instrument, count) in enumerate(LEGS.items())
    ]  # fmt: skip


def shadow(text: str, number: int, buy: bool) -> SlippageShadow:
    return SlippageShadow(
        at(text), f"{REF}/{number}", "condor", "XSP", buy, 1, -0.2, at(text), -0.24, -0.20,
        at(text), -0.24, -0.20, -0.24, -0.20, -0.20 if buy else -0.24,
    )  # fmt: skip


def trade(text: str = "12:30", net: float = 5.0) -> Trade:
    return Trade(
        1, REF, "condor", "XSP", "put_spread", "legs", DAY, 1, at("11:00:30"), at(text), 0.2, 0.1,
        net + 2.88, 2.88, net, 50.0, 90.0, Reason.PROFIT_TARGET, 600.0, 601.0, -0.15, 2.7, 4.0, "ibkr",
    )  # fmt: skip


def decisions(day: date = DAY) -> list[Decision]:
    minutes = range(630, 810, 5)
    return [
        Decision(at(f"{minute // 60:02d}:{minute % 60:02d}", day), bot, symbol, Reason.TREND)
        for minute in minutes
        for bot, symbol in SYMBOLS.items()
    ]


def heartbeats(first: int = 560, last: int = 931, day: date = DAY) -> list[Heartbeat]:
    return [
        Heartbeat(at(f"{minute // 60:02d}:{minute % 60:02d}", day), 1, "0.1.0", "trading")
        for minute in range(first, last)
    ]


def charged(text: str, number: int, amount: float = 0.72) -> list[FeeEvent]:
    return [
        FeeEvent(at(text), f"{REF}.{number}.{leg}", f"{REF}/{number}", "condor", amount, 0.72)
        for leg in range(2)
    ]


def idle_day(day: date = DAY) -> Day:
    """Return a session without a trade."""
    end = Reconciliation(at("15:31", day), "end", True, {}, {})
    start = Reconciliation(at("09:20", day), "start", True, {}, {})
    return Day(day, sorted([*decisions(day), *heartbeats(day=day), start, end], key=when))


def good_day() -> Day:
    """Return a session with one trade of one bot, from 11:00 to 12:30."""
    return idle_day().with_(
        state("11:00", opened()),
        order("11:00:01", 1, "working"),
        order("11:00:30", 1, "filled"),
        *fill("11:00:30", 1, True),
        shadow("11:00:30", 1, True),
        *charged("11:00:31", 1),
        order("12:29:30", 2, "working"),
        order("12:30", 2, "filled"),
        *fill("12:30", 2, False),
        shadow("12:30", 2, False),
        *charged("12:30:01", 2),
        state("12:30"),
        trade(),
    )


def halt(text: str, reason: Reason = Reason.HALT_MOVE, symbol: str = "XSP") -> HaltEvent:
    return HaltEvent(DAY, at(text), symbol, reason, "seen")


def write(place: Path, *parts: Day, kind: str = "session", venue: str = "paper") -> Path:
    """Write a session, or the parts of one that was restarted, into a journal."""
    settings = Settings.load(CONFIG, overrides={"bots": {"buywrite": {"enabled": False}}})
    for number, part in enumerate(parts):
        began = at("09:15", part.day) if not number else when(part.events[0])
        run = Run(
            f"{kind}-{part.day}-{number}", kind, venue, "paper", began, "abc123", part.config, "0.1.0",
            "mw paper", 150_000.0, settings.model_dump(mode="json"),
        )  # fmt: skip
        recorder = Recorder(open_journal(place, venue), run)
        recorder.record(SessionEvent(began, part.day, "resumed" if number else "started", venue))
        _record(recorder, part.events)
        if part.ended:
            last = at("15:32", part.day)
            recorder.record(SessionEvent(last, part.day, "ended", venue, part.how, part.detail))
        recorder.close()
    return place


def _record(recorder: Recorder, events: Iterable[Any]) -> None:
    for event in events:
        recorder.record(event)


def recorded(place: Path, *parts: Day) -> SessionRecord:
    """Return the record of a session that was written into a journal and read back."""
    with Reader(write(place / "paper.db", *parts)) as reader:
        return session_record(reader, parts[0].day)


def verdict(place: Path, *parts: Day, bot: str = "condor", agreed: str = "c" * 64) -> SessionVerdict:
    """Return the verdict on a session that was written into a journal and read back."""
    with Reader(write(place / "paper.db", *parts)) as reader:
        record = session_record(reader, parts[0].day)
        return judge(record, bot, rules_of(reader, record, CONFIG, SETTINGS.session, agreed))


def failed(place: Path, *parts: Day, bot: str = "condor") -> set[Item]:
    """Return what failed of a session."""
    return {Item(item) for item in verdict(place, *parts, bot=bot).failed}
