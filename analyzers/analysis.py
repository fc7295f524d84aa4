"""A run judged: the figures every report, gate and screen shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.checks import Check, checks, day_loss_excesses
from analyzers.metrics import Drawdown, break_even, drawdowns, investment_figures, trade_figures
from analyzers.result import NEW_YORK, RunResult
from engine.research.statistics import DAYS, LEAST_DAYS, chance_above, expectancy_interval, sharpe

ORDER_STATES = ("filled", "timed_out", "cancelled", "rejected", "conceded")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
SESSION_MINUTES = 390.0


@dataclass(frozen=True)
class Analysis:
    """All figures of a run.

    ``daily`` is the P&L of every session, idle ones included, USD, one column a bot and
    ``all``; ``groups`` maps a name (bot, symbol, exit reason, ...) to a table of
    `trade_figures`; ``checks`` hold the rules against the trades; ``excesses`` are the days
    that lost more than their cap, each explained; ``break_even`` is, by bot, the
    premium at which a trade earns nothing; empty where no control without premium was run.
    """

    daily: pd.DataFrame
    total: dict[str, float]
    bots: dict[str, dict[str, float]]
    groups: dict[str, pd.DataFrame]
    denied: pd.DataFrame
    orders: dict[str, int]
    left_open: int
    years: pd.DataFrame
    falls: list[Drawdown]
    worst_days: pd.Series
    checks: list[Check]
    excesses: list[str]
    break_even: dict[str, float]

    def to_summary(self) -> dict[str, Any]:
        """Return the figures as plain values for ``summary.json``; NaN becomes null."""
        falls = [
            {name: None if value is None else _value(value) for name, value in asdict(fall).items()}
            for fall in self.falls
        ]
        return {
            "total": _plain(self.total),
            "bots": {bot: _plain(figures) for bot, figures in self.bots.items()},
            "groups": {name: _rows(table) for name, table in self.groups.items()},
            "years": _rows(self.years),
            "denied": {
                bot: {str(reason): int(count) for reason, count in row.items() if count}
                for bot, row in self.denied.T.to_dict().items()
            },
            "orders": self.orders,
            "left_open": self.left_open,
            "drawdowns": falls,
            "worst_days": {f"{day:%Y-%m-%d}": round(float(net), 2) for day, net in self.worst_days.items()},
            "checks": [asdict(check) for check in self.checks],
            "day_loss_excesses": self.excesses,
            "break_even_premium": _plain(self.break_even),
        }


def analyze(result: RunResult) -> Analysis:
    """Judge a run."""
    trades = result.trades
    index = pd.DatetimeIndex(pd.to_datetime(list(result.sessions)))
    bots = [str(bot) for bot in result.decisions.bot.unique()] or sorted(set(trades.bot))
    day = trades.exit_time.dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()
    table = trades.assign(day=day)
    daily = pd.DataFrame({bot: daily_of(trades[trades.bot == bot], index) for bot in bots}, index=index)
    daily["all"] = daily[bots].sum(axis=1) if bots else 0.0
    total = _figures(table, daily["all"], result)
    states = result.orders.state.astype(str)
    figures = {bot: _figures(table[table.bot == bot], daily[bot], result) for bot in bots}
    return Analysis(
        daily=daily,
        total=total,
        bots=figures,
        groups=_groups(trades),
        denied=_denied(result.decisions),
        orders={name: int((states == name).sum()) for name in ORDER_STATES},
        left_open=_left_open(result.fills),
        years=_years(daily["all"], result.start_cash),
        falls=drawdowns(daily["all"]),
        worst_days=daily["all"][daily["all"] < 0.0].nsmallest(10),
        checks=checks(result),
        excesses=day_loss_excesses(result),
        break_even=_break_even(result, figures),
    )


def passive_figures(benchmarks: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Return what the passive investments brought, ready for JSON."""
    if benchmarks is None:
        return {}
    return {str(name): _plain(investment_figures(benchmarks[name])) for name in benchmarks}


