"""What a bot wants and what the governor answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from engine.options.combo import Combo
from engine.reasons import Reason
from engine.record import record


@record
class Intent:
    """A wish to open or close ``quantity`` units of a combo.

    Losses are in USD for the whole quantity: ``planned_loss`` is what the stop aims at,
    ``structural_loss`` what the structure can lose at most, fees included.
    ``combo`` is always the combo as *bought*: a put credit spread is the combo
    (-1 short put, +1 wing) bought at a negative price.
    """

    order_ref: str
    trade_id: int
    bot: str
    symbol: str
    combo: Combo
    quantity: int
    opening: bool
    why: Reason
    at: datetime
    planned_loss: float = 0.0
    structural_loss: float = 0.0
    margin: float = 0.0

    def shrunk(self, units: int) -> Intent:
        """Return the same wish for ``units`` units, its losses and margin in proportion."""
        share = units / self.quantity
        return replace(
            self,
            quantity=units,
            planned_loss=self.planned_loss * share,
            structural_loss=self.structural_loss * share,
            margin=self.margin * share,
        )


class Urgency(StrEnum):
    """How an order is worked.

    ENTRY starts at mid, concedes by schedule and times out; EXIT concedes until it is
    marketable and never times out; URGENT takes the natural price at once.
    """

    ENTRY = "entry"
    EXIT = "exit"
    URGENT = "urgent"


@record
class Order:
    """One order of an approved intent, as a broker works it.

    ``combo`` is always the combo as bought at the opening; ``buy`` False sells it, which
    undoes it. ``quantity`` counts units of ``combo``. ``ref`` is unique, starts with the
    intent's ``order_ref`` and travels to the broker and back.
    """

    ref: str
    intent: Intent
    combo: Combo
    quantity: int
    buy: bool
    urgency: Urgency
    at: datetime


@record
class Approved:
    """The governor lets the intent pass."""


@record
class Denied:
    """The governor refuses; ``text`` names value and limit."""

    reason: Reason
    text: str = ""


Verdict = Approved | Denied
