"""The simulated account: cash, positions, what they bind and what they are worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.gateway.exchange import Exchange
from engine.gateway.market import Traded
from engine.options.contract import Contract, Instrument
from engine.options.regt import STOCK_INITIAL, requirement, uncovered


@dataclass(slots=True)
class Holding:
    """What is held of one instrument: count (negative: short) and average price, USD per share."""

    count: int = 0
    price: float = 0.0
    realized: float = 0.0  # USD of today, after fees


@dataclass(frozen=True, slots=True)
class Funds:
    """An account's sums, USD."""

    cash: float
    stocks: float
    options: float
    initial: float
    unrealized: float
    realized: float

    @property
    def equity_with_loan(self) -> float:
        """Cash and shares: options have no loan value."""
        return self.cash + self.stocks

    @property
    def net(self) -> float:
        """What the account is worth if all is closed at mid."""
        return self.cash + self.stocks + self.options

    @property
    def available(self) -> float:
        return self.equity_with_loan - self.initial


@dataclass
class Account:
    """Cash in whole cents and holdings, all orders of all clients together."""

    name: str
    cash: int
    holdings: dict[Instrument, Holding] = field(default_factory=dict)
    opening_equity: float = 0.0  # at the start of the day, for the day's profit and loss

    def book(self, done: Traded, cash: int, fee: int) -> float | None:
        """Book one leg traded; ``cash`` and ``fee`` in cents.

        Returns
        -------
        float or None
            The USD realised by what it closed, after its fee; None where it closed nothing.
        """
        held = self.holdings.setdefault(done.instrument, Holding())
        self.cash += cash - fee
        closing = min(abs(done.quantity), abs(held.count)) if done.quantity * held.count < 0 else 0
        gain = None
        if closing:
            side = 1 if held.count > 0 else -1
            gain = side * closing * (done.price - held.price) * done.instrument.multiplier - fee / 100.0
            held.realized += gain
        self._move(held, done, closing)
        return gain

    def _move(self, held: Holding, done: Traded, closing: int) -> None:
        opening = abs(done.quantity) - closing
        after = held.count + done.quantity
        if opening:
            kept = abs(held.count) - closing
            held.price = (held.price * kept + done.price * opening) / (kept + opening)
        held.count = after
        if not after:
            held.price = 0.0

    def open_holdings(self) -> list[tuple[Instrument, Holding]]:
        """Return what is held now."""
        return [(instrument, held) for instrument, held in self.holdings.items() if held.count]

    def funds(self, exchange: Exchange, more: Iterable[Traded] = ()) -> Funds:
        """Return the account's sums, as they would be had ``more`` been traded, too."""
        counts = {instrument: held.count for instrument, held in self.holdings.items()}
        cash = self.cash / 100.0
        for done in more:
            counts[done.instrument] = counts.get(done.instrument, 0) + done.quantity
            cash -= done.quantity * done.price * done.instrument.multiplier
        stocks, options, unrealized = 0.0, 0.0, 0.0
        for instrument, count in counts.items():
            if not count:
                continue
            price = exchange.mark(instrument)
            value = count * price * instrument.multiplier
            if isinstance(instrument, Contract):
                options += value
            else:
                stocks += value
            held = self.holdings.get(instrument)
            if held is not None:
                unrealized += held.count * (price - held.price) * instrument.multiplier
        realized = sum(held.realized for held in self.holdings.values())
        initial = self._initial(exchange, counts)
        return Funds(cash, stocks, options, initial, unrealized, realized)

    @staticmethod
    def _initial(exchange: Exchange, counts: dict[Instrument, int]) -> float:
        total = 0.0
        for symbol in sorted({instrument.symbol for instrument, count in counts.items() if count}):
            mine = {i: n for i, n in counts.items() if n and i.symbol == symbol}
            options = [(i, n) for i, n in mine.items() if isinstance(i, Contract)]
            shares = sum(n for i, n in mine.items() if not isinstance(i, Contract))
            spot = exchange.spot(symbol)
            multiplier = next(iter(mine)).product.multiplier
            total += requirement(uncovered(options, shares, multiplier), spot)
            total += STOCK_INITIAL * abs(shares) * spot
        return total

    def new_day(self, exchange: Exchange) -> None:
        """Start a day's profit and loss anew; what is flat is forgotten."""
        self.holdings = {i: held for i, held in self.holdings.items() if held.count}
        for held in self.holdings.values():
            held.realized = 0.0
        self.opening_equity = self.funds(exchange).net
