"""Figures of many variants at once, and what the best of them is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyzers.overfitting import Deflated, Overfitting, deflate, least_days, overfitting
from engine.research.statistics import DAYS, LEAST_ACTIVE, LEAST_DAYS, LEAST_TRADES, expectancy_interval

Floats = NDArray[np.float64]
METRICS = ("sharpe", "net", "per_trade", "net_over_drawdown")
FIGURES = (*METRICS, "sharpe_error", "trades", "drawdown", "worst_day")
BEST = 10  # variants shown with their intervals


def figures(pnl: Floats, trades: Floats, capital: float) -> dict[str, Floats]:
    """Return the figures of every variant, NaN where its days or trades are too few.

    Parameters
    ----------
    pnl : ndarray, shape (days, variants)
        Net USD a day, idle days included.
    trades : ndarray, shape (days, variants)
    capital : float
        USD the Sharpe ratio is of; it cancels out.

    Returns
    -------
    dict of name to ndarray, shape (variants,)
        ``sharpe`` and ``sharpe_error`` as `analyzers.metrics.sharpe` gives them, ``net``,
        ``per_trade``, ``drawdown`` (positive) and ``worst_day`` in USD, ``trades``,
        ``net_over_drawdown``.
    """
    net, count = pnl.sum(axis=0), trades.sum(axis=0)
    total = np.cumsum(pnl, axis=0)
    peak = np.maximum(np.maximum.accumulate(total, axis=0), 0.0) if len(pnl) else total
    fall = (peak - total).max(axis=0, initial=0.0)
    ratio, error = sharpes(pnl / capital)
    with np.errstate(divide="ignore", invalid="ignore"):
        enough = count >= LEAST_TRADES
        return {
            "sharpe": ratio,
            "sharpe_error": error,
            "net": net,
            "per_trade": np.where(enough, net / count, np.nan),
            "drawdown": fall,
            "net_over_drawdown": np.where(enough & (fall > 0.0), net / fall, np.nan),
            "trades": count,
            "worst_day": pnl.min(axis=0, initial=0.0),
        }


def sharpes(returns: Floats) -> tuple[Floats, Floats]:
    """Return Sharpe ratios and standard errors, those of `analyzers.metrics.sharpe`, a column each."""
    n = len(returns)
    nothing = np.full(returns.shape[1], np.nan)
    if n < LEAST_DAYS:
        return nothing, nothing.copy()
    mean = returns.mean(axis=0)
    apart = returns - mean
    second, third, fourth = ((apart**power).sum(axis=0) for power in (2, 3, 4))
    known = (second > 0.0) & ((returns != 0.0).sum(axis=0) >= LEAST_ACTIVE)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = mean / np.sqrt(second / (n - 1))
        # skewness and excess kurtosis as pandas corrects them for the size of the sample
        skew = n * np.sqrt(n - 1.0) / (n - 2.0) * third / second**1.5
        kurtosis = n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * fourth / second**2
        kurtosis += 3.0 - 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))
        variance = (1.0 - skew * one + (kurtosis - 1.0) / 4.0 * one * one) / (n - 1)
    error = np.sqrt(np.maximum(variance, 0.0) * DAYS)
    return np.where(known, one * math.sqrt(DAYS), np.nan), np.where(known, error, np.nan)


def ranking(values: Floats) -> NDArray[np.int64]:
    """Return the places of variants from best to worst, those without a value left out."""
    known = np.flatnonzero(np.isfinite(values))
    return known[np.argsort(-values[known], kind="stable")]


@dataclass(frozen=True)
class Best:
    """One of the best variants: its place, and the interval of the mean result of its trades."""

    place: int
    low: float
    high: float


def best_of(values: Floats, pnl: Floats, trades: Floats, count: int = BEST) -> list[Best]:
    """Return the best variants with 95 % intervals of the result of a trade."""
    found = []
    for place in ranking(values)[:count].tolist():
        low, high, _ = expectancy_interval(pd.Series(pnl[:, place]), pd.Series(trades[:, place]))
        found.append(Best(place, low, high))
    return found


@dataclass(frozen=True)
class Luck:
    """What the best Sharpe ratio of a search is worth.

    Parameters
    ----------
    ratio, error : float
        Of the best variant of this search.
    deflated : Deflated
        Judged against all trials of its family, of earlier searches too.
    needed : float
        Days after which the same ratio would be above luck's.
    days : int
    overfitting : Overfitting or None
        None where the days or the variants are too few.
    """

    ratio: float
    error: float
    deflated: Deflated
    needed: float
    days: int
    overfitting: Overfitting | None


def luck_of(
    ratio: float,
    error: float,
    pnl: Floats,
    others: Sequence[float],
    trials: int | None = None,
    days: int | None = None,
) -> Luck:
    """Judge a Sharpe ratio by the trials it was chosen from.

    Parameters
    ----------
    ratio, error : float
        Of the chosen one.
    pnl : ndarray, shape (days, variants)
        Of this search.
    others : sequence of float
        Sharpe ratios of all trials of the family.
    trials : int, optional
        How many there were, when more than ``others``.
    days : int, optional
        The ratio is of, when not all of ``pnl``.
    """
    deflated = deflate(ratio, error, others, trials)
    count = len(pnl) if days is None else days
    needed = least_days(ratio, error, count, deflated.luck)
    return Luck(ratio, error, deflated, needed, count, overfitting(pnl))
