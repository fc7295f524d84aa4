"""What honesty controls say: break-even premium, fair games, and what filters are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.research.statistics import LEAST_TRADES, drawn_sums, expectancy_interval, paired_interval

Floats = NDArray[np.float64]
TAILS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The premium at which a bot earns nothing, with its 95 % interval.

    Infinite above the largest premium tried, minus infinite below the smallest, NaN where
    there are under 30 trades at some premium.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean per trade, USD, with its 95 % interval (NaN under 30 trades) and the number of trades."""

    trades: int
    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Tell whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def holds_zero(self) -> bool:
        """Tell whether the interval holds zero; False where there is none."""
        return self.low <= 0.0 <= self.high


def break_even(premiums: Sequence[float], days: Sequence[pd.DataFrame]) -> BreakEven:
    """Return where the mean result of a trade crosses zero on the way from low to high premium.

    Between two premiums the mean runs straight; before that, means that fall while the
    premium rises are levelled (isotonic regression weighted by trades), as they can only be
    chance. The interval is of a stationary bootstrap of days, the same days for every premium.

    Parameters
    ----------
    premiums : sequence of float
        Rising; at least two.
    days : sequence of DataFrame
        Per premium ``net`` and ``trades`` of the same days.
    """
    nets = np.column_stack([table.net.to_numpy(float) for table in days])
    counts = np.column_stack([table.trades.to_numpy(float) for table in days])
    if counts.sum(axis=0).min() < LEAST_TRADES:
        return BreakEven(math.nan, math.nan, math.nan)
    sums = drawn_sums(np.hstack([nets, counts]))
    width = len(premiums)
    drawn = [_crossing(premiums, row[:width], row[width:]) for row in sums]
    low, high = (float(np.quantile(drawn, share, method="nearest")) for share in TAILS)
    return BreakEven(_crossing(premiums, nets.sum(axis=0), counts.sum(axis=0)), low, high)


def _crossing(premiums: Sequence[float], net: Floats, trades: Floats) -> float:
    mean = np.array(_levelled(net, trades))
    if mean[-1] < 0.0:
        return math.inf
    at = int(np.argmax(mean >= 0.0)) - 1
    if at < 0:
        return -math.inf
    share = -mean[at] / (mean[at + 1] - mean[at])
    return float(premiums[at] + share * (premiums[at + 1] - premiums[at]))


def _levelled(net: Floats, trades: Floats) -> list[float]:
    """Return means that never fall: neighbours that do are pooled until none is left."""
    pools: list[list[float]] = []  # net, trades, members
    for gained, count in zip(net.tolist(), np.maximum(trades, 1e-9).tolist(), strict=True):
        pools.append([gained, count, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    return [total / count for total, count, members in pools for _ in range(int(members))]


def mean_of(days: pd.DataFrame, before_costs: bool = False) -> Mean:
    """Return the mean net result per trade, or that before costs, with its interval.

    Parameters
    ----------
    days : DataFrame
        ``net``, ``costs`` and ``trades`` by day, USD.
    before_costs : bool
        Add fees and what was given up against mid.
    """
    values = days.net + days.costs if before_costs else days.net
    trades = int(days.trades.sum())
    low, high, _ = expectancy_interval(values, days.trades)
    return Mean(trades, float(values.sum()) / trades if trades else math.nan, low, high)


def difference(one: pd.DataFrame, other: pd.DataFrame) -> Mean:
    """Return by how much a trade of ``one`` brings more than one of ``other``, USD.

    sum(net_1) / sum(trades_1) - sum(net_2) / sum(trades_2): a mean a trade, not a day, so that
    trading less alone moves it nowhere. Where ``one`` is ``other`` with some trades left out it
    estimates E[result | kept] - E[result], which is zero whenever the choice says nothing of the
    result. Results after costs depend on a choice among dearer and cheaper trades, so what a
    choice foresees is measured before costs.

    Both hold ``net`` and ``trades`` of the same days; the interval draws the days of both
    together, so that their common market cancels (`paired_interval`). ``trades`` are those of ``one``.
    """
    columns = np.column_stack([one.net, one.trades, other.net, other.trades]).astype(np.float64)
    total = columns.sum(axis=0)
    if min(total[1], total[3]) < LEAST_TRADES:
        return Mean(int(total[1]), _gap(total), math.nan, math.nan)
    sums = drawn_sums(columns)
    sums = sums[np.minimum(sums[:, 1], sums[:, 3]) > 0.5]
    differs = (columns[:, :2] != columns[:, 2:]).any(axis=1)
    drawn = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
    return Mean(int(total[1]), _gap(total), *paired_interval(drawn, differs))


def _gap(sums: Floats) -> float:
    return float(sums[0] / sums[1] - sums[2] / sums[3]) if min(sums[1], sums[3]) > 0 else math.nan
