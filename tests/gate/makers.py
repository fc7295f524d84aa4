"""Facts and sessions made by hand, small enough to check on paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.gate.facts import Backtest, Judged, Registered
from engine.gate.gate import Gate
from engine.gate.ledger import Memory, Store
from engine.gate.settings import GateSettings
from engine.sessions import session_dates

CONFIG = Path(__file__).parents[2] / "config"
SETTINGS = GateSettings.load(CONFIG)
DAYS = session_dates(date(2026, 1, 5), date(2026, 10, 30))
BOT, HASH = "condor", "a" * 64


class Clock:
    """A clock that stands where it is put, and goes on a second each time it is asked."""

    def __init__(self, at: datetime) -> None:
        self.now = at

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def evening(self, day: date) -> None:
        """Put it to the evening of a day in New York."""
        self.now = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)


def registered(config: str = HASH, bot: str = BOT, **parts: str) -> Registered:
    return Registered(bot, config, parts, {})


def backtest(config: str = HASH, bot: str = BOT, **changes: object) -> Backtest:
    """Return a backtest that passes everything."""
    values: dict[str, object] = {
        "bot": bot,
        "config": config,
        "run": "20260101-000000-abcdef",
        "recorded": True,
        "first": date(2021, 1, 4),
        "last": date(2025, 12, 31),
        "sessions": 1254,
        "trades": 700,
        "sharpe": 2.0,
        "error": 0.45,
        "trials": 12,
        "deflated": 0.97,
        "expectancy": 4.0,
        "costs": 1.5,
        "low": 0.8,
    }
    return Backtest(**(values | changes))  # type: ignore[arg-type]


def judged(day: date, number: int = 0, **changes: object) -> Judged:
    """Return a compliant session of two filled orders with a varying, good result."""
    values: dict[str, object] = {
        "bot": BOT,
        "config": HASH,
        "day": day,
        "venue": "paper",
        "failed": {},
        "net": 6.0 + 5.0 * (number % 3 - 1) - 14.0 * (number % 10 == 9),
        "trades": 1,
        "fills": 2,
        "slippage": 8.0,
        "modelled": 8.0,
        "shadows": 2,
    }
    return Judged(**(values | changes))  # type: ignore[arg-type]


def gate_at(stage: str, store: Store | None = None, settings: GateSettings = SETTINGS) -> tuple[Gate, Clock]:
    """Return a gate whose bot has walked up to a stage, and its clock."""
    clock = Clock(datetime(2026, 1, 2, 12, tzinfo=UTC))
    gate = Gate(store if store is not None else Memory(), settings, clock)
    gate.tell(registered())
    if stage == "research":
        return gate, clock
    gate.record_backtest(backtest())
    if stage == "paper":
        return gate, clock
    walk(gate, clock, 0, 20)
    if stage == "small":
        return gate, clock
    walk(gate, clock, 20, 20, venue="live")
    return gate, clock


def walk(gate: Gate, clock: Clock, first: int, count: int, **changes: object) -> None:
    """Judge so many sessions in a row."""
    for number in range(first, first + count):
        clock.evening(DAYS[number])
        gate.judge(judged(DAYS[number], number, **changes))
