"""Which days an announcement keeps us out, and that an unknown day is a refused one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.events import Announcements, Event, Kind, Status
from engine.sessions import session_dates
from tests.risk.makers import MACRO, YEARS, calendar

ALL = session_dates(*YEARS)


def blocked(event: Event, symbol: str = "XSP") -> list[date]:
    known = calendar(event)
    return [day for day in ALL if known.verdict(symbol, day) is not None]


@pytest.mark.parametrize(
    ("event", "days"),
    [
        (Event(date(2018, 1, 12), Kind.CPI, "", "08:30", "bls"), ["01-12"]),
        (Event(date(2018, 6, 23), Kind.OPEC, "", "", "opec"), ["06-25"]),  # a Saturday
        (Event(date(2018, 3, 30), Kind.JOBS, "", "08:30", "bls"), ["04-02"]),  # Good Friday
        (Event(date(2018, 1, 31), Kind.FOMC, "", "", "fed", Status.TENTATIVE), ["01-31"]),
        (Event(date(2018, 1, 31), Kind.FOMC, "", "", "fed", Status.UNSCHEDULED), []),
    ],
)
def test_announcement_blocks_its_session_or_the_next(event: Event, days: list[str]) -> None:
    assert [f"{day:%m-%d}" for day in blocked(event)] == days


@pytest.mark.parametrize(
    ("day", "time", "days"),
    [
        (date(2018, 2, 1), "BMO", ["02-01"]),
        (date(2018, 2, 1), "AMC", ["02-01", "02-02"]),
        (date(2018, 2, 1), "", ["02-01", "02-02"]),
        (date(2018, 2, 2), "AMC", ["02-02", "02-05"]),
        (date(2018, 2, 3), "AMC", ["02-05"]),  # a Saturday
    ],
)
def test_earnings_after_the_close_block_the_next_session_too(day: date, time: str, days: list[str]) -> None:
    event = Event(day, Kind.EARNINGS, "AAPL", time, "company")
    assert [f"{day:%m-%d}" for day in blocked(event, "AAPL")] == days
    assert blocked(event, "MSFT") == []


def test_earnings_are_found_under_another_name() -> None:
    event = Event(date(2018, 2, 1), Kind.EARNINGS, "GOOGL", "AMC", "company")
    known = EventCalendar(Announcements((event,), MACRO, aliases={"GOOG": "GOOGL"}), ("CPI", "FOMC", "JOBS"))
    verdict = known.verdict("GOOG", date(2018, 2, 2))
    assert verdict is not None
    assert verdict.text == "GOOGL EARNINGS of 2018-02-01 AMC, no entries on 2018-02-02"


def test_stock_without_earnings_dates_is_refused_and_an_index_is_not() -> None:
    known = EventCalendar(Announcements((), MACRO, frozenset({"XSP"})))
    stock = known.verdict("AAPL", date(2018, 2, 1))
    assert stock is not None
    assert stock.reason is Reason.CALENDAR_UNCOVERED
    assert "AAPL EARNINGS dates are not known at all" in stock.text
    assert known.verdict("XSP", date(2018, 2, 1)) is None


spans = st.tuples(st.integers(0, 364), st.integers(0, 364)).map(
    lambda pair: tuple(YEARS[0] + timedelta(days=n) for n in sorted(pair))
)


@given(
    st.dictionaries(st.sampled_from(Kind).map(lambda kind: (kind, "")), spans),
    st.sets(st.sampled_from([kind for kind in Kind if kind is not Kind.EARNINGS])),
    st.sampled_from(ALL),
)
def test_day_is_open_exactly_when_every_required_kind_covers_it(
    coverage: dict[tuple[Kind, str], tuple[date, date]], required: set[Kind], day: date
) -> None:
    verdict = calendar(coverage=coverage, required=required).verdict("XSP", day)
    covered = all(
        (kind, "") in coverage and coverage[kind, ""][0] <= day <= coverage[kind, ""][1] for kind in required
    )
    assert (verdict is None) == covered
    if verdict is not None:
        assert verdict.reason is Reason.CALENDAR_UNCOVERED


def test_unknown_required_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="'PPI', expected one of CPI"):
        calendar(required=("PPI",))
