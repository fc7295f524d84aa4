"""A small broker for market orders in shares, equal to Backtrader's own where both can work."""

from __future__ import annotations

from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

import backtrader as bt
from backtrader.order import OrderData
from backtrader.utils import AutoOrderedDict

from engine.cerebro import NEVER
from engine.errors import OrderError

_KINDS = {True: bt.BuyOrder, False: bt.SellOrder}
_PLAIN = {
    "price": None,
    "pricelimit": None,
    "exectype": bt.Order.Market,
    "valid": None,
    "oco": None,
    "trailamount": None,
    "trailpercent": None,
    "parent": None,
    "transmit": True,
    "simulated": False,
    "histnotify": False,
}


class ShareBroker(bt.BrokerBase):  # type: ignore[misc]
    """Fill market orders at the next bar's open, as `bt.brokers.BackBroker` with its defaults does.

    Cash, positions, margin calls and every notice to the strategy are the same; what costs time
    there and is not looked at (parameters of every order, value and interest of every bar) is
    left out. Orders of another kind and schemes with margin, interest or a conversion of prices
    are refused, so that nothing is silently different.

    Parameters
    ----------
    cash : float
        USD at the start.
    """

    params = (("cash", 10_000.0),)

    def init(self) -> None:
        super().init()
        self.startingcash = self.cash = self.p.cash
        self.positions: defaultdict[Any, Any] = defaultdict(bt.Position)
        self._notices: deque[Any] = deque()
        self._submitted: list[Any] = []
        self._pending: list[Any] = []

    # orders ------------------------------------------------------------------------

    def buy(
        self,
        owner: Any,
        data: Any,
        size: float,
        price: Any = None,
        plimit: Any = None,
        exectype: Any = None,
        valid: Any = None,
        tradeid: int = 0,
        **others: Any,
    ) -> Any:
        """Take an order; it fills at the open of the next bar.

        Raises
        ------
        OrderError
            Anything but a plain market order.
        """
        return self._take(True, owner, data, size, exectype, tradeid, (price, plimit, valid), others)

    def sell(
        self,
        owner: Any,
        data: Any,
        size: float,
        price: Any = None,
        plimit: Any = None,
        exectype: Any = None,
        valid: Any = None,
        tradeid: int = 0,
        **others: Any,
    ) -> Any:
        """Take an order, see `buy`."""
        return self._take(False, owner, data, size, exectype, tradeid, (price, plimit, valid), others)

    def cancel(self, order: Any) -> bool:
        """End an order the broker has accepted and not yet filled."""
        if order not in self._pending:
            return False
        self._pending.remove(order)
        order.cancel()
        self._notify(order)
        return True

    def _take(
        self,
        buys: bool,
        owner: Any,
        data: Any,
        size: float,
        exectype: Any,
        tradeid: int,
        limits: tuple[Any, ...],
        others: dict[str, Any],
    ) -> Any:
        if exectype not in (None, bt.Order.Market):
            raise OrderError(f"got a {bt.Order.ExecTypes[exectype]} order, expected a market order")
        given = [name for name, value in others.items() if value is not None and name != "transmit"]
        if any(limit is not None for limit in limits) or given or not others.get("transmit", True):
            raise OrderError(f"got an order with {given or limits}, expected a plain market order")
        scheme = self.getcommissioninfo(data)
        if not scheme.stocklike or scheme.p.interest or data._compensate is not None:
            raise OrderError(f"{data._name}: expected shares without margin, interest or compensation")
        order = _order(buys, owner, data, size, tradeid)
        order.submit()
        self._submitted.append(order)
        self._notify(order)
        return order

    def _notify(self, order: Any) -> None:
        """Keep a copy of an order as it stands, as `bt.Order.clone` makes one."""
        executed = order.executed
        executed.markpending()
        seen, done = object.__new__(type(order)), OrderData.__new__(OrderData)
        done.__dict__ = vars(executed).copy()
        seen.__dict__ = {**vars(order), "executed": done}
        self._notices.append(seen)

    def get_notification(self) -> Any:
        """Return the next notice, None when there is none."""
        return self._notices.popleft() if self._notices else None

    # the bar -----------------------------------------------------------------------

    def next(self) -> None:
        """Accept what can be paid for, and fill what was accepted before this bar."""
        if self._submitted:
            self._check()
        if self._pending:
            waiting, self._pending = self._pending, []
            for order in waiting:
                if order.data.lines.datetime[0] > order.created.dt:
                    self._fill(order)
                else:
                    self._pending.append(order)

    def wake(self, bar: int) -> int:
        """Return the next bar on which there is work."""
        return bar + 1 if self._pending or self._submitted else NEVER

    def _check(self) -> None:
        """Accept orders one after another as long as cash would be left at the prices they saw."""
        cash, held = self.cash, {}
        for order in self._submitted:
            data, price, scheme = order.data, order.created.price, self.getcommissioninfo(order.data)
            if data not in held:
                held[data] = self.positions[data].clone()
            _, _, opened, closed = held[data].update(order.executed.remsize, price)
            if closed:
                cash += _freed(scheme, closed, price) - scheme.getcommission(closed, price)
            if opened:
                cash -= _bound(scheme, opened, price)
                cash -= scheme.getcommission(opened, price)
            if cash >= 0.0:
                order.submit()  # again, as there: it sets the bar the order counts from
                order.accept()
                self._pending.append(order)
            else:
                order.margin()
            self._notify(order)
        self._submitted = []

    def _fill(self, order: Any) -> None:
        data, scheme = order.data, self.getcommissioninfo(order.data)
        price, position, cash = data.lines.open[0], self.positions[data], self.cash
        before = position.price
        size, average, opened, closed = position.pseudoupdate(order.executed.remsize, price)
        gain = scheme.profitandloss(-closed, before, price)
        closed_value = closed_cost = opened_value = opened_cost = 0.0
        if closed:
            closed_value = scheme.getvaluesize(-closed, before)
            closed_cost = scheme.getcommission(closed, price)
            cash += _freed(scheme, closed, before) + gain
            cash -= closed_cost
            self.cash = cash
        wanted = opened
        if opened:
            opened_value, opened_cost = (
                scheme.getvaluesize(opened, price),
                scheme.getcommission(opened, price),
            )
            cash -= _bound(scheme, opened, price)
            cash -= opened_cost
            if cash < 0.0:
                opened, opened_value, opened_cost = 0, 0.0, 0.0
            else:
                self.cash = cash
        if closed + opened:
            scheme.confirmexec(closed + opened, price)
            position.update(closed + opened, price)
            order.execute(
                data.lines.datetime[0], closed + opened, price, closed, closed_value, closed_cost,
                opened, opened_value, opened_cost, scheme.margin, gain, size, average,
            )  # fmt: skip
            order.addcomminfo(scheme)
            self._notify(order)
        if wanted and not opened:
            order.margin()
            self._notify(order)

    # the account -------------------------------------------------------------------

    def getcash(self) -> float:
        """Return the cash, USD."""
        return float(self.cash)

    def setcash(self, cash: float) -> None:
        """Set the cash to start with, USD."""
        self.startingcash = self.cash = self.p.cash = cash

    def getvalue(self, datas: Any = None) -> float:
        """Return cash and positions at the last close, or the positions of ``datas`` alone, USD."""
        total = 0.0
        for data in datas or self.positions:
            position, scheme = self.positions[data], self.getcommissioninfo(data)
            close = data.lines.close[0]
            value = scheme.getvaluesize(position.size, close)
            if value > 0.0 and not datas:
                gain = scheme.profitandloss(position.size, position.price, close)
                total += (value - gain) / scheme.get_leverage()
                total += gain
            else:
                total += value
        return float(total if datas else self.cash + total)

    get_cash, get_value, set_cash = getcash, getvalue, setcash

    def getposition(self, data: Any) -> Any:
        """Return the position in a feed."""
        return self.positions[data]


