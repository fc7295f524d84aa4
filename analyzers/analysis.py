"""A run judged: the figures every report, gate and screen shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from analyzers.metrics import Drawdown, drawdowns, mean_interval, sharpe, trade_figures
from analyzers.result import RunResult

NEW_YORK = "America/New_York"
ORDER_STATES = ("filled", "timed_out", "cancelled", "rejected", "conceded")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


@dataclass(frozen=True)
class Analysis:
    """All figures of a run.

    ``daily`` is the P&L of every session, idle ones included, USD, one column a bot and
    ``all``; ``groups`` maps a name (bot, symbol, exit reason, ...) to a table of
    `trade_figures`; ``excesses`` are the days that lost more than their cap, each explained.
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
    excesses: list[str]

    def to_summary(self) -> dict[str, Any]:
        """Return the figures as plain values for ``summary.json``; NaN becomes null."""
        falls = [
            {"depth": fall.depth, "peak": str(fall.peak), "trough": str(fall.trough),
             "recovered": None if fall.recovered is None else str(fall.recovered)}
            for fall in self.falls
        ]  # fmt: skip
        return {
            "total": _plain(self.total),
            "bots": {bot: _plain(figures) for bot, figures in self.bots.items()},
            "groups": {
                name: {str(key): _plain(row) for key, row in table.to_dict("index").items()}
                for name, table in self.groups.items()
            },
            "denied": {
                bot: {str(reason): int(count) for reason, count in row.items() if count}
                for bot, row in self.denied.T.to_dict().items()
            },
            "orders": self.orders,
            "left_open": self.left_open,
            "drawdowns": falls,
            "day_loss_excesses": self.excesses,
        }


def analyze(result: RunResult) -> Analysis:
    """Judge a run."""
    trades = result.trades
    index = pd.DatetimeIndex(pd.to_datetime(list(result.sessions)))
    bots = list(dict.fromkeys(result.decisions.bot.astype(str))) or sorted(set(trades.bot))
    day = pd.to_datetime(trades.exit_time).dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()
    table = trades.assign(day=day)
    daily = pd.DataFrame(
        {
            bot: table[table.bot == bot].groupby("day").net.sum().reindex(index, fill_value=0.0)
            for bot in bots
        },
        index=index,
    )
    daily["all"] = daily[bots].sum(axis=1) if bots else 0.0
    own = {bot: _figures(table[table.bot == bot], daily[bot], result) for bot in bots}
    entry = pd.to_datetime(trades.entry_time).dt.tz_convert(NEW_YORK)
    keys = {
        "symbol": trades.symbol,
        "exit_reason": trades.bot + " " + trades.exit_reason.astype(str),
        "weekday": entry.dt.day_name(),
        "month": entry.dt.strftime("%m"),
    }
    groups = {"bot": _grouped(trades, trades.bot), **{k: _grouped(trades, v) for k, v in keys.items()}}
    groups["weekday"] = groups["weekday"].reindex([d for d in WEEKDAYS if d in groups["weekday"].index])
    total = _figures(table, daily["all"], result)
    states = result.orders.state.astype(str) if len(result.orders) else pd.Series(dtype=str)
    return Analysis(
        daily=daily,
        total=total,
        bots=own,
        groups=groups,
        denied=_denied(result.decisions),
        orders={
            name: int((states == name).sum())
            for name in ("filled", "timed_out", "cancelled", "rejected", "conceded")
        },
        left_open=_left_open(result.fills),
        years=_years(daily["all"], result.start_cash),
        falls=drawdowns(daily["all"]),
        worst_days=daily["all"][daily["all"] < 0.0].nsmallest(10),
        excesses=day_loss_excesses(result),
    )


def _figures(trades: pd.DataFrame, pnl: pd.Series, result: RunResult) -> dict[str, float]:
    ratio, error = sharpe(pnl, result.start_cash)
    low, high = mean_interval(trades.net)
    falls = drawdowns(pnl, 1)
    minutes = (trades.exit_time - trades.entry_time).dt.total_seconds().sum() / 60.0
    return {
        **trade_figures(trades),
        "expectancy_low": low,
        "expectancy_high": high,
        "sharpe": ratio,
        "sharpe_error": error,
        "drawdown": falls[0].depth if falls else 0.0,
        "worst_day": float(pnl.min()) if len(pnl) else math.nan,
        "best_day": float(pnl.max()) if len(pnl) else math.nan,
        "days": len(pnl),
        "days_traded": int(trades.day.nunique()),
        "exposure": minutes / (390.0 * len(pnl)) if len(pnl) else math.nan,
        "annual_return": float(pnl.mean()) * 252 / result.start_cash if len(pnl) else math.nan,
    }


def _grouped(trades: pd.DataFrame, key: pd.Series) -> pd.DataFrame:
    rows = {name: trade_figures(part) for name, part in trades.groupby(key.to_numpy(), sort=True)}
    names = list(trade_figures(trades.iloc[:0]))
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _denied(decisions: pd.DataFrame) -> pd.DataFrame:
    """Count decision minutes by bot and reason, commonest first."""
    if decisions.empty:
        return pd.DataFrame()
    counts = decisions.groupby([decisions.bot.astype(str), decisions.reason.astype(str)]).size()
    table = counts.unstack(fill_value=0)
    return table[table.sum().sort_values(ascending=False).index]


def _left_open(fills: pd.DataFrame) -> int:
    if fills.empty:
        return 0
    held = fills.groupby(["trade_id", "instrument"]).quantity.sum()
    return int(held[held != 0].index.get_level_values(0).nunique())


def _years(pnl: pd.Series, capital: float) -> pd.DataFrame:
    rows = {}
    for year, part in pnl.groupby(pnl.index.year):
        ratio, _ = sharpe(part, capital)
        falls = drawdowns(part, 1)
        rows[int(year)] = {
            "net": float(part.sum()),
            "return": float(part.sum()) / capital,
            "sharpe": ratio,
            "drawdown": falls[0].depth if falls else 0.0,
            "worst_day": float(part.min()),
            "days_traded": int((part != 0).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def day_loss_excesses(result: RunResult) -> list[str]:
    """Return one line for every day whose realised losses passed their budget's cap, with the why."""
    risk = result.settings["risk"]
    budgets = {"shared": risk["day_cap"]} | {bot: own["day_cap"] for bot, own in risk["budgets"].items()}
    losses = result.trades[result.trades.net < 0.0]
    if losses.empty:
        return []
    day = pd.to_datetime(losses.exit_time).dt.tz_convert(NEW_YORK).dt.date
    budget = losses.bot.where(losses.bot.isin(list(risk["budgets"])), "shared")
    told = []
    for (when, name), part in losses.groupby([day, budget]):
        lost = -float(part.net.sum())
        if lost > budgets[name] + 0.005:
            told.append(_explained(when, name, lost, budgets[name], part))
    return told


def _explained(when: date, name: str, lost: float, cap: float, part: pd.DataFrame) -> str:
    gaps = part[-part.net > part.structural_loss + 0.005]
    if len(gaps):
        beyond = float((-gaps.net - gaps.structural_loss).sum())
        why = f"gap: {', '.join(gaps.order_ref)} lost {beyond:.2f} USD more than their structures reserve"
    else:
        why = "unexplained: losses of trades opened within the cap, please report"
    return f"{when} {name}: lost {lost:.2f} USD, cap {cap:.2f}; {why}"


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    def value(number: Any) -> Any:
        if isinstance(number, float):
            return round(number, 6) if math.isfinite(number) else None
        return int(number) if hasattr(number, "__int__") else number

    return {str(name): value(number) for name, number in figures.items()}
