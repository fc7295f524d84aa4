"""What fills cost against the quotes around them, and what the model would have charged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from engine.journal.records import SlippageShadow

SHARES = 100  # behind one unit of a combo's price


@dataclass(frozen=True, slots=True)
class Slippage:
    """Given up against the mid the decision saw, USD for the whole quantity, positive a cost.

    Parameters
    ----------
    paid : float
        At the price the paper account was filled at: simulated, and kind to combos.
    market : float
        At the natural price of the quote at the fill: what could be had for certain.
    model : float
        At the price of the backtest's fill model on the same quotes.
    """

    paid: float
    market: float
    model: float

    @property
    def seen(self) -> float:
        """The dearer of the paper fill and the market: a paper fill inside the spread proves nothing."""
        return max(self.paid, self.market)


def slippage(shadow: SlippageShadow) -> Slippage | None:
    """Return what a fill cost, None where a quote around it is not known."""
    mid = (shadow.decision_bid + shadow.decision_ask) / 2.0
    sign = 1.0 if shadow.buy else -1.0
    natural = shadow.fill_ask if shadow.buy else shadow.fill_bid
    usd = sign * SHARES * shadow.quantity
    costs = [usd * (price - mid) for price in (shadow.price, natural, shadow.model)]
    return Slippage(*costs) if all(math.isfinite(cost) for cost in costs) else None


def totals(shadows: Iterable[SlippageShadow]) -> tuple[int, float, float]:
    """Return how many fills could be held against their quotes, what they cost, and the model's cost; USD."""
    known = [cost for cost in map(slippage, shadows) if cost is not None]
    return len(known), sum(cost.seen for cost in known), sum(cost.model for cost in known)
