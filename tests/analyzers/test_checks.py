"""Rules held against trades that keep them, and against one that breaks each."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from analyzers.checks import Check, checks, minute_of
from engine.journal.records import Trade
from tests.analyzers.makers import DAYS, NEW_YORK, run, trade

HALF_DAY = date(2018, 7, 3)


def at(day: date, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


def timed(entry: str, leave: str, day: date = DAYS[0]) -> Trade:
    return trade(1, day, 5.0, entry_time=at(day, entry), exit_time=at(day, leave))


def asked(rule: str, *trades: Trade, days: tuple[date, ...] = DAYS) -> Check:
    found = {check.rule: check for check in checks(run(list(trades), days))}
    return found[rule]


def test_trade_within_every_rule_breaks_none() -> None:
    found = checks(run([trade(1, DAYS[0], -40.0)]))

    assert [check.rule for check in found if check.breaches] == []


@pytest.mark.parametrize(
    ("entry", "breaches"), [("10:29", 1), ("10:30", 0), ("13:30", 0), ("13:31", 1), ("15:00", 1)]
)
def test_entry_outside_the_window_is_counted(entry: str, breaches: int) -> None:
    check = asked("Entries in the window", timed(entry, "15:10"))

    assert check.breaches == breaches
    assert check.limit == "10:30 to 13:30" and check.worst == f"{entry} to {entry}"


@pytest.mark.parametrize(("leave", "breaches"), [("15:25", 0), ("15:30", 0), ("15:31", 1), ("16:00", 1)])
def test_position_after_half_past_three_is_counted(leave: str, breaches: int) -> None:
    check = asked("Flat before the close", timed("11:00", leave))

    assert (check.breaches, check.worst) == (breaches, f"last {leave}")


@pytest.mark.parametrize(("leave", "breaches"), [("12:30", 0), ("12:31", 1)])
def test_half_day_must_be_flat_three_hours_earlier(leave: str, breaches: int) -> None:
    found = asked("Flat before the close", timed("10:30", leave, HALF_DAY), days=(HALF_DAY,))

    assert found.breaches == breaches


def test_entry_on_a_half_day_is_counted() -> None:
    assert asked("No entries on half days", timed("10:30", "11:00", HALF_DAY), days=(HALF_DAY,)).breaches == 1


@pytest.mark.parametrize(("net", "breaches"), [(-80.0, 0), (-80.01, 1)])
def test_loss_beyond_the_structure_is_counted(net: float, breaches: int) -> None:
    assert asked("No trade loses more than its structure", trade(1, DAYS[0], net)).breaches == breaches


def test_structure_beyond_its_budget_is_counted_by_the_budget_of_its_bot() -> None:
    rule = "Structural loss within its budget"

    assert asked(rule, trade(1, DAYS[0], 5.0, structural_loss=100.0)).breaches == 0
    assert asked(rule, trade(1, DAYS[0], 5.0, structural_loss=100.01)).breaches == 1
    assert asked(rule, trade(1, DAYS[0], 5.0, "buywrite", structural_loss=1500.0)).breaches == 0


def test_stop_that_slipped_misses_an_aim_but_breaks_no_limit() -> None:
    check = asked("Stopped at the planned loss", trade(1, DAYS[0], -62.5))

    assert (check.aim, check.breaches, check.worst) == (True, 1, "12.50 USD beyond")


def test_day_uses_its_cap_by_its_losses_alone() -> None:
    day = [trade(1, DAYS[0], -75.0), trade(2, DAYS[0], 60.0), trade(3, DAYS[0], -75.0, "putlite")]

    check = asked("Day's losses within their cap", *day)

    assert (check.worst, check.breaches) == ("100% of it", 0)


def test_no_trades_leave_nothing_to_hold() -> None:
    assert checks(run([])) == []


def test_clock_words_are_minutes() -> None:
    assert (minute_of("09:31"), minute_of("15:25"), minute_of(700)) == (571, 925, 700)
