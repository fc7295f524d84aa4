"""Calibration, importance and years: the statistics find what was put in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyzers.learning import by_year, calibration, gap_by_year, importance, mean_by_day

SIZE = 2400
RNG = np.random.default_rng(1)
TRUE = RNG.uniform(0.3, 0.95, SIZE)
WON = RNG.random(SIZE) < TRUE
DAY = (np.repeat(np.arange(SIZE // 3), 3) + 16000).astype("datetime64[D]")
BASE = np.full(SIZE, WON.mean())


def test_honest_chances_have_slope_one_and_beat_the_base_rate() -> None:
    found = calibration(TRUE, WON, BASE, DAY)

    assert found.slope == pytest.approx(1.0, abs=0.12)
    assert found.gain.low > 0.0
    assert found.gain.value == pytest.approx(found.base - found.brier)
    assert found.gain.value == pytest.approx(TRUE.var(), rel=0.25)
    assert sum(one.cases for one in found.bins) == SIZE
    for one in found.bins:
        assert abs(one.told - one.won) < 3.5 * one.error


def test_too_sure_chances_have_a_slope_below_one() -> None:
    odds = 2.5 * np.log(TRUE / (1.0 - TRUE)) - 1.0
    found = calibration(1.0 / (1.0 + np.exp(-odds)), WON, BASE, DAY)

    assert found.slope == pytest.approx(0.4, abs=0.06)


def test_chances_drawn_blindly_know_nothing() -> None:
    blind = np.random.default_rng(5).permutation(TRUE)
    found = calibration(blind, WON, BASE, DAY)

    assert found.gain.high < 0.0, "noise is worse than the base rate"
    assert abs(found.slope) < 0.15
    assert calibration(BASE, WON, BASE, DAY).gain.value == 0.0


def test_few_days_have_no_interval_and_few_cases_no_diagram() -> None:
    assert not mean_by_day(np.ones(30), DAY[:30]).known
    assert calibration(TRUE[:30], WON[:30], BASE[:30], DAY[:30]).bins == ()


def test_importance_finds_the_feature_that_is_used_and_no_other() -> None:
    x = np.column_stack([RNG.standard_normal(SIZE), TRUE, RNG.standard_normal(SIZE)])

    found = importance(lambda rows: rows[:, 1], x, WON)

    assert found[1] == pytest.approx(2.0 * TRUE.var(), rel=0.2)
    assert found[0] == found[2] == pytest.approx(0.0)


def test_years_add_up_to_the_whole() -> None:
    table = by_year(TRUE, WON, BASE, DAY)

    assert table.index.tolist() == [2013, 2014, 2015]
    assert table.cases.sum() == SIZE
    assert np.average(table.brier, weights=table.cases) == pytest.approx(((TRUE - WON) ** 2).mean())


def test_gap_by_year_is_before_costs_and_unknown_where_nothing_was_kept() -> None:
    days = ["2014-01-02", "2014-01-03", "2015-01-02"]
    rules = pd.DataFrame({"net": [1.0, -5.0, 2.0], "costs": 1.0, "trades": 1.0}, index=days)
    kept = pd.DataFrame(
        {"net": [1.0, 0.0, 0.0], "costs": [1.0, 0.0, 0.0], "trades": [1.0, 0.0, 0.0]}, index=days
    )

    found = gap_by_year(kept, rules, days)

    assert found.gap["2014"] == pytest.approx(2.0 - (-2.0 / 2))
    assert np.isnan(found.gap["2015"])
    assert found.rules_trades.tolist() == [2.0, 1.0]
