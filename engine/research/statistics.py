"""What a series of results says, and what it cannot say: NaN where the data is too thin.

Pure functions on plain numbers, shared by the reports and the gate. Sharpe ratios are annualised
and of daily P&L unless a docstring says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Int32 = NDArray[np.int32]

DAYS = 252
LEAST_DAYS = 20
LEAST_ACTIVE = 10  # days with a result
LEAST_TRADES = 30
BOOTSTRAPS, BLOCK = 5000, 5
_EULER = 0.5772156649015329
_quantile = NormalDist().inv_cdf


def sharpe_error(ratio: float, count: int, skew: float, kurtosis: float) -> float:
    """Return the standard error of a Sharpe ratio *per period*, not annualised.

    Mertens (2002), in Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier" (Journal of
    Risk 15(2), 2012), equation 8: sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / (n - 1)).

    Parameters
    ----------
    ratio : float
        Mean over standard deviation of a period.
    count : int
        Periods, at least 2.
    skew, kurtosis : float
        Of a period's returns; the kurtosis is 3 for normal ones.
    """
    variance = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    return math.sqrt(max(variance, 0.0) / (count - 1))


def sharpe(pnl: pd.Series, capital: float) -> tuple[float, float]:
    """Return the annualised Sharpe ratio of daily P&L on ``capital``, and its standard error.

    Idle days count. Daily, sample standard deviation (ddof 1), times sqrt(252), no risk-free
    rate; the error as in `sharpe_error`. NaN below 20 days, or where fewer than 10 of them
    brought anything: the formula takes moments of the days for known.
    """
    if len(pnl) < LEAST_DAYS or int((pnl != 0.0).sum()) < LEAST_ACTIVE or not pnl.std(ddof=1) > 0.0:
        return math.nan, math.nan
    returns = pnl.to_numpy(np.float64) / capital
    one = float(returns.mean() / returns.std(ddof=1))
    error = sharpe_error(one, len(returns), *skew_and_kurtosis(returns))
    return one * math.sqrt(DAYS), error * math.sqrt(DAYS)


def skew_and_kurtosis(values: Floats) -> tuple[float, float]:
    """Return the sample skewness G1 and the kurtosis G2 + 3 (3 for normal values), unbiased.

    Joanes and Gill, "Comparing measures of sample skewness and kurtosis" (The Statistician
    47(1), 1998); as pandas gives them. At least four values that are not all the same.
    """
    n = len(values)
    away = values - values.mean()
    second, third, fourth = (float(np.mean(away**power)) for power in (2, 3, 4))
    skew = third / second**1.5 * math.sqrt(n * (n - 1.0)) / (n - 2.0)
    excess = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (fourth / second**2 - 3.0) + 6.0)
    return skew, excess + 3.0


def chance_above(ratio: float, error: float, level: float = 0.0) -> float:
    """Return the probability that a true ratio exceeds ``level``, given estimate and standard error.

    With a Sharpe ratio this is the probabilistic Sharpe ratio of Bailey and Lopez de Prado (2012).
    """
    return 0.5 * math.erfc((level - ratio) / error / math.sqrt(2.0)) if error > 0.0 else math.nan


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
    ends = _quantile(1.0 - 1.0 / trials), _quantile(1.0 - 1.0 / (trials * math.e))
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
    return 1.0 + (days - 1) * (_quantile(confidence) * error / (ratio - level)) ** 2


def drawn_sums(columns: Floats, draws: int = BOOTSTRAPS, block: float = BLOCK, seed: int = 1) -> Floats:
    """Return the column sums of stationary bootstrap samples of rows, shape (draws, columns).

    Politis and Romano (1994): blocks of geometric length, mean ``block`` rows, each from a
    uniform start, wrapping around. A block's sum is a difference of running sums.
    """
    from engine.research.blocks import sum_blocks

    running = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(np.tile(columns, (2, 1)), axis=0)])
    sums = np.zeros((draws, columns.shape[1]))
    sum_blocks(running, *_blocks(len(columns), draws, block, seed), sums)
    return sums


@lru_cache(maxsize=1)  # a run's bots and its account are judged on the same days
def _blocks(rows: int, draws: int, block: float, seed: int) -> tuple[Int32, Int32]:
    """Return starts and lengths of every draw's blocks; blocks beyond the last row have none."""
    random = np.random.default_rng(seed)
    count = max(int(rows / block * 1.25) + 20, 20)
    lengths = random.geometric(1.0 / block, (draws, count))
    while (short := lengths.sum(axis=1) < rows).any():
        more = random.geometric(1.0 / block, (draws, count))
        lengths = np.concatenate([lengths, np.where(short[:, None], more, 0)], axis=1)
    ends = np.minimum(np.cumsum(lengths, axis=1), rows)
    lengths = np.diff(ends, axis=1, prepend=0)
    starts = random.integers(0, rows, lengths.shape)
    return starts.astype(np.int32), lengths.astype(np.int32)


