"""The truth about orders in doubt: lists of open orders, asked for after the doubt arose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from loguru import logger

from engine.ibkr.events import OpenOrderTold, SurveyTold
from engine.ibkr.work import DEAD, Phase, Work

if TYPE_CHECKING:
    from engine.ibkr.broker import LiveBroker

MOST_TRIES = 3  # changes of one order the gateway did not take, before it is cancelled
SURVEYS_TO_END_A_BUY = 2  # a fill can follow a cancellation; one buy too many is a position nobody watches
FIRST_SURVEY = 0.1  # seconds between a doubt and the first survey


class Surveys:
    """Asks while anything is in doubt, and draws the conclusions.

    Parameters
    ----------
    broker : LiveBroker
    """

    def __init__(self, broker: LiveBroker) -> None:
        self._broker = broker
        self._surveyed = -math.inf

    def ask(self) -> None:
        """Ask for open orders and executions while anything is in doubt."""
        if not self._broker.link.up:
            return
        doubts = [at.doubted for at in self._broker.hearing.all() if at.phase is Phase.SUSPECT]
        if not doubts:
            return
        now = self._broker.link.clock.seconds()
        fresh = max(doubts) > self._surveyed
        if now - self._surveyed > (FIRST_SURVEY if fresh else self._broker.settings.confirm_seconds):
            self._surveyed = now
            self._broker.courier.survey()

    def settle(self, told: SurveyTold) -> None:
        """Decide by a survey what has become of every order that was in doubt before it."""
        self._broker.booking.book()
        for work in list(self._broker.works):
            at = work.at
            if at.phase is not Phase.SUSPECT or at.doubted > told.asked or work.machine.done:
                continue
            found = next((one for one in told.orders if at.is_me(one.order_id, one.perm_id, one.ref)), None)
            if found is not None and found.status not in DEAD:
                self._alive(work, found)
            else:
                self._dead(work)
        for trade in list(self._broker.trades.values()):
            self._broker.stops.settle(trade, told)

    def _alive(self, work: Work, found: OpenOrderTold) -> None:
        """Go on with an order that is open, whatever was said of it."""
        at = work.at
        trouble = at.trouble
        at.found(found)
        if found.price == at.price:
            return
        at.price, work.sent_limit = math.nan, math.nan
        at.tries += 1
        if at.tries > MOST_TRIES and not work.ending:
            logger.warning("ibkr: {}: {} changes failed ({}), cancelled", at.ref, at.tries, trouble)
            work.ending = "cancelled"

    def _dead(self, work: Work) -> None:
        """End an order that is not open any more, once all it has executed is booked."""
        at, machine = work.at, work.machine
        if not (at.order_id or at.perm_id or at.adopted):
            at.phase, at.price, work.sent_limit = Phase.WAITING, math.nan, math.nan  # it never left
            return
        at.absent += 1
        needed = SURVEYS_TO_END_A_BUY if machine.order.buy and not at.refused else 1
        if at.executions.pending or at.absent < needed:
            return
        if work.ending == "timed_out":
            machine.time_out()
        elif at.refused and not machine.filled:
            machine.reject(at.trouble)
        else:
            machine.cancel(at.trouble)
        self._broker.report(work)
