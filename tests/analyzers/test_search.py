"""Figures of many variants at once, the words about luck, and heat maps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analyzers.metrics import drawdowns
from analyzers.report.heat import panels_of
from analyzers.report.luck import luck_section, verdict_of
from analyzers.search import best_of, figures, luck_of, ranking, sharpes
from engine.research.statistics import sharpe


def drawn(days: int, variants: int, seed: int = 1, mean: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    pnl = random.standard_t(4, (days, variants)) * 20.0 + mean
    return np.where(random.random((days, variants)) < 0.4, pnl, 0.0).round(2)


@pytest.mark.parametrize("days", [19, 60, 250])
def test_ratios_of_many_are_those_of_each(days: int) -> None:
    pnl = drawn(days, 6)
    pnl[:, 4], pnl[3:, 5] = 0.0, 0.0
    ratio, error = sharpes(pnl / 5000.0)
    for column in range(6):
        told = sharpe(pd.Series(pnl[:, column]), 5000.0)
        assert (ratio[column], error[column]) == pytest.approx(told, rel=1e-9, nan_ok=True)
    assert math.isnan(ratio[4]) and math.isnan(ratio[5])
    assert np.isfinite(ratio[0]) == (days >= 20)


def test_other_figures_are_those_of_the_cumulative_result() -> None:
    pnl = drawn(300, 5, seed=2)
    trades = (pnl != 0.0).astype(float)
    found = figures(pnl, trades, 150_000.0)
    for column in range(5):
        series = pd.Series(pnl[:, column], pd.date_range("2020-01-01", periods=300))
        assert found["drawdown"][column] == pytest.approx(drawdowns(series, 1)[0].depth)
        assert found["per_trade"][column] == pytest.approx(series.sum() / trades[:, column].sum())
        assert found["worst_day"][column] == series.min()
    thin = figures(pnl[:40], trades[:40], 1.0)
    assert np.isnan(thin["per_trade"]).all() and np.isnan(thin["net_over_drawdown"]).all()


def test_ranking_leaves_out_what_says_nothing_and_keeps_the_order_of_equals() -> None:
    assert ranking(np.array([1.0, math.nan, 3.0, 1.0])).tolist() == [2, 0, 3]


def test_best_of_skilless_variants_is_called_luck_and_a_real_edge_is_not() -> None:
    luckless = drawn(750, 40, seed=3)
    with_edge = np.column_stack([luckless, drawn(750, 1, seed=4, mean=12.0)])
    for pnl, word in ((luckless, "luck"), (with_edge, "chance of only")):
        held = figures(pnl, (pnl != 0.0).astype(float), 1.0)
        top = best_of(held["sharpe"], pnl, (pnl != 0.0).astype(float), 1)[0].place
        luck = luck_of(held["sharpe"][top], held["sharpe_error"][top], pnl, held["sharpe"].tolist())
        assert word in verdict_of(luck)
        assert luck.deflated.trials == pnl.shape[1]
        section = luck_section(luck, pnl.shape[1], "idea")
        assert section.rows[1][1][0] == str(pnl.shape[1])
    assert top == 40


def test_more_trials_of_the_family_raise_what_luck_would_show() -> None:
    pnl = drawn(500, 10)
    held = figures(pnl, (pnl != 0.0).astype(float), 1.0)
    few, many = (
        luck_of(1.0, 0.5, pnl, held["sharpe"].tolist(), trials).deflated for trials in (10, 1_000_000)
    )
    assert many.luck > few.luck and many.probability < few.probability


def test_too_few_days_are_said_to_be_too_few() -> None:
    pnl = drawn(15, 3)
    luck = luck_of(math.nan, math.nan, pnl, [math.nan] * 3)
    assert verdict_of(luck).startswith("Insufficient data")
    assert luck.overfitting is None
    assert ("Chance of overfitting", "insufficient data") in [
        (name, cells[0]) for name, cells in luck_section(luck, 3, "idea").rows
    ]


def test_cell_is_the_mean_of_its_variants_and_many_values_are_put_together() -> None:
    values = pd.DataFrame({"a": [1, 1, 2, 2], "b": ["x", "y", "x", "x"], "c": [5, 5, 5, 5]}, dtype=object)
    told = {name: np.array([1.0, math.nan, 3.0, 5.0]) for name in ("sharpe", "net", "per_trade", "trades")}
    (pair,) = panels_of(values, told)
    assert (pair[0].rows, pair[0].columns) == ("a", "b")
    assert pair[0].row_values == ("1", "2") and pair[0].column_values == ("x", "y")
    assert pair[0].cells[0, 0] == 1.0 and pair[0].cells[1, 0] == 4.0
    assert np.isnan(pair[0].cells[:, 1]).all()
    many = pd.DataFrame({"a": np.linspace(0.0, 1.0, 100)}, dtype=object)
    (pair,) = panels_of(many, {name: np.arange(100.0) for name in told})
    assert pair[0].cells.shape == (1, 8)
    assert (np.diff(pair[0].cells[0]) > 0.0).all()
