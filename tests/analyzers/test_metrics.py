"""Figures against the paper they can be added up on."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.metrics import drawdowns, mean_interval, sharpe, trade_figures


def series(values: list[float], start: str = "2018-01-01") -> pd.Series:
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq="B"), dtype=float)


def test_sharpe_is_daily_ddof_one_times_root_252() -> None:
    pnl = series([10.0, -5.0, 0.0, 20.0, -10.0] * 10)

    ratio, _ = sharpe(pnl, 1000.0)

    assert ratio == pytest.approx(pnl.mean() / pnl.std(ddof=1) * math.sqrt(252), rel=1e-12)


def test_sharpe_error_of_a_year_of_normal_days_is_about_one() -> None:
    pnl = series(list(np.random.default_rng(1).standard_normal(252)))

    _, error = sharpe(pnl, 1000.0)

    assert error == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, -1.0] * 9, [0.0] * 300])
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


def test_interval_holds_the_mean_and_needs_ten_values() -> None:
    values = pd.Series(np.random.default_rng(3).normal(2.0, 5.0, 300))

    low, high = mean_interval(values)

    assert low < values.mean() < high
    assert math.isnan(mean_interval(values[:9])[0])


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
