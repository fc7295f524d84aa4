"""What one filter is worth: the same days with and without it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.controls import Mean, difference
from engine.research.statistics import drawn_sums, paired_interval


@dataclass(frozen=True, slots=True)
class Worth:
    """What a filter is worth, USD after costs, with 95 % intervals of paired days.

    Parameters
    ----------
    kept, open : int
        Trades with the filter, and without it.
    session : Mean
        What the account gains a session by having it: trades not taken, costs saved and all.
    trade : Mean
        By how much a trade with it is better than one without it: what it selects.
    """

    kept: int
    open: int
    session: Mean
    trade: Mean

    @property
    def changes(self) -> bool:
        """Whether any day differs at all."""
        return not (self.session.value == self.session.low == self.session.high == 0.0)

    @property
    def significant(self) -> bool:
        """Whether one of the intervals leaves out zero."""
        return any(mean.known and not mean.holds_zero for mean in (self.session, self.trade))


def worth(kept: pd.DataFrame, open_: pd.DataFrame) -> Worth:
    """Return what a filter is worth.

    Parameters
    ----------
    kept, open_ : DataFrame
        ``net`` and ``trades`` of the same days, with the filter and without it. The interval is
        of a stationary bootstrap of the days (mean block 5, 5000 draws), the same days for both.
    """
    trades, free = int(kept.trades.sum()), int(open_.trades.sum())
    return Worth(trades, free, paired(kept.net, open_.net), difference(kept, open_))


def paired(one: pd.Series, other: pd.Series) -> Mean:
    """Return the mean difference of two series of the same days, USD a session, with its interval."""
    gap = one.to_numpy(np.float64) - other.to_numpy(np.float64)
    count = int(np.count_nonzero(gap))
    if len(gap) < 2:
        return Mean(count, float(gap.sum()), math.nan, math.nan)
    drawn = drawn_sums(gap[:, None])[:, 0] / len(gap)
    return Mean(count, float(gap.mean()), *paired_interval(drawn, gap != 0.0))
