"""The drawings shared by the sheet and the page."""

from __future__ import annotations

from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: reports are made where there is no screen

import matplotlib.dates as mdates
import numpy as np
import pandas as pd

from analyzers.analysis import Analysis
from analyzers.report.words import COLOURS, words

INK, FAINT, LOSS = "#22252b", "#9aa0a8", "#b3403a"
STYLE = {
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e7e9ec",
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "market-watch",
}


def _dates(axes: Any) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def equity(axes: Any, analysis: Analysis) -> None:
    """Draw cumulative net P&L, in all and by bot."""
    total = analysis.daily.cumsum()
    for bot in [name for name in total if name != "all"]:
        axes.plot(total.index, total[bot], color=COLOURS.get(bot, FAINT), lw=1.1, label=words(bot))
    if total.shape[1] > 2:
        axes.plot(total.index, total["all"], color=COLOURS["all"], lw=1.7, label="all bots")
    axes.axhline(0.0, color=FAINT, lw=0.8)
    axes.set_title("Net profit and loss, USD")
    if total.shape[1] > 1:
        axes.legend(loc="best", ncols=2, fontsize=8)
    else:
        nothing(axes)
    _dates(axes)


def underwater(axes: Any, analysis: Analysis) -> None:
    """Draw the distance from the running peak."""
    total = analysis.daily["all"].cumsum()
    depth = total - np.maximum(total.cummax(), 0.0)
    axes.fill_between(depth.index, depth, 0.0, color=LOSS, alpha=0.55, lw=0)
    axes.set_title("Drawdown, USD")
    _dates(axes)


def months(axes: Any, analysis: Analysis) -> None:
    """Draw net P&L by year and month as a table of colours."""
    daily = analysis.daily["all"]
    table = daily.groupby([daily.index.year, daily.index.month]).sum().unstack()
    table = table.reindex(columns=range(1, 13))
    most = float(np.nanmax(np.abs(table.to_numpy()))) if table.size and table.notna().any().any() else 1.0
    axes.imshow(table, cmap="RdYlGn", vmin=-(most or 1.0), vmax=most or 1.0, aspect="auto", alpha=0.75)
    for i, row in enumerate(table.to_numpy()):
        for j, value in enumerate(row):
            if np.isfinite(value):
                axes.text(j, i, f"{value:,.0f}".replace("-", "−"), ha="center", va="center", fontsize=7)
    axes.set_xticks(range(12), list("JFMAMJJASOND"))
    axes.set_yticks(range(len(table)), [str(year) for year in table.index])
    axes.grid(False)
    axes.set_title("Net by month, USD")


def results(axes: Any, trades: pd.DataFrame) -> None:
    """Draw the distribution of trade results in planned R."""
    bots = list(dict.fromkeys(trades.bot))
    values = [trades[trades.bot == bot].net / trades[trades.bot == bot].planned_loss for bot in bots]
    if bots:
        low, high = min(v.min() for v in values), max(v.max() for v in values)
        bins = np.linspace(min(low, -0.1), max(high, 0.1), 41)
        colours = [COLOURS.get(bot, FAINT) for bot in bots]
        axes.hist(values, bins=bins, stacked=True, color=colours, label=[words(bot) for bot in bots])
        axes.legend(loc="best", fontsize=8)
    else:
        nothing(axes)
    axes.axvline(0.0, color=INK, lw=0.8)
    axes.axvline(-1.0, color=LOSS, lw=0.8, ls="--")
    axes.set_title("Results per trade, in planned losses (R)")


def passive(axes: Any, benchmarks: pd.DataFrame, analysis: Analysis, capital: float) -> None:
    """Draw the account beside the passive investments on the same data, growth of 1."""
    names = {
        "buy_and_hold": "buy and hold",
        "put_write": "monthly put-write",
        "buy_write": "monthly buy-write",
    }
    for (name, label), style in zip(names.items(), ("-", "--", ":"), strict=True):
        axes.plot(benchmarks.index, benchmarks[name], color=FAINT, lw=1.2, ls=style, label=label)
    account = 1.0 + analysis.daily["all"].cumsum() / capital
    axes.plot(account.index, account, color=COLOURS["all"], lw=1.6, label="this account")
    axes.set_title("Growth of 1, beside passive investments")
    axes.legend(loc="best", fontsize=8)
    _dates(axes)


def reasons(axes: Any, analysis: Analysis, most: int = 12) -> None:
    """Draw why there was no entry: decision minutes by reason and bot."""
    denied = analysis.denied.drop(columns=["entered"], errors="ignore")
    denied = denied[denied.sum().nlargest(most).index[::-1]] if len(denied) else denied
    left = np.zeros(denied.shape[1])
    for bot, row in denied.iterrows():
        names, colour = [words(name) for name in denied.columns], COLOURS.get(str(bot), FAINT)
        axes.barh(names, row, left=left, color=colour, label=words(str(bot)))
        left = left + row.to_numpy()
    if denied.empty:
        nothing(axes)
    else:
        axes.legend(loc="lower right", fontsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title("Why there was no entry, decision minutes")


def nothing(axes: Any, text: str = "no trades") -> None:
    """Say that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)
