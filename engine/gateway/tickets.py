"""One order as the gateway keeps it, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from engine.gateway.codec import Values
from engine.gateway.listing import Listing
from engine.gateway.market import Traded
from engine.options.combo import Combo
from engine.options.quotebook import Quote

SUBMITTED, PRESUBMITTED, FILLED = "Submitted", "PreSubmitted", "Filled"
CANCELLED, INACTIVE = "Cancelled", "Inactive"
OPEN = frozenset({SUBMITTED, PRESUBMITTED})
BAG = "BAG"
Key = tuple[int, int]


@dataclass(eq=False)
class Ticket:
    """An order between its placing and its end.

    Parameters
    ----------
    client, order_id : int
        Its key.
    perm_id : int
        Its number across clients and restarts.
    values : dict
        All fields of ``placeOrder`` as they were sent last.
    combo : Combo
        What one unit is, seen from the side of a ``BUY``.
    legs : tuple of Listing
        In the order of ``combo.legs``.
    bar : int
        Last finished minute when it was placed: it trades on a later one.
    """

    client: int
    order_id: int
    perm_id: int
    values: Values
    combo: Combo
    legs: tuple[Listing, ...]
    bar: int
    status: str = SUBMITTED
    filled: int = 0
    value: float = 0.0
    last_price: float = 0.0
    triggered: bool = False
    done: list[Traded] = field(default_factory=list)
    charged: int = 0
    ended: datetime | None = None
    haunts: bool = False  # cancelled, and will trade all the same

    @property
    def key(self) -> Key:
        return self.client, self.order_id

    @property
    def bag(self) -> bool:
        """Whether it was placed as a combination."""
        return bool(self.values["secType"] == BAG)

    @property
    def buy(self) -> bool:
        return bool(self.values["action"] == "BUY")

    @property
    def quantity(self) -> int:
        return int(self.values["quantity"])

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def average(self) -> float:
        return self.value / self.filled if self.filled else 0.0

    @property
    def awake(self) -> bool:
        """Whether it works: a stop order only once its price was reached."""
        return self.triggered or not self.values["orderType"].startswith("STP")

    @property
    def limit(self) -> float:
        """The worst price it takes now, infinite for a market order, NaN while a stop sleeps."""
        if not self.awake:
            return math.nan
        if self.values["orderType"] in ("LMT", "STP LMT"):
            return float(self.values["limit"])
        return math.inf if self.buy else -math.inf

    def wake(self, quote: Quote | None) -> None:
        """Let a stop order see a quote: reached by the price at which it would trade, it works."""
        if self.awake or quote is None:
            return
        stop = float(self.values["aux"])
        self.triggered = quote.ask >= stop if self.buy else quote.bid <= stop


@dataclass(frozen=True)
class Fill:
    """One row of the execution report, and what it cost; a combination's own row costs nothing."""

    execution: Values
    commission: Values | None
    symbol: str

    @property
    def exec_id(self) -> str:
        return str(self.execution["execId"])
