"""The broker's records: a trade's holdings, an order at work, a stop resting at the broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, isfinite, nan
from typing import Any

from engine.execution.working import WorkingOrder
from engine.ibkr.contracts import Deal
from engine.ibkr.events import OpenOrderTold
from engine.ibkr.executions import Executions
from engine.ibkr.shadow import Shadow
from engine.intent import Intent
from engine.journal.records import Owner
from engine.options.combo import Combo

DEAD = frozenset({"Cancelled", "ApiCancelled", "Inactive"})
FILLED = "Filled"


class Phase(StrEnum):
    """How far an order has got at the gateway."""

    WAITING = "waiting"  # for a price, a preview, or the end of a stop
    SENT = "sent"
    SUSPECT = "suspect"  # something says it may be dead: open orders and executions decide
    ENDED = "ended"


def executions_of(deal: Deal | None, combo: Combo, buy: bool) -> Executions:
    """Return an empty record of an order's executions; without a deal there will be none."""
    if deal is None:
        return Executions({}, 1, {}, 1.0)
    sign = 1 if buy else -1
    weight = {
        con_id: leg.ratio * leg.instrument.multiplier / combo.multiplier
        for (con_id, _), leg in zip(deal.legs, combo.legs, strict=True)
    }
    return Executions({con_id: sign * count for con_id, count in deal.legs}, deal.units, weight, deal.scale)


@dataclass(slots=True, eq=False)
class AtBroker:
    """What is known of one order at the gateway.

    ``asked`` is when the gateway was last told or asked about it, ``heard`` when it last said
    anything, ``doubted`` when it became suspect, all by ``seconds``.
    """

    ref: str
    executions: Executions
    contract: Any
    seconds: Callable[[], float]  # by which answers are waited for
    order_id: int = 0
    perm_id: int = 0
    phase: Phase = Phase.WAITING
    status: str = ""
    price: float = nan  # last sent, as TWS has it
    shown: float = nan  # last told by the gateway
    trouble: str = ""
    refused: bool = False  # an error said the order is not accepted
    adopted: bool = False  # from an earlier process, not found yet
    doubted: float = -inf
    asked: float = -inf
    heard: float = -inf
    absent: int = 0  # surveys in a row that did not know it
    cancelling: bool = False
    tries: int = 0

    def is_me(self, order_id: int, perm_id: int, ref: str) -> bool:
        """Tell whether a message speaks of this order."""
        if perm_id and self.perm_id:
            return perm_id == self.perm_id
        return ref == self.ref if ref else bool(order_id) and order_id == self.order_id

    def suspect(self, why: str = "", anew: bool = False) -> None:
        """Doubt that the order lives until a survey has told; ``anew`` distrusts one under way."""
        if self.phase is Phase.SENT or (anew and self.phase is Phase.SUSPECT):
            self.phase, self.doubted = Phase.SUSPECT, self.seconds()
        self.trouble = self.trouble or why

    def found(self, told: OpenOrderTold) -> None:
        """Take an open order from a survey for this one: the doubt was unfounded."""
        self.order_id, self.perm_id, self.ref = told.order_id, told.perm_id, told.ref or self.ref
        self.contract, self.status, self.shown = told.contract, told.status, told.price
        self.phase, self.heard = Phase.SENT, self.seconds()
        self.absent, self.trouble, self.refused, self.cancelling = 0, "", False, False

    def touched(self) -> None:
        """Note that the gateway was told something just now."""
        self.asked = self.seconds()

    def silent(self, patience: float) -> None:
        """Doubt the order when the gateway has not answered, or not done as asked, for too long."""
        now = self.seconds()
        undone = self.cancelling or (
            isfinite(self.shown) and isfinite(self.price) and self.shown != self.price
        )
        if (undone or self.heard < self.asked) and self.asked < now - patience:
            self.suspect("no answer from the gateway")
        elif self.status == FILLED and self.heard < now - patience:
            self.suspect()  # its executions got lost


@dataclass(slots=True, eq=False)
class Resting:
    """A protective stop: what rests at the broker and what it stands at."""

    at: AtBroker
    combo: Combo
    deal: Deal
    units: int
    level: float
    filled: int = 0


@dataclass(slots=True, eq=False)
class Held:
    """One intent at the broker: units held and paid by combo, orders at work, its stop."""

    intent: Intent
    owner: Owner
    units: dict[Combo, int] = field(default_factory=dict)
    paid: dict[Combo, float] = field(default_factory=dict)  # price x units of what is held
    orders: int = 0
    stop: Resting | None = None
    stop_refused: str = ""

    @property
    def ref(self) -> str:
        return self.intent.order_ref

    @property
    def flat(self) -> bool:
        return not any(self.units.values())

    def lacks(self, combo: Combo, units: int) -> str:
        """Return what selling so many units would sell without holding it, or nothing."""
        held = self.units.get(combo, 0)
        return "" if held >= units else f"sells {units} units, the trade holds {held}"

    def book(self, combo: Combo, units: int, price: float) -> None:
        """Take units bought (positive) or sold; what is left keeps its average price."""
        before = self.units.get(combo, 0)
        if units > 0:
            self.paid[combo] = self.paid.get(combo, 0.0) + units * price
        elif before:
            self.paid[combo] *= (before + units) / before
        self.units[combo] = before + units

    def credit(self, combo: Combo) -> float:
        """Return the average credit received for a unit held, USD per share; negative for a debit."""
        held = self.units.get(combo, 0)
        return -self.paid[combo] / held if held else nan


@dataclass(slots=True, eq=False)
class Work:
    """An order of the desk at work."""

    machine: WorkingOrder
    trade: Held
    deal: Deal | None
    at: AtBroker
    mid: float = nan
    sent_limit: float = nan
    ending: str = ""  # "cancelled" or "timed_out" when an end was asked for
    previewed: bool = False
    preview_asked: bool = False
    urgent_at: float = -inf  # gateway's clock, of the last urgent re-quote
    lent: int = 0  # units that another order's late fill has done for this one
    owner: Owner | None = None  # in place of the trade's
    shadow: Shadow = field(default_factory=lambda: Shadow(None))

    @property
    def ref(self) -> str:
        return self.machine.order.ref

    @property
    def end_under_way(self) -> bool:
        """Whether its end was asked for, or was told and awaits a survey or its executions."""
        at = self.at
        told = at.refused or at.status in DEAD or at.status == FILLED or at.executions.pending
        return bool(self.ending) or at.cancelling or told

    @property
    def wants_sending(self) -> bool:
        return isfinite(self.machine.limit) and self.machine.limit != self.sent_limit
