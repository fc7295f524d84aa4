"""The crowding meter, spikes and announcements against a plain recomputation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.bars import Bars
from engine.indicators.crowding import PARTS, Crowding, IvSpike
from engine.indicators.events import NO_EVENT, EventCollapse
from engine.options.clock import VarianceClock
from engine.sessions import stamp_of
from tests.indicators.market import WEEK, YEARS, blank, line_of, lines_of, market

WHOLE = market()
DAY, MINUTE, LEFT = WHOLE.grid.day, WHOLE.grid.minute, WHOLE.grid.left
PUT, CALL = WHOLE.lines["put_volume"], WHOLE.lines["call_volume"]


def crowding(bars: Bars) -> dict[str, np.ndarray]:
    return line_of(bars, Crowding, days=3, min_days=1)


def so_far(values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.cumsum(values[day == DAY]) for day in range(DAY.max() + 1)])


def test_put_call_is_the_imbalance_of_the_last_minutes_of_this_session() -> None:
    found = crowding(WHOLE)["put_call"]
    for at in (0, 10, 29, 200, 395, 700):
        first = max(at - 29, int(WHOLE.grid.first[DAY[at]]))
        puts, calls = PUT[first : at + 1].sum(), CALL[first : at + 1].sum()
        assert found[at] == pytest.approx((puts - calls) / (puts + calls), rel=1e-12)


def test_flow_is_the_volume_so_far_over_the_mean_of_past_sessions_at_that_minute() -> None:
    found, total = crowding(WHOLE)["flow"], so_far(PUT + CALL)
    at = int(np.flatnonzero((DAY == 4) & (MINUTE == 640))[0])
    past = total[np.isin(DAY, (1, 2, 3)) & (MINUTE == 640)]  # the newest three
    assert found[at] == pytest.approx(total[at] / past.mean(), rel=1e-12)
    assert np.isnan(found[DAY == 0]).all()


def test_interest_is_the_volume_so_far_over_open_interest_or_over_yesterdays_volume() -> None:
    total = so_far(PUT + CALL)
    np.testing.assert_allclose(crowding(WHOLE)["interest"], total / 40_000.0, rtol=1e-12)
    found = crowding(blank(WHOLE, open_interest=DAY >= 0))["interest"]
    np.testing.assert_allclose(found[DAY == 1], total[DAY == 1] / total[DAY == 0][-1], rtol=1e-12)
    assert np.isnan(found[DAY == 0]).all()


def test_gamma_is_the_calls_less_the_puts_at_the_money_for_a_move_of_one_percent() -> None:
    found = crowding(WHOLE)["gamma"]
    net = so_far(CALL) - so_far(PUT)
    years = VarianceClock().share_left(MINUTE, MINUTE + LEFT) * YEARS
    with np.errstate(divide="ignore"):
        gamma = 1.0 / (np.sqrt(2.0 * np.pi) * WHOLE.close * WHOLE.lines["atm_iv"] * np.sqrt(years))
    expected = 100.0 * net * gamma * WHOLE.close**2 * 0.01
    open_ = LEFT > 0
    np.testing.assert_allclose(found[open_], expected[open_], rtol=1e-9)
    assert np.isnan(found[~open_]).all(), "at the close there is no time left"


@pytest.mark.parametrize("name", PARTS)
def test_percentile_counts_past_sessions_at_the_same_minute_only(name: str) -> None:
    lines = crowding(WHOLE)
    values = so_far(PUT + CALL) if name == "flow" else lines[name]
    for day, minute in ((1, 600), (3, 700), (4, 640)):
        at = int(np.flatnonzero((day == DAY) & (minute == MINUTE))[0])
        past = values[(day > DAY) & (day - 3 <= DAY) & (minute == MINUTE)]
        expected = 100.0 * np.mean(past < values[at]) if len(past) else np.nan
        assert lines[f"{name}_percentile"][at] == pytest.approx(expected, nan_ok=True)


def test_a_tie_with_the_past_counts_half() -> None:
    flat = replace(WHOLE, lines=dict(WHOLE.lines) | {"skew": np.full(len(WHOLE), 0.2)})
    found = crowding(flat)["skew_percentile"]
    assert set(found[DAY == 2]) == {50.0}


def test_score_is_the_mean_of_the_percentiles_with_gamma_turned_around() -> None:
    lines = crowding(WHOLE)
    at = (DAY == 4) & (LEFT > 0)
    parts = [lines[f"{name}_percentile"][at] for name in PARTS[:-1]]
    expected = np.mean([*parts, 100.0 - lines["gamma_percentile"][at]], axis=0)
    np.testing.assert_allclose(lines["score"][at], expected, rtol=1e-12)


def test_score_needs_three_known_parts() -> None:
    dark = blank(WHOLE, put_volume=DAY >= 0)
    assert np.isnan(crowding(dark)["score"]).all()


def test_a_minute_nobody_counted_is_unknown_and_its_trades_may_come_with_the_next() -> None:
    missed = (DAY == 2) & (MINUTE >= 700) & (MINUTE < 710)
    after = int(np.flatnonzero(missed)[-1]) + 1
    lines = dict(WHOLE.lines)
    for name in ("put_volume", "call_volume"):
        told = np.where(missed, np.nan, lines[name])
        told[after] += lines[name][missed].sum()
        lines[name] = told
    found = crowding(replace(WHOLE, lines=lines))
    whole = crowding(WHOLE)

    for name in ("put_call", "interest", "gamma"):
        assert np.isnan(found[name][missed]).all()
    later = np.flatnonzero(~missed & (np.arange(len(DAY)) != after + 29))
    np.testing.assert_allclose(found["interest"][later], whole["interest"][later], rtol=1e-12)
    settled = np.flatnonzero((DAY != 2) | (MINUTE < 700) | (MINUTE >= 740))
    np.testing.assert_allclose(found["put_call"][settled], whole["put_call"][settled], rtol=1e-9)


def test_spike_compares_with_an_hour_ago_and_in_the_first_hour_with_the_session_before() -> None:
    lines, iv = line_of(WHOLE, IvSpike), WHOLE.lines["atm_iv"]
    first = int(WHOLE.grid.first[2])
    assert lines["spike"][first + 100] == pytest.approx(iv[first + 100] / iv[first + 40] - 1.0)
    assert lines["spike"][first + 20] == pytest.approx(iv[first + 20] / iv[first - 1] - 1.0)
    here = DAY == 2
    np.testing.assert_array_equal(lines["peak"][here], np.fmax.accumulate(lines["spike"][here]))
    assert np.isnan(lines["spike"][:60]).all(), "nothing is known an hour before the first bar"


def released(day: int, minute: int) -> int:
    return stamp_of(WEEK[day], minute)


def test_collapse_is_watched_through_the_first_session_that_opens_after_the_release() -> None:
    iv, first = WHOLE.lines["atm_iv"], WHOLE.grid.first
    before, within, after = released(1, 510), released(2, 700), released(2, 970)
    early, middle, late = (
        lines["collapse"]
        for lines in lines_of(
            WHOLE, *((EventCollapse, {"releases": (one,)}) for one in (before, within, after))
        )
    )
    level = iv[first[1] - 1]
    np.testing.assert_allclose(early[DAY == 1], iv[DAY == 1] / level - 1.0, rtol=1e-12)
    assert (early[DAY != 1] == NO_EVENT).all()
    at = int(np.flatnonzero((DAY == 2) & (MINUTE == 700))[0])
    assert middle[at] == NO_EVENT
    np.testing.assert_allclose(middle[at + 1 : first[4]], iv[at + 1 : first[4]] / iv[at] - 1.0, rtol=1e-12)
    assert (middle[first[4] :] == NO_EVENT).all()
    np.testing.assert_allclose(late[DAY == 3], iv[DAY == 3] / iv[first[3] - 1] - 1.0, rtol=1e-12)


def test_collapse_is_unknown_where_no_level_stood_before_the_release() -> None:
    lines = line_of(WHOLE, EventCollapse, releases=(released(0, 510),))
    assert np.isnan(lines["collapse"][DAY == 0]).all()
    assert (lines["collapse"][DAY == 1] == NO_EVENT).all()
