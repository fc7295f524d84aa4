"""What a search's best result is worth: luck's own Sharpe ratio, deflation, chance of overfitting.

The deflated Sharpe ratio and the track record length are those of `engine.research.statistics`,
which the gate shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.research.statistics import Deflated, deflate, expected_best, least_days

__all__ = ["Deflated", "Overfitting", "deflate", "expected_best", "least_days", "overfitting"]

Floats = NDArray[np.float64]
BLOCKS = 16  # 12,870 ways to halve them
LEAST_BLOCK = 5  # days


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
        each = np.arange(len(half))
        mine = second[each, best]
        below = (second < mine[:, None]).sum(axis=1) + 0.5 * ((second == mine[:, None]).sum(axis=1) - 1)
        rank = (below + 1.0) / (trials + 1.0)
        logits.append(np.log(rank / (1.0 - rank)))
        chosen.append(first[each, best])
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
