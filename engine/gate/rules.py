"""What a session is judged against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.gate.settings import SessionCriteria
from engine.risk.blackouts import EventCalendar
from engine.risk.limits import HALF_DAY_EARLIER, Limits
from engine.sessions import CLOSE_MINUTE, NEW_YORK, close_minute

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one item."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Rules:
    """The limits, blackouts and criteria in force.

    Parameters
    ----------
    limits : Limits
    calendar : EventCalendar
    criteria : SessionCriteria
    decide_every : int
        Minutes between two decisions of a bot.
    config : str
        Digest of the settings the session should have run with, ``""`` where nothing was agreed.
    """

    limits: Limits
    calendar: EventCalendar
    criteria: SessionCriteria
    decide_every: int = 5
    config: str = ""

    def window(self, day: date) -> tuple[int, int]:
        """Return the first minute for entries and the one that ends them; empty where first > last."""
        return self.limits.window(half_day(day))

    def flat_by(self, day: date) -> int:
        """Return the minute after midnight from which on nothing may be open."""
        return self.criteria.flat_by - (HALF_DAY_EARLIER if half_day(day) else 0)


def half_day(day: date) -> bool:
    """Tell whether a trading day closes early."""
    return close_minute(day) != CLOSE_MINUTE


def finding(wrong: Sequence[str], right: str) -> Finding:
    """Return a finding that fails on anything wrong, the first few of it named."""
    if not wrong:
        return Finding(True, right)
    more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
    return Finding(False, "; ".join(wrong[:SHOWN]) + more)


def minute(at: datetime) -> float:
    """Return minutes after midnight New York."""
    local = at.astimezone(NEW_YORK)
    return local.hour * 60 + local.minute + local.second / 60.0


def clock(at: datetime) -> str:
    """Return the New York time as text."""
    return f"{at.astimezone(NEW_YORK):%H:%M:%S}"
