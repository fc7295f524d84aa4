from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.stylized import Days
from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.sessions import session_dates
from feeds.synthetic.cache import cached, load, save
from feeds.synthetic.conditioned import ConditionedSettings, conditioned
from feeds.synthetic.daily import embedded, from_file
from feeds.synthetic.flow import volumes
from feeds.synthetic.minutes import variance_profile
from tests.feeds.samples import bars

QUARTER = ConditionedSettings(start=date(2018, 1, 2), end=date(2018, 3, 29))


@pytest.fixture(scope="module")
def five_years() -> Bars:
    return conditioned()


def ohlc(held: Bars) -> tuple[np.ndarray, ...]:
    grid = held.grid
    return (
        held.open[grid.first],
        np.maximum.reduceat(held.high, grid.first),
        np.minimum.reduceat(held.low, grid.first),
        held.close[grid.last],
    )


def equal(left: Bars, right: Bars) -> bool:
    return (
        np.array_equal(left.stamp, right.stamp)
        and all(
            np.array_equal(getattr(left, n), getattr(right, n))
            for n in ("open", "high", "low", "close", "volume")
        )
        and all(np.array_equal(left.lines[n], right.lines[n], equal_nan=True) for n in left.lines)
    )


def daily_file(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def rows(
    days: list[date], prices: list[tuple[float, float, float, float]], vix: float = 15.0
) -> pd.DataFrame:
    index = [dict(zip(("open", "high", "low", "close"), row, strict=True)) for row in prices]
    spx = pd.DataFrame(index).assign(date=days, symbol="SPX")
    fear = pd.DataFrame(
        {"date": days, "symbol": "VIX", "open": vix, "high": vix + 1, "low": vix - 1, "close": vix}
    )
    return pd.concat([spx, fear])


def test_five_years_repeat_every_days_four_prices_and_vix_exactly(five_years: Bars) -> None:
    daily = embedded()
    factor = 6000.0 / daily.close[-1]
    assert five_years.grid.dates == daily.dates
    for made, real in zip(ohlc(five_years), (daily.open, daily.high, daily.low, daily.close), strict=True):
        assert np.array_equal(made, np.round(real * factor, 2))
    assert np.array_equal(five_years.lines["vix"][five_years.grid.last], np.round(daily.vix_close, 2))
    assert five_years.close[-1] == 6000.0


def test_five_years_have_every_minute_of_every_session(five_years: Bars) -> None:
    grid = five_years.grid
    assert grid.dates == session_dates(date(2014, 1, 3), date(2018, 12, 31))
    assert len(five_years) == 1246 * 390 + 11 * 210
    within = np.ones(len(five_years), bool)
    within[grid.first] = False
    assert np.array_equal(five_years.open[within], five_years.close[np.flatnonzero(within) - 1])
    assert np.array_equal(five_years.close, np.round(five_years.close, 2))


def test_notes_say_synthetic_rescaled_and_stale(five_years: Bars) -> None:
    said = " ".join(five_years.notes)
    assert "SYNTHETIC" in said and "no evidence of an edge" in said
    assert "rescaled by 2.39344" in said and "6000" in said
    assert "stale component prints" in said
    assert "VIX range" in said


def test_only_vix_and_option_volumes_are_carried(five_years: Bars) -> None:
    assert set(five_years.lines) == {"vix", "put_volume", "call_volume"}
    assert all((values > 0).all() for values in five_years.lines.values())


def test_same_seed_repeats_and_another_seed_differs_between_the_same_prices(tmp_path: Path) -> None:
    first = conditioned(QUARTER, tmp_path / "a")
    assert equal(first, conditioned(QUARTER, tmp_path / "b"))
    other = conditioned(replace(QUARTER, seed=8), tmp_path / "a")
    assert not np.array_equal(first.close, other.close)
    assert all(np.array_equal(a, b) for a, b in zip(ohlc(first), ohlc(other), strict=True))


def test_a_session_does_not_depend_on_the_range_asked(five_years: Bars, tmp_path: Path) -> None:
    part = conditioned(QUARTER, tmp_path)
    assert equal(part, five_years.between(QUARTER.start, QUARTER.end))


def test_bars_come_back_from_the_cache_as_they_were_made(tmp_path: Path) -> None:
    made = conditioned(QUARTER, tmp_path)
    kept = list(tmp_path.iterdir())
    assert len(kept) == 1
    again = conditioned(QUARTER, tmp_path)
    assert equal(made, again)
    assert (again.symbol, again.source, again.notes) == (made.symbol, made.source, made.notes)
    kept[0].write_bytes(b"half a file")
    assert equal(made, conditioned(QUARTER, tmp_path))
    assert equal(made, load(kept[0]))


def test_cache_key_hit_does_not_make_again_and_unwritable_cache_does_no_harm(tmp_path: Path) -> None:
    save(bars(), tmp_path / "k.parquet")

    def refuse() -> NoReturn:
        raise AssertionError("made again")

    assert np.array_equal(cached("k", refuse, tmp_path).close, bars().close)
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert np.array_equal(cached("k", bars, blocked).close, bars().close)


def test_prices_stay_as_they_were_without_a_level(tmp_path: Path) -> None:
    held = conditioned(replace(QUARTER, level=None), tmp_path)
    assert 2500 < held.close[0] < 2900
    assert not any("rescaled" in note for note in held.notes)


def test_profile_weights_sum_to_one_and_a_half_day_keeps_both_its_ends() -> None:
    for close in (960, 780):
        weight = variance_profile(close)
        assert len(weight) == close - 570
        assert weight.sum() == pytest.approx(1.0)
        assert weight[0] > 3 * np.median(weight) and weight[-1] > 2 * np.median(weight)


@pytest.mark.parametrize("seed", [7, 8])
def test_moves_after_the_opening_agree_with_their_realised_variance(
    seed: int, tmp_path: Path, five_years: Bars
) -> None:
    days = Days.of(five_years if seed == 7 else conditioned(ConditionedSettings(seed=seed)))
    for first, last in ((30, 390), (60, 390), (60, 240), (120, 345), (240, 390)):
        ratio, error = days.honesty(first, last)
        assert abs(ratio - 1.0) < 0.03 + 3.0 * error, (first, last, ratio, error)


def test_sessions_are_uncorrelated_between_morning_and_afternoon(five_years: Bars) -> None:
    days = Days.of(five_years)
    morning = days.close[:, 59] - days.close[:, 1]
    after = days.close[:, -1] - days.close[:, 59]
    assert abs(np.corrcoef(morning, after)[0, 1]) < 0.1
    assert abs(days.autocorrelation(1, absolute=False)) < 0.02


day_prices = st.tuples(
    st.floats(-0.06, 0.06), st.floats(-0.06, 0.06), st.floats(0.0, 0.05), st.floats(0.0, 0.05)
)


@settings(max_examples=25)
@given(st.lists(day_prices, min_size=3, max_size=6), st.floats(9.5, 80.0), st.integers(0, 10**6))
def test_any_day_is_met_exactly_however_odd(
    moves: list[tuple[float, float, float, float]], vix: float, seed: int
) -> None:
    days = list(session_dates(date(2018, 7, 2), date(2018, 7, 20)))[: len(moves)]
    prices, level = [], 2700.0
    for gap, move, up, down in moves:
        opened = round(level * np.exp(gap), 2)
        close = round(opened * np.exp(move), 2)
        high, low = max(opened, close) * np.exp(up), min(opened, close) * np.exp(-down)
        prices.append((opened, max(round(high, 2), opened, close), min(round(low, 2), opened, close), close))
        level = close
    with TemporaryDirectory() as folder:
        path = daily_file(Path(folder) / "daily.csv", rows(days, prices, vix))
        held = conditioned(
            ConditionedSettings(daily=path, level=None, seed=seed, candidates=4), Path(folder) / "cache"
        )
    made = np.column_stack(ohlc(held))
    assert np.array_equal(made, np.array(prices))
    fear = held.lines["vix"]
    assert fear.max() <= vix + 1.005 and fear.min() >= vix - 1.005


def test_volumes_of_a_minute_do_not_know_the_returns_after_it() -> None:
    rng = np.random.default_rng(3)
    returns = 1e-4 * rng.standard_normal(390)
    changed = returns.copy()
    changed[200:] *= -7.0
    for left, right in zip(
        volumes(returns, np.random.default_rng(5)), volumes(changed, np.random.default_rng(5)), strict=True
    ):
        assert np.array_equal(left[:200], right[:200])
        assert not np.array_equal(left[200:], right[200:])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"candidates": 0}, "candidates is 0; expected at least 1"),
        ({"level": -1.0}, "level is -1.0; expected a positive price"),
        ({"level": float("nan")}, "level is nan"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"start": date(2018, 1, 1), "end": date(2017, 1, 1)}, "end 2017-01-01 is before start 2018-01-01"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ConditionedSettings(**wrong)


