"""Executions into fills, of orders at work and of those that had ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from loguru import logger

from engine.execution.working import FINAL, WorkingOrder
from engine.ibkr.executions import Increment
from engine.ibkr.work import AtBroker, Held, Work
from engine.intent import Order, Urgency
from engine.journal.records import Fill, OrderEvent

if TYPE_CHECKING:
    from engine.ibkr.broker import LiveBroker


class Orphan:
    """Owner of what undoes fills nobody asked for: entries stop until it has ended."""

    def __init__(self, broker: LiveBroker, ref: str) -> None:
        self._broker, self._ref = broker, ref
        broker.halt_entries(ref, f"{ref} undoes a fill that came after its order had ended")

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        logger.warning("ibkr: {}: {} ({} units)", event.order_ref, event.state, units)
        if event.state in FINAL:
            self._broker.halt_entries(self._ref, "")


class Booking:
    """Books what is complete in all legs, once.

    Parameters
    ----------
    broker : LiveBroker
    """

    def __init__(self, broker: LiveBroker) -> None:
        self._broker = broker

    def book(self) -> None:
        """Fill orders and stops with what is complete."""
        for work in [*self._broker.works, *self._broker.ended.values()]:
            while (found := self.take(work.at)) is not None:
                order, late = work.machine.order, work.machine.done
                fills = self._broker.fills.make(order.intent, work.ref, order.buy, found, work.mid)
                if late:
                    self.late(order, work.trade, fills, found)
                else:
                    self._fill(work, fills, found.units, found.price)
        for trade in list(self._broker.trades.values()):
            self._broker.stops.book(trade)
        self._broker.stops.book_late()

    def take(self, at: AtBroker) -> Increment | None:
        """Return what an order has executed and can be booked now."""
        if not at.executions.pending:
            return None
        return at.executions.take(self._broker.fills.ready, self._broker.fills.overdue)

    def _fill(self, work: Work, fills: tuple[Fill, ...], units: int, price: float) -> None:
        machine, order = work.machine, work.machine.order
        taken = min(units, machine.remaining)
        machine.fill(taken, price)
        quote = self._broker.book.quote(order.combo)
        self._broker.journal.record(
            work.shadow.fall(order, taken, price, quote, self._broker.at, self._broker.execution)
        )
        work.trade.book(order.combo, taken if order.buy else -taken, price)
        self._broker.report(work, fills, taken)
        if units > taken:
            self._undo(order, units - taken, price)

    def late(self, order: Order, trade: Held, fills: tuple[Fill, ...], found: Increment) -> None:
        """See to a fill that came after its order had ended for good.

        Where another order is doing the same, it has the less to do; else it is undone.
        """
        logger.error("ibkr: {}: {} units filled after its end", order.ref, found.units)
        for other in list(self._broker.works):
            same = other.machine.order.combo == order.combo and other.trade is trade
            if same and other.machine.order.buy is order.buy and not other.machine.done:
                other.lent += found.units
                other.sent_limit = other.at.price = math.nan
                self._fill(other, fills, found.units, found.price)
                if other.machine.done and other.at.order_id:
                    self._broker.courier.cancel(other.at.order_id)
                return
        self._undo(order, found.units, found.price)

    def _undo(self, order: Order, units: int, price: float) -> None:
        """Trade away what nobody asked for, at whatever price there is; without one it waits for one."""
        broker, intent = self._broker, order.intent
        before = [*broker.ended, *(work.ref for work in broker.works)]
        number = sum(ref.startswith(f"{order.ref}/undo") for ref in before) + 1
        ref = f"{order.ref}/undo{number}"
        back = Order(ref, intent, order.combo, units, not order.buy, Urgency.URGENT, broker.at)
        owner = Orphan(broker, ref)
        trade = broker.trades.setdefault(intent.order_ref, Held(intent, owner))
        trade.book(order.combo, units if order.buy else -units, price)
        machine = WorkingOrder(back, broker.execution)
        machine.resume(math.nan, broker.minute, 0, math.nan)
        work = broker.work_of(machine, trade, broker.book.quote(back.combo))
        work.previewed, work.owner = True, owner
        trade.orders += 1
        broker.works.append(work)
        broker.journal.order(broker.event(machine))
