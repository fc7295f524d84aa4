"""Announcements that keep us out of the market, and the sessions they concern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from engine.sessions import OPEN_MINUTE, is_session, sessions_ahead, stamp_of

Span = tuple[date, date]
AFTER_CLOSE, BEFORE_OPEN = "AMC", "BMO"
AFTER_HOURS = 970  # minute of an announcement after the close


class Kind(StrEnum):
    """What is announced."""

    CPI = "CPI"
    FOMC = "FOMC"
    JOBS = "JOBS"
    OPEC = "OPEC"
    EARNINGS = "EARNINGS"


class Status(StrEnum):
    """How sure a date is, and whether it was known beforehand."""

    FIRM = "firm"
    TENTATIVE = "tentative"
    UNSCHEDULED = "unscheduled"  # nobody knew the day before: kept for the record, never a blackout


REQUIRED = (Kind.CPI, Kind.FOMC, Kind.JOBS, Kind.EARNINGS)


@dataclass(frozen=True, slots=True)
class Event:
    """One announcement; ``symbol`` empty means everything is concerned."""

    day: date
    kind: Kind
    symbol: str
    time: str
    source: str
    status: Status = Status.FIRM
    note: str = ""

    def days(self) -> tuple[date, ...]:
        """Return the sessions on which the announcement keeps us out.

        An announcement on a day without trading concerns the next session. Earnings after
        the close, or at an unknown time, concern the next session too.
        """
        first = _session_from(self.day)
        if self.kind is not Kind.EARNINGS or self.time == BEFORE_OPEN or first != self.day:
            return (first,)
        return first, sessions_ahead(first, 1)

    def released(self) -> int:
        """Return when the announcement is out, UTC nanoseconds; at an unknown time, after the close.

        That of a day without trading counts as out before the next session opens.
        """
        first = _session_from(self.day)
        if self.time == BEFORE_OPEN or first != self.day:
            return stamp_of(first, OPEN_MINUTE - 1)
        if not self.time or self.time == AFTER_CLOSE:
            return stamp_of(first, AFTER_HOURS)
        hours, minutes = self.time.split(":")
        return stamp_of(first, int(hours) * 60 + int(minutes))

    def out_before(self, session: date) -> bool:
        """Tell whether the announcement is out when a session opens."""
        return self.released() < stamp_of(session, OPEN_MINUTE)


@dataclass(frozen=True, slots=True)
class Announcements:
    """What a calendar file holds.

    ``coverage`` says from when to when the dates of a kind are known, by kind and symbol
    (empty except for earnings); ``no_earnings`` are indices and funds, ``aliases`` symbols
    announced under another name.
    """

    events: tuple[Event, ...]
    coverage: Mapping[tuple[Kind, str], Span]
    no_earnings: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)


def _session_from(day: date) -> date:
    while not is_session(day):
        day += timedelta(days=1)
    return day
