"""The three bots over one governor and the real broker: both loops write the same journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd

from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.broker.option_broker import OptionBroker
from engine.cerebro import FastCerebro
from engine.desk import Desk
from engine.execution.settings import ExecutionSettings
from engine.journal.journal import Journal
from engine.risk.blackouts import EventCalendar
from engine.risk.governor import Governor
from engine.sessions import session_dates
from engine.settings import Settings
from engine.tape import Tape
from engine.universe import load_universe
from feeds.lines import ArrayFeed
from strategies.roster import BOTS
from tests.indicators.market import market
from tests.strategies.stage import FlatBook

CONFIG = Path(__file__).parents[2] / "config"
DATES = session_dates(date(2018, 5, 7), date(2018, 6, 22))


def _bars(seed: int) -> dict[str, Bars]:
    """Seven weeks in which the volatility implied wanders about the one realised."""
    whole = market(DATES, seed=seed, volatility=0.11)
    rng = np.random.default_rng(seed)
    level = 0.16 * np.exp(np.cumsum(rng.normal(0.0, 0.12, len(DATES))) * 0.5)
    lines = {**whole.lines, "atm_iv": level[whole.grid.day]}
    whole = replace(whole, lines=lines)
    return {"XSP": whole.scaled(0.2, "XSP"), "SPY": whole.scaled(0.2, "SPY")}


def _play(bars: dict[str, Bars], kind: type) -> tuple[Desk, int]:
    settings = Settings.load(CONFIG)
    tape, journal = Tape(bars), Journal()
    book, fees = FlatBook(tape), FeeSchedule.load(CONFIG / "fees.yaml")
    broker = OptionBroker(
        book, tape, fees, journal, ExecutionSettings(**settings.execution.model_dump()), settings.account.cash
    )
    governor = Governor(settings.risk.limits(), EventCalendar.load(CONFIG / "events.json"))
    desk = Desk(book, broker, governor, journal, tape, fees, tape.dates, settings.account.cash)
    cerebro = kind(stdstats=False)
    cerebro.setbroker(broker)
    for symbol, one in bars.items():
        cerebro.adddata(ArrayFeed(bars=one, name=symbol))
    broker.attach(cerebro.datas[0])
    visited = 0
    universe = load_universe(CONFIG / "universe.json")
    for name, bot in BOTS.items():
        config = getattr(settings.bots, name)
        products = {symbol: universe[symbol] for symbol in config.symbols}
        cerebro.addstrategy(bot, desk=desk, config=config, common=settings.common, products=products)

    class Counted(bt.Strategy):  # type: ignore[misc]
        def first_wake(self) -> int:
            return 1 << 60

        def wake(self, bar: int) -> int:
            return 1 << 60

        def next(self) -> None:
            nonlocal visited
            visited += 1

    cerebro.addstrategy(Counted)
    cerebro.run()
    return desk, visited


def test_both_loops_write_the_same_journal() -> None:
    bars = _bars(seed=2)
    fast, seen = _play(bars, FastCerebro)
    stock, every = _play(bars, bt.Cerebro)
    assert every == len(bars["XSP"])
    assert seen < every / 3
    for name in ("trades", "orders", "fills", "halts"):
        assert repr(getattr(fast.journal, name)) == repr(getattr(stock.journal, name)), name
    assert len(fast.journal.trades) >= 10
    assert {trade.bot for trade in fast.journal.trades} >= {"putlite", "buywrite", "condor"}
    assert isinstance(fast.broker, OptionBroker) and isinstance(stock.broker, OptionBroker)
    assert fast.broker.equity == stock.broker.equity
    pd.testing.assert_frame_equal(fast.journal.decisions(), stock.journal.decisions())
