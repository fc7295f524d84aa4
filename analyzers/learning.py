"""What a model's chances are worth: calibration, sharpness, stability, what it looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyzers.controls import TAILS, Mean
from engine.research.statistics import drawn_sums

Floats = NDArray[np.float64]
BINS = 8
LEAST_IN_BIN = 20
SHUFFLES = 5
LEAST_DAYS = 30


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases of similar chance: how many, the mean chance told, the share that won."""

    cases: int
    told: float
    won: float
    error: float  # standard error of the share


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far told chances can be believed.

    Parameters
    ----------
    cases : int
    brier, base : float
        Mean squared distance of the chance from what came: of the model, and of the share of
        wins known when it was trained.
    gain : Mean
        ``base - brier`` with the interval of paired days: above zero the model knows something.
    log_loss : float
    slope : float
        Of a logistic regression of the result on the told log odds: 1 is honest, below 1 too
        sure of itself; NaN where it cannot be had.
    bins : tuple of Bin
        The reliability diagram.
    """

    cases: int
    brier: float
    base: float
    gain: Mean
    log_loss: float
    slope: float
    bins: tuple[Bin, ...]


def calibration(
    chance: Floats, won: NDArray[np.bool_], base: Floats, day: NDArray[np.datetime64]
) -> Calibration:
    """Return how far told chances can be believed; every case counts the same.

    Parameters
    ----------
    chance, base : ndarray, shape (n,)
        The model's, and the share of wins known when it was trained.
    won : ndarray of bool, shape (n,)
    day : ndarray of datetime64[D], shape (n,)
    """
    y = won.astype(np.float64)
    ours, theirs = (chance - y) ** 2, (base - y) ** 2
    sure = np.clip(chance, 1e-6, 1.0 - 1e-6)
    return Calibration(
        cases=len(y),
        brier=float(ours.mean()),
        base=float(theirs.mean()),
        gain=mean_by_day(theirs - ours, day),
        log_loss=float(-(y * np.log(sure) + (1.0 - y) * np.log(1.0 - sure)).mean()),
        slope=_slope(np.log(sure / (1.0 - sure)), won),
        bins=_bins(chance, y),
    )


def mean_by_day(values: Floats, day: NDArray[np.datetime64]) -> Mean:
    """Return the mean of cases with the interval of a stationary bootstrap of their days."""
    _, place = np.unique(day, return_inverse=True)
    sums = np.column_stack([np.bincount(place, values), np.bincount(place)]).astype(np.float64)
    value = float(values.mean())
    if len(sums) < LEAST_DAYS:
        return Mean(len(values), value, math.nan, math.nan)
    drawn = drawn_sums(sums)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], TAILS)
    return Mean(len(values), value, float(low), float(high))


def _slope(log_odds: Floats, won: NDArray[np.bool_]) -> float:
    """Fit result on log odds by Newton's steps, two unknowns."""
    if won.all() or not won.any() or np.ptp(log_odds) < 1e-9:
        return math.nan
    x = np.column_stack([np.ones(len(log_odds)), log_odds])
    found = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ found, -30.0, 30.0)))
        curve = (x * (p * (1.0 - p) + 1e-9)[:, None]).T @ x
        step = np.linalg.solve(curve, x.T @ (won - p))
        found += step
        if np.abs(step).max() < 1e-9:
            break
    return float(found[1])


def _bins(chance: Floats, y: Floats) -> tuple[Bin, ...]:
    count = min(BINS, len(y) // LEAST_IN_BIN)
    if count < 2:
        return ()
    order = np.argsort(chance, kind="stable")
    found = []
    for rows in np.array_split(order, count):
        share = float(y[rows].mean())
        error = math.sqrt(max(share * (1.0 - share), 1e-9) / len(rows))
        found.append(Bin(len(rows), float(chance[rows].mean()), share, error))
    return tuple(found)


def importance(
    predict: Callable[[Floats], Floats], x: Floats, won: NDArray[np.bool_], seed: int = 1
) -> Floats:
    """Return by how much the Brier score rises when a feature is dealt to other cases, one a feature.

    Mean of ``SHUFFLES`` deals. Features that say the same share what they are worth.
    """
    y, rng = won.astype(np.float64), np.random.default_rng(seed)
    whole = float(((predict(x) - y) ** 2).mean())
    out = np.zeros(x.shape[1])
    for column in range(x.shape[1]):
        for _ in range(SHUFFLES):
            dealt = x.copy()
            dealt[:, column] = rng.permutation(dealt[:, column])
            out[column] += float(((predict(dealt) - y) ** 2).mean()) - whole
    return out / SHUFFLES


def by_year(
    chance: Floats, won: NDArray[np.bool_], base: Floats, day: NDArray[np.datetime64]
) -> pd.DataFrame:
    """Return cases, wins, Brier score and that of the base rate, a row a year."""
    y = won.astype(np.float64)
    table = pd.DataFrame(
        {
            "year": day.astype("datetime64[Y]").astype(int) + 1970,
            "won": y,
            "chance": chance,
            "brier": (chance - y) ** 2,
            "base": (base - y) ** 2,
        }
    )
    found = table.groupby("year").agg(
        cases=("won", "size"),
        won=("won", "mean"),
        chance=("chance", "mean"),
        brier=("brier", "mean"),
        base=("base", "mean"),
    )
    return found


def gap_by_year(one: pd.DataFrame, other: pd.DataFrame, days: Sequence[str]) -> pd.DataFrame:
    """Return what a trade brings in two runs of the same days, and how many there are, a row a year."""
    years = [day[:4] for day in days]
    sums = [table[["net", "costs", "trades"]].groupby(years).sum() for table in (one, other)]
    trade = [(held.net + held.costs) / held.trades.where(held.trades > 0) for held in sums]
    return pd.DataFrame(
        {
            "trades": sums[0].trades,
            "rules_trades": sums[1].trades,
            "gap": trade[0] - trade[1],
        }
    )
