"""Statistics of searches: published figures, laws, and what they say of pure luck and of real skill."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.overfitting import deflate, expected_best, least_days, overfitting


def test_the_published_example_of_the_deflated_sharpe_ratio() -> None:
    # Bailey and Lopez de Prado (2014), section "A numerical example": 100 trials whose annual
    # ratios have variance 1/2, 1,250 days, best 2.5, skewness -3, kurtosis 10
    days = 250
    best = 2.5 / math.sqrt(days)
    spread = math.sqrt(0.5 / days)
    luck = expected_best(100, spread)
    assert luck == pytest.approx(0.1132, abs=2e-4)
    error = math.sqrt((1 + 3 * best + 9 / 4 * best**2) / 1249)
    apart = spread * math.sqrt(99 / 100)  # of two values, fifty times each: sample deviation ``spread``
    told = deflate(best, error, [-apart, apart] * 50)
    assert told.trials == 100
    assert told.probability == pytest.approx(0.9004, abs=5e-3)


@given(st.integers(2, 100_000), st.floats(0.01, 5.0))
def test_more_trials_make_luck_better(trials: int, spread: float) -> None:
    assert expected_best(trials + 1, spread) > expected_best(trials, spread) > 0.0
    assert expected_best(trials, 2 * spread) == pytest.approx(2 * expected_best(trials, spread))


def test_expected_best_is_what_drawing_gives() -> None:
    draws = np.random.default_rng(5).standard_normal((20_000, 50)).max(axis=1)
    assert expected_best(50, 1.0) == pytest.approx(draws.mean(), abs=0.03)


def test_one_trial_is_not_deflated() -> None:
    told = deflate(1.0, 0.5, [1.0])
    assert told.luck == 0.0
    assert told.probability == pytest.approx(0.97725, abs=1e-4)


def test_trials_remembered_from_before_count() -> None:
    few, many = deflate(1.5, 0.4, [1.5, 0.2, -0.3]), deflate(1.5, 0.4, [1.5, 0.2, -0.3], trials=500)
    assert many.trials == 500
    assert many.probability < few.probability


def test_unknown_ratio_stays_unknown() -> None:
    assert math.isnan(deflate(math.nan, math.nan, [math.nan, 0.2]).probability)
    assert math.isnan(least_days(math.nan, 0.1, 100))


def test_least_days_shrink_the_error_to_the_limit() -> None:
    # at that length the ratio is 1.645 errors above the level
    days = least_days(1.0, 0.5, 1001)
    error = 0.5 * math.sqrt(1000 / (days - 1))
    assert 1.0 / error == pytest.approx(1.6449, abs=1e-3)
    assert least_days(-0.1, 0.5, 1000) == math.inf


def test_luck_is_as_good_as_any_later() -> None:
    found = overfitting(np.random.default_rng(1).standard_normal((1200, 40)))
    assert found is not None
    assert 0.3 < found.probability < 0.7
    assert len(found.logits) == math.comb(16, 8)


def test_skill_that_lasts_is_not_overfitted() -> None:
    pnl = np.random.default_rng(2).standard_normal((1200, 20))
    pnl[:, 7] += 0.4
    found = overfitting(pnl)
    assert found is not None
    assert found.probability < 0.01 and found.loss < 0.01


def test_what_worked_in_one_half_only_is_found_out() -> None:
    # each trial earns on one block alone and pays elsewhere: the best inside is bad outside
    days, trials = 1600, 16
    pnl = np.random.default_rng(3).standard_normal((days, trials)) - 0.05
    for trial in range(trials):
        pnl[trial * 100 : trial * 100 + 100, trial] += 3.0
    found = overfitting(pnl)
    assert found is not None
    assert found.probability > 0.8


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.sampled_from([4, 6, 8]))
def test_every_split_is_ranked_as_by_hand(seed: int, trials: int, blocks: int) -> None:
    pnl = np.random.default_rng(seed).normal(size=(blocks * 7, trials))
    found = overfitting(pnl, blocks)
    assert found is not None
    parts = np.array_split(pnl, blocks)
    for row, taken in enumerate(combinations(range(blocks), blocks // 2)):
        one = np.concatenate([parts[i] for i in taken])
        two = np.concatenate([parts[i] for i in range(blocks) if i not in taken])
        best = int(np.argmax(one.mean(0) / one.std(0)))
        later = two.mean(0) / two.std(0)
        rank = (np.sum(later < later[best]) + 1) / (trials + 1)
        assert found.logits[row] == pytest.approx(math.log(rank / (1 - rank)), abs=1e-9)
        assert found.later[row] == pytest.approx(later[best], abs=1e-9)


@pytest.mark.parametrize("shape", [(100, 1), (15, 5), (0, 3)])
def test_too_little_gives_no_answer(shape: tuple[int, int]) -> None:
    assert overfitting(np.ones(shape)) is None


def test_trials_that_never_traded_are_left_out() -> None:
    pnl = np.random.default_rng(4).standard_normal((400, 3))
    pnl[:, 1] = 0.0
    found = overfitting(pnl)
    assert found is not None
    assert np.isfinite(found.logits).all()
