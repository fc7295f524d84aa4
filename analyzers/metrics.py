"""Figures a series of results is judged by; NaN where the data is too thin to say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAYS = 252
LEAST_DAYS = 20
LEAST_ACTIVE = 10  # days with a result
LEAST_TRADES = 30
BOOTSTRAPS, BLOCK = 5000, 5


def sharpe(pnl: pd.Series, capital: float) -> tuple[float, float]:
    """Return the annualised Sharpe ratio of daily P&L on ``capital``, and its standard error.

    Idle days count. Daily, sample standard deviation (ddof 1), times sqrt(252), no risk-free
    rate. The standard error is Mertens' (Lo 2002 with skewness and kurtosis),
    sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / (n - 1)) per day. NaN below 20 days, or where fewer
    than 10 of them brought anything: the formula takes moments of the days for known.
    """
    if len(pnl) < LEAST_DAYS or int((pnl != 0.0).sum()) < LEAST_ACTIVE or not pnl.std(ddof=1) > 0.0:
        return math.nan, math.nan
    returns = pnl / capital
    one = float(returns.mean() / returns.std(ddof=1))
    annual = one * math.sqrt(DAYS)
    skew, kurtosis = float(returns.skew()), float(returns.kurt()) + 3.0
    variance = (1.0 - skew * one + (kurtosis - 1.0) / 4.0 * one * one) / (len(returns) - 1)
    return annual, math.sqrt(max(variance, 0.0) * DAYS)


def chance_above(ratio: float, error: float, level: float = 0.0) -> float:
    """Return the probability that a true ratio exceeds ``level``, given estimate and standard error.

    With a Sharpe ratio this is the probabilistic Sharpe ratio of Bailey and Lopez de Prado (2012).
    """
    return 0.5 * math.erfc((level - ratio) / error / math.sqrt(2.0)) if error > 0.0 else math.nan


@dataclass(frozen=True)
class Drawdown:
    """A fall from a peak: USD (positive), its days; ``recovered`` None while it lasts."""

    depth: float
    peak: date
    trough: date
    recovered: date | None


def drawdowns(pnl: pd.Series, count: int = 10) -> list[Drawdown]:
    """Return the deepest falls of cumulative P&L from its running peak, worst first.

    The account before the first day counts as a peak; ``peak`` is then the first day.
    """
    total = pnl.cumsum().to_numpy()
    days = [stamp.date() for stamp in pnl.index]
    found: list[Drawdown] = []
    high, top, low, trough = 0.0, 0, 0.0, -1
    for i, value in enumerate(total):
        if value >= high:
            if trough >= 0:
                found.append(Drawdown(-low, days[top], days[trough], days[i]))
            high, top, low, trough = value, i, 0.0, -1
        elif value - high < low:
            low, trough = value - high, i
    if trough >= 0:
        found.append(Drawdown(-low, days[top], days[trough], None))
    return sorted(found, key=lambda fall: -fall.depth)[:count]


def drawn_sums(columns: Floats, draws: int = BOOTSTRAPS, block: float = BLOCK, seed: int = 1) -> Floats:
    """Return the column sums of stationary bootstrap samples of rows, shape (draws, columns).

    Politis and Romano (1994): blocks of geometric length, mean ``block`` rows, each from a
    uniform start, wrapping around. A block's sum is a difference of running sums.
    """
    rows = len(columns)
    random = np.random.default_rng(seed)
    count = max(int(rows / block * 1.25) + 20, 20)
    lengths = random.geometric(1.0 / block, (draws, count))
    while (short := lengths.sum(axis=1) < rows).any():
        more = random.geometric(1.0 / block, (draws, count))
        lengths = np.concatenate([lengths, np.where(short[:, None], more, 0)], axis=1)
    ends = np.minimum(np.cumsum(lengths, axis=1), rows)
    lengths = np.diff(ends, axis=1, prepend=0)
    starts = random.integers(0, rows, lengths.shape)
    running = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(np.tile(columns, (2, 1)), axis=0)])
    sums = np.empty((draws, columns.shape[1]))
    for column in range(columns.shape[1]):
        total = running[:, column]
        sums[:, column] = (total[starts + lengths] - total[starts]).sum(axis=1)
    return sums


def expectancy_interval(net: pd.Series, trades: pd.Series, level: float = 0.95) -> tuple[float, float, float]:
    """Return a confidence interval of the mean result of a trade, and the share of draws not above zero.

    Days are drawn, not trades: the trades of a day share its market. Stationary bootstrap of
    the days' ``net`` and number of ``trades`` (mean block 5 days, 5000 draws, seed fixed),
    percentiles. NaN below 30 trades: the losses of a seller of options are rare.
    """
    columns = np.column_stack([net.to_numpy(np.float64), trades.to_numpy(np.float64)])
    if not columns[:, 1].sum() >= LEAST_TRADES:
        return math.nan, math.nan, math.nan
    sums = drawn_sums(columns)
    # a draw of only idle days says nothing of a trade
    means = sums[:, 0][sums[:, 1] > 0.5] / sums[:, 1][sums[:, 1] > 0.5]
    low, high = np.quantile(means, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return float(low), float(high), float((means <= 0.0).mean())


def trade_figures(trades: pd.DataFrame) -> dict[str, float]:
    """Return the figures of a set of trades; USD except shares and ratios, NaN where there are none."""
    net = trades.net.to_numpy(np.float64)
    wins, losses = net[net > 0.0], net[net <= 0.0]
    lost = float(-losses.sum())
    none = math.nan
    return {
        "trades": len(net),
        "net": float(net.sum()),
        "gross": float(trades.gross.sum()),
        "at_mid": float(trades.gross.sum() + trades.slippage.sum()),
        "fees": float(trades.fees.sum()),
        "slippage": float(trades.slippage.sum()),
        "win_rate": len(wins) / len(net) if len(net) else none,
        "expectancy": float(net.mean()) if len(net) else none,
        "average_win": float(wins.mean()) if len(wins) else none,
        "average_loss": float(losses.mean()) if len(losses) else none,
        "profit_factor": float(wins.sum()) / lost if lost > 0.0 else none,
        "best": float(net.max()) if len(net) else none,
        "worst": float(net.min()) if len(net) else none,
        "r_planned": float((net / trades.planned_loss).mean()) if len(net) else none,
        "r_structural": float((net / trades.structural_loss).mean()) if len(net) else none,
        "worst_r_planned": float((net / trades.planned_loss).min()) if len(net) else none,
        "worst_r_structural": float((net / trades.structural_loss).min()) if len(net) else none,
    }


def investment_figures(growth: pd.Series) -> dict[str, float]:
    """Return what an investment brought: decimals a year except the Sharpe ratio; NaN where unknown.

    Parameters
    ----------
    growth : Series
        Value by day, any positive unit; leading NaN are left out.
    """
    returns = growth.dropna().pct_change().dropna()
    if len(returns) < LEAST_DAYS:
        return dict.fromkeys(("annual_return", "volatility", "sharpe", "sharpe_error", "drawdown"), math.nan)
    ratio, error = sharpe(returns, 1.0)
    value = np.append(1.0, (1.0 + returns).cumprod())
    return {
        "annual_return": float(value[-1]) ** (DAYS / len(returns)) - 1.0,
        "volatility": float(returns.std(ddof=1)) * math.sqrt(DAYS),
        "sharpe": ratio,
        "sharpe_error": error,
        "drawdown": float((1.0 - value / np.maximum.accumulate(value)).max()),
    }


def break_even(premium: float, with_premium: float, without: float) -> float:
    """Return the premium at which a trade earns nothing, on the line through two runs.

    Parameters
    ----------
    premium : float
        Implied over expected volatility, less 1, of the run (0.08).
    with_premium, without : float
        Expectancy of a trade at ``premium`` and at none, USD.

    Returns
    -------
    float
        NaN where the premium did not help, so that no line leads to zero.
    """
    gain = with_premium - without
    return -without * premium / gain if premium > 0.0 and gain > 0.0 else math.nan
