"""The shipped calendar: complete where it says so, on days on which such things happen."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.events import Event, Kind, Status
from engine.sessions import is_session, session_dates

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "../shared/data"
CALENDAR = EventCalendar.load(ROOT / "config" / "events.json")


def of(kind: Kind) -> list[Event]:
    return [event for event in CALENDAR.known.events if event.kind is kind]


@pytest.mark.parametrize("kind", [Kind.CPI, Kind.JOBS])
def test_releases_are_monthly_but_for_the_shutdown_of_2025(kind: Kind) -> None:
    counts = Counter(event.day.year for event in of(kind))
    assert counts == {year: 11 if year == 2025 else 12 for year in range(2014, 2027)}
    assert all(event.time == "08:30" for event in of(kind))


def test_central_bank_meets_eight_times_a_year() -> None:
    counts = Counter(event.day.year for event in of(Kind.FOMC) if event.status is not Status.UNSCHEDULED)
    assert counts == {year: 7 if year == 2020 else 8 for year in range(2014, 2028)}


def test_releases_fall_on_weekdays_and_but_for_good_fridays_on_sessions() -> None:
    released = sorted(event.day for kind in (Kind.CPI, Kind.JOBS) for event in of(kind))
    assert all(day.weekday() < 5 for day in released)
    closed = [f"{day:%Y-%m-%d}" for day in released if not is_session(day)]
    assert closed == ["2015-04-03", "2017-04-14", "2020-04-10", "2021-04-02", "2023-04-07", "2026-04-03"]


def test_scheduled_meetings_and_earnings_fall_on_sessions() -> None:
    for event in CALENDAR.known.events:
        if event.kind in (Kind.FOMC, Kind.EARNINGS) and event.status is not Status.UNSCHEDULED:
            assert is_session(event.day), event


def test_one_company_reports_once_a_quarter() -> None:
    days: dict[str, list[date]] = {}
    for event in of(Kind.EARNINGS):
        days.setdefault(event.symbol, []).append(event.day)
    assert set(days) == {symbol for kind, symbol in CALENDAR.known.coverage if kind is Kind.EARNINGS}
    for symbol, reported in days.items():
        steps = [(after - before).days for before, after in zip(reported, reported[1:], strict=False)]
        assert all(70 <= step <= 112 for step in steps), (symbol, steps)


@pytest.mark.parametrize("symbol", ["SPX", "XSP", "SPY", "QQQ", "XLF", "XLE", "XLV", "SMH"])
def test_indices_and_funds_may_trade_on_ordinary_days(symbol: str) -> None:
    verdicts = [CALENDAR.verdict(symbol, day) for day in session_dates(date(2014, 1, 3), date(2018, 12, 31))]
    blocked = [verdict for verdict in verdicts if verdict is not None]
    assert {verdict.reason for verdict in blocked} == {Reason.EVENT_BLACKOUT}
    assert 0.10 < len(blocked) / len(verdicts) < 0.15


@pytest.mark.parametrize(
    ("symbol", "day", "reason"),
    [
        ("SPX", date(2018, 1, 10), None),
        ("SPX", date(2018, 1, 12), Reason.EVENT_BLACKOUT),
        ("SPX", date(2025, 10, 15), None),  # the CPI day the shutdown moved
        ("SPX", date(2025, 10, 24), Reason.EVENT_BLACKOUT),
        ("SPX", date(2027, 1, 4), Reason.CALENDAR_UNCOVERED),
        ("SPX", date(2013, 12, 31), Reason.CALENDAR_UNCOVERED),
        ("NVDA", date(2018, 1, 10), Reason.CALENDAR_UNCOVERED),
        ("NVDA", date(2024, 2, 21), Reason.EVENT_BLACKOUT),
        ("NVDA", date(2024, 2, 22), Reason.EVENT_BLACKOUT),
        ("NVDA", date(2024, 2, 23), None),
        ("SPX", date(2024, 2, 22), None),
        ("BA", date(2024, 2, 22), Reason.CALENDAR_UNCOVERED),
    ],
)
def test_known_days(symbol: str, day: date, reason: Reason | None) -> None:
    verdict = CALENDAR.verdict(symbol, day)
    assert (verdict.reason if verdict else None) == reason


def rows(name: str) -> list[dict[str, str]]:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not part of the repository and absent here")
    with path.open(encoding="utf-8", newline="") as held:
        return list(csv.DictReader(held))


@pytest.mark.realdata
def test_macro_dates_agree_with_an_independent_list() -> None:
    theirs = {
        (date.fromisoformat(row["date"]), {"NFP": "JOBS"}.get(row["event"], row["event"]))
        for row in rows("events_us_macro_opec_2015_2026.csv")
    }
    ours = {(event.day, event.kind.value) for event in CALENDAR.known.events}
    assert theirs <= ours
    complete = {"CPI", "FOMC", "JOBS"}
    first, last = min(day for day, _ in theirs), max(day for day, _ in theirs)
    extra = {(day, kind) for day, kind in ours - theirs if kind in complete and first <= day <= last}
    assert extra == set()


@pytest.mark.realdata
def test_earnings_agree_with_an_independent_list_where_it_does_not_doubt_itself() -> None:
    listed = rows("events_earnings_mag7_2020_2026.csv")
    ours = {(event.symbol, event.day, event.time) for event in of(Kind.EARNINGS)}
    sure = {
        (row["symbol"], date.fromisoformat(row["announce_date"]), row["timing"])
        for row in listed
        if not row["flag"]
    }
    assert sure <= ours
    assert len(ours) == len(listed)
