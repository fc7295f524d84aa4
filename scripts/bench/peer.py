"""The simple job in another engine: a program for that engine's own environment.

``python -I peer.py NAME BARS.npz RUNS`` prints JSON: seconds to bring the bars in, seconds of every
run, and the trades. It knows nothing of this project; the job is that of `scripts.bench.simple`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Bars = dict[str, Any]
Trades = list[tuple[int, float, int, float]]  # bar and price of entry and exit
Job = Callable[[], Trades]
CASH = 1_000_000


def backtesting(bars: Bars) -> Job:
    """backtesting.py: a table of bars, ``next`` on every one of them."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    columns = {name.title(): bars[name] for name in ("open", "high", "low", "close", "volume")}
    table = pd.DataFrame(columns | {"Minute": bars["minute"], "Day": bars["day"]})
    table.index = pd.to_datetime(bars["stamp"])
    enter, leave, reach, size, days = bars["rules"]

    class Simple(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            minute = self.data.Minute[-1]
            if self.trades:
                paid, close = self.trades[0].entry_price, self.data.Close[-1]
                if close >= paid * (1.0 + reach) or close <= paid * (1.0 - reach) or minute == leave:
                    self.position.close()
            elif minute == enter and self.data.Day[-1] % 5 in days:
                self.buy(size=size)

    def job() -> Trades:
        done = Backtest(table, Simple, cash=CASH, commission=0.0).run()["_trades"]
        columns = (done[name].tolist() for name in ("EntryBar", "EntryPrice", "ExitBar", "ExitPrice"))
        return list(zip(*columns, strict=True))

    return job


def vectorbt(bars: Bars) -> Job:
    """vectorbt: signals by one compiled loop, as they depend on the price paid, then its portfolio."""
    import pandas as pd
    import vectorbt as vbt
    from numba import njit

    index = pd.to_datetime(bars["stamp"])
    opened, close = pd.Series(bars["open"], index), pd.Series(bars["close"], index)
    enter, leave, reach, size, days = bars["rules"]

    @njit  # type: ignore[untyped-decorator]
    def signals(opened: Any, close: Any, minute: Any, day: Any, days: Any) -> Any:
        n = len(close)
        entries, exits, paid = np.zeros(n, np.bool_), np.zeros(n, np.bool_), 0.0
        for bar in range(n - 1):
            if paid:
                hit = close[bar] >= paid * (1.0 + reach) or close[bar] <= paid * (1.0 - reach)
                if hit or minute[bar] == leave:
                    exits[bar + 1], paid = True, 0.0
            elif minute[bar] == enter and np.any(days == day[bar] % 5):
                entries[bar + 1], paid = True, opened[bar + 1]
        return entries, exits

    def job() -> Trades:
        told = signals(bars["open"], bars["close"], bars["minute"], bars["day"], np.array(days))
        made = vbt.Portfolio.from_signals(
            close, *told, price=opened, size=float(size), init_cash=CASH, freq="1min"
        )
        done = made.trades.records
        names = ("entry_idx", "entry_price", "exit_idx", "exit_price")
        return list(zip(*(done[name].tolist() for name in names), strict=True))

    return job


def backtrader_next(bars: Bars) -> Job:
    """backtrader_next: its own loop and broker over its table feed."""
    import backtrader_next as bt
    import pandas as pd

    names = ("open", "high", "low", "close", "volume")
    table = pd.DataFrame({name: bars[name] for name in names}, index=pd.to_datetime(bars["stamp"]))
    minutes, days_of = bars["minute"].tolist(), bars["day"].tolist()
    enter, leave, reach, size, days = bars["rules"]

    class Simple(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.bought, self.opened = 0.0, (0, 0.0)
            self.done: Trades = []

        def next(self) -> None:
            bar = len(self.data) - 1
            if self.bought:
                paid, close = self.bought, self.data.close[0]
                hit = close >= paid * (1.0 + reach) or close <= paid * (1.0 - reach)
                if hit or minutes[bar] == leave:
                    self.sell(size=size)
                    self.bought = 0.0
            elif minutes[bar] == enter and days_of[bar] % 5 in days:
                self.buy(size=size)

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                bar, price = len(self.data) - 1, order.executed.price
                if order.isbuy():
                    self.bought, self.opened = price, (bar, price)
                else:
                    self.done.append((*self.opened, bar, price))

    def job() -> Trades:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(CASH)
        cerebro.adddata(bt.feeds.PandasData(dataframe=table))
        cerebro.addstrategy(Simple)
        return cerebro.run()[0].done  # type: ignore[no-any-return]

    return job


def nautilus_trader(bars: Bars) -> Job:
    """nautilus_trader: bars for the strategy, the next bar's open as the quote an order meets."""
    import pandas as pd
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.backtest.models import LatencyModel
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.persistence.wranglers import BarDataWrangler, QuoteTickDataWrangler
    from nautilus_trader.trading.strategy import Strategy

    venue = Venue("SIM")
    share = Equity(
        InstrumentId(Symbol("ONE"), venue), Symbol("ONE"), USD, 4, Price.from_str("0.0001"),
        Quantity.from_int(1), 0, 0,
    )  # fmt: skip
    kind = BarType.from_str("ONE.SIM-1-MINUTE-LAST-EXTERNAL")
    names = ("open", "high", "low", "close")
    index = pd.to_datetime(bars["stamp"], utc=True)
    table = pd.DataFrame({name: bars[name] for name in names} | {"volume": 1e6}, index=index)
    before = index.shift(-60 * 10**9 + 1_000, freq="ns")  # just after the bar before has ended
    quotes = pd.DataFrame(
        dict.fromkeys(("bid_price", "ask_price"), bars["open"]) | {"bid_size": 1e6, "ask_size": 1e6},
        index=before,
    )
    data = [BarDataWrangler(kind, share).process(table), QuoteTickDataWrangler(share).process(quotes)]
    minutes, days_of = bars["minute"].tolist(), bars["day"].tolist()
    enter, leave, reach, size, days = bars["rules"]

    class Simple(Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.bought, self.opened = 0, 0.0, (0, 0.0)
            self.finished: Trades = []

        def on_start(self) -> None:
            self.subscribe_bars(kind)

        def on_bar(self, bar: Any) -> None:
            at, self.seen = self.seen, self.seen + 1
            if self.bought:
                paid, close = self.bought, float(bar.close)
                hit = close >= paid * (1.0 + reach) or close <= paid * (1.0 - reach)
                if hit or minutes[at] == leave:
                    self.bought = 0.0
                    self._send(OrderSide.SELL)
            elif minutes[at] == enter and days_of[at] % 5 in days:
                self._send(OrderSide.BUY)

        def _send(self, side: Any) -> None:
            self.submit_order(self.order_factory.market(share.id, side, Quantity.from_int(size)))

        def on_order_filled(self, event: Any) -> None:
            price = float(event.last_px)
            if event.order_side == OrderSide.BUY:
                self.bought, self.opened = price, (self.seen, price)
            else:
                self.finished.append((*self.opened, self.seen, price))

    def job() -> Trades:
        engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
        engine.add_venue(
            venue, OmsType.NETTING, AccountType.CASH, [Money(CASH, USD)],
            base_currency=USD, latency_model=LatencyModel(1), bar_execution=False,
        )  # fmt: skip
        engine.add_instrument(share)
        for part in data:
            engine.add_data(part)
        strategy = Simple()
        engine.add_strategy(strategy)
        engine.run()
        done = strategy.finished
        engine.dispose()
        return done

    return job


PEERS = {job.__name__: job for job in (backtesting, vectorbt, nautilus_trader, backtrader_next)}


def main(name: str, path: str, runs: int) -> None:
    """Do the job once to warm up, then some times more, and print what it took."""
    with np.load(path) as held:
        bars: Bars = dict(held)
    bars["rules"] = json.loads(str(bars["rules"]))
    began = time.process_time()
    job = PEERS[name](bars)
    load = time.process_time() - began
    taken, trades = [], []
    for _ in range(runs + 1):
        began = time.process_time()
        trades = job()
        taken.append(time.process_time() - began)
    json.dump({"load": load, "first": taken[0], "runs": taken[1:], "trades": trades}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
