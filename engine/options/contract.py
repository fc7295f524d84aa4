"""What is traded: products, option contracts, legs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from engine.record import record


class Right(StrEnum):
    """Call or put."""

    CALL = "C"
    PUT = "P"


class Style(StrEnum):
    """Exercise style."""

    EUROPEAN = "european"
    AMERICAN = "american"


class Settlement(StrEnum):
    """How and on which price an expiring option settles."""

    CASH_PM = "cash_pm"
    CASH_AM = "cash_am"
    PHYSICAL = "physical"


@dataclass(frozen=True, slots=True)
class TickRule:
    """Minimum price steps in USD per share: ``below`` under ``threshold``, else ``above``."""

    threshold: float
    below: float
    above: float
    combo: float


@dataclass(frozen=True, slots=True)
class Product:
    """Facts of one underlying and its options (``config/universe.json``)."""

    symbol: str
    style: Style
    settlement: Settlement
    multiplier: int
    strike_step: float
    tick: TickRule
    expiries: str  # "daily", "weekly" (Fridays), "mwf"
    trading_class: str
    scale: float = 1.0  # price of the underlying as a multiple of SPX's (XSP 0.1)
    beta: float = 1.0
    idiosyncratic: float = 0.0  # annualised, decimal
    dividend_yield: float = 0.0
    name: str = ""

    def __hash__(self) -> int:
        return hash((self.symbol, self.trading_class))  # of all fields takes ten times as long


@record
class Contract:
    """One listed option."""

    product: Product
    expiry: date
    strike: float
    right: Right

    def __hash__(self) -> int:
        return hash((self.expiry, self.strike))  # tells nearly all apart, in a third of the time

    @property
    def symbol(self) -> str:
        return self.product.symbol

    @property
    def multiplier(self) -> int:
        return self.product.multiplier

    def __str__(self) -> str:
        return f"{self.product.trading_class} {self.expiry.isoformat()} {self.strike:g}{self.right}"


@record
class Stock:
    """Shares of an underlying, as a leg's instrument."""

    product: Product

    @property
    def symbol(self) -> str:
        return self.product.symbol

    @property
    def multiplier(self) -> int:
        return 1

    def __str__(self) -> str:
        return self.product.symbol


Instrument = Contract | Stock


@record
class Leg:
    """An instrument and its signed ratio (+1 bought, -1 sold; shares count singly)."""

    instrument: Instrument
    ratio: int
