"""Events of a run, as immutable records; the journal is the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from engine.reasons import Reason


@dataclass(frozen=True, slots=True)
class Fill:
    """One leg of one execution. Prices USD per share, money in USD; ``quantity`` signed."""

    exec_id: str
    order_ref: str
    trade_id: int
    bot: str
    symbol: str
    at: datetime
    opening: bool
    instrument: str
    quantity: int
    price: float
    multiplier: int
    fees: float
    combo_price: float
    mid: float  # combo mid at the fill, to measure slippage
    source: str  # quote source


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A state change of a working order."""

    order_ref: str
    bot: str
    symbol: str
    at: datetime
    state: str
    limit: float
    filled: int
    remaining: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HaltEvent:
    """A latched halt; ``symbol`` empty for a halt of everything."""

    day: date
    at: datetime
    symbol: str
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip of one combo, entry to flat. Money in USD for the whole quantity."""

    trade_id: int
    order_ref: str
    bot: str
    symbol: str
    structure: str
    legs: str
    expiry: date
    quantity: int
    entry_time: datetime
    exit_time: datetime
    credit: float  # per share, positive when received
    exit_price: float  # per share paid to close, positive when paid
    gross: float
    fees: float
    net: float
    planned_loss: float
    structural_loss: float
    exit_reason: Reason
    spot_entry: float
    spot_exit: float
    short_delta: float
    expected_move: float  # straddle at entry, USD per share of the underlying
    slippage: float  # USD given up against mid, entry and exit together
    source: str


class Owner(Protocol):
    """Who sends orders and is told what becomes of them."""

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None: ...
