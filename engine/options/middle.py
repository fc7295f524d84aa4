"""The mid of a leg and of a combo, known even where nobody bids."""

from __future__ import annotations

from collections.abc import Sequence

from engine.options.combo import Combo

Sides = Sequence[tuple[float, float]]


def middle(side: tuple[float, float]) -> tuple[float, float]:
    """Return mid and half spread of a leg; one without a bid stands half way to its ask."""
    bid, ask = side
    if bid != bid:  # NaN
        bid = 0.0
    return 0.5 * (bid + ask), 0.5 * (ask - bid)


def combo_mid(combo: Combo, sides: Sides) -> float:
    """Return the mid of a combo from its legs, USD per share: known even where it has no ask."""
    total = sum(
        ratio * middle(side)[0] * multiplier
        for (_, ratio, multiplier), side in zip(combo.parts, sides, strict=True)
    )
    return total / combo.multiplier
