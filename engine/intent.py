"""What a bot wants and what the governor answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.options.combo import Combo
from engine.reasons import Reason


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish to open or close ``quantity`` units of a combo.

    Losses are in USD for the whole quantity: ``planned_loss`` is what the stop aims at,
    ``structural_loss`` what the structure can lose at most, fees included.
    ``combo`` is always the combo as *bought*: a put credit spread is the combo
    (-1 short put, +1 wing) bought at a negative price.
    """

    order_ref: str
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


@dataclass(frozen=True, slots=True)
class Approved:
    """The governor lets the intent pass."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The governor refuses; ``text`` names value and limit."""

    reason: Reason
    text: str = ""


Verdict = Approved | Denied
