"""Figures a series of results is judged by; NaN where the data is too thin to say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import empyrical
import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap

DAYS = 252
LEAST_DAYS = 20
LEAST_TRADES = 10
BOOTSTRAPS, BLOCK = 2000, 5


def sharpe(pnl: pd.Series, capital: float) -> tuple[float, float]:
    """Return the annualised Sharpe ratio of daily P&L on ``capital``, and its standard error.

    Idle days count. Daily, sample standard deviation (ddof 1), times sqrt(252), no risk-free
    rate. The standard error is Mertens' (Lo 2002 with skewness and kurtosis),
    sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / (n - 1)) per day. NaN below 20 days or without variation.
    """
    if len(pnl) < LEAST_DAYS or not pnl.std(ddof=1) > 0.0:
        return math.nan, math.nan
    returns = pnl / capital
    annual = float(empyrical.sharpe_ratio(returns, annualization=DAYS))
    one = annual / math.sqrt(DAYS)
    skew, kurtosis = float(returns.skew()), float(returns.kurt()) + 3.0
    variance = (1.0 - skew * one + (kurtosis - 1.0) / 4.0 * one * one) / (len(returns) - 1)
    return annual, math.sqrt(max(variance, 0.0) * DAYS)


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


def mean_interval(values: pd.Series, level: float = 0.95) -> tuple[float, float]:
    """Return a confidence interval of the mean by stationary bootstrap (blocks of 5, seed fixed).

    NaN below 10 values.
    """
    data = values.to_numpy(np.float64)
    if len(data) < LEAST_TRADES or not data.std() > 0.0:
        return math.nan, math.nan
    drawn = StationaryBootstrap(BLOCK, data, seed=1).conf_int(
        lambda x: x.mean(), reps=BOOTSTRAPS, method="percentile", size=level
    )
    return float(drawn[0, 0]), float(drawn[1, 0])


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
