"""Close what is open at the broker, whoever opened it: the last resort of guard and owner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from loguru import logger

from engine.broker.fees import Execution
from engine.execution.settings import ExecutionSettings
from engine.ibkr.broker import LiveBroker
from engine.ibkr.contracts import Contracts
from engine.ibkr.courier import open_orders
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.ibkr.tape import LiveTape
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent
from engine.live.closing import parts
from engine.options.combo import Combo
from engine.options.contract import Contract
from engine.reasons import Reason
from engine.sessions import NEW_YORK
from scripts.live.plan import Plan

PAUSE = 0.05  # wall seconds between two looks
CANCEL_SECONDS = 10.0  # wall
CLOSER = "closer"  # the bot's name on these orders
ENDED = ("filled", "cancelled", "rejected", "timed_out")


@dataclass
class Part:
    """One closing order and how it stands; its own owner."""

    order: Order
    state: str = ""

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        """Remember the last state."""
        self.state = event.state


class Closer:
    """Cancels the orders of this client id and sells the option positions of the bots' symbols.

    Orders of other clients and of TWS itself, other symbols and all shares stay as they are.

    Parameters
    ----------
    plan : Plan
    link : Link
        Under the bots' client id, else their orders cannot be cancelled.
    journal : Journal
    """

    def __init__(self, plan: Plan, link: Link, journal: Journal) -> None:
        self._plan, self._link, self._journal = plan, link, journal
        self._contracts = Contracts(link, plan.products, plan.folder / "contracts")

    def close(self, seconds: float) -> tuple[str, ...]:
        """Close everything within so many seconds of the venue's clock; return what is left."""
        self._cancel()
        deadline = self._link.clock.now() + seconds
        while held := self.held():
            if self._link.clock.now() >= deadline:
                break
            self._sell(held, deadline)
        return tuple(f"{count:+d} {one}" for one, count in held.items())

    def held(self) -> dict[Contract, int]:
        """Return the option positions of the bots' symbols, as the broker says."""
        told = self._link.call(lambda ib: ib.reqPositionsAsync(), "positions")
        found = {self._contracts.instrument(row.contract): round(row.position) for row in told}
        return {
            one: count
            for one, count in found.items()
            if isinstance(one, Contract) and one.symbol in self._plan.products and count
        }

    def _cancel(self) -> None:
        deadline = time.monotonic() + CANCEL_SECONDS
        asked: set[int] = set()
        while time.monotonic() < deadline:
            orders = self._link.call(lambda ib: open_orders(self._link, all_clients=False), "open orders")
            if not orders:
                return
            for order in orders:
                if order.order_id not in asked:
                    asked.add(order.order_id)
                    logger.warning("closer: cancels {}", order.ref or order.order_id)
                    self._link.post(lambda ib, number=order.order_id: ib.client.cancelOrder(number))
            time.sleep(PAUSE)

    def _sell(self, held: dict[Contract, int], deadline: float) -> None:
        """Send one round of closing orders and wait for them."""
        plan, settings = self._plan, self._plan.settings
        symbols = tuple(dict.fromkeys(one.symbol for one in held))
        self._contracts.prepare(symbols)
        book = LiveQuotes(self._link, self._contracts, plan.products, settings.ibkr)
        book.start(symbols)
        broker = LiveBroker(
            self._link, self._contracts, book, LiveTape(), self._journal, settings.ibkr,
            ExecutionSettings(**settings.execution.model_dump()), self._fees,
        )  # fmt: skip
        wanted = parts(held)
        for combo, _ in wanted:
            book.hold(combo)
        for number, (combo, units) in enumerate(wanted, 1):
            part = self._part(combo, units, number)
            logger.warning("closer: sells {} x {}", units, combo)
            broker.restore(part.order.intent, part, {combo: units}, {combo: 0.0})
            broker.submit(part.order, part)
            while part.state not in ENDED and self._link.clock.now() < deadline:
                broker.next()
                time.sleep(PAUSE)

    def _part(self, combo: Combo, units: int, number: int) -> Part:
        at = self._link.clock.instant().astimezone(NEW_YORK)
        ref = f"{CLOSER}-{at:%Y%m%d%H%M%S}-{number}"
        intent = Intent(ref, 0, CLOSER, combo.symbol, combo, units, False, Reason.TAKEN_OVER, at)
        return Part(Order(f"{ref}/1", intent, combo, units, False, Urgency.URGENT, at))

    def _fees(self, done: Sequence[Any], day: date) -> float:
        return self._plan.fees.order_fees([Execution(*leg) for leg in done], day)
