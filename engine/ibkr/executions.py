"""Executions of one order into whole units of its combo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.ibkr.events import ExecutionTold

BAG = "BAG"


@dataclass(frozen=True, slots=True)
class Increment:
    """Units that are complete in all legs and not yet booked.

    ``price`` is the combo's net price as bought, USD per share; ``legs`` the executions behind it.
    """

    units: int
    price: float
    legs: tuple[ExecutionTold, ...]


@dataclass
class Executions:
    """What has been executed of one order.

    A combo's execution comes as one of the BAG at the net price and one of each leg, in any
    order and any number of parts. Units count when every leg has them; their price is the BAG's
    where it came, else the sum of the legs.

    Parameters
    ----------
    legs : mapping of contract id to signed quantity
        Of one unit, negative for what the order sells.
    per_unit : int
        BAGs that make one unit.
    weight : mapping of contract id to float
        What one USD of a leg's price is in the combo's, signed like the combo as bought.
    scale : float
        The BAG's price over the combo's.
    """

    legs: Mapping[int, int]
    per_unit: int
    weight: Mapping[int, float]
    scale: float
    _seen: set[str] = field(default_factory=set)
    _bags: list[ExecutionTold] = field(default_factory=list)
    _rows: list[ExecutionTold] = field(default_factory=list)
    _skip: float = 0.0  # BAG quantity of units that were booked by their legs alone

    def add(self, told: ExecutionTold) -> bool:
        """Take an execution; False when it was taken before or is of no leg of this order."""
        if told.exec_id in self._seen or (told.kind != BAG and told.con_id not in self.legs):
            return False
        self._seen.add(told.exec_id)
        if told.kind != BAG:
            self._rows.append(told)
        elif self._skip > 0.0:
            self._skip -= told.quantity
        else:
            self._bags.append(told)
        return True

    @property
    def unbooked(self) -> tuple[ExecutionTold, ...]:
        """Executions of legs that are not booked yet."""
        return tuple(self._rows)

    @property
    def pending(self) -> bool:
        """Whether something was executed that is not booked yet."""
        return bool(self._rows or self._bags)

    def units(self) -> int:
        """Return how many units the unbooked rows make; 0 while legs do not match."""
        counts = {
            sum(row.side * row.quantity for row in self._rows if row.con_id == con_id) / each
            for con_id, each in self.legs.items()
        }
        if not counts:
            return 0
        count = counts.pop()
        return int(count) if not counts and count == int(count) and count > 0 else 0

    def booked(self, units: int) -> None:
        """Leave out the BAG's own executions of units that were booked by an earlier process."""
        if len(self.legs) > 1:
            self._skip += units * self.per_unit

    def take(
        self, ready: Callable[[ExecutionTold], bool], overdue: Callable[[ExecutionTold], bool]
    ) -> Increment | None:
        """Return the units that are complete and whose rows are all ``ready``, and book them.

        A BAG's own execution is not waited for any longer once all rows are ``overdue``.
        """
        units = self.units()
        if not units or not all(ready(row) for row in self._rows):
            return None
        bags = sum(row.quantity for row in self._bags)
        whole = len(self.legs) == 1 or bags == units * self.per_unit
        if not whole and not all(overdue(row) for row in self._rows):
            return None
        price = self._net(units)
        if len(self.legs) > 1 and whole:
            price = sum(row.quantity * row.price for row in self._bags) / bags / self.scale
        elif len(self.legs) > 1:
            self._skip += units * self.per_unit - bags
        rows, self._rows, self._bags = tuple(self._rows), [], []
        return Increment(units, price, rows)

    def _net(self, units: int) -> float:
        """Return the combo's price from its legs' average prices."""
        return sum(
            self.weight[row.con_id] * row.price * row.quantity / (units * abs(self.legs[row.con_id]))
            for row in self._rows
        )
