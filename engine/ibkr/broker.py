"""The real broker, with the contract of the simulated one.

What the gateway says of an order's state is a rumour: only executions fill it, and only a survey
of the open orders, asked for after the doubt arose, ends it. Everything here runs in Cerebro's
thread; the link's thread puts what it hears into one queue.
"""

from __future__ import annotations

import math
import queue
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import backtrader as bt

from engine.errors import OrderError
from engine.execution.settings import ExecutionSettings
from engine.execution.working import OrderState, WorkingOrder
from engine.ibkr.account import CASH, VALUE, AccountView
from engine.ibkr.booking import Booking
from engine.ibkr.contracts import Contracts
from engine.ibkr.courier import Courier
from engine.ibkr.events import (
    ExecutionTold,
    Told,
)
from engine.ibkr.fills import Estimate, FillMaker
from engine.ibkr.hearing import Hearing
from engine.ibkr.link import Link
from engine.ibkr.orders import limit_order, order_price
from engine.ibkr.quotes import LiveQuotes
from engine.ibkr.shadow import Shadow
from engine.ibkr.stops import Stops
from engine.ibkr.surveys import Surveys
from engine.ibkr.tape import LiveTape
from engine.ibkr.work import AtBroker, Held, Phase, Work, executions_of
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent, Owner
from engine.options.combo import Combo
from engine.options.middle import combo_mid
from engine.options.quotebook import Quote
from engine.sessions import MINUTE_NS, NEW_YORK
from engine.settings_ibkr import IbkrSettings


