"""What a search's best result is worth: luck's own Sharpe ratio, deflation, chance of overfitting.

Sharpe ratios go in and come out annualised, as `analyzers.metrics.sharpe` gives them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from analyzers.metrics import chance_above

Floats = NDArray[np.float64]
_EULER = 0.5772156649015329
BLOCKS = 16  # 12,870 ways to halve them
LEAST_BLOCK = 5  # days


@dataclass(frozen=True, slots=True)
class Deflated:
    """The best of many trials, judged against what the best of as many lucky ones would show.

    Parameters
    ----------
    trials : int
        All that were ever tried.
    luck : float
        Expected largest Sharpe ratio of that many trials without any skill.
    probability : float
        That the true ratio is above zero, given the search (deflated Sharpe ratio); NaN where
        the ratio or its error is not known.
    """

    trials: int
    luck: float
    probability: float


def expected_best(trials: int, spread: float) -> float:
    """Return the Sharpe ratio expected of the best of so many trials without skill.

    Bailey and Lopez de Prado, "The Deflated Sharpe Ratio" (Journal of Portfolio Management
    40(5), 2014), equation 1: ``spread`` times (1 - g) z(1 - 1/N) + g z(1 - 1/(N e)), with the
    Euler-Mascheroni constant g. Trials that resemble each other make this too high, so the
    verdict errs on the strict side.

    Parameters
    ----------
    trials : int
    spread : float
        Standard deviation of the trials' Sharpe ratios.
    """
    if trials < 2 or not spread > 0.0:
        return 0.0
    ends = ndtri(1.0 - 1.0 / trials), ndtri(1.0 - 1.0 / (trials * math.e))
    return float(spread * ((1.0 - _EULER) * ends[0] + _EULER * ends[1]))


def deflate(ratio: float, error: float, others: Sequence[float], trials: int | None = None) -> Deflated:
    """Judge the best Sharpe ratio of a search.

    Parameters
    ----------
    ratio, error : float
        Of the best trial, and its standard error.
    others : sequence of float
        Ratios of the trials whose spread says how far luck reaches, the best one among them;
        unknown ones (NaN) are left out of the spread but count as tried.
    trials : int, optional
        How many were ever tried, when more than ``others``.
    """
    known = np.asarray([value for value in others if math.isfinite(value)])
    count = max(trials or 0, len(others))
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    # luck alone spreads ratios by their own error, however alike the trials are
    luck = expected_best(count, max(spread, error if math.isfinite(error) and count > 1 else 0.0))
    return Deflated(count, luck, chance_above(ratio, error, luck))


def least_days(ratio: float, error: float, days: int, level: float = 0.0, confidence: float = 0.95) -> float:
    """Return after how many days the same ratio would be shown to be above ``level``.

    Minimum track record length (Bailey and Lopez de Prado, "The Sharpe Ratio Efficient
    Frontier", Journal of Risk 15(2), 2012): the error shrinks with the root of the days less 1.
    Infinite for a ratio that is not above the level, NaN where it is not known.
    """
    if not (math.isfinite(ratio) and error > 0.0):
        return math.nan
    if ratio <= level:
        return math.inf
    return 1.0 + (days - 1) * (float(ndtri(confidence)) * error / (ratio - level)) ** 2


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What choosing the best in one half of the days meant for the other half.

    Parameters
    ----------
    probability : float
        Share of the splits in which the best of one half was below the median of the other (PBO).
    loss : float
        Share in which it lost money there.
    logits : ndarray
        Log odds of its relative rank, a split each.
    chosen, later : ndarray
        Its mean over standard deviation a day in the half it was chosen in, and in the other.
    blocks : int
    """

    probability: float
    loss: float
    logits: Floats
    chosen: Floats
    later: Floats
    blocks: int


def overfitting(pnl: Floats, blocks: int = BLOCKS) -> Overfitting | None:
    """Estimate the probability of backtest overfitting by symmetric cross-validation.

    Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting"
    (Journal of Computational Finance 20(4), 2017): the days are cut into an even number of
    blocks; for every way to take half of them, the trial best there is ranked in the rest.

    Parameters
    ----------
    pnl : ndarray, shape (days, trials)
        USD a day, idle days included; every trial on the same days.
    blocks : int
        Even; fewer are taken where a block would have under five days.

    Returns
    -------
    Overfitting or None
        None with under two trials that traded, or too few days for four blocks.
    """
    pnl = pnl[:, np.any(pnl != 0.0, axis=0)]
    days, trials = pnl.shape
    blocks = min(blocks, days // LEAST_BLOCK // 2 * 2)
    if trials < 2 or blocks < 4:
        return None
    parts = np.array_split(pnl, blocks)
    count = np.array([len(part) for part in parts], np.float64)
    sums = np.stack([part.sum(axis=0) for part in parts])
    squares = np.stack([(part**2).sum(axis=0) for part in parts])
    inside = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, taken in enumerate(combinations(range(blocks), blocks // 2)):
        inside[row, list(taken)] = 1.0
    chosen, later, logits = [], [], []
    for half in np.array_split(inside, max(len(inside) * trials // 4_000_000, 1)):
        first, second = _ratios(half, count, sums, squares), _ratios(1.0 - half, count, sums, squares)
        best = np.argmax(first, axis=1)
        row = np.arange(len(half))
        mine = second[row, best]
        below = (second < mine[:, None]).sum(axis=1) + 0.5 * ((second == mine[:, None]).sum(axis=1) - 1)
        rank = (below + 1.0) / (trials + 1.0)
        logits.append(np.log(rank / (1.0 - rank)))
        chosen.append(first[row, best])
        later.append(mine)
    told = np.concatenate(logits)
    after = np.concatenate(later)
    return Overfitting(
        float(np.mean(told <= 0.0)), float(np.mean(after < 0.0)), told, np.concatenate(chosen), after, blocks
    )


def _ratios(half: Floats, count: Floats, sums: Floats, squares: Floats) -> Floats:
    """Return mean over standard deviation of every trial on every choice of blocks; 0 without deals."""
    n = (half @ count)[:, None]
    mean = half @ sums / n
    variance = np.maximum(half @ squares / n - mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-18, mean / np.sqrt(variance), 0.0)
