"""Toy strategies that trade shares through Backtrader's own broker, taught to say when it has work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import backtrader as bt
import numpy as np

from engine.bars import Bars
from engine.cerebro import NEVER
from engine.indicators.realized import RealizedVolatility
from engine.indicators.session import DayLines
from feeds.lines import ArrayFeed


class WakingBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """The stock broker: it has work while an order is pending."""

    def wake(self, bar: int) -> int:
        return bar + 1 if self.pending or self.submitted else NEVER


class Trader(bt.Strategy):  # type: ignore[misc]
    """Buy when the day has fallen by noon, sell a fixed number of bars after the fill."""

    params: Any = (("minute", 720), ("hold", 45), ("size", 10), ("limit", 0.0))

    def __init__(self) -> None:
        self.days = DayLines(self.data)
        self.calm = RealizedVolatility(self.data, minutes=10)
        self.average = bt.ind.SMA(self.data.close, period=5)
        self.journal: list[tuple[Any, ...]] = []
        self.leave = NEVER

    def start(self) -> None:
        minute = np.array(self.data.lines.minute.array)
        self.candidates = np.flatnonzero(minute == self.p.minute)

    def first_wake(self) -> int:
        return self._next_candidate(-1)

    def wake(self, bar: int) -> int:
        if self.leave > bar and self.leave < NEVER:
            return min(self.leave, self._next_candidate(bar))
        return self._next_candidate(bar)

    def _next_candidate(self, bar: int) -> int:
        at = int(np.searchsorted(self.candidates, bar, side="right"))
        return int(self.candidates[at]) if at < len(self.candidates) else NEVER

    def next(self) -> None:
        bar = len(self.data) - 1
        assert len(self) == len(self.days) == len(self.average) == bar + 1
        if bar == self.leave:
            self.leave = NEVER
            self.sell(size=self.p.size)
            self._note("sell", bar)
        elif bar in self.candidates and self.leave == NEVER:
            if self.data.close[0] < self.days.lines.session_open[0]:
                self._note("buy", bar)
                if self.p.limit:
                    price = self.data.close[0] * (1 - self.p.limit)
                    self.buy(size=self.p.size, exectype=bt.Order.Limit, price=price, valid=None)
                else:
                    self.buy(size=self.p.size)

    def _note(self, what: str, bar: int) -> None:
        self.journal.append(
            (
                what,
                bar,
                self.data.datetime.datetime(0),
                self.lines.datetime[0],
                self.average[0],
                self.calm.lines.realized[0],
                self.broker.getcash(),
                self.broker.getvalue(),
            )
        )

    def notify_order(self, order: Any) -> None:
        bar = len(self.data) - 1
        self.journal.append(("order", bar, order.getstatusname(), order.executed.price, order.executed.size))
        if order.status == order.Completed and order.isbuy():
            self.leave = bar + self.p.hold

    def notify_trade(self, trade: Any) -> None:
        self.journal.append(("trade", len(self.data) - 1, trade.isclosed, trade.pnl))


class Visits(bt.Strategy):  # type: ignore[misc]
    """Note every bar on which it is called; want the bars it was given."""

    params: Any = (("wanted", ()), ("stop_at", None))

    def __init__(self) -> None:
        self.wanted = sorted(self.p.wanted)
        self.visited: list[int] = []

    def first_wake(self) -> int:
        return self.wake(-1)

    def wake(self, bar: int) -> int:
        return next((one for one in self.wanted if one > bar), NEVER)

    def next(self) -> None:
        bar = len(self.data) - 1
        self.visited.append(bar)
        if bar == self.p.stop_at:
            self.env.runstop()


def engine(kind: type, bars: Iterable[Bars], broker: Any = None, **kwargs: Any) -> Any:
    """Return a Cerebro of the given kind over the bars."""
    cerebro = kind(**{"stdstats": False, **kwargs})
    for one in bars:
        cerebro.adddata(ArrayFeed(bars=one))
    cerebro.setbroker(broker or WakingBroker(cash=1_000_000.0))
    return cerebro
