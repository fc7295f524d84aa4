"""Figures against the paper they can be added up on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analyzers.metrics import break_even, drawdowns, investment_figures, trade_figures
from engine.research.statistics import chance_above, drawn_sums, expectancy_interval, sharpe


def series(values: Sequence[float] | NDArray[np.float64], start: str = "2018-01-01") -> pd.Series:
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq="B"), dtype=float)


def test_sharpe_is_daily_ddof_one_times_root_252() -> None:
    pnl = series([10.0, -5.0, 0.0, 20.0, -10.0] * 10)

    ratio, _ = sharpe(pnl, 1000.0)

    assert ratio == pytest.approx(pnl.mean() / pnl.std(ddof=1) * math.sqrt(252), rel=1e-12)


def test_sharpe_error_of_a_year_of_normal_days_is_about_one() -> None:
    pnl = series(list(np.random.default_rng(1).standard_normal(252)))

    _, error = sharpe(pnl, 1000.0)

    assert error == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "values", [[], [1.0], [1.0, -1.0] * 9, [0.0] * 300, [5.0, -3.0, 1.0] * 3 + [0.0] * 300]
)
def test_thin_or_flat_data_has_no_sharpe(values: list[float]) -> None:
    ratio, error = sharpe(series(values), 1000.0)

    assert math.isnan(ratio) and math.isnan(error)


def test_drawdowns_name_peak_trough_and_recovery() -> None:
    falls = drawdowns(series([10.0, -4.0, -3.0, 8.0, -20.0], "2018-01-01"))

    assert [fall.depth for fall in falls] == [20.0, 7.0]
    assert (falls[1].peak, falls[1].trough, falls[1].recovered) == (
        date(2018, 1, 1),
        date(2018, 1, 3),
        date(2018, 1, 4),
    )
    assert falls[0].recovered is None


@given(st.lists(st.floats(-1e4, 1e4), max_size=60))
def test_deepest_drawdown_is_the_largest_fall_from_a_running_peak(values: list[float]) -> None:
    falls = drawdowns(series(values))

    total = np.concatenate([[0.0], np.cumsum(values)])
    expected = float(np.max(np.maximum.accumulate(total) - total))
    assert (falls[0].depth if falls else 0.0) == pytest.approx(expected, abs=1e-6)


def test_interval_holds_the_mean_and_narrows_with_the_root_of_the_days() -> None:
    draw = np.random.default_rng(3).normal(2.0, 5.0, 3200)
    ones = np.ones(3200)

    low, high, no_edge = expectancy_interval(series(draw), series(ones))
    few_low, few_high, _ = expectancy_interval(series(draw[:200]), series(ones[:200]))

    assert low < draw.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 5.0 / math.sqrt(3200), rel=0.15)
    assert (few_high - few_low) / (high - low) == pytest.approx(4.0, rel=0.25)
    assert no_edge == 0.0


def test_interval_of_a_trade_does_not_mind_idle_days() -> None:
    draw = np.random.default_rng(4).normal(0.0, 5.0, 600)
    net, count = np.zeros(2400), np.zeros(2400)
    net[::4], count[::4] = draw, 1.0

    low, high, _ = expectancy_interval(series(net), series(count))

    assert low < draw.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 5.0 / math.sqrt(600), rel=0.2)


def test_interval_is_wider_when_a_days_trades_fall_together() -> None:
    draw = np.random.default_rng(5).normal(0.0, 5.0, 900)
    apart, together = draw.reshape(300, 3).sum(axis=1), 3.0 * draw[:300]

    low, high, _ = expectancy_interval(series(apart), series([3.0] * 300))
    other_low, other_high, _ = expectancy_interval(series(together), series([3.0] * 300))

    assert (other_high - other_low) / (high - low) == pytest.approx(math.sqrt(3.0), rel=0.25)


def test_twenty_nine_trades_have_no_interval() -> None:
    low, high, no_edge = expectancy_interval(series([1.0, -1.0] * 14 + [2.0]), series([1.0] * 29))

    assert math.isnan(low) and math.isnan(high) and math.isnan(no_edge)


@given(st.integers(1, 40), st.floats(1.0, 8.0))
def test_every_bootstrap_draw_has_as_many_days_as_the_run(rows: int, block: float) -> None:
    columns = np.column_stack([np.ones(rows), np.arange(rows, dtype=float)])

    sums = drawn_sums(columns, draws=50, block=block)

    assert np.array_equal(sums[:, 0], np.full(50, float(rows)))
    assert (sums[:, 1] >= 0).all() and (sums[:, 1] <= rows * (rows - 1)).all()


def test_blocks_keep_the_dependence_of_neighbouring_days() -> None:
    steps = np.random.default_rng(6).standard_normal(2000)
    linked = np.convolve(steps, np.ones(10) / math.sqrt(10.0), "same")  # variance of a mean is tenfold

    single = drawn_sums(linked[:, None], block=1.0).std()
    blocks = drawn_sums(linked[:, None], block=50.0).std()

    assert blocks / single == pytest.approx(math.sqrt(10.0), rel=0.25)


@pytest.mark.parametrize(("ratio", "error", "chance"), [(1.0, 1.0, 0.8413447), (0.0, 0.5, 0.5)])
def test_chance_is_the_normal_one(ratio: float, error: float, chance: float) -> None:
    assert chance_above(ratio, error) == pytest.approx(chance, abs=1e-7)


def test_chance_without_an_error_is_not_known() -> None:
    assert math.isnan(chance_above(math.nan, math.nan))


def test_break_even_lies_on_the_line_through_both_runs() -> None:
    assert break_even(0.08, 2.0, -6.0) == pytest.approx(0.06)
    assert break_even(0.08, -2.0, -6.0) == pytest.approx(0.12)
    assert math.isnan(break_even(0.08, -7.0, -6.0))
    assert math.isnan(break_even(0.0, -6.0, -6.0))


def test_investment_that_doubles_in_a_year_returns_all_of_it() -> None:
    growth = series(list(np.linspace(0.0, math.log(2.0), 253)))

    figures = investment_figures(np.exp(growth))

    assert figures["annual_return"] == pytest.approx(1.0)
    assert figures["drawdown"] == 0.0
    assert figures["volatility"] == pytest.approx(0.0, abs=1e-9)


def test_investment_drawdown_is_a_share_of_its_peak() -> None:
    figures = investment_figures(series([1.0] * 20 + [2.0, 1.5, 2.5]))

    assert figures["drawdown"] == pytest.approx(0.25)


def test_trade_figures_add_up() -> None:
    trades = pd.DataFrame(
        {
            "net": [10.0, 20.0, -40.0],
            "gross": [15.0, 25.0, -35.0],
            "fees": [5.0, 5.0, 5.0],
            "slippage": [1.0, 2.0, 3.0],
            "planned_loss": [50.0] * 3,
            "structural_loss": [80.0] * 3,
        }
    )

    figures = trade_figures(trades)

    assert figures["net"] == -10.0 == figures["gross"] - figures["fees"]
    assert figures["profit_factor"] == pytest.approx(0.75)
    assert figures["win_rate"] == pytest.approx(2 / 3)
    assert figures["worst_r_planned"] == pytest.approx(-0.8)
    assert figures["worst_r_structural"] == pytest.approx(-0.5)


def test_no_trades_have_no_figures_but_counts() -> None:
    figures = trade_figures(
        pd.DataFrame(columns=["net", "gross", "fees", "slippage", "planned_loss", "structural_loss"])
    )

    assert figures["trades"] == 0
    assert math.isnan(figures["expectancy"]) and math.isnan(figures["profit_factor"])


@given(st.lists(st.floats(-0.08, 0.08), min_size=25, max_size=300).filter(lambda drawn: np.std(drawn) > 1e-6))
def test_figures_are_those_of_an_independent_library(drawn: list[float]) -> None:
    returns = series(drawn)
    growth = series([1.0, *(1.0 + returns).cumprod()])
    found = investment_figures(growth)
    told = growth.pct_change().dropna()
    assert found["annual_return"] == pytest.approx(empyrical.cagr(told, annualization=252))
    assert found["volatility"] == pytest.approx(empyrical.annual_volatility(told, annualization=252))
    assert found["drawdown"] == pytest.approx(-empyrical.max_drawdown(told))
    if (told != 0.0).sum() >= 10:
        assert found["sharpe"] == pytest.approx(empyrical.sharpe_ratio(told, annualization=252))
