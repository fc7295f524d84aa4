"""The simulated broker: works combo orders on quotes one bar late and settles what expires."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.broker import settlement
from engine.broker.account import Account
from engine.broker.agenda import NEVER, Agenda, Appointment, Dividend
from engine.broker.allocation import leg_cents
from engine.broker.books import Booking, Held
from engine.broker.fees import Execution, FeeSchedule
from engine.broker.ledger import cents
from engine.broker.settlement import Closing
from engine.errors import OrderError
from engine.execution.fills import Match, match
from engine.execution.ladder import LONGEST, rule_of
from engine.execution.settings import ExecutionSettings
from engine.execution.working import OrderState, WorkingOrder
from engine.intent import Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent, Owner
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Leg
from engine.options.middle import combo_mid
from engine.options.quotebook import Quote, QuoteBook, SidesBook
from engine.tape import Tape

__all__ = ["NEVER", "OptionBroker"]


@dataclass(slots=True, eq=False)
class _Working:
    """An order at work, and what it has traded and paid so far."""

    machine: WorkingOrder
    trade: Held
    bar: int  # submitted on
    due: int  # the next bar on which it has to be looked at
    steps: list[tuple[int, float]] = field(default_factory=list)  # bars before that, and the limits there
    priced: int = 0  # minute of the last of them
    executions: list[Execution] = field(default_factory=list)
    charged: int = 0
    fills: int = 0


def _next_step(work: _Working) -> int:
    return work.steps[0][0]


class OptionBroker(Account):
    """Fill combo orders against a quote book and keep the account.

    Parameters
    ----------
    book : QuoteBook
        Moved to the current bar before anything else happens on it.
    tape : Tape
    fees : FeeSchedule
    journal : Journal
    settings : ExecutionSettings
    cash : float
        USD at the start.
    dividends : sequence of (symbol, ex-dividend date, USD per share)
        For the early assignment of short American calls. Payments on shares are not
        booked: no bot holds shares overnight.
    """

    def __init__(
        self,
        book: QuoteBook,
        tape: Tape,
        fees: FeeSchedule,
        journal: Journal,
        settings: ExecutionSettings,
        cash: float,
        dividends: Sequence[Dividend] = (),
    ) -> None:
        super().__init__(book, journal, cash)
        self.tape, self.fees, self.settings = tape, fees, settings
        self.clock: Any = None
        self._path = isinstance(book, SidesBook)
        self._rules = {urgency: rule_of(settings, urgency is Urgency.ENTRY) for urgency in Urgency}
        self._dividends = bool(dividends)
        self._agenda = Agenda(tape, dividends)
        self._working: list[_Working] = []
        self._cancels: dict[str, int] = {}  # order, and the bar the cancellation was asked on
        self._refs: set[str] = set()

    # orders ------------------------------------------------------------------------

    def attach(self, data: Any) -> None:
        """Take the number of the current bar from the length of this feed, or of one of its lines."""
        self.clock = data

    def submit(self, order: Order, owner: Owner) -> None:
        """Take an order; it can fill on the next bar at the earliest.

        The order is journalled as working or rejected at once; its owner hears of
        everything, a rejection too, from the next bar on.

        Raises
        ------
        OrderError
            When the reference was used before.
        """
        if order.ref in self._refs:
            raise OrderError(f"{order.ref}: got an order reference twice, expected a new one for every order")
        self._refs.add(order.ref)
        trades, ref = self.books.trades, order.intent.order_ref
        first = ref not in trades
        trade = trades.setdefault(ref, Held(order.intent, owner))
        machine = WorkingOrder(order, self.settings)
        quote = self.book.quote(order.combo)
        refused = self._refusal(order, trade, quote, first)
        if refused:
            machine.reject(refused)
        else:
            machine.place(quote, self.tape.clock_minute(self._bar))
        trade.orders += 1
        work = _Working(machine, trade, self._bar, self._bar + 1)
        self._working.append(work)
        self.journal.order(self._event(machine, order.at))
        if not refused:
            self._foresee(work)

    def cancel(self, order_ref: str) -> None:
        """Ask for the end of an order; it comes on the next bar, before any fill.

        An order that has ended meanwhile is left alone; ``OrderError`` for one never sent.
        """
        if order_ref not in self._refs:
            raise OrderError(f"{order_ref}: got a cancellation for an order that was never sent")
        if any(work.machine.order.ref == order_ref for work in self._working):
            self._cancels.setdefault(order_ref, self._bar)

    def _refusal(self, order: Order, trade: Held, quote: Quote | None, first: bool) -> str:
        """Return why the broker will not take an order, nothing when it will."""
        if not order.buy:
            return trade.lacks(order.combo, order.quantity)
        if not first:
            return ""
        intent = order.intent
        whole = quote if order.combo == intent.combo else self.book.quote(intent.combo)
        if whole is None or not math.isfinite(whole.ask):
            return "no ask to buy at"
        free, margin = self.books.funds, self.books.margin
        needed = margin.reserve(trade.ref, intent.combo, whole.ask, intent.quantity)
        if needed <= free:
            return ""
        margin.release(trade.ref)
        return f"margin {needed / 100:.2f} USD, funds {free / 100:.2f} USD"

    # the bar -----------------------------------------------------------------------

    def next(self) -> None:
        """Do the work of the current bar: cancellations, fills, concessions, settlement."""
        bar = self._bar = len(self.clock) - 1
        self.book.move(bar)
        if not self._working and bar < self._agenda.due:
            return
        minute, last = self.tape.clock_minute(bar), self.tape.last_bar_of_day(bar) == bar
        self._catch_up(bar)
        for work in [work for work in self._working if work.bar < bar]:
            if work.due <= bar or self._cancels.get(work.machine.order.ref, NEVER) < bar:
                self._work(work, minute, last)
                self._foresee(work)
            elif work.steps and work.steps[0][0] == bar:
                self._concede(work)
        while (appointment := self._agenda.pop(bar)) is not None:
            self._keep(appointment)
        self._agenda.prune(self.books.trades)

    def _foresee(self, work: _Working) -> None:
        """Work out how far an order goes by itself: nobody need look at it before, and nobody sees it."""
        bar, machine = self._bar, work.machine
        order = machine.order
        work.due = bar + 1
        if not self._path or machine.done or order.urgency is Urgency.URGENT:
            return
        # an entry ends with the session's last bar
        stop = min(bar + 1 + LONGEST, self.tape.last_bar_of_day(bar))
        if stop <= bar + 1:
            return
        bid, ask = self.book.sides_path(order.combo, bar + 1, stop)  # type: ignore[attr-defined]
        rule = self._rules[order.urgency]
        place, work.priced, steps = machine.foresee(bid, ask, self.tape.stamp[bar + 1 : stop], rule)
        work.due, work.steps = bar + 1 + place, [(bar + 1 + number, limit) for number, limit in steps]

    def _catch_up(self, bar: int) -> None:
        """Tell what orders have conceded on the bars that were passed over, in the order it happened."""
        while True:
            late = [work for work in self._working if work.steps and work.steps[0][0] < bar]
            if not late:
                return
            self._concede(min(late, key=_next_step))

    def _concede(self, work: _Working) -> None:
        bar, limit = work.steps.pop(0)
        work.machine.conceded(limit)
        event = self._event(work.machine, self.tape.at(bar))
        self.journal.order(event)
        self._tell(work, event)

    def _work(self, work: _Working, minute: int, last: bool) -> None:
        machine, order = work.machine, work.machine.order
        if work.priced:
            machine.seen(work.priced)
        if machine.state is OrderState.REJECTED:
            self._tell(work, self._event(machine, self.tape.at(self._bar)))  # journalled at submission
        elif self._cancels.get(order.ref, NEVER) < self._bar:
            machine.cancel()
            self._report(work)
        elif machine.overdue(minute):
            machine.time_out()
            self._report(work)
        else:
            self._trade(work, self.book.quote(order.combo), minute, last)

    def _trade(self, work: _Working, quote: Quote | None, minute: int, last: bool) -> None:
        machine = work.machine
        found = match(machine, quote)
        if found is not None and quote is not None:
            self._fill(work, found, quote)
        if machine.done:
            return
        if machine.expires(minute) or (last and machine.order.urgency is Urgency.ENTRY):
            machine.time_out()
            self._report(work)
        elif machine.requote(quote, minute):
            self._report(work)

    def _fill(self, work: _Working, found: Match, quote: Quote) -> None:
        machine, trade = work.machine, work.trade
        order, units = machine.order, found.units
        machine.fill(units, found.price)
        combo, at = order.combo, self.tape.at(self._bar)
        sides = self.book.legs(combo)
        signed = units if order.buy else -units
        done, cash = [], []
        amounts = leg_cents(combo, sides, found.price)
        for (instrument, ratio, multiplier), paid in zip(combo.parts, amounts, strict=True):
            done.append(Execution(instrument, ratio * signed, paid / (100.0 * ratio * multiplier)))
            cash.append(-paid * signed)
        work.executions += done
        work.fills += 1
        total = cents(self.fees.order_fees(work.executions, self.tape.day(self._bar)))
        charge, work.charged = total - work.charged, total
        booking = Booking(
            exec_ref=f"{order.ref}.{work.fills}",
            order_ref=order.ref,
            at=at,
            opening=order.buy,
            legs=done,
            names=combo.names,
            cash=cash,
            fees=charge,
            price=found.price,
            mid=quote.mid if math.isfinite(quote.ask) else combo_mid(combo, sides),
            source=self.book.source(combo),
        )
        fills = self.books.book(trade, booking)
        trade.units[combo] = trade.units.get(combo, 0) + signed
        if order.buy:
            self._agenda.expect(trade.ref, combo, self._bar)
        self._report(work, fills, units)

    def _report(self, work: _Working, fills: tuple[Fill, ...] = (), units: int = 0) -> None:
        event = self._event(work.machine, self.tape.at(self._bar))
        self.journal.order(event)
        self._tell(work, event, fills, units)

    def _tell(self, work: _Working, event: OrderEvent, fills: tuple[Fill, ...] = (), units: int = 0) -> None:
        """Tell an owner what his order has come to; an ended order is put away before."""
        if work.machine.done:
            self._drop(work)
            self.books.settle_margin(work.trade)
        work.trade.owner.on_order(event, fills, units)

    def _drop(self, work: _Working) -> None:
        self._working.remove(work)
        self._cancels.pop(work.machine.order.ref, None)
        work.trade.orders -= 1

    # settlement --------------------------------------------------------------------

    def _keep(self, appointment: Appointment) -> None:
        trade, contract = self.books.trades.get(appointment.ref), appointment.contract
        held = trade.legs.get(contract, 0) if trade is not None else 0
        if trade is None or not held:
            return
        if appointment.dividend:
            spot = self.tape.close(contract.symbol, self._bar)
            side = self._side(contract)
            if held < 0 and side and settlement.called_away(contract, spot, side, appointment.dividend):
                self._end(trade, "assigned", settlement.assign(trade.legs, contract, spot, self._side))
            return
        spot = self._agenda.settlement_price(contract)
        ending = [
            option
            for option in trade.legs
            if isinstance(option, Contract) and self._agenda.settlement_bar(option) == appointment.bar
        ]
        assigned = any(trade.legs[option] < 0 and settlement.delivers(option, spot) for option in ending)
        closings = settlement.expire(trade.legs, ending, spot, self._side)
        self._end(trade, "assigned" if assigned else "settled", closings)

    def _end(self, trade: Held, state: str, closings: Sequence[Closing]) -> None:
        """Book the end of a whole trade, its orders ending with it, and tell its owner."""
        intent, at = trade.intent, self.tape.at(self._bar)
        for work in [work for work in self._working if work.trade is trade]:
            if not work.machine.done:
                work.machine.cancel(state)
                self.journal.order(self._event(work.machine, at))
            self._drop(work)
        done = [Execution(end.instrument, end.quantity, end.price) for end in closings]
        cash = [-cents(one.price * one.quantity * one.instrument.multiplier) for one in done]
        traded = [one for one, end in zip(done, closings, strict=True) if end.traded]
        fees = cents(self.fees.order_fees(traded, self.tape.day(self._bar)))
        value = sum(cash) / (100.0 * max(trade.most, 1) * intent.combo.multiplier)
        source = self.book.source(intent.combo)
        names = [str(one.instrument) for one in done]
        booking = Booking(
            f"{trade.ref}/{state}", trade.ref, at, False, done, names, cash, fees, value, value, source
        )
        fills = self.books.book(trade, booking)
        self.books.close(trade)
        event = OrderEvent(trade.ref, intent.bot, intent.symbol, at, state, value, trade.most, 0, state)
        self.journal.order(event)
        trade.owner.on_order(event, fills, trade.most)

    def _side(self, instrument: Instrument) -> tuple[float, float] | None:
        """Return bid and ask of one instrument now, None when it is not quoted."""
        alone = Combo((Leg(instrument, 1),), "single")
        return self.book.legs(alone)[0] if self.book.quote(alone) is not None else None

    # what the loop and the report ask ------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether anything works or is held."""
        return bool(self.books.trades)

    def wake(self, bar: int) -> int:
        """Return the next bar after ``bar`` on which ``next`` has work, ``NEVER`` when none."""
        due = self._agenda.due if self._agenda.due > bar else NEVER
        if not self._working:
            return due
        return bar + 1 if self._cancels else min(due, *[work.due for work in self._working])

    def assumptions(self) -> list[str]:
        """Return the sentences about fills, costs and settlement that every report prints."""
        lines = self.settings.assumptions()
        lines.append(self.fees.describe(self.tape.dates[-1]))
        lines.append(
            "Cash-settled options pay their intrinsic value at the day's last price (AM series: its first); "
            "physically settled ones are exercised or assigned from one cent in the money, and shares left "
            "are closed at the close less half their spread."
        )
        if not self._dividends:
            lines.append("No dividends are known: early assignment of calls is not simulated.")
        return lines

    def _event(self, machine: WorkingOrder, at: Any) -> OrderEvent:
        ref, intent, state = machine.order.ref, machine.order.intent, str(machine.state)
        limit, filled, remaining = machine.limit, machine.filled, machine.remaining
        # by place: by name it takes three times as long, and there are ten a trade
        return OrderEvent(ref, intent.bot, intent.symbol, at, state, limit, filled, remaining, machine.reason)