def expectancy_interval(
    net: pd.Series, trades: pd.Series, level: float = 0.95, block: float = BLOCK
) -> tuple[float, float, float]:
    """Return a confidence interval of the mean result of a trade, and the share of draws not above zero.

    Days are drawn, not trades: the trades of a day share its market. Stationary bootstrap of
    the days' ``net`` and number of ``trades`` (blocks of 5 days in the mean unless told, see
    `block_days`; 5000 draws, seed fixed), percentiles. NaN below 30 trades: the losses of a
    seller of options are rare.
    """
    columns = np.column_stack([net.to_numpy(np.float64), trades.to_numpy(np.float64)])
    if not columns[:, 1].sum() >= LEAST_TRADES:
        return math.nan, math.nan, math.nan
    sums = drawn_sums(columns, block=block)
    # a draw of only idle days says nothing of a trade
    means = sums[:, 0][sums[:, 1] > 0.5] / sums[:, 1][sums[:, 1] > 0.5]
    low, high = np.quantile(means, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return float(low), float(high), float((means <= 0.0).mean())


def pieces_of(differs: NDArray[np.bool_], block: float = BLOCK) -> float:
    """Return of how many independent pieces the days marked make, at least 2.

    Days apart count in full; neighbours are drawn together, and a long run makes a piece of 4.6
    days. n^2 over the sum of w(i - j)^2 over pairs of such days, where w(k) = (1 - 1/block)^|k| is
    the lag window of the stationary bootstrap: the degrees of freedom of a variance estimated by a
    lag window, at frequency zero (Priestley, "Spectral Analysis and Time Series", 1981, 6.2.4).
    """
    marked = differs.astype(np.float64)
    count, share = float(marked.sum()), (1.0 - 1.0 / block) ** 2
    pairs, lag = count, 1
    while lag < len(marked) and share**lag > 1e-6:
        pairs += 2.0 * share**lag * float(marked[lag:] @ marked[:-lag])
        lag += 1
    return max(count * count / pairs, 2.0) if count else 2.0


def paired_interval(draws: Floats, differs: NDArray[np.bool_], level: float = 0.95) -> tuple[float, float]:
    """Return an interval of what two runs over the same days differ by.

    Only days on which they differ tell anything, often few, and percentiles of few are too narrow.
    So the tails are those of Student's t, Phi(sqrt(m / (m - 1)) t(m - 1)) at (1 - level) / 2 and the
    m pieces of `pieces_of`: the expanded percentile interval of Hesterberg, "What Teachers Should
    Know About the Bootstrap" (The American Statistician 69(4), 2015).

    Parameters
    ----------
    draws : ndarray
        The difference in samples of `drawn_sums`, blocks of 5 days in the mean.
    differs : ndarray of bool, shape (days,)
    """
    from scipy.special import ndtr, stdtrit

    m = pieces_of(differs)
    tail = float(ndtr(math.sqrt(m / (m - 1.0)) * stdtrit(m - 1.0, 0.5 - level / 2.0)))
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)


def block_days(pnl: pd.Series) -> float:
    """Return the mean block for a stationary bootstrap of daily P&L, at least 5 days.

    The optimal length of Politis and White (2004) as corrected by Patton, Politis and White
    (2009), from package arch; a tenth of the days at most.
    """
    from arch.bootstrap import optimal_block_length

    if len(pnl) < LEAST_DAYS or not pnl.std(ddof=1) > 0.0:
        return float(BLOCK)
    best = float(optimal_block_length(pnl.to_numpy(np.float64))["stationary"].iloc[0])
    return float(min(max(best, BLOCK), max(len(pnl) / 10.0, BLOCK)))


def wilson(passed: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share that was seen ``passed`` times in ``count``.

    Wilson's score interval, as in Newcombe, "Two-sided confidence intervals for the single
    proportion" (Statistics in Medicine 17, 1998), method 3; NaN without a count.
    """
    if count < 1:
        return math.nan, math.nan
    z = _quantile(0.5 + confidence / 2.0)
    share, spread = passed / count, z * z / count
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * math.sqrt(share * (1.0 - share) / count + spread / (4.0 * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)
