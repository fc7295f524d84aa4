"""Is there anything to trade: on how many days, for what, and what must the market pay for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.options.pricing import black_price
from engine.reasons import Reason

Floats = NDArray[np.float64]
TRADED = frozenset({Reason.ENTERED, Reason.TIMED_OUT, Reason.POSITION_OPEN, Reason.ENTRIES_USED})
WAY = {
    str(reason): place
    for place, reason in enumerate(
        (
            Reason.HALF_DAY,
            Reason.WARMING_UP,
            Reason.NO_EXPIRY,
            Reason.NO_STRIKE,
            Reason.NO_QUOTE,
            Reason.CREDIT_BELOW_COST,
        )
    )
}
"""Obstacles in their order; all others are the governor's and come last."""

SEARCHED = (0.25, 8.0)  # implied over realised volatility
STEPS = 60


@dataclass(frozen=True, eq=False)
class Opened:
    """A trade as it was opened, its legs in rows; for what it is worth at another volatility.

    Parameters
    ----------
    quantity : ndarray
        Units of the underlying behind each leg, signed: contracts times their multiplier, or shares.
    strike, sd : ndarray
        Strike, and implied standard deviation to the expiry; NaN both of a share.
    call : ndarray of bool
    forward : float
        USD.
    paid : float
        USD paid for all legs (negative: received), at what could be had, with the fees of the entry.
    """

    quantity: Floats
    strike: Floats
    sd: Floats
    call: NDArray[np.bool_]
    forward: float
    paid: float

    def expected(self, ratio: float) -> float:
        """Return the mean result if held to the expiry, USD, where implied is ``ratio`` times realised.

        Every leg is worth what Black-76 gives at its own implied volatility over the ratio: the
        smile keeps its shape, and nothing is earned by the direction.
        """
        options = ~np.isnan(self.strike)
        forward = np.full(len(self.quantity), self.forward)
        worth = forward.copy()
        worth[options] = black_price(
            forward[options], self.strike[options], self.sd[options] / ratio, self.call[options]
        )
        return float(self.quantity @ worth) - self.paid


def break_even_ratio(trades: Sequence[Opened]) -> float:
    """Return the implied-over-realised ratio at which the trades earn nothing in the mean.

    Infinite where even a market that does not move pays less than the costs, NaN without
    trades or where the mean does not rise with the ratio.
    """
    if not trades:
        return math.nan

    def mean(ratio: float) -> float:
        return float(np.mean([trade.expected(ratio) for trade in trades]))

    low, high = SEARCHED
    if mean(high) <= mean(low):
        return math.nan
    if mean(high) <= 0.0:
        return math.inf
    if mean(low) > 0.0:
        return math.nan
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if mean(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


def day_reasons(decisions: pd.DataFrame, traded: frozenset[object]) -> pd.Series:
    """Return for every day why nothing could be traded; `Reason.ENTERED` where something could.

    Parameters
    ----------
    decisions : DataFrame
        ``time`` and ``reason`` of one bot, one row a decision minute.
    traded : frozenset of date
        Days with a trade, whatever the decisions say.

    Returns
    -------
    Series
        By day the commonest reason among the minutes that came furthest: filters, then strikes
        and quotes, then the credit, then the governor.
    """
    days = decisions.time.dt.tz_convert("America/New_York").dt.date

    def verdict(reasons: pd.Series) -> str:
        if not TRADED.isdisjoint(reasons):
            return str(Reason.ENTERED)
        reached = reasons.map(lambda reason: WAY.get(reason, len(WAY)))
        return str(reasons[reached == reached.max()].mode().iloc[0])

    found = decisions.reason.astype(str).groupby(days).agg(verdict)
    return found.mask(found.index.isin(list(traded)), str(Reason.ENTERED))
