"""The small share broker against Backtrader's own: the same notices, cash and positions."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker.share_broker import ShareBroker
from engine.cerebro import NEVER, FastCerebro
from engine.errors import OrderError
from feeds.lines import ArrayFeed
from tests.indicators.market import market

WHOLE = market().head(90)
ORDER = ("status", "size", "triggered", "exectype", "tradeid", "plen")
DONE = ("dt", "size", "price", "remsize", "value", "comm", "margin", "pnl", "psize", "pprice", "p1", "p2")
MADE = ("dt", "size", "price", "pricelimit", "pclose")
TRADE = (
    "size", "price", "value", "commission", "pnl", "pnlcomm", "justopened", "isopen", "isclosed",
    "baropen", "dtopen", "barclose", "dtclose", "barlen", "status", "tradeid", "long",
)  # fmt: skip


class Planned(bt.Strategy):  # type: ignore[misc]
    """Send the orders of a plan on their bars and write down everything that is said."""

    params = (("plan", ()),)

    def __init__(self) -> None:
        self.plan: dict[int, list[tuple[int, int]]] = {}
        for bar, feed, size in self.p.plan:
            self.plan.setdefault(bar, []).append((feed, size))
        self.heard: list[Any] = []

    def first_wake(self) -> int:
        return self.wake(-1)

    def wake(self, bar: int) -> int:
        return min((one for one in self.plan if one > bar), default=NEVER)

    def next(self) -> None:
        bar = len(self.data) - 1
        for feed, size in self.plan.get(bar, ()):
            order = (self.buy if size > 0 else self.sell)(data=self.datas[feed], size=abs(size))
            self.heard.append((bar, order.isbuy(), order.alive(), *self._account()))
            if size % 3 == 0:  # taken back before the broker has looked at it
                self.heard.append((self.broker.cancel(order), order.alive()))

    def notify_order(self, order: Any) -> None:
        told = [getattr(order, name) for name in ORDER]
        told += [getattr(order.executed, name) for name in DONE]
        told += [getattr(order.created, name) for name in MADE]
        self.heard.append((len(self.data) - 1, order.getstatusname(), order.data._name, *told))
        self.heard.append(self._account())

    def notify_trade(self, trade: Any) -> None:
        self.heard.append((len(self.data) - 1, *(getattr(trade, name) for name in TRADE)))

    def _account(self) -> tuple[Any, ...]:
        held = [self.broker.getposition(data) for data in self.datas]
        places = [(one.size, one.price) for one in held]
        return (self.broker.getcash(), self.broker.getvalue(), places)


def heard(loop: type, broker: Any, plan: Any, fee: float, leverage: float) -> list[Any]:
    cerebro = loop(stdstats=False)
    cerebro.setbroker(broker)
    broker.setcommission(commission=fee, leverage=leverage)
    for bars in (WHOLE, WHOLE.scaled(0.1, "XSP")):
        cerebro.adddata(ArrayFeed(bars=bars))
    cerebro.addstrategy(Planned, plan=tuple(plan))
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    (strategy,) = cerebro.run()
    return [*strategy.heard, strategy.analyzers.trades.get_analysis(), strategy._account()]


# about 2,700 USD a share of one feed and 270 of the other: some orders cannot be paid for
sizes = st.integers(-40, 40).filter(bool)
plans = st.lists(st.tuples(st.integers(0, 89), st.integers(0, 1), sizes), max_size=25)


@settings(max_examples=60, deadline=None)
@given(plans, st.sampled_from([0.0, 0.001]), st.sampled_from([1.0, 2.0]), st.sampled_from([9e3, 5e4, 1e6]))
def test_every_notice_is_that_of_backtraders_own_broker(
    plan: Any, fee: float, leverage: float, cash: float
) -> None:
    stock = repr(heard(bt.Cerebro, bt.brokers.BackBroker(cash=cash), plan, fee, leverage))
    assert repr(heard(bt.Cerebro, ShareBroker(cash=cash), plan, fee, leverage)) == stock
    assert repr(heard(FastCerebro, ShareBroker(cash=cash), plan, fee, leverage)) == stock


def test_an_order_that_cannot_be_paid_ends_in_margin() -> None:
    told = heard(FastCerebro, ShareBroker(cash=1000.0), [(5, 0, 40)], 0.0, 1.0)
    assert [row[1] for row in told if len(row) > 3 and isinstance(row[1], str)] == ["Submitted", "Margin"]


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"exectype": bt.Order.Limit, "price": 10.0}, "got a Limit order"),
        ({"exectype": bt.Order.Close}, "got a Close order"),
        ({"valid": 1.0}, "expected a plain market order"),
        ({"oco": 1}, "got an order with \\['oco'\\]"),
        ({"transmit": False}, "expected a plain market order"),
    ],
)
def test_what_it_does_not_know_is_refused(wish: dict[str, Any], why: str) -> None:
    class Wishes(Planned):
        def next(self) -> None:
            self.buy(size=1, **wish)

    cerebro = FastCerebro(stdstats=False)
    cerebro.setbroker(ShareBroker())
    cerebro.adddata(ArrayFeed(bars=WHOLE))
    cerebro.addstrategy(Wishes)
    with pytest.raises(OrderError, match=why):
        cerebro.run()


def test_schemes_with_margin_or_interest_are_refused() -> None:
    for scheme in ({"margin": 100.0}, {"interest": 0.02}):
        broker = ShareBroker(cash=1e6)
        broker.setcommission(**scheme)
        cerebro = FastCerebro(stdstats=False)
        cerebro.setbroker(broker)
        cerebro.adddata(ArrayFeed(bars=WHOLE))
        cerebro.addstrategy(Planned, plan=((3, 0, 1),))
        with pytest.raises(OrderError, match="expected shares without margin"):
            cerebro.run()
