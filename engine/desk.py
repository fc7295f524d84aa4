"""What all bots of a session share: quotes, governor, broker, journal, clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.broker.fees import FeeSchedule
from engine.errors import OrderError
from engine.intent import Approved, Denied, Intent, Order, Urgency, Verdict
from engine.journal.journal import Journal
from engine.journal.records import HaltEvent, StateEvent, TicketEvent
from engine.options.combo import Combo
from engine.options.quotebook import QuoteBook
from engine.reasons import Reason
from engine.record import record
from engine.risk.governor import MARKET, Governor, MarketView
from engine.risk.outlook import Outlook
from engine.risk.state import DayState
from engine.risk.vetoes import Veto, vetoed

_CLOSING = {
    Reason.JOURNAL_DOWN: "the journal cannot be written, nothing is opened unkept",
    Reason.SESSION_END: "the session ends",
    Reason.TAKEN_OVER: "the session is only here to close what is open",
}


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


@record
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
    state : DayState, optional
        To go on from after a restart; by default the first session starts with nothing.
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
        state: DayState | None = None,
    ) -> None:
        self.book = book
        self.broker = broker
        self.governor = governor
        self.journal = journal
        self.clock = clock
        self.fees = fees
        self.sessions = list(sessions)
        self.start_cash = start_cash
        self.state = state or DayState.fresh(self.sessions[0])
        self._sent: dict[str, int] = {}
        self.outlooks: dict[str, Outlook] = {}  # by symbol, of the bot that is called to notice its halts
        self._ending: Reason | None = None
        self.disputed: frozenset[str] = frozenset()  # trades the broker's books say otherwise of
        self.vetoes: tuple[Veto, ...] = ()  # from outside, as the session last read them

    @property
    def closing(self) -> Reason | None:
        """Why everything is to be closed now, whatever the market; None while it is not."""
        return self._ending if self.journal.healthy else Reason.JOURNAL_DOWN

    def end(self, reason: Reason) -> None:
        """Open nothing any more and have the bots close what they hold: SESSION_END or TAKEN_OVER."""
        self._ending = self._ending or reason

    def next_trade_id(self) -> int:
        """Return the number of the next trade to be approved, from 1."""
        return self.state.trades + 1

    def observe(self, view: MarketView) -> None:
        """Let the governor see the market; halts it latches are journalled."""
        before = self.state
        self.state, halts = self.governor.observe(before, view)
        for halt in halts:
            self.journal.halt(halt)
        if self.state is not before:
            self._keep_state(view.at)

    def halt(self, reason: Reason, text: str, at: datetime) -> None:
        """Stop all entries for a reason that is not the market's; nothing new when it stands already."""
        if (MARKET, reason) not in self.state.halts:
            self.state = self.state.halted((MARKET, reason))
            self.journal.halt(HaltEvent(self.state.day, at, MARKET, reason, text))
            self._keep_state(at)

    def clear(self, reason: Reason, at: datetime) -> None:
        """Let entries pass again as far as ``reason`` stood against them."""
        if (MARKET, reason) in self.state.halts:
            self.state = self.state.cleared((MARKET, reason))
            self._keep_state(at)

    def judge(self, intent: Intent, view: MarketView) -> Verdict:
        """Return what would be answered to an opening intent; nothing is booked.

        Nothing is opened while the journal cannot keep it, or while somebody outside says no.
        """
        if self.closing is not None:
            return Denied(self.closing, _CLOSING[self.closing])
        veto = vetoed(self.vetoes, intent.bot, intent.symbol, view.at)
        return veto or self.governor.judge(intent, self.state, view, self.broker.funds())

    def ask(self, intent: Intent, view: MarketView) -> Verdict:
        """Put an opening intent before the governor; an approval is booked at once."""
        verdict = self.judge(intent, view)
        if isinstance(verdict, Approved):
            self.state = self.governor.opened(self.state, intent)
            self._sent[intent.order_ref] = 0
        return verdict

    def send(
        self,
        intent: Intent,
        combo: Combo,
        units: int,
        buy: bool,
        urgency: Urgency,
        at: datetime,
        owner: Any,
        before: Callable[[Order, int], None] | None = None,
    ) -> str:
        """Send one order of an approved intent to the broker and return its reference.

        Selling what was bought is never denied; buying needs the governor's approval.
        ``before`` is called with the order and its number just before it goes out: what a
        restart must know of it is kept there.

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
        if before is not None:
            before(order, number)
        self.broker.submit(order, owner)
        return order.ref

    def cancel(self, order_ref: str) -> None:
        """Ask the broker to cancel a working order."""
        self.broker.cancel(order_ref)

    def resume(self, intent: Intent, sent: int) -> None:
        """Take up an approved intent of an earlier process, of which ``sent`` orders went out.

        Raises
        ------
        OrderError
            The governor's state knows nothing of it.
        """
        if self.state.find(intent.order_ref) is None:
            raise OrderError(
                f"{intent.order_ref}: a kept trade the governor has not approved; "
                f"open are {[trade.order_ref for trade in self.state.open]}"
            )
        self._sent[intent.order_ref] = sent

    def closed(self, intent: Intent, net: float, filled: bool = True) -> None:
        """Book the end of a trade: its net result in USD counts against the day, its entry if it filled."""
        self.state = self.governor.closed(self.state, intent, net)
        if filled and intent.at.date() == self.state.day:
            self.state = self.state.entered(intent.bot)
        del self._sent[intent.order_ref]

    # what a restart goes on from ---------------------------------------------------------

    @property
    def keeps(self) -> bool:
        """Whether anybody reads what is kept: in a backtest nobody does."""
        return bool(self.journal.sinks)

    def keep(self, bot: str, intent: Intent, ticket: str, still_open: bool, at: datetime) -> None:
        """Make the governor's state and a bot's trade durable in one, before anything follows from them.

        ``ticket`` is JSON; the state goes into the same event, so that no crash can part the two.
        """
        if self.keeps:
            self._revise()
            kept = json.dumps({"ticket": json.loads(ticket), "state": json.loads(self.state.to_json())})
            self.journal.record(TicketEvent(at, bot, intent.symbol, intent.order_ref, still_open, kept))
            self.journal.record(StateEvent(at, self.state.day, self.state.to_json()))

    def _revise(self) -> None:
        self.state = replace(self.state, revision=self.state.revision + 1)

    def _keep_state(self, at: datetime) -> None:
        if self.keeps:
            self._revise()
            self.journal.record(StateEvent(at, self.state.day, self.state.to_json()))