def _figures(trades: pd.DataFrame, pnl: pd.Series, result: RunResult) -> dict[str, float]:
    ratio, error = sharpe(pnl, result.start_cash)
    counts = trades.groupby("day").size().reindex(pnl.index, fill_value=0)
    low, high, no_edge = expectancy_interval(pnl, counts)
    falls = drawdowns(pnl, 1)
    minutes = (trades.exit_time - trades.entry_time).dt.total_seconds() / 60.0
    days = len(pnl)
    few = days < LEAST_DAYS  # a session or two say nothing of a year
    return {
        **trade_figures(trades),
        "expectancy_low": low,
        "expectancy_high": high,
        "chance_no_edge": no_edge,
        "sharpe": ratio,
        "sharpe_error": error,
        "chance_sharpe_above_0": chance_above(ratio, error),
        "drawdown": falls[0].depth if falls else 0.0,
        "worst_day": float(pnl.min()) if days else math.nan,
        "best_day": float(pnl.max()) if days else math.nan,
        "days": days,
        "days_traded": int(trades.day.nunique()),
        "exposure": float(minutes.sum()) / (SESSION_MINUTES * days) if days else math.nan,
        "minutes_held": float(minutes.mean()) if len(minutes) else math.nan,
        "most_at_risk": _most_at_risk(trades),
        "annual_return": math.nan if few else float(pnl.mean()) * DAYS / result.start_cash,
        "annual_volatility": math.nan
        if few
        else float(pnl.std(ddof=1)) * math.sqrt(DAYS) / result.start_cash,
    }


def daily_of(trades: pd.DataFrame, index: pd.DatetimeIndex) -> pd.Series:
    """Return the net result of every session in ``index``, USD; trades count on the day of their exit."""
    day = trades.exit_time.dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()
    return trades.net.astype(float).groupby(day).sum().reindex(index, fill_value=0.0)


def _most_at_risk(trades: pd.DataFrame) -> float:
    """Return the largest structural loss open at one time, USD."""
    if trades.empty:
        return 0.0
    when = pd.concat([trades.exit_time, trades.entry_time], ignore_index=True)
    change = np.concatenate([-trades.structural_loss.to_numpy(), trades.structural_loss.to_numpy()])
    # of changes at one instant the ends come first: a trade that ends makes room for the next
    order = np.argsort(when.to_numpy("datetime64[ns]"), kind="stable")
    return float(np.cumsum(change[order]).max())


def _groups(trades: pd.DataFrame) -> dict[str, pd.DataFrame]:
    entry = trades.entry_time.dt.tz_convert(NEW_YORK)
    exits = trades.exit_reason.astype(str)
    groups = {
        "bot": _grouped(trades, trades.bot),
        "symbol": _grouped(trades, trades.symbol),
        "exit_reason": _grouped(trades, exits),
        "bot_exit_reason": _grouped(trades, trades.bot + ": " + exits),
        "source": _grouped(trades, trades.source),
        "weekday": _grouped(trades, entry.dt.day_name()),
        "month": _grouped(trades, entry.dt.strftime("%m")),
    }
    weekdays = groups["weekday"]
    groups["weekday"] = weekdays.reindex([day for day in WEEKDAYS if day in weekdays.index])
    groups["exit_reason"] = groups["exit_reason"].sort_values("trades", ascending=False, kind="stable")
    return groups


def _grouped(trades: pd.DataFrame, key: pd.Series) -> pd.DataFrame:
    rows = {name: trade_figures(part) for name, part in trades.groupby(key.to_numpy(), sort=True)}
    names = list(trade_figures(trades.iloc[:0]))
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _denied(decisions: pd.DataFrame) -> pd.DataFrame:
    """Count decision minutes by bot and reason, commonest first."""
    if decisions.empty:
        return pd.DataFrame()
    counts = decisions.groupby(["bot", "reason"], sort=False, observed=True).size()
    table = counts.unstack(fill_value=0)
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    return table[table.sum().sort_values(ascending=False, kind="stable").index]


def _left_open(fills: pd.DataFrame) -> int:
    if fills.empty:
        return 0
    held = fills.groupby(["trade_id", "instrument"]).quantity.sum()
    return int(held[held != 0].index.get_level_values(0).nunique())


def _years(pnl: pd.Series, capital: float) -> pd.DataFrame:
    rows = {}
    for year, part in pnl.groupby(pd.DatetimeIndex(pnl.index).year):
        ratio, error = sharpe(part, capital)
        falls = drawdowns(part, 1)
        rows[year] = {
            "net": float(part.sum()),
            "return": float(part.sum()) / capital,
            "sharpe": ratio,
            "sharpe_error": error,
            "drawdown": falls[0].depth if falls else 0.0,
            "worst_day": float(part.min()),
            "days_traded": int((part != 0).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _break_even(result: RunResult, bots: dict[str, dict[str, float]]) -> dict[str, float]:
    premium, found = float(result.settings["quotes"]["premium"]), {}
    for bot, null in (result.null_control or {}).items():
        mean = bots[bot]["expectancy"] if bot in bots else math.nan
        told = null["trades"] > 0 and math.isfinite(mean)
        found[bot] = break_even(premium, mean, null["net"] / null["trades"]) if told else math.nan
    return found


def _rows(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(key): _plain(row) for key, row in table.to_dict("index").items()}


def _plain(figures: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in figures.items()}


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return int(value) if hasattr(value, "__int__") else str(value)
