"""What the gateway has told, put where it belongs: to an order, a stop or the account."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.ibkr.events import (
    AccountTold,
    Change,
    CommissionTold,
    ErrorTold,
    ExecutionTold,
    LinkChange,
    OpenOrderTold,
    PositionTold,
    PreviewTold,
    SentTold,
    StatusTold,
    SurveyTold,
    Told,
)
from engine.ibkr.executions import BAG
from engine.ibkr.explain import CANCELLED, DUPLICATE_ID, explain, informs, refuses
from engine.ibkr.work import DEAD, AtBroker, Phase

if TYPE_CHECKING:
    from engine.ibkr.broker import LiveBroker


class Hearing:
    """Sorts what has come; nothing here ends or fills an order.

    Parameters
    ----------
    broker : LiveBroker
    """

    def __init__(self, broker: LiveBroker) -> None:
        self._broker = broker

    def hear(self, told: Told) -> None:
        """Take one record in."""
        match told:
            case ExecutionTold():
                self._executed(told)
            case CommissionTold():
                self._broker.fills.fees[told.exec_id] = told.fees
            case SentTold():
                for at in self.all():
                    if at.ref == told.ref:
                        at.order_id = told.order_id
            case OpenOrderTold() if told.client_id == self._broker.settings.client_id:
                self._opened(told)
            case StatusTold() if told.client_id == self._broker.settings.client_id:
                self._status(told)
            case ErrorTold():
                self._error(told)
            case PreviewTold():
                self._preview(told)
            case SurveyTold():
                self._broker.surveys.settle(told)
            case AccountTold() if told.account == self._broker.link.account:
                self._broker.account.figure(told)
            case PositionTold() if told.account == self._broker.link.account:
                self._broker.account.position(told)
            case LinkChange() if told.what in (Change.CONNECTED, Change.RESTORED, Change.RESTORED_EMPTY):
                for at in self.all():
                    at.suspect(anew=True)
            case _:
                pass

    def all(self) -> Iterator[AtBroker]:
        """Yield every order and stop that has not ended."""
        for work in self._broker.works:
            yield work.at
        for trade in self._broker.trades.values():
            if trade.stop is not None:
                yield trade.stop.at

    def _find(self, order_id: int, perm_id: int, ref: str = "") -> AtBroker | None:
        return next((at for at in self.all() if at.is_me(order_id, perm_id, ref)), None)

    def _opened(self, told: OpenOrderTold) -> None:
        at = self._find(told.order_id, told.perm_id, told.ref)
        if at is None:
            return
        at.order_id, at.perm_id = told.order_id, told.perm_id
        at.contract = told.contract  # a change needs the contract as TWS returned it, else error 105
        at.heard, at.status, at.shown = at.seconds(), told.status, told.price
        if told.status in DEAD:
            at.suspect()

    def _status(self, told: StatusTold) -> None:
        at = self._find(told.order_id, told.perm_id)
        if at is None:
            return
        at.perm_id = at.perm_id or told.perm_id
        at.heard, at.status = at.seconds(), told.status
        if told.status in DEAD:
            at.suspect()

    def _error(self, told: ErrorTold) -> None:
        at = next((at for at in self.all() if at.order_id and at.order_id == told.request), None)
        if at is None or informs(told.code):
            return
        at.heard = at.seconds()
        if told.code == DUPLICATE_ID and not at.perm_id:
            self._broker.link.skip_ids()
            at.order_id, at.phase, at.price = 0, Phase.WAITING, math.nan
            for work in self._broker.works:
                if work.at is at:
                    work.sent_limit = math.nan
            return
        at.refused = at.refused or refuses(told.code)
        at.suspect("" if told.code == CANCELLED else explain(told.code, told.text))

    def _preview(self, told: PreviewTold) -> None:
        work = next((work for work in self._broker.works if work.ref == told.ref), None)
        if work is None or work.machine.done:
            return
        order, free = work.machine.order, self._broker.account.funds()
        if told.refusal:
            work.machine.reject(told.refusal)
        elif math.isfinite(told.margin) and told.margin > free:
            work.machine.reject(f"margin {told.margin:.2f} USD, funds {free:.2f} USD")
        else:
            work.previewed = True
            self._broker.previewed.add((order.combo.symbol, order.combo.structure))
            return
        self._broker.journal.order(self._broker.event(work.machine))

    def _executed(self, told: ExecutionTold) -> None:
        mine = told.client_id == self._broker.settings.client_id and told.account == self._broker.link.account
        if not mine or told.exec_id in self._broker.known:
            return
        at = self._find(told.order_id, told.perm_id, told.ref) or self._gone(told.ref)
        if at is None:
            if told.kind != BAG:
                self._broker.strays[told.exec_id] = told
            return
        if at.executions.add(told):
            self._broker.fills.arrived(told)
            at.perm_id, at.order_id = told.perm_id, at.order_id or told.order_id

    def _gone(self, ref: str) -> AtBroker | None:
        """Return an order, or a stop, that has ended."""
        work = self._broker.ended.get(ref)
        return work.at if work is not None else self._broker.stops.gone_at(ref)
