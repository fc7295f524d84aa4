from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from engine.bars import Bars
from engine.errors import DataError
from engine.sessions import session_dates
from tests.feeds.samples import WEEK, bars


def spoiled(name: str, at: int, value: float) -> Bars:
    held = bars()
    column = getattr(held, name).copy()
    column[at] = value
    return replace(held, **{name: column})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("close", float("nan"), "close is nan at 2024-03-04 09:41:00 New York; expected a positive price"),
        ("open", 0.0, "open is 0 at 2024-03-04 09:41:00"),
        ("low", -1.0, "low is -1 at"),
        ("high", float("inf"), "high is inf at"),
        ("high", 400.0, "high is 400 at .*expected at least the bar's open and close"),
        ("low", 600.0, "low is 600 at .*expected at most the bar's open and close"),
        ("volume", -5.0, "volume is -5 at .*expected 0 or more"),
        ("volume", float("nan"), "volume is nan at"),
    ],
)
def test_check_names_column_value_and_minute_of_a_bad_number(name: str, value: float, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        spoiled(name, 10, value).check()
    assert "\n" not in str(caught.value)


def test_check_refuses_unknown_short_and_infinite_lines() -> None:
    n = len(bars())
    with pytest.raises(DataError, match="unknown line 'mood'; expected one of vix"):
        bars(lines={"mood": np.zeros(n)}).check()
    with pytest.raises(DataError, match="column vix has 3 values"):
        bars(lines={"vix": np.zeros(3)}).check()
    with pytest.raises(DataError, match="vix is inf at"):
        bars(lines={"vix": np.full(n, np.inf)}).check()


def test_check_lets_unknown_line_values_pass_as_nan() -> None:
    held = bars(lines={"vix": np.full(len(bars()), np.nan)})
    assert held.check() is held


def test_between_keeps_whole_days_and_every_line() -> None:
    held = bars(lines={"vix": np.arange(float(len(bars())))})
    part = held.between(WEEK[1], WEEK[2])
    assert part.grid.dates == WEEK[1:3]
    assert part.lines["vix"][0] == 390.0
    assert len(part) == len(part.lines["vix"]) == 780
    assert held.between(None, None) is held


def test_between_without_a_day_names_what_the_data_covers() -> None:
    with pytest.raises(DataError, match="no bars from 2030-01-02 to the end; the data covers 2024-03-04"):
        bars().between(date(2030, 1, 2), None)


def test_head_is_the_past_only() -> None:
    part = bars().head(100)
    assert len(part) == 100
    assert np.array_equal(part.close, bars().close[:100])


def test_scaled_multiplies_prices_without_dust_and_nothing_else() -> None:
    held = bars()
    tenth = held.scaled(0.1, "XSP")
    assert tenth.symbol == "XSP"
    assert np.array_equal(tenth.close, np.round(held.close / 10.0, 3))
    assert np.array_equal(tenth.volume, held.volume)
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(DataError, match="expected a positive number"):
            held.scaled(wrong, "XSP")


@pytest.mark.parametrize(("factor", "at"), [(0.1, 390), (2.0, 390), (10.0, 500), (0.5, 500)])
def test_a_split_or_a_misplaced_point_is_no_market(factor: float, at: int) -> None:
    held = bars()
    moved = {
        name: np.where(np.arange(len(held)) >= at, getattr(held, name) * factor, getattr(held, name))
        for name in ("open", "high", "low", "close")
    }
    with pytest.raises(DataError, match=r"open is .* after .*; expected prices without a split"):
        replace(held, **moved).unbroken()
    assert held.unbroken() is held


def test_prices_far_apart_in_time_may_be_far_apart() -> None:
    held, later = bars(WEEK[:1]), bars(session_dates(date(2025, 3, 4), date(2025, 3, 4)))
    names = ("stamp", "open", "high", "low", "close", "volume")
    joined: Any = {
        name: np.concatenate([getattr(held, name), getattr(later, name) * (1 if name == "stamp" else 3)])
        for name in names
    }
    assert replace(held, **joined).unbroken().notes == ()


def test_a_large_step_between_prices_is_noted() -> None:
    held = bars()
    high = held.high.copy()
    high[700] = 1.3 * held.open[700]
    (note,) = bars(high=high).unbroken().notes
    assert "+30% at 2024-03-05" in note