def test_a_range_without_days_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no days from 2030-01-01 .* it covers 2014-01-03 to 2018-12-31"):
        conditioned(ConditionedSettings(start=date(2030, 1, 1), end=date(2030, 2, 1)), tmp_path)


GOOD = [(100.0, 101.0, 99.0, 100.5), (100.5, 102.0, 100.0, 101.0), (101.0, 101.5, 100.5, 101.2)]
DAYS = list(session_dates(date(2018, 7, 9), date(2018, 7, 11)))


def split(table: pd.DataFrame) -> pd.DataFrame:
    prices = ["open", "high", "low", "close"]
    return table.assign(**{name: table[name] / 10 for name in prices})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.drop(columns="high"), "no column 'high'"),
        (lambda t: t[t["symbol"] == "SPX"], "no rows of symbol VIX"),
        (lambda t: pd.concat([t, t.iloc[[1]]]), "SPX has two rows of 2018-07-10"),
        (lambda t: t.assign(high=t["high"].where(t["high"] != 102.0, 50.0)), "high 50 .* on 2018-07-10"),
        (lambda t: t.assign(close=t["close"].where(t["close"] != 101.0)), "close is .*nan.* on 2018-07-10"),
        (lambda t: t.assign(close=t["close"] / np.where(t["symbol"] == "VIX", 100, 1)), "VIX is 0.* points"),
        (
            lambda t: pd.concat([t.iloc[:1], split(t.iloc[1:3]), t.iloc[3:]]),
            "open is 10.05 on 2018-07-10 after",
        ),
        (lambda t: t[t["date"] == DAYS[0]], "1 days with prices and VIX; expected at least 2"),
    ],
)
def test_spoiled_daily_file_is_named_by_day_and_column(
    tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], told: str
) -> None:
    path = daily_file(tmp_path / "daily.csv", spoil(rows(DAYS, GOOD)))
    with pytest.raises(DataError, match=told) as caught:
        from_file(path)
    assert "\n" not in str(caught.value)


def test_daily_row_on_a_holiday_is_refused(tmp_path: Path) -> None:
    days = [date(2018, 7, 3), date(2018, 7, 4), date(2018, 7, 5)]
    path = daily_file(tmp_path / "daily.csv", rows(days, GOOD))
    with pytest.raises(DataError, match=r"a row of 2018-07-04 \(Wednesday\), which is no trading day"):
        conditioned(ConditionedSettings(daily=path), tmp_path)


def test_daily_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        from_file(tmp_path / "gone.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read as a table"):
        from_file(tmp_path / "bad.parquet")


def test_missing_days_of_the_daily_file_are_noted(tmp_path: Path) -> None:
    path = daily_file(tmp_path / "daily.csv", rows([DAYS[0], DAYS[2]], GOOD[:2]))
    held = conditioned(ConditionedSettings(daily=path), tmp_path)
    assert any("1 trading days between 2018-07-09 and 2018-07-11" in note for note in held.notes)
