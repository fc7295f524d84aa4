"""Figures a series of results is judged by; NaN where the data is too thin to say.

Sharpe ratio, intervals and bootstrap are those of `engine.research.statistics`, which the gate shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from engine.research.statistics import (
    DAYS,
    LEAST_DAYS,
    sharpe,
)


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


def trade_figures(trades: pd.DataFrame) -> dict[str, float]:
    """Return the figures of a set of trades; USD except shares and ratios, NaN where there are none."""
    net, gross, fees, slippage, planned, structural = (
        trades[name].to_numpy(np.float64)
        for name in ("net", "gross", "fees", "slippage", "planned_loss", "structural_loss")
    )
    wins, losses = net[net > 0.0], net[net <= 0.0]
    r_planned, r_structural = net / planned, net / structural
    lost = float(-losses.sum())
    none = math.nan
    return {
        "trades": len(net),
        "net": float(net.sum()),
        "gross": float(gross.sum()),
        "at_mid": float(gross.sum() + slippage.sum()),
        "fees": float(fees.sum()),
        "slippage": float(slippage.sum()),
        "win_rate": len(wins) / len(net) if len(net) else none,
        "expectancy": float(net.mean()) if len(net) else none,
        "average_win": float(wins.mean()) if len(wins) else none,
        "average_loss": float(losses.mean()) if len(losses) else none,
        "profit_factor": float(wins.sum()) / lost if lost > 0.0 else none,
        "best": float(net.max()) if len(net) else none,
        "worst": float(net.min()) if len(net) else none,
        "r_planned": float(r_planned.mean()) if len(net) else none,
        "r_structural": float(r_structural.mean()) if len(net) else none,
        "worst_r_planned": float(r_planned.min()) if len(net) else none,
        "worst_r_structural": float(r_structural.min()) if len(net) else none,
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
