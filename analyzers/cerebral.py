"""Backtrader Analyzers over the journal, for whoever runs the bots from Cerebro.

They ask the journal once, at the end, so they are the same under the fast loop and the
stock loop: nothing depends on how many bars were visited.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from typing import Any

import backtrader as bt
import pandas as pd

from analyzers.metrics import trade_figures
from engine.research.statistics import chance_above, deflate, expectancy_interval, least_days, sharpe

_FIELDS = ("net", "gross", "fees", "slippage", "planned_loss", "structural_loss")


class JournalAnalyzer(bt.Analyzer):  # type: ignore[misc]
    """An analyzer of one bot's part of the journal."""

    def stop(self) -> None:
        self.rets = self.judge()

    def get_analysis(self) -> dict[Any, Any]:
        """Return the figures, a plain dict."""
        return dict(self.rets)

    @property
    def own(self) -> list[Any]:
        """The bot's finished trades."""
        return [trade for trade in self.strategy.desk.journal.trades if trade.bot == self.strategy.bot_name]

    def by_day(self) -> dict[date, float]:
        """Return the bot's net result of every session, USD, 0 on idle ones."""
        days = dict.fromkeys(self.strategy.desk.sessions, 0.0)
        for trade in self.own:
            days[trade.exit_time.date()] += trade.net
        return days

    def judge(self) -> dict[Any, Any]:
        """Return the figures; called once, after the last bar."""
        raise NotImplementedError


class DailyPnl(JournalAnalyzer):
    """Net P&L of every session in USD, idle ones included."""

    def judge(self) -> dict[Any, Any]:
        return self.by_day()


class DailySharpe(JournalAnalyzer):
    """Annualised Sharpe ratio of the daily P&L on the starting cash, and what it can show.

    ``sharpe`` (daily, ddof 1, idle days counted) with its standard ``error``; ``probabilistic``, the
    chance that the true ratio is above ``benchmark``; ``deflated``, that it is above zero although
    it was the best of ``trials``; ``least_days`` after which the same ratio would be shown to
    be above the benchmark, at 95 %. All NaN while the data is too thin to say.
    """

    params = (("benchmark", 0.0), ("trials", 1))

    def judge(self) -> dict[Any, Any]:
        days = self.by_day()
        pnl = pd.Series(list(days.values()), index=pd.DatetimeIndex(pd.to_datetime(list(days))))
        ratio, error = sharpe(pnl, self.strategy.desk.start_cash)
        return {
            "sharpe": ratio,
            "error": error,
            "days": len(days),
            "probabilistic": chance_above(ratio, error, self.p.benchmark),
            "deflated": deflate(ratio, error, [ratio], self.p.trials).probability,
            "least_days": least_days(ratio, error, len(days), self.p.benchmark),
        }


class Expectancy(JournalAnalyzer):
    """Mean net result of a trade, USD, with its interval by a stationary bootstrap of days.

    ``no_edge`` is the share of draws with no gain; all but ``mean`` NaN below 30 trades.
    """

    params = (("level", 0.95),)

    def judge(self) -> dict[Any, Any]:
        days = self.by_day()
        counts = Counter(trade.exit_time.date() for trade in self.own)
        net, trades = pd.Series(list(days.values())), pd.Series([counts[day] for day in days])
        low, high, no_edge = expectancy_interval(net, trades, self.p.level)
        done = int(trades.sum())
        mean = float(net.sum()) / done if done else math.nan
        return {"mean": mean, "low": low, "high": high, "no_edge": no_edge, "trades": done}


class TradeFigures(JournalAnalyzer):
    """Expectancy, profit factor, win rate, R multiples, costs of the bot's trades."""

    def judge(self) -> dict[Any, Any]:
        rows = [[getattr(trade, name) for name in _FIELDS] for trade in self.own]
        return trade_figures(pd.DataFrame(rows, columns=list(_FIELDS), dtype=float))


class Exits(JournalAnalyzer):
    """How many trades ended for which reason."""

    def judge(self) -> dict[str, int]:
        return dict(Counter(str(trade.exit_reason) for trade in self.own))


class Denials(JournalAnalyzer):
    """How many decision minutes ended in which reason."""

    def judge(self) -> dict[str, int]:
        counts = self.strategy.desk.journal.reasons(self.strategy.bot_name)
        return {str(reason): count for reason, count in counts.items()}


class Exposure(JournalAnalyzer):
    """Minutes in the market, and their share of all trading minutes."""

    def judge(self) -> dict[Any, Any]:
        minutes = sum((trade.exit_time - trade.entry_time).total_seconds() / 60.0 for trade in self.own)
        bars = len(self.strategy.data)
        return {"minutes": minutes, "share": minutes / bars if bars else 0.0}


ANALYZERS = (DailyPnl, DailySharpe, Expectancy, TradeFigures, Exits, Denials, Exposure)
