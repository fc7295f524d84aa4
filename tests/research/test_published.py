"""The statistics against worked examples their authors printed, to the digits printed."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap

from engine.research.statistics import (
    DAYS,
    block_days,
    chance_above,
    deflate,
    drawn_sums,
    expectancy_interval,
    expected_best,
    least_days,
    sharpe,
    sharpe_error,
    wilson,
)

YEAR = 250  # sessions, as in Bailey and Lopez de Prado (2014)


def printed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"


# Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012:
# two years of monthly returns, Sharpe ratio 0.458 a month, skewness -2.448, kurtosis 10.164.
@pytest.mark.parametrize(("skew", "kurtosis", "told"), [(0.0, 3.0, "0.982"), (-2.448, 10.164, "0.913")])
def test_probabilistic_sharpe_is_the_one_printed(skew: float, kurtosis: float, told: str) -> None:
    error = sharpe_error(0.458, 24, skew, kurtosis)

    assert printed(chance_above(0.458, error), 3) == told


# The same paper, section on the minimum track record length: a Sharpe ratio of 2 a year shown to
# be above 1 at 95 %, in years, normal returns and those of a hedge fund index.
@pytest.mark.parametrize(
    ("periods", "skew", "kurtosis", "years"),
    [
        (252, 0.0, 3.0, "2.73"),
        (52, 0.0, 3.0, "2.83"),
        (12, 0.0, 3.0, "3.24"),
        (12, -0.72, 5.78, "4.99"),
    ],
)
def test_minimum_track_record_is_the_one_printed(
    periods: int, skew: float, kurtosis: float, years: str
) -> None:
    root = math.sqrt(periods)
    error = root * sharpe_error(2.0 / root, 1001, skew, kurtosis)

    assert printed(least_days(2.0, error, 1001, 1.0) / periods, 2) == years


# Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
# 2014, numerical example: five years of daily returns, Sharpe ratio 2.5 a year, skewness -3,
# kurtosis 10, the trials' ratios of variance 1/2. The threshold is 0.1132 a day after 100 trials.
@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "told"),
    [(100, -3.0, 10.0, "0.9004"), (46, -3.0, 10.0, "0.9505"), (88, 0.0, 3.0, "0.9505")],
)
def test_deflated_sharpe_is_the_one_printed(trials: int, skew: float, kurtosis: float, told: str) -> None:
    root = math.sqrt(YEAR)
    error = root * sharpe_error(2.5 / root, 1250, skew, kurtosis)
    ratios = [2.5, 1.5]  # sample variance 1/2

    assert printed(deflate(2.5, error, ratios, trials).probability, 4) == told


def test_luck_after_a_hundred_trials_is_the_one_printed() -> None:
    assert printed(expected_best(100, math.sqrt(0.5)) / math.sqrt(YEAR), 4) == "0.1132"


# Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), tables 2.1 and 2.2: the treated
# mice; the standard error of their mean over all 823,543 bootstrap samples is printed as 23.36.
MICE = np.array([94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0])


def test_blocks_of_one_are_the_bootstrap_of_the_mice() -> None:
    every = np.array(list(itertools.product(MICE, repeat=len(MICE)))).mean(axis=1)
    drawn = drawn_sums(MICE[:, None], draws=400_000, block=1.0)[:, 0] / len(MICE)
    cuts = [0.025, 0.05, 0.5, 0.95, 0.975]

    assert (printed(MICE.mean(), 2), printed(every.std(), 2)) == ("86.86", "23.36")
    assert printed(math.sqrt(expected_variance(MICE, 1.0)), 2) == "23.36"
    assert drawn.std() == pytest.approx(23.36, abs=0.08)  # three standard errors of as many draws
    assert np.quantile(drawn, cuts) == pytest.approx(np.quantile(every, cuts), abs=0.5)


def expected_variance(values: np.ndarray, block: float) -> float:
    """Return the variance of a bootstrap mean: Politis and Romano (1994), lemma 1."""
    count, p = len(values), 1.0 / block
    centred = values - values.mean()
    lags = np.arange(1, count)
    circular = np.array([np.mean(centred * np.roll(centred, -lag)) for lag in lags])
    weights = (1.0 - lags / count) * (1.0 - p) ** lags + lags / count * (1.0 - p) ** (count - lags)
    return float((np.mean(centred**2) + np.sum(weights * circular)) / count)


@pytest.mark.parametrize("block", [1.0, 4.0, 10.0])
def test_variance_of_the_drawn_means_is_that_of_the_lemma(block: float) -> None:
    noise = np.random.default_rng(11).standard_normal(120)
    values = np.convolve(noise, [1.0, 0.8, 0.5], "valid")  # neighbours resemble each other
    sums = drawn_sums(values[:, None], draws=60_000, block=block)[:, 0]

    assert (sums / len(values)).var() == pytest.approx(expected_variance(values, block), rel=0.025)


def test_interval_is_that_of_package_arch() -> None:
    days = np.random.default_rng(12).normal(1.0, 10.0, 250)
    other = StationaryBootstrap(5, days, seed=3)
    theirs = np.quantile(other.apply(lambda x: x.mean(), 5000)[:, 0], [0.025, 0.975])

    low, high, _ = expectancy_interval(pd.Series(days), pd.Series(np.ones(250)))

    assert [low, high] == pytest.approx(list(theirs), abs=0.12)  # quantiles of 5000 draws, sd 0.63


def test_blocks_grow_with_the_memory_of_the_days() -> None:
    noise = np.random.default_rng(13).standard_normal(600)
    slow = np.zeros(600)
    for day in range(1, 600):
        slow[day] = 0.85 * slow[day - 1] + noise[day]

    assert block_days(pd.Series(noise)) == 5.0
    assert 5.0 < block_days(pd.Series(slow)) <= 60.0
    assert block_days(pd.Series([0.0] * 600)) == 5.0


def test_error_of_a_series_is_that_of_its_moments() -> None:
    pnl = pd.Series(np.random.default_rng(14).standard_t(5, 300) + 0.1)
    ratio, error = sharpe(pnl, 1000.0)
    root = math.sqrt(DAYS)
    third, fourth = pnl.agg(["skew", "kurt"]).to_numpy(float)

    assert error / root == pytest.approx(sharpe_error(ratio / root, 300, float(third), float(fourth) + 3.0))


# Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
# (1998), table I, method 3.
@pytest.mark.parametrize(
    ("passed", "count", "told"),
    [
        (81, 263, ("0.2553", "0.3662")),
        (15, 148, ("0.0624", "0.1605")),
        (0, 20, ("0.0000", "0.1611")),
        (1, 29, ("0.0061", "0.1718")),
    ],
)
def test_interval_of_a_share_is_the_one_printed(passed: int, count: int, told: tuple[str, str]) -> None:
    assert tuple(printed(end, 4) for end in wilson(passed, count)) == told


def test_interval_of_nothing_is_unknown() -> None:
    assert all(math.isnan(end) for end in wilson(0, 0))
