"""The simulated broker: works combo orders on quotes, keeps the ledger, settles what expires."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import backtrader as bt

from engine.broker import settlement
from engine.broker.allocation import combo_mid, leg_cents
from engine.broker.fees import Execution, FeeSchedule
from engine.broker.ledger import Ledger, Posting, cents
from engine.broker.margin import MarginBook
from engine.broker.settlement import Closing, Dividend
from engine.errors import OrderError
from engine.execution.fills import Match, match
from engine.execution.settings import ExecutionSettings
from engine.execution.working import OrderState, WorkingOrder
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Leg, Stock
from engine.options.quotebook import Quote, QuoteBook
from engine.tape import Tape

NEVER = 1 << 60
_MINUTE_NS = 60_000_000_000


class Owner(Protocol):
    """Who sends orders and is told what becomes of them."""

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None: ...


@dataclass(slots=True)
class _Trade:
    """What the broker knows of one intent: its holdings, its orders, who to tell."""

    intent: Intent
    owner: Owner
    held: dict[Instrument, int] = field(default_factory=dict)
    units: dict[Combo, int] = field(default_factory=dict)
    orders: int = 0
    settlements: int = 0


@dataclass(slots=True)
class _Working:
    machine: WorkingOrder
    trade: _Trade
    bar: int  # submitted on
    executions: list[Execution] = field(default_factory=list)
    charged: int = 0
    fills: int = 0


class OptionBroker(bt.BrokerBase):  # type: ignore[misc]
    """Fill combo orders against a quote book, one bar late, and keep the account.

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
        super().__init__()
        self.book, self.tape, self.fees, self.journal, self.settings = book, tape, fees, journal, settings
        self.ledger = Ledger(cents(cash))
        self.margin = MarginBook()
        self.startingcash = cash
        self.clock: Any = None
        self._dividends = tuple(dividends)
        self._dates = tape.dates
        self._bar = -1
        self._due = NEVER
        self._calendar: list[tuple[int, int, str, Contract, float]] = []  # bar, tie, trade, option, dividend
        self._ties = 0
        self._working: list[_Working] = []
        self._cancels: dict[str, int] = {}  # order and the bar it was asked on
        self._refs: set[str] = set()
        self._trades: dict[str, _Trade] = {}
        self._marked = (-1, 0.0)

    # orders ------------------------------------------------------------------------

    def attach(self, data: Any) -> None:
        """Take the number of the current bar from the length of this feed."""
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
            raise OrderError(f"{order.ref}: order reference used twice, expected a new one for every order")
        self._refs.add(order.ref)
        intent = order.intent
        trade = self._trades.get(intent.order_ref)
        first = trade is None
        if trade is None:
            trade = self._trades[intent.order_ref] = _Trade(intent, owner)
        machine = WorkingOrder(order, self.settings)
        quote = self.book.quote(order.combo)
        refused = self._refusal(order, trade, quote, first)
        if refused:
            machine.reject(refused)
        else:
            machine.place(quote, self._minute)
        trade.orders += 1
        self._working.append(_Working(machine, trade, self._bar))
        self._journal(machine, order.at)

    def cancel(self, order_ref: str) -> None:
        """Ask for the end of an order; it comes on the next bar, before any fill.

        An order that has ended meanwhile is left alone; ``OrderError`` for one never sent.
        """
        if order_ref not in self._refs:
            raise OrderError(f"{order_ref}: got a cancellation for an order that was never sent")
        if any(work.machine.order.ref == order_ref for work in self._working):
            self._cancels[order_ref] = self._bar

    def _refusal(self, order: Order, trade: _Trade, quote: Quote | None, first: bool) -> str:
        """Return why the broker will not take an order, empty when it will."""
        if not order.buy:
            for leg in order.combo.legs:
                held = trade.held.get(leg.instrument, 0)
                if held * leg.ratio <= 0 or abs(held) < abs(leg.ratio) * order.quantity:
                    wanted = leg.ratio * order.quantity
                    return f"sells {wanted:+d} {leg.instrument}, the trade holds {held:+d}"
            return ""
        if not first:
            return ""
        intent = order.intent
        whole = quote if order.combo == intent.combo else self.book.quote(intent.combo)
        if whole is None or not math.isfinite(whole.ask):
            return "no ask to buy at"
        free = self.ledger.cash - self.margin.bound
        needed = self.margin.reserve(intent.order_ref, intent.combo, whole.ask, intent.quantity)
        if needed > free:
            self.margin.release(intent.order_ref)
            return f"margin {needed / 100:.2f} USD, funds {free / 100:.2f} USD"
        return ""

    # the bar -----------------------------------------------------------------------

    def next(self) -> None:
        """Do the work of the current bar: cancellations, fills, concessions, settlement."""
        bar = self._bar = len(self.clock) - 1
        self.book.move(bar)
        if not self._working and bar < self._due:
            return
        minute, last = self._minute, self.tape.last_bar_of_day(bar) == bar
        for work in [work for work in self._working if work.bar < bar]:
            if not work.machine.done or work.machine.state is OrderState.REJECTED:
                self._work(work, minute, last)
        while self._calendar and self._calendar[0][0] <= bar:
            _, _, ref, contract, dividend = heapq.heappop(self._calendar)
            trade = self._trades.get(ref)
            if trade is not None and contract in trade.held:
                self._settle(trade, contract, dividend)
        self._schedule()

    def _work(self, work: _Working, minute: int, last: bool) -> None:
        machine, order = work.machine, work.machine.order
        if machine.state is OrderState.REJECTED:
            self._tell(work)
        elif self._cancels.get(order.ref, NEVER) < self._bar:
            machine.cancel()
            self._tell(work)
        elif machine.overdue(minute):
            machine.time_out()
            self._tell(work)
        else:
            self._trade_on(work, self.book.quote(order.combo), minute, last)

    def _trade_on(self, work: _Working, quote: Quote | None, minute: int, last: bool) -> None:
        machine = work.machine
        found = match(machine, quote)
        if found is not None and quote is not None:
            self._fill(work, found, quote)
        if machine.done:
            return
        if machine.expires(minute) or (last and machine.order.urgency is Urgency.ENTRY):
            machine.time_out()
            self._tell(work)
        elif machine.requote(quote, minute):
            self._tell(work)

    def _fill(self, work: _Working, found: Match, quote: Quote) -> None:
        machine, trade = work.machine, work.trade
        order, units = machine.order, found.units
        machine.fill(units, found.price)
        sides = self.book.legs(order.combo)
        mid = quote.mid if math.isfinite(quote.ask) else combo_mid(order.combo, sides)
        sign = 1 if order.buy else -1
        done, postings = [], []
        for leg, paid in zip(order.combo.legs, leg_cents(order.combo, sides, found.price), strict=True):
            quantity = sign * leg.ratio * units
            price = paid / (100.0 * leg.ratio * leg.instrument.multiplier)
            done.append(Execution(leg.instrument, quantity, price))
            postings.append(Posting(leg.instrument, quantity, -sign * paid * units))
        work.executions += done
        total = cents(self.fees.order_fees(work.executions, self.tape.day(self._bar)))
        charge, work.charged = total - work.charged, total
        work.fills += 1
        ref = f"{order.ref}.{work.fills}"
        fills = self._record(ref, order.ref, trade, done, charge, order.buy, found.price, mid)
        self._book(trade, postings, charge)
        trade.units[order.combo] = trade.units.get(order.combo, 0) + sign * units
        if order.buy:
            self._expect(trade, order.combo)
        self._tell(work, fills, units)

    # settlement --------------------------------------------------------------------

    def _expect(self, trade: _Trade, combo: Combo) -> None:
        """Note on which bars what was bought will settle or may be called away."""
        ref = trade.intent.order_ref
        for leg in combo.legs:
            contract = leg.instrument
            if not isinstance(contract, Contract):
                continue
            bar = settlement.settlement_bar(self.tape, contract, self._dates)
            if bar is not None:
                self._push(bar, ref, contract, 0.0)
            if leg.ratio < 0 and self._dividends:
                today = self.tape.day(self._bar)
                for when, amount in settlement.dividend_bars(
                    self.tape, contract, today, self._dividends, self._dates
                ):
                    self._push(when, ref, contract, amount)

    def _push(self, bar: int, ref: str, contract: Contract, dividend: float) -> None:
        self._ties += 1
        heapq.heappush(self._calendar, (bar, self._ties, ref, contract, dividend))
        self._due = self._calendar[0][0]

    def _schedule(self) -> None:
        while self._calendar and self._calendar[0][2] not in self._trades:
            heapq.heappop(self._calendar)
        self._due = self._calendar[0][0] if self._calendar else NEVER

    def _settle(self, trade: _Trade, contract: Contract, dividend: float) -> None:
        if dividend:
            spot = self.tape.close(contract.symbol, self._bar)
            side = self._side(contract)
            early = side is not None and settlement.called_away(contract, spot, side, dividend)
            if not early or trade.held[contract] >= 0:
                return
            self._finish(trade, "assigned", settlement.assign(trade.held, contract, spot, self._side))
            return
        spot = settlement.settlement_price(self.tape, contract, self._bar)
        ending = [
            held
            for held in trade.held
            if isinstance(held, Contract)
            and settlement.settlement_bar(self.tape, held, self._dates) == self._bar
        ]
        closings = settlement.expire(trade.held, ending, spot, self._side)
        shares = any(isinstance(end.instrument, Stock) and not end.traded for end in closings)
        short = any(trade.held[option] < 0 and settlement.intrinsic(option, spot) > 0 for option in ending)
        self._finish(trade, "assigned" if shares and short else "settled", closings)

    def _finish(self, trade: _Trade, state: str, closings: list[Closing]) -> None:
        """Book the end of a trade, its orders ending with it, and tell its owner."""
        intent, ref = trade.intent, trade.intent.order_ref
        at = self.tape.at(self._bar)
        for work in [work for work in self._working if work.trade is trade]:
            if not work.machine.done:
                work.machine.cancel(state)
                self._journal(work.machine, at)
            self._drop(work)
        done = [Execution(end.instrument, end.quantity, end.price) for end in closings]
        postings = [
            Posting(
                one.instrument, one.quantity, -cents(one.price * one.quantity * one.instrument.multiplier)
            )
            for one in done
        ]
        traded = [one for one, end in zip(done, closings, strict=True) if end.traded]
        charge = cents(self.fees.order_fees(traded, self.tape.day(self._bar))) if traded else 0
        units = max(trade.units.values(), default=0)
        value = sum(posting.cash for posting in postings) / (100.0 * max(units, 1) * intent.combo.multiplier)
        trade.settlements += 1
        fills = self._record(f"{ref}/{state}", ref, trade, done, charge, False, value, value)
        self._book(trade, postings, charge)
        self._release(trade)
        event = OrderEvent(ref, intent.bot, intent.symbol, at, state, value, units, 0, state)
        self.journal.order(event)
        trade.owner.on_order(event, fills, units)

    def _side(self, instrument: Instrument) -> tuple[float, float] | None:
        """Return bid and ask of one instrument now, None when it is not quoted."""
        alone = Combo((Leg(instrument, 1),), "single")
        return self.book.legs(alone)[0] if self.book.quote(alone) is not None else None

    # books -------------------------------------------------------------------------

    def _book(self, trade: _Trade, postings: list[Posting], charge: int) -> None:
        ref = trade.intent.order_ref
        self.ledger.book(ref, postings, charge)
        self.margin.moved(ref, sum(posting.cash for posting in postings) - charge)
        for posting in postings:
            held = trade.held.get(posting.instrument, 0) + posting.quantity
            if held:
                trade.held[posting.instrument] = held
            else:
                trade.held.pop(posting.instrument, None)
        self._marked = (-1, 0.0)

    def _record(
        self,
        exec_ref: str,
        order_ref: str,
        trade: _Trade,
        done: Sequence[Execution],
        charge: int,
        opening: bool,
        price: float,
        mid: float,
    ) -> tuple[Fill, ...]:
        """Return and journal the fills of one execution, its fees split over the legs to the cent."""
        intent, at = trade.intent, self.tape.at(self._bar)
        fills = []
        for number, (one, fee) in enumerate(zip(done, _split(charge, done), strict=True), 1):
            fill = Fill(
                exec_id=f"{exec_ref}.{number}",
                order_ref=order_ref,
                trade_id=intent.trade_id,
                bot=intent.bot,
                symbol=intent.symbol,
                at=at,
                opening=opening,
                instrument=str(one.instrument),
                quantity=one.quantity,
                price=one.price,
                multiplier=one.instrument.multiplier,
                fees=fee / 100.0,
                combo_price=price,
                mid=mid,
                source=self.book.name,
            )
            self.journal.fill(fill)
            fills.append(fill)
        return tuple(fills)

    def _tell(self, work: _Working, fills: tuple[Fill, ...] = (), units: int = 0) -> None:
        """Journal the state of an order and tell its owner; an ended order is put away first."""
        machine, trade = work.machine, work.trade
        if machine.state is OrderState.REJECTED:
            event = self._event(machine, self.tape.at(self._bar))
        else:
            event = self._journal(machine, self.tape.at(self._bar))
        if machine.done:
            self._drop(work)
            self._settle_margin(trade)
        trade.owner.on_order(event, fills, units)

    def _drop(self, work: _Working) -> None:
        self._working.remove(work)
        self._cancels.pop(work.machine.order.ref, None)
        work.trade.orders -= 1

    def _settle_margin(self, trade: _Trade) -> None:
        """Bind what is really held once no order of a trade works; forget a trade that is flat."""
        if trade.orders:
            return
        if trade.held:
            self.margin.resize(trade.intent.order_ref, max(trade.units.values()))
        else:
            self._release(trade)

    def _release(self, trade: _Trade) -> None:
        self.margin.release(trade.intent.order_ref)
        self._trades.pop(trade.intent.order_ref, None)

    def _event(self, machine: WorkingOrder, at: datetime) -> OrderEvent:
        order = machine.order
        return OrderEvent(
            order.ref,
            order.intent.bot,
            order.intent.symbol,
            at,
            str(machine.state),
            machine.limit,
            machine.filled,
            machine.remaining,
            machine.reason,
        )

    def _journal(self, machine: WorkingOrder, at: datetime) -> OrderEvent:
        event = self._event(machine, at)
        self.journal.order(event)
        return event

    @property
    def _minute(self) -> int:
        return int(self.tape.stamp[self._bar]) // _MINUTE_NS

    # what Backtrader, the loop and the desk ask --------------------------------------

    @property
    def busy(self) -> bool:
        """Whether anything works or is held."""
        return bool(self._trades)

    def wake(self, bar: int) -> int:
        """Return the next bar after ``bar`` on which ``next`` has work, ``NEVER`` when none."""
        if self._working:
            return bar + 1
        return self._due if self._due > bar else NEVER

    def funds(self) -> float:
        """Return the USD free for a new trade: cash less what open trades bind."""
        return (self.ledger.cash - self.margin.bound) / 100.0

    @property
    def equity(self) -> float:
        """Cash and everything held at mid, USD; what has no quote stands at its cost."""
        if self._marked[0] != self._bar:
            self._marked = (self._bar, self.ledger.cash / 100.0 + sum(map(self._mark, self._trades.values())))
        return self._marked[1]

    def _mark(self, trade: _Trade) -> float:
        if not trade.held:
            return 0.0
        combo = Combo(tuple(Leg(instrument, count) for instrument, count in trade.held.items()), "held")
        if self.book.quote(combo) is None:
            ref = trade.intent.order_ref
            return sum(self.ledger.holdings[ref, held].cost for held in trade.held) / 100.0
        return combo_mid(combo, self.book.legs(combo)) * combo.multiplier

    def getcash(self) -> float:
        """Return the cash of the account, USD."""
        return self.ledger.cash / 100.0

    def getvalue(self, datas: Any = None) -> float:
        """Return ``equity``."""
        return self.equity

    get_cash, get_value = getcash, getvalue

    def getposition(self, data: Any) -> Any:
        """Return the shares of a feed's symbol that all trades hold together."""
        shares = cost = 0
        for (_, instrument), holding in self.ledger.holdings.items():
            if isinstance(instrument, Stock) and instrument.symbol == data._name:
                shares, cost = shares + holding.quantity, cost + holding.cost
        return bt.Position(shares, cost / (100.0 * shares) if shares else 0.0)

    def get_notification(self) -> None:
        """Return nothing: owners are told directly."""
        return None

    def buy(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: orders come through the desk, as approved intents."""
        raise OrderError("Strategy.buy and sell are not taken, expected an order through the desk")

    sell = buy

    def assumptions(self) -> list[str]:
        """Return the sentences about fills, costs and settlement that every report prints."""
        lines = [*self.settings.assumptions()]
        if self._dates:
            lines.append(self.fees.describe(self._dates[-1]))
        lines.append(
            "Cash-settled options pay their intrinsic value at the day's last price (AM series: its first); "
            "physically settled ones are exercised or assigned from one cent in the money, and shares left "
            "are closed at the close less half their spread."
        )
        if not self._dividends:
            lines.append("No dividends are known: early assignment of calls is not simulated.")
        return lines


def _split(charge: int, done: Sequence[Execution]) -> list[int]:
    """Split fees over legs, a hundred shares counting as one contract; the sum is kept."""
    weights = [abs(one.quantity) / (100.0 if isinstance(one.instrument, Stock) else 1.0) for one in done]
    total, given, parts = sum(weights), 0, []
    for number, _ in enumerate(done, 1):
        upto = round(charge * sum(weights[:number]) / total)
        parts.append(upto - given)
        given = upto
    return parts
