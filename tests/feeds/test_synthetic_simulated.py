from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers.stylized import Days
from engine.bars import Bars
from engine.errors import CalendarError, ConfigError, DataError
from engine.sessions import session_dates
from feeds.synthetic.simulated import SimulatedSettings, simulated

SEEDS = (1, 2, 3)
Daily = tuple[np.ndarray, np.ndarray, np.ndarray]
MONTHS = SimulatedSettings(start=date(2016, 1, 4), end=date(2016, 3, 31))


@pytest.fixture(scope="module")
def runs() -> list[Bars]:
    return [simulated(SimulatedSettings(seed=seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def daily(runs: list[Bars]) -> Daily:
    """Close-to-close simple returns and the VIX known before each, of all runs."""
    moves, before, changes = [], [], []
    for held in runs:
        last = held.grid.last
        vix, close = held.lines["vix"][last], held.close[last]
        moves.append(np.diff(close) / close[:-1])
        before.append(vix[:-1])
        changes.append(np.diff(np.log(vix)))
    return np.concatenate(moves), np.concatenate(before), np.concatenate(changes)


def test_every_session_of_the_range_is_there_and_prices_start_at_the_level(runs: list[Bars]) -> None:
    for held in runs:
        assert held.grid.dates == session_dates(date(2014, 1, 3), date(2018, 12, 31))
        assert held.open[0] == 6000.0
        assert held.symbol == "SPX"
        assert set(held.lines) == {"vix", "put_volume", "call_volume"}
        assert any("no real day" in note and "no evidence of an edge" in note for note in held.notes)


def test_returns_have_mean_zero_by_day_and_by_time_of_day(runs: list[Bars], daily: Daily) -> None:
    moves, before, _ = daily
    unit = moves / (before / 100.0 / np.sqrt(252.0))
    assert abs(unit.mean()) < 4.0 * unit.std() / np.sqrt(len(unit))
    for first, last in ((0, 60), (60, 240), (240, 390)):
        part = []
        for held in runs:
            grid = held.grid
            whole = grid.last - grid.first == 389
            path = np.column_stack(
                [held.open[grid.first[whole]], held.close[grid.first[whole][:, None] + np.arange(390)]]
            )
            part.append(path[:, last] / path[:, first] - 1.0)
        moved = np.concatenate(part)
        assert abs(moved.mean()) < 4.0 * moved.std() / np.sqrt(len(moved)), (first, last)


def test_past_does_not_tell_the_direction(runs: list[Bars]) -> None:
    for held in runs:
        days = Days.of(held)
        morning, after = days.close[:, 59] - days.opened, days.close[:, -1] - days.close[:, 59]
        unit = np.sqrt(days.variance)
        assert abs(np.corrcoef(morning / unit, after / unit)[0, 1]) < 0.12
        assert abs(days.autocorrelation(1, absolute=False)) < 0.02
        change = np.diff(held.lines["vix"][held.grid.last])
        moves = np.diff(np.log(held.close[held.grid.last]))
        assert abs(np.corrcoef(change[:-1], moves[1:])[0, 1]) < 0.12


def test_moves_agree_with_realised_variance_from_any_minute(runs: list[Bars]) -> None:
    for first, last in ((0, 390), (60, 390), (60, 240), (120, 345)):
        found = [Days.of(held).honesty(first, last) for held in runs]
        ratio = np.mean([value for value, _ in found])
        error = np.sqrt(np.sum([error**2 for _, error in found])) / len(found)
        assert abs(ratio - 1.0) < 3.5 * error + 0.01, (first, last, ratio, error)


def test_volatility_is_what_was_asked_and_the_vix_is_unbiased_for_it(daily: Daily) -> None:
    moves, before, _ = daily
    assert 0.105 < moves.std() * np.sqrt(252.0) < 0.165  # 2014-18: 0.1325
    unit = moves / (before / 100.0 / np.sqrt(252.0))
    assert 0.74 < unit.std() < 0.86  # measured 1995-2026: .77 to .81
    for low, high in ((0.0, 14.0), (14.0, 19.0), (19.0, 100.0)):
        chosen = unit[(before >= low) & (before < high)]
        assert 0.70 < chosen.std() < 0.90, (low, high)


@pytest.mark.parametrize(
    ("sigmas", "low", "high"),  # measured over five ranges of years, widened by their errors
    [(1.0, 0.16, 0.23), (1.2, 0.09, 0.14), (1.5, 0.045, 0.075), (2.0, 0.012, 0.030)],
)
def test_large_days_are_as_frequent_as_measured(daily: Daily, sigmas: float, low: float, high: float) -> None:
    moves, before, _ = daily
    unit = np.abs(moves) / (before / 100.0 / np.sqrt(252.0))
    assert low < (unit > sigmas).mean() < high


def test_vix_falls_when_prices_rise_and_volatility_clusters(daily: Daily) -> None:
    moves, _, changes = daily
    assert -0.80 < np.corrcoef(moves, changes)[0, 1] < -0.50  # measured -.73 to -.81
    assert 0.065 < changes.std() < 0.10  # measured .073 to .080
    size = np.abs(moves)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.05
    assert np.corrcoef(size[5:], size[:-5])[0, 1] > 0.03
    kurtosis = ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2 - 3.0
    assert 2.0 < kurtosis < 30.0  # measured 8 to 17, in samples with a crash


def test_doubled_volatility_doubles_moves_and_vix(tmp_path: Path) -> None:
    calm = simulated(MONTHS, tmp_path)
    wild = simulated(replace(MONTHS, volatility=0.265), tmp_path)
    ratio = np.std(np.diff(np.log(wild.close))) / np.std(np.diff(np.log(calm.close)))
    assert 1.8 < ratio < 2.2
    assert 1.7 < wild.lines["vix"].mean() / calm.lines["vix"].mean() < 2.2


def test_same_seed_repeats_another_differs_and_a_shorter_range_is_a_prefix(tmp_path: Path) -> None:
    first = simulated(MONTHS, tmp_path / "a")
    again = simulated(MONTHS, tmp_path / "b")
    assert np.array_equal(first.close, again.close) and np.array_equal(first.lines["vix"], again.lines["vix"])
    assert not np.array_equal(first.close, simulated(replace(MONTHS, seed=8), tmp_path / "a").close)
    short = simulated(replace(MONTHS, end=date(2016, 2, 12)), tmp_path / "a")
    assert np.array_equal(short.close, first.close[: len(short)])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"level": 0.0}, "level is 0.0"),
        ({"volatility": 0.0}, "volatility is 0.0; expected 0.03 to 1.5"),
        ({"seed": -3}, "seed is -3"),
        ({"start": date(2018, 1, 2), "end": date(2017, 1, 2)}, "end 2017-01-02 is before"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        SimulatedSettings(**wrong)


def test_ranges_without_sessions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trading days from 2016-01-02 to 2016-01-03"):
        simulated(replace(MONTHS, start=date(2016, 1, 2), end=date(2016, 1, 3)), tmp_path)
    with pytest.raises(CalendarError, match="outside the trading calendar"):
        simulated(replace(MONTHS, end=date(2060, 1, 4)), tmp_path)
