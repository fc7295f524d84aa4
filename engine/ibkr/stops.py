"""Protective stops: what still closes a credit combo when this machine is dead.

One stop a trade at most. It is changed in place when units or credit change, so it can never be
doubled; before the trade is closed it is cancelled and known to be gone, so that the two can
never both fill; when a closing order ends without the trade being flat, it is set anew.
"""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING

from loguru import logger

from engine.ibkr.events import OpenOrderTold, SurveyTold
from engine.ibkr.orders import STOP_SUFFIX, order_price, stop_level, stop_order
from engine.ibkr.work import DEAD, AtBroker, Held, Phase, Resting, executions_of
from engine.intent import Order, Urgency
from engine.journal.records import OrderEvent

if TYPE_CHECKING:
    from engine.ibkr.broker import LiveBroker


class Stops:
    """Keep the stops of a broker's trades.

    Parameters
    ----------
    broker : LiveBroker

    Attributes
    ----------
    waits : bool
        Set no new stop: the books are not compared yet, and what is not held must not be sold.
    """

    def __init__(self, broker: LiveBroker) -> None:
        self._broker = broker
        self.waits = False
        self._count: dict[str, int] = {}
        self._ended: dict[str, tuple[Held, Resting]] = {}

    def keep(self, trade: Held) -> None:
        """Set, change or cancel a trade's stop so that it fits what is held."""
        if not self._broker.link.up:
            return
        wanted, stop = self._wanted(trade), trade.stop
        if stop is None:
            if wanted is not None and not self.waits and not self._beyond(trade, wanted[1]):
                self._set(trade, *wanted)
            return
        at = stop.at
        at.silent(self._broker.settings.confirm_seconds)
        if at.phase is not Phase.SENT or not at.order_id or at.cancelling:
            return
        if wanted is None:
            at.cancelling = True
            at.touched()
            self._broker.courier.cancel(at.order_id)
        elif wanted != (stop.units, stop.level):
            stop.units, stop.level = wanted
            at.touched()
            self._broker.courier.change(at.order_id, at.contract, self._order(stop))

    def gone(self, trade: Held) -> bool:
        """Tell whether no stop can fill any more; where one can, `keep` sees to its end."""
        return trade.stop is None

    def _wanted(self, trade: Held) -> tuple[int, float] | None:
        """Return units and level of the stop a trade should have, None for no stop."""
        combo, multiple = trade.intent.combo, self._broker.settings.protective_multiple
        units = trade.units.get(combo, 0)
        closing = any(not work.machine.order.buy for work in self._broker.works if work.trade is trade)
        if multiple <= 0.0 or units <= 0 or closing or trade.stop_refused:
            return None
        credit = trade.credit(combo)
        if not (isfinite(credit) and credit > 0.0 and combo.is_defined_risk):
            return None
        planned = trade.intent.planned_loss / (trade.intent.quantity * combo.multiplier)
        return units, stop_level(combo, credit, multiple, planned)

    def _beyond(self, trade: Held, level: float) -> bool:
        """Tell whether a stop would trigger at once: then closing is the bot's to decide."""
        quote = self._broker.book.quote(trade.intent.combo)
        return quote is not None and quote.bid <= level

    def _set(self, trade: Held, units: int, level: float) -> None:
        combo = trade.intent.combo
        deal = self._broker.contracts.deal(combo)
        if deal is None:
            return
        # one reference never stands for two orders, whatever an earlier process has used
        number = self._count[trade.ref] = self._count.get(trade.ref, 0) + 1
        ref = f"{trade.ref}{STOP_SUFFIX}{self._broker.at:%H%M%S}-{number}"
        at = AtBroker(ref, executions_of(deal, combo, False), deal.contract, self._broker.link.clock.seconds)
        trade.stop = stop = Resting(at, combo, deal, units, level)
        at.phase = Phase.SENT
        at.touched()
        self._broker.courier.place(at.ref, at.contract, self._order(stop))

    def _order(self, stop: Resting) -> object:
        broker = self._broker
        price = order_price(broker.contracts, stop.combo, stop.deal, False, stop.level)
        stop.at.price = price
        return stop_order(stop.deal, stop.units + stop.filled, price, stop.at.ref, broker.link.account)

    # what has come -------------------------------------------------------------------------

    def book(self, trade: Held) -> None:
        """Book what a stop has executed and tell the trade's owner."""
        stop, broker = trade.stop, self._broker
        if stop is None:
            return
        while (found := broker.booking.take(stop.at)) is not None:
            fills = broker.fills.make(trade.intent, stop.at.ref, False, found, nan)
            stop.filled += found.units
            stop.units -= found.units
            trade.book(stop.combo, -found.units, found.price)
            event = OrderEvent(
                order_ref=stop.at.ref,
                bot=trade.intent.bot,
                symbol=trade.intent.symbol,
                at=broker.at,
                state="stopped" if trade.flat else "partly_filled",
                limit=stop.level,
                filled=stop.filled,
                remaining=stop.units,
            )
            broker.journal.order(event)
            if stop.units <= 0:
                self._end(trade)
            trade.owner.on_order(event, fills, found.units)
            if trade.stop is None:
                return

    def settle(self, trade: Held, told: SurveyTold) -> None:
        """Decide by a survey what has become of a stop that was in doubt."""
        stop = trade.stop
        if stop is None or stop.at.phase is not Phase.SUSPECT or stop.at.doubted > told.asked:
            return
        at = stop.at
        found = [one for one in told.orders if self._is(at, one) and one.status not in DEAD]
        if found:
            at.found(found[0])
            if at.adopted:
                stop.units = int(found[0].quantity) // stop.deal.units
                stop.level = found[0].aux / stop.deal.scale
                at.adopted = False
            for other in found[1:]:
                self._broker.courier.cancel(other.order_id)
        elif not at.executions.pending:
            if at.refused:
                trade.stop_refused = at.trouble
                logger.error("ibkr: {}: no stop rests at the broker: {}", trade.ref, at.trouble)
            self._end(trade)

    def _end(self, trade: Held) -> None:
        """Put a stop away; what it may still execute is found by its reference."""
        if trade.stop is not None:
            trade.stop.at.phase = Phase.ENDED
            self._ended[trade.stop.at.ref] = (trade, trade.stop)
            trade.stop = None

    def gone_at(self, ref: str) -> AtBroker | None:
        """Return a stop that has ended."""
        ended = self._ended.get(ref)
        return ended[1].at if ended is not None else None

    def book_late(self) -> None:
        """See to what stops have executed after their end."""
        broker = self._broker
        for trade, stop in list(self._ended.values()):
            while (found := broker.booking.take(stop.at)) is not None:
                fills = broker.fills.make(trade.intent, stop.at.ref, False, found, nan)
                order = Order(
                    stop.at.ref, trade.intent, stop.combo, found.units, False, Urgency.URGENT, broker.at
                )
                broker.booking.late(order, trade, fills, found)

    @staticmethod
    def _is(at: AtBroker, one: OpenOrderTold) -> bool:
        if at.adopted:
            return one.ref.startswith(at.ref)
        return at.is_me(one.order_id, one.perm_id, one.ref)

    def take_up(self, trade: Held) -> None:
        """Look for the stop an earlier process left; without one a new one is set."""
        combo = trade.intent.combo
        deal = self._broker.contracts.deal(combo)
        if deal is None or combo not in trade.units:
            return
        ref, seconds = f"{trade.ref}{STOP_SUFFIX}", self._broker.link.clock.seconds
        at = AtBroker(ref, executions_of(deal, combo, False), deal.contract, seconds)
        at.adopted, at.phase = True, Phase.SENT
        at.suspect()
        trade.stop = Resting(at, combo, deal, trade.units[combo], nan)
