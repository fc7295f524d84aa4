"""What all bots of a session share: quotes, governor, broker, journal, clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.broker.fees import FeeSchedule
from engine.errors import OrderError
from engine.intent import Approved, Intent, Order, Urgency, Verdict
from engine.journal.journal import Journal
from engine.options.combo import Combo
from engine.options.quotebook import QuoteBook
from engine.risk.governor import Governor, MarketView
from engine.risk.state import DayState


class Broker(Protocol):
    """What the desk needs of a broker, simulated or real."""

    def submit(self, order: Order, owner: Any) -> None: ...

    def cancel(self, order_ref: str) -> None: ...

    def funds(self) -> float: ...

    def assumptions(self) -> list[str]: ...


class Clock(Protocol):
    """Bar numbers to instants."""

    def at(self, bar: int) -> datetime: ...

    def stamps(self, bars: NDArray[np.int64]) -> NDArray[np.int64]: ...

    def day(self, bar: int) -> date: ...

    def last_bar_of_day(self, bar: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices at which a bot wants to be woken: the combo's bid at or beyond one of them."""

    combo: Combo
    take: float
    stop: float


class Desk:
    """The one place an intent passes on its way to a broker.

    Parameters
    ----------
    book, broker, governor, journal, clock, fees
        The parts of the venue.
    sessions : sequence of date
        Days of the run, idle ones included.
    start_cash : float
        USD.
    """

    def __init__(
        self,
        book: QuoteBook,
        broker: Broker,
        governor: Governor,
        journal: Journal,
        clock: Clock,
        fees: FeeSchedule,
        sessions: Sequence[date],
        start_cash: float,
    ) -> None:
        self.book = book
        self.broker = broker
        self.governor = governor
        self.journal = journal
        self.clock = clock
        self.fees = fees
        self.sessions = list(sessions)
        self.start_cash = start_cash
        self.state = DayState.fresh(self.sessions[0])
        self._trades = 0
        self._sent: dict[str, int] = {}

    def next_trade_id(self) -> int:
        """Return the number of the next trade to be approved, from 1."""
        return self._trades + 1

    def observe(self, view: MarketView) -> None:
        """Let the governor see the market; halts it latches are journalled."""
        self.state, halts = self.governor.observe(self.state, view)
        for halt in halts:
            self.journal.halt(halt)

    def judge(self, intent: Intent, view: MarketView) -> Verdict:
        """Return what the governor would answer to an opening intent; nothing is booked."""
        return self.governor.judge(intent, self.state, view, self.broker.funds())

    def ask(self, intent: Intent, view: MarketView) -> Verdict:
        """Put an opening intent before the governor; an approval is booked at once."""
        verdict = self.judge(intent, view)
        if isinstance(verdict, Approved):
            self.state = self.governor.opened(self.state, intent)
            self._sent[intent.order_ref] = 0
            self._trades += 1
        return verdict

    def send(
        self, intent: Intent, combo: Combo, units: int, buy: bool, urgency: Urgency, at: datetime, owner: Any
    ) -> str:
        """Send one order of an approved intent to the broker and return its reference.

        Selling what was bought is never denied; buying needs the governor's approval.

        Raises
        ------
        OrderError
            When the order belongs to no approved intent, or buys more units than it approved.
        """
        if intent.order_ref not in self._sent:
            raise OrderError(f"{intent.order_ref}: no order without the governor's approval")
        if buy and units > intent.quantity:
            raise OrderError(f"{intent.order_ref}: buys {units} units, approved are {intent.quantity}")
        number = self._sent[intent.order_ref] = self._sent[intent.order_ref] + 1
        order = Order(f"{intent.order_ref}/{number}", intent, combo, units, buy, urgency, at)
        self.broker.submit(order, owner)
        return order.ref

    def cancel(self, order_ref: str) -> None:
        """Ask the broker to cancel a working order."""
        self.broker.cancel(order_ref)

    def closed(self, intent: Intent, net: float) -> None:
        """Book the end of a trade: its net result in USD counts against the day."""
        self.state = self.governor.closed(self.state, intent, net)
        del self._sent[intent.order_ref]
