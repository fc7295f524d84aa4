"""The analyzers inside Cerebro say what the report says, in both loops."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from analyzers.analysis import analyze
from analyzers.cerebral import ANALYZERS
from engine.bars import Bars
from engine.cerebro import FastCerebro
from engine.journal.journal import Journal
from engine.reasons import Reason
from engine.research.statistics import chance_above, least_days
from engine.sessions import stamps
from feeds.lines import ArrayFeed
from tests.analyzers.makers import DAYS, run, trade

NET = (12.0, -30.0, 8.0, 5.0, -2.0, 7.0)
TRADES = [trade(n, day, NET[n % len(NET)], ("condor", "putlite")[n % 2]) for n, day in enumerate(DAYS)]


class Sleeper(bt.Strategy):  # type: ignore[misc]
    """A bot that does nothing more: its trades are in the journal already."""

    params = (("desk", None),)
    bot_name = "condor"

    def __init__(self) -> None:
        self.desk = self.p.desk

    def first_wake(self) -> int:
        return 1 << 60

    def wake(self, bar: int) -> int:
        return 1 << 60


def analyzed(kind: type[bt.Cerebro]) -> dict[str, Any]:
    stamp = stamps(DAYS)
    flat = np.full(len(stamp), 600.0)
    bars = Bars(symbol="XSP", stamp=stamp, open=flat, high=flat, low=flat, close=flat, volume=flat, lines={})
    journal = Journal()
    for item in TRADES:
        journal.trade(item)
    table = pd.DataFrame({"bot": "condor", "reason": ["entered", "trend", "trend"]})
    journal.keep_decisions(
        "condor", lambda: table, lambda: {Reason.ENTERED: 1, Reason.TREND: 2}, lambda: pd.DataFrame()
    )
    cerebro = kind(stdstats=False)
    cerebro.adddata(ArrayFeed(bars=bars, name="XSP"))
    cerebro.addstrategy(Sleeper, desk=SimpleNamespace(journal=journal, sessions=DAYS, start_cash=10_000.0))
    for analyzer in ANALYZERS:
        cerebro.addanalyzer(analyzer)
    (strategy,) = cerebro.run()
    return {type(one).__name__: one.get_analysis() for one in strategy.analyzers}


@pytest.mark.parametrize("kind", [bt.Cerebro, FastCerebro])
def test_analyzers_agree_with_the_report(kind: type[bt.Cerebro]) -> None:
    told = analyzed(kind)
    report = analyze(run(TRADES)).bots["condor"]

    assert list(told["DailyPnl"]) == list(DAYS)
    assert sum(told["DailyPnl"].values()) == pytest.approx(report["net"])
    assert told["DailySharpe"]["sharpe"] == pytest.approx(report["sharpe"])
    assert told["DailySharpe"]["error"] == pytest.approx(report["sharpe_error"])
    assert told["TradeFigures"] == pytest.approx({name: report[name] for name in told["TradeFigures"]})
    assert sum(told["Exits"].values()) == report["trades"]
    assert told["Denials"] == {"trend": 2, "entered": 1}
    assert told["Exposure"]["minutes"] == 120.0 * report["trades"]
    assert told["Exposure"]["share"] == pytest.approx(report["exposure"])


def test_both_loops_are_analyzed_alike() -> None:
    assert analyzed(bt.Cerebro) == analyzed(FastCerebro)


def test_bot_without_trades_has_counts_and_no_ratios() -> None:
    figures = analyze(run([trade(1, DAYS[0], 5.0, "putlite")])).bots

    assert set(figures) == {"putlite"}
    assert math.isnan(figures["putlite"]["sharpe"])


def test_analyzers_say_what_the_ratio_can_show() -> None:
    told = analyzed(FastCerebro)["DailySharpe"]

    assert told["probabilistic"] == pytest.approx(chance_above(told["sharpe"], told["error"]))
    assert told["deflated"] == told["probabilistic"]  # one trial is no search
    assert told["least_days"] == least_days(told["sharpe"], told["error"], told["days"])


def test_expectancy_of_twenty_one_trades_has_a_mean_and_no_interval() -> None:
    told = analyzed(FastCerebro)["Expectancy"]

    assert told["trades"] == 21
    assert told["mean"] == pytest.approx(sum(trade.net for trade in TRADES if trade.bot == "condor") / 21)
    assert math.isnan(told["low"])
