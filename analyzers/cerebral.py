"""Backtrader Analyzers over the journal, for whoever runs the bots from Cerebro.

They ask the journal once, at the end, so they are the same under the fast loop and the
stock loop: nothing depends on how many bars were visited.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import backtrader as bt
import pandas as pd

from analyzers.metrics import sharpe, trade_figures

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

    def judge(self) -> dict[Any, Any]:
        """Return the figures; called once, after the last bar."""
        raise NotImplementedError


class DailyPnl(JournalAnalyzer):
    """Net P&L of every session in USD, idle ones included."""

    def judge(self) -> dict[date, float]:
        days = dict.fromkeys(self.strategy.desk.sessions, 0.0)
        for trade in self.own:
            days[trade.exit_time.date()] += trade.net
        return days


class DailySharpe(DailyPnl):
    """Annualised Sharpe ratio of the daily P&L on the starting cash, with its standard error.

    Daily, ddof 1, idle days counted; both NaN while the data is too thin to say.
    """

    def judge(self) -> dict[str, float]:
        days = super().judge()
        pnl = pd.Series(list(days.values()), index=pd.DatetimeIndex(pd.to_datetime(list(days))))
        ratio, error = sharpe(pnl, self.strategy.desk.start_cash)
        return {"sharpe": ratio, "error": error, "days": len(days)}


class TradeFigures(JournalAnalyzer):
    """Expectancy, profit factor, win rate, R multiples, costs of the bot's trades."""

    def judge(self) -> dict[str, float]:
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

    def judge(self) -> dict[str, float]:
        minutes = sum((trade.exit_time - trade.entry_time).total_seconds() / 60.0 for trade in self.own)
        bars = len(self.strategy.data)
        return {"minutes": minutes, "share": minutes / bars if bars else 0.0}


ANALYZERS = (DailyPnl, DailySharpe, TradeFigures, Exits, Denials, Exposure)