class LiveBroker(bt.BrokerBase):  # type: ignore[misc]
    """Work orders at Interactive Brokers.

    Parameters
    ----------
    link : Link
    contracts : Contracts
    book : LiveQuotes
    tape : LiveTape
        Of the session's minutes: orders concede and time out as its minutes come.
    journal : Journal
    settings : IbkrSettings
    execution : ExecutionSettings
    estimate : callable
        Fees in USD of ``(instrument, signed quantity, price)`` on a day, for the executions whose
        commission report does not come (FeeSchedule.order_fees behind it).

    Attributes
    ----------
    trades : dict of order reference to Held
        What is held or worked on, by the intent's reference.
    works, ended : list and dict of Work
        Orders at work, and by reference those that have ended.
    known : set of str
        Executions journalled by an earlier process.
    previewed : set of (symbol, structure)
        Kinds of entries whose margin the broker has told.
    strays : dict of execution id to ExecutionTold
        Executions under our client id that belong to no order here.
    """

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        book: LiveQuotes,
        tape: LiveTape,
        journal: Journal,
        settings: IbkrSettings,
        execution: ExecutionSettings,
        estimate: Estimate,
    ) -> None:
        super().__init__()
        self.startingcash = math.nan  # Backtrader asks for it at the end
        self.link, self.contracts, self.book, self.tape = link, contracts, book, tape
        self.journal, self.settings, self.execution = journal, settings, execution
        self.account = AccountView(contracts)
        self.courier = Courier(link)
        self.fills = FillMaker(contracts, journal, estimate, settings.commission_seconds, link.clock.seconds)
        self.stops = Stops(self)
        self.hearing, self.booking, self.surveys = Hearing(self), Booking(self), Surveys(self)
        self.trades: dict[str, Held] = {}
        self.works: list[Work] = []
        self.strays: dict[str, ExecutionTold] = {}
        self.ended: dict[str, Work] = {}
        self.known: set[str] = set()
        self.previewed: set[tuple[str, str]] = set()
        self._halts: dict[str, str] = {}
        self._inbox: queue.SimpleQueue[Told] = queue.SimpleQueue()
        link.listen(self._inbox.put)
        link.repeat_account()

    # orders ------------------------------------------------------------------------------

    def submit(self, order: Order, owner: Owner) -> None:
        """Take an order; its owner hears of everything, a rejection too, from `next` on.

        Raises
        ------
        OrderError
            When the reference was used before.
        """
        if order.ref in self.ended or any(work.ref == order.ref for work in self.works):
            raise OrderError(f"{order.ref}: got an order reference twice, expected a new one for every order")
        trade = self.trades.get(order.intent.order_ref)
        if trade is None:
            trade = self.trades[order.intent.order_ref] = Held(order.intent, owner)
            self.book.hold(order.intent.combo)
        machine = WorkingOrder(order, self.execution)
        deal = self.contracts.deal(order.combo)
        refused = self._refusal(order, trade, deal is not None)
        quote = self.book.quote(order.combo)
        if refused:
            machine.reject(refused)
        else:
            machine.place(quote, self.minute)
        trade.orders += 1
        self.works.append(self.work_of(machine, trade, quote))
        self.journal.order(self.event(machine))
        self.link.stirred.set()

    def cancel(self, order_ref: str) -> None:
        """Ask for the end of an order; it comes when the gateway has confirmed it.

        An order that has ended meanwhile is left alone; ``OrderError`` for one never sent.
        """
        work = next((work for work in self.works if work.ref == order_ref), None)
        if work is None and order_ref not in self.ended:
            raise OrderError(f"{order_ref}: got a cancellation for an order that was never sent")
        if work is not None and not work.ending:
            work.ending = "cancelled"
            self.link.stirred.set()

    def halt_entries(self, source: str, why: str) -> None:
        """Reject new entries for a reason, until its source lifts it with an empty one."""
        if why:
            self._halts[source] = why
        else:
            self._halts.pop(source, None)

    def _refusal(self, order: Order, trade: Held, listed: bool) -> str:
        """Return why the broker will not take an order, nothing when it will."""
        if not listed:
            return "its contracts are not qualified"
        if not order.buy:
            return trade.lacks(order.combo, order.quantity)
        if self._halts:
            return next(iter(self._halts.values()))
        return "" if self.link.up else "not connected"

    def work_of(self, machine: WorkingOrder, trade: Held, quote: Quote | None) -> Work:
        order = machine.order
        deal = self.contracts.deal(order.combo)
        contract = deal.contract if deal is not None else None
        at = AtBroker(
            order.ref, executions_of(deal, order.combo, order.buy), contract, self.link.clock.seconds
        )
        mid = self._mid(order.combo, quote) if quote else math.nan
        return Work(machine, trade, deal, at, mid=mid, shadow=Shadow(quote))

    def _mid(self, combo: Combo, quote: Quote) -> float:
        return quote.mid if math.isfinite(quote.ask) else combo_mid(combo, self.book.legs(combo))

    # taking up what an earlier process left ------------------------------------------------

    def knows(self, exec_ids: Iterable[str]) -> None:
        """Name executions that are journalled already."""
        self.known.update(exec_ids)

    def restore(self, intent: Intent, owner: Owner, held: dict[Combo, int], paid: dict[Combo, float]) -> None:
        """Take up a trade of an earlier process; blocks while its contracts are qualified.

        Parameters
        ----------
        intent : Intent
        owner : Owner
        held : dict of Combo to int
            Units bought and not yet sold.
        paid : dict of Combo to float
            Sum of price x units of what is held; its stop is worked out from it.
        """
        self._qualify(intent.combo)
        trade = Held(intent, owner, dict(held), dict(paid))
        self.trades[intent.order_ref] = trade
        self.book.hold(intent.combo)
        self.stops.take_up(trade)

    def adopt(self, order: Order, owner: Owner, limit: float, filled: int, average: float) -> None:
        """Take up a working order of an earlier process by its reference; blocks.

        Whether it still works, or what became of it, the next survey tells.

        Parameters
        ----------
        order : Order
        owner : Owner
        limit : float
            The last one journalled, USD per share of the combo.
        filled : int
            Units already journalled; their executions must be among those of `knows`.
        average : float
            Their average price.
        """
        self._qualify(order.combo)
        trade = self.trades.get(order.intent.order_ref)
        if trade is None:
            trade = self.trades[order.intent.order_ref] = Held(order.intent, owner)
            self.book.hold(order.intent.combo)
        machine = WorkingOrder(order, self.execution)
        machine.resume(limit, int(order.at.timestamp() // 60.0), filled, average)
        work = self.work_of(machine, trade, self.book.quote(order.combo))
        work.sent_limit, work.previewed = limit, True
        work.at.phase = Phase.SENT
        work.at.adopted = True
        work.at.executions.booked(filled)
        work.at.suspect()
        trade.orders += 1
        self.works.append(work)

    def _qualify(self, combo: Combo) -> None:
        self.link.call(
            lambda ib: self.contracts.qualify(contract for contract, _ in combo.options),
            f"contracts of {combo}",
        )

    # the cycle -----------------------------------------------------------------------------

    def next(self) -> None:
        """Hand on what has come and re-quote what is due; called every cycle, never blocks."""
        while True:
            try:
                told = self._inbox.get_nowait()
            except queue.Empty:
                break
            self.hearing.hear(told)
        self.book.move(len(self.tape) - 1)
        self.booking.book()
        minute = self.minute
        for work in list(self.works):
            self._step(work, minute)
        for trade in list(self.trades.values()):
            self.stops.keep(trade)
            self._put_away(trade)
        self.surveys.ask()

    @property
    def minute(self) -> int:
        """Minutes since the epoch: of the newest bar, or of the clock when bars fail to come."""
        clock = self.link.clock
        overdue = int((clock.now() - clock.lenient(self.settings.bar_grace)) // 60.0)
        return max(self.tape.last_stamp // MINUTE_NS, overdue)

    def _step(self, work: Work, minute: int) -> None:
        machine = work.machine
        if machine.state is OrderState.REJECTED:
            self._end(work)
        elif work.at.phase is Phase.WAITING:
            self._wait(work, minute)
        elif work.at.phase is Phase.SENT and work.at.order_id and self.link.up:
            self._work_on(work, minute)

    def _wait(self, work: Work, minute: int) -> None:
        """See to an order that has not left yet."""
        machine, order = work.machine, work.machine.order
        if work.ending == "cancelled":
            machine.cancel(work.at.trouble)
        elif machine.expires(minute):
            machine.time_out()
        elif not order.buy and work.trade.lacks(order.combo, machine.remaining):
            machine.reject(work.trade.lacks(order.combo, machine.remaining))
        if machine.done:
            self.journal.order(self.event(machine))
            self._end(work)
            return
        self._requote(work, minute)
        if self.link.up and work.wants_sending and self._may_leave(work):
            self._send(work)

    def _may_leave(self, work: Work) -> bool:
        """Tell whether an order may go out now; ask for what is still missing."""
        order = work.machine.order
        if not order.buy:
            return self.stops.gone(work.trade)
        kind = (order.combo.symbol, order.combo.structure)
        if work.previewed or kind in self.previewed:
            return True
        if not work.preview_asked:
            assert work.deal is not None
            work.preview_asked = True
            price = order_price(self.contracts, order.combo, work.deal, True, work.machine.limit)
            asked = limit_order(work.deal, True, order.quantity, price, order.ref, self.link.account)
            self.courier.preview(order.ref, work.at.contract, asked)
        return False

    def _work_on(self, work: Work, minute: int) -> None:
        """See to an order at the gateway."""
        at = work.at
        if not work.ending and work.machine.expires(minute):
            work.ending = "timed_out"
        if work.ending:
            if not at.cancelling:
                at.cancelling = True
                at.touched()
                self.courier.cancel(at.order_id)
        else:
            self._requote(work, minute)
            if work.wants_sending:
                self._send(work)
        at.silent(self.settings.confirm_seconds)

    def _requote(self, work: Work, minute: int) -> None:
        machine, now = work.machine, self.link.clock.now()
        if machine.order.urgency is Urgency.URGENT:
            if now - work.urgent_at < self.settings.urgent:
                return
            work.urgent_at = now
        quote = self.book.quote(machine.order.combo)
        if machine.requote(quote, minute):
            work.mid = self._mid(machine.order.combo, quote) if quote else work.mid
            self.report(work)

    def _send(self, work: Work) -> None:
        machine, order, deal, at = work.machine, work.machine.order, work.deal, work.at
        assert deal is not None
        price = order_price(self.contracts, order.combo, deal, order.buy, machine.limit)
        told = limit_order(deal, order.buy, order.quantity - work.lent, price, order.ref, self.link.account)
        work.sent_limit = machine.limit
        if at.price == price and at.phase is Phase.SENT:
            return
        at.price = price
        at.touched()
        work.shadow.send(self.book.quote(order.combo), self.at)
        if at.phase is Phase.WAITING:
            at.phase = Phase.SENT
            self.courier.place(order.ref, at.contract, told)
        else:
            self.courier.change(at.order_id, at.contract, told)

    # telling -------------------------------------------------------------------------------

    def report(self, work: Work, fills: tuple[Fill, ...] = (), units: int = 0) -> None:
        """Journal how an order stands and tell its owner; one that has ended is put away before."""
        event = self.event(work.machine)
        self.journal.order(event)
        if work.machine.done:
            self._drop(work)
        (work.owner or work.trade.owner).on_order(event, fills, units)

    def _end(self, work: Work) -> None:
        """Tell an owner of an end that is journalled already."""
        self._drop(work)
        (work.owner or work.trade.owner).on_order(self.event(work.machine), (), 0)

    def _drop(self, work: Work) -> None:
        if work in self.works:
            self.works.remove(work)
            work.trade.orders -= 1
            work.at.phase = Phase.ENDED
            self.ended[work.ref] = work

    def _put_away(self, trade: Held) -> None:
        """Forget a trade that is flat and has nothing at work."""
        if not trade.orders and trade.flat and trade.stop is None:
            self.trades.pop(trade.ref, None)
            self.book.release(trade.intent.combo)

    @property
    def at(self) -> datetime:
        """The instant events are stamped with, New York."""
        return self.link.clock.instant().astimezone(NEW_YORK)

    def event(self, machine: WorkingOrder) -> OrderEvent:
        """Return how an order stands, as a record."""
        order = machine.order
        return OrderEvent(
            order_ref=order.ref,
            bot=order.intent.bot,
            symbol=order.intent.symbol,
            at=self.at,
            state=str(machine.state),
            limit=machine.limit,
            filled=machine.filled,
            remaining=machine.remaining,
            reason=machine.reason,
        )

    # what the desk and Backtrader ask ---------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether anything works or is held."""
        return bool(self.trades)

    def funds(self) -> float:
        """Return the USD free for a new trade: the broker's figure less what is still on its way."""
        waiting = sum(
            work.machine.order.intent.margin * work.machine.remaining / work.machine.order.quantity
            for work in self.works
            if work.machine.order.buy and work.machine.order.intent.opening
        )
        return self.account.funds() - waiting

    def getcash(self) -> float:
        """Return the cash of the account, USD; NaN before it was told."""
        return self.account.get(CASH)

    def getvalue(self, datas: Any = None) -> float:
        """Return what the account is worth, USD; NaN before it was told."""
        return self.account.get(VALUE)

    get_cash, get_value = getcash, getvalue

    def getposition(self, data: Any) -> Any:
        """Return the shares the account holds of a feed's symbol."""
        count, price = self.account.shares(data._name)
        return bt.Position(count, price)

    def get_notification(self) -> None:
        """Return nothing: owners are told directly."""
        return None

    def buy(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: orders come through the desk, as approved intents."""
        raise OrderError("got an order by Strategy.buy or sell, expected one through the desk")

    sell = buy

    def assumptions(self) -> list[str]:
        """Return the sentences about orders that every report prints."""
        told = [
            "Orders are worked at Interactive Brokers: day limit orders, combos as one guaranteed BAG order "
            "at one net price, re-quoted as in the backtest. Fills, prices and fees are the broker's own.",
        ]
        if self.settings.protective_multiple > 0.0:
            told.append(
                f"While a credit combo is held, a stop to buy it back at "
                f"{self.settings.protective_multiple:g} times its credit rests at the broker."
            )
        return told
