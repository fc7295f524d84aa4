"""Whatever the fast loop does not know runs in the stock loop, with the reason in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from loguru import logger

from engine.cerebro import FastCerebro
from feeds.lines import ArrayFeed
from tests.cerebro.toys import Visits, engine
from tests.indicators.market import keep, market

BARS = market().head(450)
LAST = len(BARS) - 1


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    yield lines
    logger.remove(sink)


class _Quiet(bt.Analyzer):  # type: ignore[misc]
    def stop(self) -> None:
        self.rets["bars"] = len(self.strategy.data)


class _EveryBar(bt.Analyzer):  # type: ignore[misc]
    def next(self) -> None:
        self.rets["bars"] = self.rets.get("bars", 0) + 1


class _Parent(bt.Analyzer):  # type: ignore[misc]
    def __init__(self) -> None:
        self.child = bt.analyzers.TimeReturn(timeframe=bt.TimeFrame.Days)


class _Cash(Visits):
    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.cash = cash


class _Heard(Visits):
    def _notify(self, *given: Any, **named: Any) -> None:
        super()._notify(*given, **named)


class _Early(Visits):
    def prenext(self) -> None:
        self.early = True


class _Timed(Visits):
    def __init__(self) -> None:
        super().__init__()
        self.add_timer(bt.timer.SESSION_START)


class _Unaware(bt.Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        self.visited: list[int] = []

    def next(self) -> None:
        self.visited.append(len(self.data) - 1)


def _other_bars(cerebro: Any) -> None:
    cerebro.adddata(ArrayFeed(bars=keep(BARS, np.arange(len(BARS)) % 2 == 0)))


def _fewer_bars(cerebro: Any) -> None:
    cerebro.adddata(ArrayFeed(bars=BARS.head(100)))


def _resampled(cerebro: Any) -> None:
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Minutes, compression=5)


def _filtered(cerebro: Any) -> None:
    cerebro.datas[0].addfilter(lambda data: False)


CASES: dict[str, tuple[type, dict[str, Any], Callable[[Any], Any], str]] = {
    "observers": (Visits, {"stdstats": True}, lambda c: None, "strategy Visits has observers"),
    "writer": (Visits, {}, lambda c: c.addwriter(bt.WriterFile, out=_Sink()), "writers are attached"),
    "timer": (_Timed, {}, lambda c: None, "timers are set"),
    "cerebro timer": (Visits, {}, lambda c: c.add_timer(bt.timer.SESSION_END, offset=timedelta(0)), "timers"),
    "cheat on open": (Visits, {"cheat_on_open": True}, lambda c: None, "cheat_on_open is on"),
    "lookahead": (Visits, {"lookahead": 1}, lambda c: None, "lookahead is set"),
    "no wake": (_Unaware, {}, lambda c: None, "strategy _Unaware has no wake() and first_wake()"),
    "broker": (
        Visits,
        {},
        lambda c: c.setbroker(bt.brokers.BackBroker()),
        "broker BackBroker has no wake()",
    ),
    "analyzer": (Visits, {}, lambda c: c.addanalyzer(_EveryBar), "has the analyzer _EveryBar"),
    "analyzer's child": (Visits, {}, lambda c: c.addanalyzer(_Parent), "has the analyzer TimeReturn"),
    "cash notices": (_Cash, {}, lambda c: None, "strategy _Cash has its own notify_cashvalue()"),
    "own notices": (_Heard, {}, lambda c: None, "strategy _Heard has its own _notify()"),
    "prenext": (_Early, {}, lambda c: None, "strategy _Early has its own prenext()"),
    "other bars": (Visits, {}, _other_bars, "feed SPX has other bars than SPX"),
    "fewer bars": (Visits, {}, _fewer_bars, "feed SPX has other bars than SPX"),
    "resampled": (Visits, {}, _resampled, "resampled data"),
    "filtered": (Visits, {}, _filtered, "filtered"),
    "next mode": (Visits, {"runonce": False}, lambda c: None, "runonce or preload is off"),
    "no preload": (Visits, {"preload": False}, lambda c: None, "runonce or preload is off"),
    "old sync": (Visits, {"oldsync": True}, lambda c: None, "oldsync is on"),
}


class _Sink:
    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("case", CASES)
def test_the_stock_loop_visits_every_bar_and_the_log_says_why(case: str, said: list[str]) -> None:
    kind, settings, change, reason = CASES[case]
    visited = []
    for loop in (FastCerebro, bt.Cerebro):
        cerebro = engine(loop, [BARS], **settings)
        change(cerebro)
        cerebro.addstrategy(kind)
        visited.append(cerebro.run()[0].visited)
    assert visited[0] == visited[1]
    assert len(visited[0]) > 90
    assert len(said) == 1
    assert said[0].startswith("stock loop instead of the fast one: ")
    assert reason in said[0]


def test_an_analyzer_that_only_starts_and_stops_keeps_the_fast_loop(said: list[str]) -> None:
    cerebro = engine(FastCerebro, [BARS])
    cerebro.addstrategy(Visits, wanted=(10,))
    cerebro.addanalyzer(_Quiet, _name="quiet")
    strategy = cerebro.run()[0]
    assert strategy.visited == [10, LAST]
    assert strategy.analyzers.quiet.get_analysis() == {"bars": LAST + 1}
    assert said == []


def test_feeds_of_equal_stamps_keep_the_fast_loop(said: list[str]) -> None:
    again = market().head(450)
    cerebro = engine(FastCerebro, [BARS, again.scaled(0.1, "XSP")])
    cerebro.addstrategy(Visits, wanted=(10,))
    assert cerebro.run()[0].visited == [10, LAST]
    assert said == []
