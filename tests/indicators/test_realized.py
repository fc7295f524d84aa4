"""Realised volatility: definitions, time of day, jumps, holes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.bars import Bars
from engine.indicators.realized import RealizedVolatility
from engine.indicators.regime import Compression, TrendT, VarianceSpread
from engine.options.clock import VarianceClock
from engine.sessions import session_dates
from tests.indicators.market import WEEK, keep, line_of, market

WHOLE = market()
HOLED = keep(WHOLE, np.random.default_rng(5).random(len(WHOLE)) > 0.25)
MONTHS = market(session_dates(date(2018, 1, 2), date(2018, 3, 29)), seed=3)


def _by_hand(bars: Bars, at: int, minutes: int, clock: VarianceClock) -> dict[str, float]:
    """The four measures at one bar, written out from their definitions."""
    grid = bars.grid
    day = int(grid.day[at])
    close = int(grid.close_minute[day])
    whole = np.flatnonzero(grid.day[: at + 1] == day)
    minute = grid.minute[whole].astype(int)
    before = np.append(minute[0] - 1, minute[:-1])
    scale = (1 - clock.overnight_share) / 252
    years = (clock.share_left(before, close) - clock.share_left(minute, close)) * scale
    own = (clock.share_left(minute - 1, close) - clock.share_left(minute, close)) * scale
    price = np.append(bars.open[whole[0]], bars.close[whole])
    r = np.diff(np.log(price))
    settled = before >= 575
    both = settled[1:] & settled[:-1]
    pairs, pair_years = np.abs(r[1:] * r[:-1]) * both, np.sqrt(years[1:] * years[:-1]) * both
    pairs, pair_years = np.append(0.0, pairs), np.append(0.0, pair_years)
    span = np.log(bars.high[whole] / bars.low[whole]) ** 2
    body = np.log(bars.close[whole] / bars.open[whole]) ** 2
    use = settled & (minute > minute[-1] - minutes)
    return {
        "realized": np.sqrt((r**2)[use].sum() / years[use].sum()),
        "parkinson": np.sqrt(span[use].sum() / (4 * np.log(2)) / own[use].sum()),
        "garman_klass": np.sqrt((span / 2 - (2 * np.log(2) - 1) * body)[use].sum() / own[use].sum()),
        "bipower": np.sqrt(np.pi / 2 * pairs[use].sum() / pair_years[use].sum()),
    }


@pytest.mark.parametrize("bars", [WHOLE, HOLED], ids=["whole", "holes"])
@pytest.mark.parametrize("minutes", [30, 7])
def test_measures_equal_their_definitions_on_the_variance_clock(bars: Bars, minutes: int) -> None:
    lines = line_of(bars, RealizedVolatility, minutes=minutes)
    known = np.flatnonzero(np.isfinite(lines["realized"]))
    assert len(known) > 0.6 * len(bars)
    for at in known[:: max(len(known) // 60, 1)].tolist():
        for name, expected in _by_hand(bars, at, minutes, VarianceClock()).items():
            assert lines[name][at] == pytest.approx(expected, rel=1e-9), (name, at)


def test_stale_opening_minutes_move_no_measure_of_the_session() -> None:
    early = WHOLE.grid.minute <= 575
    # the open is yesterday's price, and the first minutes catch up with the night
    away = np.where(early, 1.0 + 0.004 * (575 - WHOLE.grid.minute), 1.0)
    stale = replace(WHOLE, **{name: getattr(WHOLE, name) * away for name in ("open", "high", "low", "close")})
    for kind in (RealizedVolatility, Compression, VarianceSpread, TrendT):
        fresh, seen = line_of(WHOLE, kind), line_of(stale, kind)
        for name, values in fresh.items():
            np.testing.assert_allclose(seen[name][~early], values[~early], rtol=1e-9, err_msg=name)


def test_another_clock_annualises_differently() -> None:
    flat = VarianceClock(0.0, (1.0,) * 13)
    lines = line_of(WHOLE, RealizedVolatility, clock=flat)
    at = int(np.flatnonzero(np.isfinite(lines["realized"]))[100])
    assert lines["realized"][at] == pytest.approx(_by_hand(WHOLE, at, 30, flat)["realized"], rel=1e-9)


@pytest.mark.parametrize("name", ["realized", "bipower"])
def test_a_market_of_constant_volatility_reads_the_same_at_every_time_of_day(name: str) -> None:
    variance = line_of(MONTHS, RealizedVolatility)[name] ** 2
    minute, sessions = MONTHS.grid.minute, len(MONTHS.grid.dates)
    for end in range(600, 961, 30):
        here = variance[minute == end]
        assert len(here) == sessions
        # 30 squared normals a day: relative error sqrt(2/30), bipower 1.14 times that
        assert here.mean() == pytest.approx(0.15**2, rel=4 * 1.14 * np.sqrt(2 / 30 / sessions))


def test_bipower_passes_over_a_jump_that_realized_sees() -> None:
    at = 200
    factor = np.where(np.arange(len(WHOLE)) >= at, 1.01, 1.0)
    jumped = Bars(
        "SPX",
        WHOLE.stamp,
        np.append(WHOLE.open[0], WHOLE.close[:-1] * factor[:-1]),
        np.maximum(WHOLE.high * factor, np.append(WHOLE.open[0], WHOLE.close[:-1] * factor[:-1])),
        np.minimum(WHOLE.low * factor, np.append(WHOLE.open[0], WHOLE.close[:-1] * factor[:-1])),
        WHOLE.close * factor,
        WHOLE.volume,
    )
    calm, wild = line_of(WHOLE, RealizedVolatility), line_of(jumped, RealizedVolatility)
    assert wild["realized"][at + 5] > 4 * calm["realized"][at + 5]
    assert wild["bipower"][at + 5] < 2.5 * calm["bipower"][at + 5]


def test_unknown_until_the_window_is_full_in_every_session() -> None:
    known = np.isfinite(line_of(WHOLE, RealizedVolatility)["realized"])
    np.testing.assert_array_equal(known, WHOLE.grid.minute >= 600)


def test_unknown_where_half_of_the_window_is_missing() -> None:
    minute, day = WHOLE.grid.minute, WHOLE.grid.day
    bars = keep(WHOLE, (day != 1) | (minute <= 700) | (minute > 716))
    here = bars.grid.day == 1
    minutes = bars.grid.minute[here]
    known = np.isfinite(line_of(bars, RealizedVolatility)["realized"][here])
    np.testing.assert_array_equal(known[minutes > 716], minutes[minutes > 716] >= 731)


def test_a_market_that_stands_still_has_no_volatility() -> None:
    flat, one = np.full(len(WHOLE), 100.0), np.ones(len(WHOLE))
    still = Bars("SPX", WHOLE.stamp, flat, flat, flat, flat, one)
    lines = line_of(still, RealizedVolatility)
    for values in lines.values():
        assert set(values[np.isfinite(values)]) == {0.0}
    assert np.isnan(line_of(still, Compression)["ratio"]).all()


def test_compression_is_the_last_half_hour_over_the_morning() -> None:
    ratio = line_of(WHOLE, Compression)["ratio"]
    recent = line_of(WHOLE, RealizedVolatility, minutes=30)["realized"]
    hour = line_of(WHOLE, RealizedVolatility, minutes=60)["realized"]
    day, minute = WHOLE.grid.day, WHOLE.grid.minute
    for row in range(len(WEEK)):
        here = (day == row) & (minute >= 630)
        morning = hour[(day == row) & (minute == 630)][0]
        np.testing.assert_allclose(ratio[here], recent[here] / morning, rtol=1e-9)
    assert np.isnan(ratio[minute < 630]).all()


def test_compression_is_unknown_without_half_of_the_morning() -> None:
    minute, day = WHOLE.grid.minute, WHOLE.grid.day
    bars = keep(WHOLE, (day != 1) | (minute > 601))
    ratio = line_of(bars, Compression)["ratio"]
    assert np.isnan(ratio[bars.grid.day == 1]).all()
    assert np.isfinite(ratio[(bars.grid.day == 2) & (bars.grid.minute >= 630)]).all()
