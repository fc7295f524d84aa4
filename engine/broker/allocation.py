"""The price of a combo, handed down to its legs without losing a cent."""

from __future__ import annotations

from collections.abc import Sequence

from engine.broker.ledger import cents
from engine.options.combo import Combo
from engine.options.contract import Stock
from engine.options.middle import Sides, middle


def leg_cents(combo: Combo, sides: Sides, price: float) -> tuple[int, ...]:
    """Return what one unit of every leg costs its buyer when the combo trades at ``price``.

    Legs stand at their mid, moved towards (or beyond) their natural prices in proportion
    to their half spreads; cents that do not divide go to the dearest option. The sum is
    the combo's price to the cent.

    Returns
    -------
    tuple of int
        Cents for ``ratio`` contracts or shares, signed like the ratio.
    """
    total = cents(price * combo.multiplier)
    held, value, room = [], 0.0, 0.0
    for (_, ratio, multiplier), side in zip(combo.parts, sides, strict=True):
        mid, half = middle(side)
        held.append((ratio, multiplier, mid, half))
        value += ratio * multiplier * mid
        room += abs(ratio * multiplier) * half
    share = (total / 100.0 - value) / room if room > 0.0 else 0.0
    amounts = []
    for ratio, multiplier, mid, half in held:
        moved = max(mid + (share * half if ratio > 0 else -share * half), 0.0)
        amounts.append(cents(moved * multiplier) * ratio)
    rest = total - sum(amounts)
    if rest:
        amounts[_taker(combo, amounts, rest)] += rest
    return tuple(amounts)


def _taker(combo: Combo, amounts: Sequence[int], rest: int) -> int:
    """Return the leg that takes the cents left over: a price stays whole and not negative if it can."""

    def rank(number: int) -> tuple[bool, bool, bool, float]:
        leg = combo.legs[number]
        after = (amounts[number] + rest) / leg.ratio
        stock = isinstance(leg.instrument, Stock)
        return (after < 0, rest % leg.ratio != 0, stock, -abs(amounts[number] / leg.ratio))

    return min(range(len(amounts)), key=rank)
