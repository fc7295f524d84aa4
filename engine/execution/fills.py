"""The fill model of the simulated market: when and at what price a working order trades."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder, against, between, combo_tick
from engine.options.combo import Combo
from engine.options.quotebook import Quote


@dataclass(frozen=True, slots=True)
class Match:
    """What traded: ``units`` at ``price`` (USD per share), the market standing at ``market``."""

    units: int
    price: float
    market: float


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


def match(working: WorkingOrder, quote: Quote | None) -> Match | None:
    """Return what a working order trades on this quote, None when nothing.

    A limit that was marketable when it was set takes the market's price now, as a
    marketable order does; a limit resting inside the spread is filled at itself once the
    market has come to it. Either way the price is never better than the market's.
    """
    if quote is None or quote.size < 1 or not math.isfinite(working.limit):
        return None
    order = working.order
    market = executable(quote, order.combo, order.buy, working.settings)
    within = market <= working.limit if order.buy else market >= working.limit
    if not within:  # also where the market is NaN
        return None
    price = market if _marketable(working) else working.limit
    return Match(min(quote.size, working.remaining), price, market)


def _marketable(working: WorkingOrder) -> bool:
    """Tell whether the limit reached the market when it was set."""
    if working.seen is None:
        return False
    order = working.order
    then = executable(working.seen, order.combo, order.buy, working.settings)
    return working.limit >= then if order.buy else working.limit <= then
