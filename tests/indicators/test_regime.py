"""Implied against realised, range, rank, trend and VIX change, each against its definition."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from engine.indicators.regime import (
    ImpliedMove,
    IvRank,
    RangeOverMove,
    SkewLine,
    TrendT,
    VarianceSpread,
    VixChange,
)
from engine.indicators.session import DayLines
from engine.options.clock import VarianceClock
from engine.sessions import session_dates
from tests.indicators.market import YEARS, blank, keep, line_of, lines_of, market

WHOLE = market()
DAY, MINUTE, LEFT = WHOLE.grid.day, WHOLE.grid.minute, WHOLE.grid.left
CLOSE_MINUTE = (MINUTE + LEFT).astype(int)
MONTHS = market(session_dates(date(2018, 1, 2), date(2018, 3, 29)), seed=3)
CLOCK = VarianceClock()


def test_implied_move_is_one_sigma_of_the_time_left() -> None:
    years = CLOCK.years_left(MINUTE, CLOSE_MINUTE)
    expected = WHOLE.close * WHOLE.lines["atm_iv"] * np.sqrt(years)
    move = line_of(WHOLE, ImpliedMove)["move"]
    np.testing.assert_allclose(move, expected, rtol=1e-12)
    assert (move[LEFT == 0] == 0.0).all()


def test_implied_move_is_unknown_without_implied_volatility() -> None:
    bars = blank(WHOLE, atm_iv=DAY == 1)
    np.testing.assert_array_equal(np.isnan(line_of(bars, ImpliedMove)["move"]), DAY == 1)


def test_range_over_move_divides_the_range_so_far_by_the_days_expected_move() -> None:
    bars = blank(WHOLE, vix=(DAY == 1) | (MINUTE > 750))
    days = line_of(bars, DayLines)
    expected = (days["day_high"] - days["day_low"]) / days["expected_move"]
    np.testing.assert_array_equal(line_of(bars, RangeOverMove)["ratio"], expected)


@pytest.mark.parametrize("holes", [False, True])
def test_variance_spread_compares_both_variances_over_the_time_left(holes: bool) -> None:
    bars = keep(WHOLE, np.random.default_rng(2).random(len(WHOLE)) > 0.3) if holes else WHOLE
    grid = bars.grid
    lines = line_of(bars, VarianceSpread)
    for day in range(len(grid.dates)):
        here = np.flatnonzero(grid.day == day)
        close = int(grid.close_minute[day])
        r = np.diff(np.log(np.append(bars.open[here[0]], bars.close[here])))
        before = np.append(grid.minute[here[0]] - 1, grid.minute[here][:-1])
        r[before < 575] = 0.0  # what the night left behind
        start = int(before[before >= 575][0])
        passed = CLOCK.share_left(start, close) - CLOCK.share_left(grid.minute[here], close)
        years = CLOCK.years_left(grid.minute[here], close)
        realized = np.cumsum(r**2) / (passed * YEARS) * years
        implied = bars.lines["atm_iv"][here] ** 2 * years
        np.testing.assert_allclose(lines["implied"][here], implied, rtol=1e-12)
        np.testing.assert_allclose(lines["realized"][here][29:], realized[29:], rtol=1e-9, atol=1e-18)
        assert np.isnan(lines["realized"][here][:29]).all()
        np.testing.assert_array_equal(lines["spread"][here], lines["implied"][here] - lines["realized"][here])


def test_variance_spread_of_a_fair_market_is_about_zero_at_any_time() -> None:
    bars = blank(MONTHS)
    bars.lines["atm_iv"][:] = 0.15
    lines = line_of(bars, VarianceSpread)
    for minute in (630, 720, 810, 900):
        here = bars.grid.minute == minute
        share = lines["spread"][here] / lines["implied"][here]
        # realised variance of n minutes scatters by sqrt(2/n), over the sessions by less
        assert abs(share.mean()) < 4 * np.sqrt(2 / (minute - 570) / here.sum())


def _naive_rank(
    line: np.ndarray, bars_day: np.ndarray, minute: np.ndarray, days: int, least: int, at: int
) -> tuple[float, float]:
    past: list[float] = []
    for day in range(int(bars_day[at])):
        here = line[(bars_day == day) & (minute >= 630)]
        here = here[np.isfinite(here)]
        if len(here):
            past.append(here[0])
    past = past[-days:]
    if len(past) < least or np.isnan(line[at]):
        return np.nan, np.nan
    low, high = min(past), max(past)
    rank = np.clip((line[at] - low) / (high - low), 0, 1) * 100 if high > low else np.nan
    return rank, 100 * np.mean(np.array(past) < line[at])


@pytest.mark.parametrize(("days", "least"), [(252, 20), (10, 5), (1, 1), (3, 1)])
@pytest.mark.parametrize(("kind", "name"), [(IvRank, "atm_iv"), (SkewLine, "skew")])
def test_rank_stands_among_the_same_minute_of_past_sessions(
    kind: type, name: str, days: int, least: int
) -> None:
    day, minute = MONTHS.grid.day, MONTHS.grid.minute
    masked = (day == 7) | ((day == 9) & (minute < 700)) | (minute == 800)
    bars = blank(MONTHS, **{name: masked})
    lines = line_of(bars, kind, days=days, min_days=least)
    np.testing.assert_array_equal(lines["value"], bars.lines[name])
    for at in range(11, len(bars), 331):
        rank, percentile = _naive_rank(bars.lines[name], day, minute, days, least, at)
        assert lines["rank"][at] == pytest.approx(rank, nan_ok=True), at
        assert lines["percentile"][at] == pytest.approx(percentile, nan_ok=True), at
    assert np.isnan(lines["percentile"][masked]).all()


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("days", [252, 10])
def test_rank_behind_known_days_is_that_behind_their_bars(days: int, once: bool) -> None:
    grid, iv = MONTHS.grid, MONTHS.lines["atm_iv"]
    cut = 30
    sample = [float(iv[(grid.day == day) & (grid.minute >= 630)][0]) for day in range(cut)]
    past = tuple((grid.dates[day].toordinal(), sample[day]) for day in range(cut))
    rest = keep(MONTHS, grid.day >= cut)
    (got,) = lines_of(rest, (IvRank, {"days": days, "min_days": 10}), once=once, past_iv=past)
    want = line_of(MONTHS, IvRank, days=days, min_days=10)
    for name in ("rank", "percentile", "value"):
        np.testing.assert_array_equal(got[name][: len(rest)], want[name][grid.day >= cut])
    assert np.isfinite(got["rank"][: len(rest)]).all()


def test_rank_of_a_line_that_never_moved_is_unknown() -> None:
    bars = blank(MONTHS)
    bars.lines["atm_iv"][:] = 0.2
    lines = line_of(bars, IvRank, min_days=5)
    assert np.isnan(lines["rank"]).all()
    assert set(lines["percentile"][np.isfinite(lines["percentile"])]) == {0.0}


def test_trend_is_the_weighted_least_squares_t_statistic() -> None:
    bars = keep(WHOLE, np.random.default_rng(4).random(len(WHOLE)) > 0.3)
    grid, t = bars.grid, line_of(bars, TrendT)["t"]
    for day in range(len(grid.dates)):
        here = np.flatnonzero(grid.day == day)
        close = int(grid.close_minute[day])
        before = np.append(grid.minute[here[0]] - 1, grid.minute[here][:-1])
        years = (CLOCK.share_left(before, close) - CLOCK.share_left(grid.minute[here], close)) * YEARS
        r = np.diff(np.log(np.append(bars.open[here[0]], bars.close[here])))
        settled = before >= 575
        years, r, here = years[settled], r[settled], here[settled]
        for n in (30, 77, len(here)):
            x, y = np.sqrt(years[:n])[:, None], r[:n] / np.sqrt(years[:n])
            slope, rest, _, _ = np.linalg.lstsq(x, y, rcond=None)
            error = np.sqrt(rest[0] / (n - 1) / (x**2).sum())
            assert t[here[n - 1]] == pytest.approx(slope[0] / error, rel=1e-8)
        assert np.isnan(t[here[:29]]).all()


def test_trend_without_drift_is_about_standard_normal() -> None:
    t = line_of(MONTHS, TrendT)["t"][MONTHS.grid.minute == 780]
    assert abs(t.mean()) < 4 / np.sqrt(len(t))
    assert t.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * len(t)))


@pytest.mark.parametrize("sign", [1, -1])
def test_trend_has_the_sign_of_a_strong_drift(sign: int) -> None:
    bars = market(drift=sign * 0.05)
    late = bars.grid.left == 0
    assert (sign * line_of(bars, TrendT)["t"][late] > 3).all()


def test_vix_change_counts_from_the_last_vix_of_the_session_before() -> None:
    bars = blank(WHOLE, vix=(DAY == 2) | (MINUTE > 770) | (MINUTE == 700))
    change = line_of(bars, VixChange)["change"]
    vix = bars.lines["vix"]
    before = vix[(DAY == 0) & (MINUTE == 770)][0]
    np.testing.assert_array_equal(change[DAY == 1], vix[DAY == 1] - before)
    assert np.isnan(change[DAY == 0]).all(), "first session"
    assert np.isnan(change[DAY == 3]).all(), "nothing known of the session before"
    assert np.isnan(change[MINUTE == 700]).all(), "no VIX on the bar"
