"""The account as the gateway tells it: figures and positions."""

from __future__ import annotations

from math import isfinite, nan
from typing import Any

from engine.ibkr.contracts import Contracts
from engine.ibkr.events import AccountTold, PositionTold
from engine.options.contract import Stock

FUNDS, VALUE, CASH = "AvailableFunds", "NetLiquidation", "TotalCashValue"
_KEPT = frozenset({FUNDS, VALUE, CASH})


class AccountView:
    """The last figures told, USD, and what is held by contract id."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.figures: dict[str, float] = {}
        self.positions: dict[int, tuple[Any, int, float]] = {}  # contract, count, average cost

    def figure(self, told: AccountTold) -> None:
        """Take one figure; those in other currencies than USD are left out."""
        if told.tag in _KEPT and told.currency in ("USD", "BASE", ""):
            try:
                self.figures[told.tag] = float(told.value)
            except ValueError:
                return

    def position(self, told: PositionTold) -> None:
        """Take one position; none is held of what stands at 0."""
        if told.quantity:
            self.positions[told.con_id] = (told.contract, int(told.quantity), told.cost)
        else:
            self.positions.pop(told.con_id, None)

    def get(self, tag: str) -> float:
        """Return a figure, NaN before it was told."""
        return self.figures.get(tag, nan)

    def funds(self) -> float:
        """Return the USD free for new trades by the broker's reckoning, 0 while unknown."""
        value = self.get(FUNDS)
        return value if isfinite(value) else 0.0

    def shares(self, symbol: str) -> tuple[int, float]:
        """Return the shares held of a symbol and their average price."""
        for contract, count, cost in self.positions.values():
            known = self._contracts.instrument(contract)
            if isinstance(known, Stock) and known.symbol == symbol:
                return count, cost
        return 0, 0.0
