"""The fill model of the simulated market: when and at what price a working order trades."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder, against, between, combo_tick
from engine.options.combo import Combo
from engine.options.quotebook import Quote


class Match(NamedTuple):
    """What traded: ``units`` at ``price``, USD per share."""

    units: int
    price: float


def executable(quote: Quote, combo: Combo, buy: bool, settings: ExecutionSettings) -> float:
    """Return the price at which the simulated market trades now, on the combo's tick.

    It lies ``fill_fraction`` of the way from mid to the natural price and
    ``slippage_ticks`` worse, rounded against the order; NaN where it cannot be bought.
    """
    price = between(quote, buy, settings.fill_fraction)
    if not math.isfinite(price):
        return math.nan
    tick = combo_tick(combo, price)
    slip = settings.slippage_ticks * tick
    return against(price + slip if buy else price - slip, tick, buy)


def traded(
    quote: Quote | None, combo: Combo, buy: bool, limit: float, units: int, settings: ExecutionSettings
) -> Match | None:
    """Return what an order for ``units`` trades on this quote, None when nothing.

    The order trades at the market's price of this bar if its limit allows it, so a fill is
    never better than the market and always costs the spread. Filling a resting limit at
    itself would be no more cautious but wrong: bars are a minute apart, and such a fill
    would charge the order with all that the market has moved since it touched the limit.
    A market order is one whose limit is infinite, plus to buy and minus to sell.
    """
    if quote is None or quote.size < 1:
        return None
    price = executable(quote, combo, buy, settings)
    within = price <= limit if buy else price >= limit
    if not within:  # also where there is no price, or no limit
        return None
    return Match(min(quote.size, units), price)


def match(working: WorkingOrder, quote: Quote | None) -> Match | None:
    """Return what a working order trades on this quote, see `traded`; None without a limit."""
    order = working.order
    return traded(quote, order.combo, order.buy, working.limit, working.remaining, working.settings)
