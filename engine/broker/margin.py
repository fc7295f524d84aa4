"""What open trades bind, so that no cent is promised twice."""

from __future__ import annotations

from dataclasses import dataclass

from engine.broker.ledger import cents
from engine.options.combo import Combo


@dataclass(slots=True)
class _Bound:
    per_unit: int
    units: int
    flow: int = 0


class MarginBook:
    """Regulation T margin by trade, from the approval of its first order to its end.

    ``Combo.margin`` says by how much buying lowers the funds available. A trade binds that
    from the moment its order works, and goes on binding it while cash has moved: what the
    trade has brought or cost so far is taken out of the account's cash again.
    """

    def __init__(self) -> None:
        self._trades: dict[str, _Bound] = {}

    def reserve(self, ref: str, combo: Combo, price: float, units: int) -> int:
        """Bind the margin of ``units`` of a combo bought at ``price``; return it in cents."""
        bound = _Bound(cents(combo.margin(price)), units)
        self._trades[ref] = bound
        return bound.per_unit * units

    def moved(self, ref: str, cash: int) -> None:
        """Note that a trade has received (negative: paid) ``cash`` cents."""
        self._trades[ref].flow += cash

    def resize(self, ref: str, units: int) -> None:
        """Bind the margin of the units that were really opened."""
        self._trades[ref].units = units

    def release(self, ref: str) -> None:
        """Free what a finished trade has bound."""
        self._trades.pop(ref, None)

    @property
    def bound(self) -> int:
        """Cents to take off the account's cash to see what is free."""
        return sum(trade.per_unit * trade.units + trade.flow for trade in self._trades.values())
