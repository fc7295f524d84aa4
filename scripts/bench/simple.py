"""The simple job every engine can do: one share strategy with market orders, on equal terms.

On three of every five days it buys at 10:30 and sells when the close is ``REACH`` above or below
the price paid, or at 15:30. Orders fill at the next bar's open.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
from numba import njit

from engine.bars import Bars
from engine.broker.share_broker import ShareBroker
from engine.cerebro import NEVER, FastCerebro
from feeds.lines import ArrayFeed
from strategies.lane import whole

ENTER, LEAVE, REACH = 630, 930, 0.002
SIZE = 8  # a power of two: Backtrader divides a price times the size by the size again
DAYS = (0, 2, 4)  # of every five
CASH = 1e6

Trades = list[tuple[int, float, int, float]]  # bar and price of entry and exit


class Simple(bt.Strategy):  # type: ignore[misc]
    """Buy at 10:30, leave at a target, a stop or 15:30."""

    params = (("every_bar", False),)

    def start(self) -> None:
        lines = self.data.lines
        minute, day, self.close = whole(lines.minute), whole(lines.day), whole(lines.close)
        at = np.flatnonzero(minute == ENTER)
        self.entries = at[np.isin(day[at] % 5, DAYS)].tolist()
        self.ends = np.flatnonzero(minute == LEAVE)
        self.place, self.bought = 0, 0.0
        self.trades: Trades = []
        self.opened = (0, 0.0)
        self.heard = 0

    def first_wake(self) -> int:
        return 0 if self.p.every_bar else self.wake(-1)

    def wake(self, bar: int) -> int:
        if self.p.every_bar:
            return bar + 1
        if self.bought:
            end = int(self.ends[self.ends.searchsorted(bar + 1)])
            return int(first_beyond(self.close, bar + 1, end, *self.levels))
        while self.place < len(self.entries) and self.entries[self.place] <= bar:
            self.place += 1
        return self.entries[self.place] if self.place < len(self.entries) else NEVER

    def next(self) -> None:
        minute = self.data.lines.minute[0]
        if self.bought:
            close, (low, high) = self.data.lines.close[0], self.levels
            if close >= high or close <= low or minute == LEAVE:
                self.sell(size=SIZE)
                self.bought = 0.0
        elif minute == ENTER and self.data.lines.day[0] % 5 in DAYS:
            self.buy(size=SIZE)

    def notify_order(self, order: Any) -> None:
        self.heard += 1
        if order.status == order.Completed:
            bar, price = len(self.data) - 1, order.executed.price
            if order.isbuy():
                self.bought, self.opened = price, (bar, price)
                self.levels = price * (1.0 - REACH), price * (1.0 + REACH)
            else:
                self.trades.append((*self.opened, bar, price))

    def notify_trade(self, trade: Any) -> None:
        self.heard += 1


class WakingBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """Backtrader's own broker, taught to say when it has work."""

    def wake(self, bar: int) -> int:
        return bar + 1 if self.pending or self.submitted else NEVER


def run(bars: Bars, loop: type = FastCerebro, broker: type = ShareBroker, every_bar: bool = False) -> Simple:
    """Do the job once and return the strategy that did it."""
    cerebro = loop(stdstats=False)
    cerebro.setbroker(broker(cash=CASH))
    cerebro.adddata(ArrayFeed(bars=bars, name=bars.symbol))
    cerebro.addstrategy(Simple, every_bar=every_bar)
    return cerebro.run()[0]  # type: ignore[no-any-return]


@njit(cache=True)
def first_beyond(close: Any, start: int, end: int, low: float, high: float) -> int:
    """Return the first bar of ``[start, end)`` whose close is at a level or beyond, else ``end``."""
    for bar in range(start, end):
        if close[bar] >= high or close[bar] <= low:
            return bar
    return end


def floor(bars: Bars) -> Trades:
    """Return the same trades from one compiled loop: what the arithmetic alone costs."""
    grid, out = bars.grid, np.empty((len(bars.grid.dates), 4))
    count = _floor(bars.open, bars.close, grid.minute, grid.day, np.array(DAYS), REACH, out)
    return [(int(a), b, int(c), d) for a, b, c, d in out[:count].tolist()]


@njit(cache=True)
def _floor(opened: Any, close: Any, minute: Any, day: Any, days: Any, reach: float, out: Any) -> int:
    count, bar, n = 0, 0, len(close)
    while bar < n - 1:
        if minute[bar] != ENTER or not np.any(days == day[bar] % 5):
            bar += 1
            continue
        entry = bar + 1
        low, high = opened[entry] * (1.0 - reach), opened[entry] * (1.0 + reach)
        bar = entry
        while not (close[bar] >= high or close[bar] <= low or minute[bar] == LEAVE):
            bar += 1
        if bar + 1 < n:
            out[count, 0], out[count, 1] = entry, opened[entry]
            out[count, 2], out[count, 3] = bar + 1, opened[bar + 1]
            count += 1
        bar += 1
    return count
