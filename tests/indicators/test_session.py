"""The session's own lines against a plain recomputation."""

from __future__ import annotations

import numpy as np
import pytest

from engine.indicators.session import DayLines, MorningRange
from tests.indicators.market import blank, keep, line_of, market

WHOLE = market()
DAY, MINUTE = WHOLE.grid.day, WHOLE.grid.minute


def test_day_lines_hold_open_extremes_and_the_close_before() -> None:
    lines = line_of(WHOLE, DayLines)
    for day in range(DAY.max() + 1):
        here = day == DAY
        np.testing.assert_array_equal(lines["session_open"][here], WHOLE.open[here][0])
        np.testing.assert_array_equal(lines["day_high"][here], np.maximum.accumulate(WHOLE.high[here]))
        np.testing.assert_array_equal(lines["day_low"][here], np.minimum.accumulate(WHOLE.low[here]))
        before = WHOLE.close[day - 1 == DAY][-1] if day else np.nan
        np.testing.assert_array_equal(lines["previous_close"][here], before)


def test_expected_move_is_one_sigma_of_a_day_from_the_vix_close_before() -> None:
    lines = line_of(WHOLE, DayLines)
    for day in range(1, DAY.max() + 1):
        here, vix = day == DAY, WHOLE.lines["vix"][day - 1 == DAY][-1]
        expected = WHOLE.open[here][0] * vix / 100 / np.sqrt(252)
        np.testing.assert_allclose(lines["expected_move"][here], expected, rtol=1e-14)


def test_expected_move_of_the_first_session_uses_its_first_bars_vix() -> None:
    here = DAY == 0
    expected = WHOLE.open[0] * WHOLE.lines["vix"][0] / 100 / np.sqrt(252)
    np.testing.assert_allclose(line_of(WHOLE, DayLines)["expected_move"][here], expected, rtol=1e-14)


def test_expected_move_uses_the_last_known_vix_when_the_close_has_none() -> None:
    bars = blank(WHOLE, vix=MINUTE > 770)
    vix = WHOLE.lines["vix"][(DAY == 0) & (MINUTE == 770)][0]
    expected = WHOLE.open[DAY == 1][0] * vix / 100 / np.sqrt(252)
    np.testing.assert_allclose(line_of(bars, DayLines)["expected_move"][DAY == 1], expected, rtol=1e-14)


def test_expected_move_is_unknown_when_neither_yesterday_nor_the_first_bar_has_a_vix() -> None:
    bars = blank(WHOLE, vix=(DAY == 1) | ((DAY == 2) & (MINUTE == 571)))
    lines = line_of(bars, DayLines)
    assert np.isnan(lines["expected_move"][DAY == 2]).all()
    assert np.isfinite(lines["expected_move"][DAY == 1]).all()


@pytest.mark.parametrize(("minutes", "end"), [(60, 630), (15, 585), (90, 660)])
def test_morning_range_forms_on_its_last_bar_and_stays(minutes: int, end: int) -> None:
    lines = line_of(WHOLE, MorningRange, minutes=minutes)
    late = end <= MINUTE
    np.testing.assert_array_equal(lines["formed"], late)
    for name in ("high", "low"):
        assert np.isnan(lines[name][~late]).all()
    for day in range(DAY.max() + 1):
        morning, after = (day == DAY) & (end >= MINUTE), (day == DAY) & late
        np.testing.assert_array_equal(lines["high"][after], WHOLE.high[morning].max())
        np.testing.assert_array_equal(lines["low"][after], WHOLE.low[morning].min())


@pytest.mark.parametrize(("missing", "forms"), [(30, True), (31, False)])
def test_morning_range_needs_half_of_its_minutes(missing: int, forms: bool) -> None:
    bars = keep(WHOLE, (DAY != 1) | (MINUTE > 570 + missing))
    afternoon = (bars.grid.day == 1) & (bars.grid.minute >= 630)
    lines = line_of(bars, MorningRange)
    assert (lines["formed"][afternoon] == forms).all()
    assert (np.isfinite(lines["high"][afternoon]) == forms).all()


def test_morning_range_forms_on_the_first_bar_after_a_missing_1030() -> None:
    bars = keep(WHOLE, (MINUTE < 628) | (MINUTE > 640))
    formed = line_of(bars, MorningRange)["formed"]
    np.testing.assert_array_equal(formed, bars.grid.minute > 640)
