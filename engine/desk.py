"""What all bots of a session share: quotes, governor, broker, journal, clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from engine.broker.fees import FeeSchedule
from engine.execution.working import Urgency
from engine.intent import Approved, Intent, Verdict
from engine.journal.journal import Journal
from engine.options.combo import Combo
from engine.options.quotebook import QuoteBook
from engine.risk.governor import Governor, MarketView
from engine.risk.state import DayState


class Broker(Protocol):
    """What the desk needs of a broker, simulated or real."""

    def submit(self, intent: Intent, owner: Any, urgency: Urgency) -> str: ...

    def funds(self) -> float: ...


class Clock(Protocol):
    """Bar numbers to instants."""

    def at(self, bar: int) -> datetime: ...

    def day(self, bar: int) -> date: ...

    def last_bar_of_day(self, bar: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices at which a bot wants to be woken: the combo's bid at or beyond one of them."""

    combo: Combo
    take: float
    stop: float


class PathBook(Protocol):
    """A quote source whose path is known (model or recorded): it can say when a level is reached.

    Only the loop asks; a bot is never shown the answer, it is merely called on that bar.
    """

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int: ...


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
        self._approved: set[str] = set()

    def next_trade_id(self) -> int:
        """Return the number of the next trade, from 1."""
        self._trades += 1
        return self._trades

    def observe(self, view: MarketView) -> None:
        """Let the governor see the market; halts it latches are journalled."""
        self.state, halts = self.governor.observe(self.state, view)
        for halt in halts:
            self.journal.halt(halt)

    def ask(self, intent: Intent, view: MarketView) -> Verdict:
        """Put an opening intent before the governor; an approval is booked at once."""
        verdict = self.governor.judge(intent, self.state, view, self.broker.funds())
        if isinstance(verdict, Approved):
            self.state = self.governor.opened(self.state, intent)
            self._approved.add(intent.order_ref)
        return verdict

    def work(self, approved: Intent, combo: Combo, opening: bool, owner: Any, urgency: Urgency, at: datetime) -> str:
        """Send one step of an approved intent, or of its closing, to the broker.

        Parameters
        ----------
        approved : Intent
            The opening intent the governor let pass.
        combo : Combo
            The step's own legs.
        opening : bool
            False sends the step that undoes ``combo``; it is never denied.

        Raises
        ------
        PermissionError
            When an opening step belongs to no approved intent.
        """
        if opening and approved.order_ref not in self._approved:
            raise PermissionError(f"{approved.order_ref}: no opening order without the governor's approval")
        return self.broker.submit(replace(approved, combo=combo, opening=opening, at=at), owner, urgency)

    def closed(self, intent: Intent, net: float) -> None:
        """Book the end of a trade: its net result in USD counts against the day."""
        self.state = self.governor.closed(self.state, intent, net)
        self._approved.discard(intent.order_ref)