def _order(buys: bool, owner: Any, data: Any, size: float, tradeid: int) -> Any:
    """Return a market order as `bt.Order` would have made it, without its machinery of parameters."""
    asked = SimpleNamespace(owner=owner, data=data, size=size, tradeid=tradeid, **_PLAIN)
    signed, close = size if buys else -size, data.lines.close[0]
    order = object.__new__(_KINDS[buys])
    vars(order).update(
        ref=next(bt.Order.refbasis),
        p=asked,
        params=asked,
        owner=owner,
        data=data,
        size=signed,
        tradeid=tradeid,
        exectype=bt.Order.Market,
        broker=None,
        info=AutoOrderedDict(),
        comminfo=None,
        triggered=False,
        status=bt.Order.Created,
        created=OrderData(dt=data.lines.datetime[0], size=signed, price=close, pclose=close),
        executed=OrderData(remsize=signed),
        position=0,
        dteos=0.0,
        pannotated=None,
        _active=True,
        _plimit=None,
        _limitoffset=0.0,
    )
    return order


def _freed(scheme: Any, closed: float, price: float) -> float:
    value = scheme.getvaluesize(-closed, price)
    return float(value / scheme.get_leverage() if value > 0 else value)


def _bound(scheme: Any, opened: float, price: float) -> float:
    value = scheme.getvaluesize(opened, price)
    return float(value / scheme.get_leverage() if value > 0 else value)
