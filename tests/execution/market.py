"""A quote book that reads a table, and the products and orders the tests of two rooms share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from engine.execution.settings import ExecutionSettings
from engine.intent import Intent, Order, Urgency
from engine.options.chain import Chain
from engine.options.combo import Combo, put_spread
from engine.options.contract import (
    Contract,
    Instrument,
    Product,
    Right,
    Settlement,
    Style,
    TickRule,
)
from engine.options.quotebook import Quote
from engine.reasons import Reason

NAN = math.nan
DAY = date(2026, 10, 5)
AT = datetime(2026, 10, 5, 15, tzinfo=UTC)
PENNY = TickRule(3.0, 0.01, 0.01, 0.01)
NICKEL = TickRule(3.0, 0.05, 0.10, 0.05)
worked_somehow = st.builds(
    ExecutionSettings,
    entry_fraction_start=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    steps=st.integers(1, 6),
    requote_minutes=st.integers(1, 3),
    entry_timeout_minutes=st.integers(1, 9),
    exit_steps=st.integers(0, 5),
    fill_fraction=st.sampled_from([0.0, 0.4, 0.5, 1.0]),
    slippage_ticks=st.integers(0, 2),
)


def product(symbol: str, settlement: Settlement = Settlement.CASH_PM, tick: TickRule = PENNY) -> Product:
    """Return an index product, or one of a share where settlement is physical."""
    style = Style.AMERICAN if settlement is Settlement.PHYSICAL else Style.EUROPEAN
    return Product(symbol, style, settlement, 100, 1.0, tick, "daily", symbol)


XSP = product("XSP")
SPX = Product("SPX", Style.EUROPEAN, Settlement.CASH_PM, 100, 5.0, NICKEL, "daily", "SPXW")
SPX_AM = Product("SPX", Style.EUROPEAN, Settlement.CASH_AM, 100, 5.0, NICKEL, "monthly", "SPX")
SPY = product("SPY", Settlement.PHYSICAL)


def call(of: Product, strike: float, expiry: date = DAY) -> Contract:
    return Contract(of, expiry, strike, Right.CALL)


def put(of: Product, strike: float, expiry: date = DAY) -> Contract:
    return Contract(of, expiry, strike, Right.PUT)


SPREAD = put_spread(XSP, DAY, 600.0, 599.0)


def intent(
    combo: Combo = SPREAD, quantity: int = 1, ref: str = "putlite-20261005-1", trade_id: int = 1
) -> Intent:
    return Intent(ref, trade_id, "putlite", combo.symbol, combo, quantity, True, Reason.ENTERED, AT)


def order(
    combo: Combo = SPREAD,
    quantity: int = 1,
    buy: bool = True,
    urgency: Urgency = Urgency.ENTRY,
    of: Intent | None = None,
    number: int = 1,
) -> Order:
    of = of or intent(combo, quantity)
    return Order(f"{of.order_ref}/{number}", of, combo, quantity, buy, urgency, AT)


T = TypeVar("T")
Side = tuple[float, float]
Table = Mapping[Instrument, Side | Sequence[Side]]


class TableBook:
    """Quotes read from a table: per instrument one (bid, ask), or a list of them by bar.

    A list shorter than the tape goes on with its last entry; an instrument that is not in
    the table is not quoted. Combos are priced from their legs at natural prices.
    """

    def __init__(
        self,
        table: Table,
        spots: Mapping[str, float] | None = None,
        size: int | Sequence[int] = 1000,
    ) -> None:
        self._table = {
            instrument: [entry] if isinstance(entry, tuple) else list(entry)
            for instrument, entry in table.items()
        }
        self._spots = dict(spots or {})
        self._size = [size] if isinstance(size, int) else list(size)
        self.bar = 0
        self.moves: list[int] = []

    def source(self, combo: Combo) -> str:
        return "table"

    def move(self, bar: int) -> None:
        self.bar = bar
        self.moves.append(bar)

    def expiry(self, symbol: str, days: int) -> date | None:
        listed = sorted({i.expiry for i in self._table if isinstance(i, Contract) and i.symbol == symbol})
        return listed[days] if days < len(listed) else None

    def spot(self, symbol: str) -> float:
        return self._spots[symbol]

    def legs(self, combo: Combo) -> tuple[Side, ...]:
        return tuple(self._now(self._table[leg.instrument]) for leg in combo.legs)

    def quote(self, combo: Combo) -> Quote | None:
        if any(leg.instrument not in self._table for leg in combo.legs):
            return None
        bid = ask = 0.0
        for leg, (low, high) in zip(combo.legs, self.legs(combo), strict=True):
            weight = leg.ratio * leg.instrument.multiplier / combo.multiplier
            given = 0.0 if math.isnan(low) else low
            bid += weight * (given if weight > 0 else high)
            ask += weight * (high if weight > 0 else low)
        return Quote(round(bid, 9), round(ask, 9), self._now(self._size), 0.0)

    def chain(self, symbol: str, expiry: date) -> Chain:
        rows = [
            i for i in self._table if isinstance(i, Contract) and (i.symbol, i.expiry) == (symbol, expiry)
        ]
        rows.sort(key=lambda i: (i.right is Right.PUT, i.strike))
        sides = np.array([self._now(self._table[i]) for i in rows])
        unknown, spot = np.full(len(rows), NAN), self._spots[symbol]
        return Chain(
            symbol, symbol, expiry, None, spot, spot, NAN,
            np.array([i.strike for i in rows]), np.array([i.right is Right.CALL for i in rows]),
            sides[:, 0], sides[:, 1], unknown, unknown, unknown, unknown, unknown,
        )  # fmt: skip

    def assumptions(self) -> list[str]:
        return ["Quotes are read from a table."]

    def _now(self, column: Sequence[T]) -> T:
        return column[min(self.bar, len(column) - 1)]
