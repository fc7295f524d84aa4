"""Which days of announcements are let go when the bots wait for volatility to fall instead."""

from __future__ import annotations

from datetime import date

import pytest

from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.events import Announcements, Event, Kind, Status
from engine.sessions import stamp_of

DAY, NEXT = date(2024, 5, 15), date(2024, 5, 16)
COVERED = {(Kind.CPI, ""): (date(2024, 1, 1), date(2024, 12, 31))}


def calendar(*events: Event, harvest: bool = True) -> EventCalendar:
    return EventCalendar(Announcements(events, COVERED), (Kind.CPI,), harvest)


@pytest.mark.parametrize(
    ("event", "blocked"),
    [
        (Event(DAY, Kind.CPI, "", "08:30", "x"), []),
        (Event(DAY, Kind.FOMC, "", "14:00", "x"), [DAY]),
        (Event(DAY, Kind.OPEC, "", "", "x"), [DAY]),
        (Event(DAY, Kind.EARNINGS, "NVDA", "BMO", "x"), []),
        (Event(DAY, Kind.EARNINGS, "NVDA", "AMC", "x"), [DAY]),
        (Event(date(2024, 5, 12), Kind.OPEC, "", "", "x"), []),  # a Sunday
    ],
)
def test_only_sessions_that_open_before_the_release_stay_blocked(event: Event, blocked: list[date]) -> None:
    held = calendar(event)

    assert [day for day in (date(2024, 5, 13), DAY, NEXT) if held.verdict("NVDA", day)] == blocked


def test_without_harvest_the_whole_day_is_blocked() -> None:
    told = calendar(Event(DAY, Kind.CPI, "", "08:30", "x"), harvest=False).verdict("SPX", DAY)

    assert told is not None
    assert told.reason is Reason.EVENT_BLACKOUT


def test_releases_are_those_of_the_symbol_and_of_everyone_but_not_unscheduled_ones() -> None:
    held = calendar(
        Event(DAY, Kind.CPI, "", "08:30", "x"),
        Event(DAY, Kind.EARNINGS, "NVDA", "AMC", "x"),
        Event(NEXT, Kind.FOMC, "", "11:00", "x", Status.UNSCHEDULED),
    )

    assert held.releases("SPX") == (stamp_of(DAY, 510),)
    assert held.releases("NVDA") == (stamp_of(DAY, 510), stamp_of(DAY, 970))


def test_a_calendar_without_events_still_covers_its_days_only() -> None:
    held = calendar(Event(DAY, Kind.CPI, "", "08:30", "x"), harvest=False).without_events()

    assert held.verdict("SPX", DAY) is None
    assert held.verdict("SPX", date(2025, 1, 2)) is not None
