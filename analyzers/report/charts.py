"""The drawings shared by the sheet and the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: reports are made where there is no screen

import matplotlib.dates as mdates
import numpy as np
import pandas as pd

from analyzers.analysis import Analysis
from analyzers.report.words import BENCHMARK_NAMES, words
from analyzers.result import NEW_YORK

INK, FAINT, GRID, PAPER = "#1f2328", "#767d87", "#e6e8eb", "#ffffff"
GAIN, LOSS = "#1a7f64", "#b83a2e"
TOTAL = "#1f2329"  # as dark as the ink, and a colour of its own on a dark page
DAY = pd.Timedelta(days=1)
FEW_DAYS = 10  # so few have a tick each
SERIES = ("#2b6cb0", "#c07a13", "#128a74", "#8b5fbf", "#5b6b7a", "#b0457b")
KNOWN = {"putlite": SERIES[0], "buywrite": SERIES[1], "condor": SERIES[2]}
STYLE = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.01,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.hashsalt": "market-watch",
}


def style() -> Any:
    """Return the context in which reports are drawn; letters stay letters in SVG."""
    settings: dict[Any, Any] = {**STYLE, "svg.fonttype": "none"}
    return matplotlib.rc_context(settings)


def day_numbers(days: pd.Index) -> list[float]:
    """Return days as the date axes count them, from 1970."""
    return [float(number) for number in mdates.date2num(days)]


def colours(bots: Iterable[str]) -> dict[str, str]:
    """Return one colour a bot: its own where it has one, else one nobody has."""
    spare = [colour for colour in SERIES if colour not in KNOWN.values()]
    found: dict[str, str] = {}
    for bot in bots:
        found[bot] = KNOWN.get(bot) or spare[len(found) % len(spare)]
    return found


def equity(axes: Any, analysis: Analysis) -> None:
    """Draw cumulative net P&L, in all and by bot, each named where it ends."""
    total = _from_nothing(analysis.daily).cumsum()
    axes.axhline(0.0, color=FAINT, lw=0.8)
    for bot, colour in colours(analysis.bots).items():
        axes.plot(total.index, total[bot], color=colour, lw=1.2, label=words(bot))
    if len(analysis.bots) > 1:
        axes.plot(total.index, total["all"], color=TOTAL, lw=1.9, label="all bots")
    axes.set_title("Net profit and loss, USD")
    if analysis.total["trades"]:
        axes.legend(loc="best", ncols=4)
    else:
        nothing(axes)
    _dates(axes)
    _thousands(axes.yaxis)


def underwater(axes: Any, analysis: Analysis) -> None:
    """Draw the distance from the running peak."""
    total = _from_nothing(analysis.daily)["all"].cumsum()
    depth = total - np.maximum(total.cummax(), 0.0)
    axes.fill_between(depth.index, depth, 0.0, color=LOSS, alpha=0.35, lw=0)
    axes.plot(depth.index, depth, color=LOSS, lw=0.9)
    axes.set_title("Drawdown, USD")
    axes.set_ylim(top=0.0)
    if not depth.min() < 0.0:
        axes.set_ylim(-1.0, 0.0)
    _dates(axes)
    _thousands(axes.yaxis)


def months(axes: Any, table: pd.DataFrame) -> None:
    """Draw net P&L by year and month as a table of colours, the year's sum at its end."""
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list("result", [LOSS, "#fbfbfa", GAIN])
    values = table.to_numpy()
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    axes.pcolormesh(
        values, cmap=scale, vmin=-(most or 1.0), vmax=most or 1.0, alpha=0.75, edgecolor=PAPER, lw=2
    )
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(column + 0.5, row + 0.5, whole(value), ha="center", va="center", fontsize=8)
    for row, value in enumerate(np.nansum(values, axis=1)):
        axes.text(12.25, row + 0.5, whole(value), va="center", fontsize=8, weight="bold")
    axes.set_xticks(np.arange(12) + 0.5, list("JFMAMJJASOND"))
    axes.set_yticks(np.arange(len(table)) + 0.5, [str(year) for year in table.index])
    axes.set_xlim(0, 13.6)
    axes.set_ylim(max(len(table), 4), 0)  # few years keep the height of a row
    axes.xaxis.tick_top()  # beside the rows, however few years there are
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_title("Net by month, USD")


def month_table(analysis: Analysis) -> pd.DataFrame:
    """Return net P&L by year (rows) and month (columns 1 to 12), NaN where there was no session."""
    daily = analysis.daily["all"]
    days = pd.DatetimeIndex(daily.index)
    table = daily.groupby([days.year, days.month]).sum().unstack()
    return table.reindex(columns=range(1, 13))


def results(over_time: Any, spread: Any, trades: pd.DataFrame, analysis: Analysis) -> None:
    """Draw every trade's result in planned losses: over time, and beside it how often."""
    bots = colours(analysis.bots)
    parts = {bot: trades[trades.bot == bot] for bot in bots}
    measures = {
        bot: (part.net / part.planned_loss).to_numpy(float) for bot, part in parts.items() if len(part)
    }
    for axes in (over_time, spread):
        axes.axhline(0.0, color=FAINT, lw=0.8)
        axes.axhline(-1.0, color=LOSS, lw=0.9, ls=(0, (4, 3)))
    for bot, measure in measures.items():
        days = pd.DatetimeIndex(parts[bot].exit_time).tz_convert(NEW_YORK).tz_localize(None)
        over_time.scatter(days, measure, s=9, color=bots[bot], alpha=0.65, lw=0, label=words(bot))
    over_time.set_title("Result of every trade, in planned losses (R)")
    spread.set_title("How often")
    if measures:
        every = np.concatenate(list(measures.values()))
        bins = np.linspace(min(every.min(), -1.05), max(every.max(), 0.25), 49)
        held = [bots[bot] for bot in measures]
        spread.hist(list(measures.values()), bins=bins, stacked=True, color=held, orientation="horizontal")
        over_time.legend(loc="upper left", ncols=4, markerscale=2)
        low, high = over_time.get_ylim()
        over_time.set_ylim(low, high + 0.14 * (high - low))  # room for the legend
        spread.annotate("planned\nloss", (0.98, -1.0), xycoords=("axes fraction", "data"), fontsize=7.5,
                        color=LOSS, ha="right", va="center", backgroundcolor=PAPER)  # fmt: skip
    else:
        nothing(over_time)
    if len(analysis.daily):
        over_time.set_xlim(
            analysis.daily.index[0], analysis.daily.index[-1] + 0.99 * DAY
        )  # the last day, not the next one's tick
    _dates(over_time)
    spread.tick_params(labelleft=False)


def passive(axes: Any, benchmarks: pd.DataFrame, analysis: Analysis, capital: float) -> None:
    """Draw the account beside the passive investments on the same data, growth of 1."""
    for (name, label), style in zip(BENCHMARK_NAMES.items(), ("-", (0, (5, 2)), (0, (1, 1.4))), strict=True):
        axes.plot(benchmarks.index, benchmarks[name], color=FAINT, lw=1.2, ls=style, label=label)
    account = 1.0 + analysis.daily["all"].cumsum() / capital
    axes.plot(account.index, account, color=TOTAL, lw=1.8, label="this account")
    axes.set_title("Growth of 1, beside passive investments")
    axes.legend(loc="best", ncols=2)
    _dates(axes)


def costs(axes: Any, analysis: Analysis) -> None:
    """Draw what became of each bot's result at mid prices: spread, fees, net."""
    shades = {"at_mid": FAINT, "slippage": "#d08a7f", "fees": "#e5bdb5", "net": TOTAL}
    names = ("at mid", "spread", "fees", "net")
    bots = list(analysis.bots)
    for place, ((figure, colour), name) in enumerate(zip(shades.items(), names, strict=True)):
        sign = -1.0 if figure in ("slippage", "fees") else 1.0
        values = [sign * analysis.bots[bot][figure] for bot in bots]
        spots = np.arange(len(bots)) + 0.2 * (place - 1.5)
        bars = axes.bar(spots, values, width=0.19, color=colour, label=name)
        axes.bar_label(bars, [whole(value) for value in values], fontsize=7.5, padding=2)
    axes.axhline(0.0, color=FAINT, lw=0.8)
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.1 * (high - low), high + 0.28 * (high - low))  # room for figures and legend
    axes.set_xticks(range(len(bots)), [words(bot) for bot in bots])
    axes.grid(axis="x", visible=False)
    axes.set_title("From mid prices to the net result, USD")
    if analysis.total["trades"]:
        axes.legend(loc="upper left", ncols=4)
    else:
        nothing(axes)
    _thousands(axes.yaxis)


def nothing(axes: Any, text: str = "no trades") -> None:
    """Say that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT, size=11)


def whole(value: float) -> str:
    """Return an amount in whole USD, a dash for none."""
    if not np.isfinite(value):
        return "–"
    return f"{round(value) + 0:,d}".replace("-", "−")


def _from_nothing(daily: pd.DataFrame) -> pd.DataFrame:
    """Return results by day with a day of none before the first: that is where a curve begins."""
    if daily.empty:
        return daily
    before = pd.DataFrame(0.0, index=[daily.index[0] - DAY], columns=daily.columns)
    return pd.concat([before, daily])


def _dates(axes: Any) -> None:
    low, high = axes.get_xlim()
    few = high - low <= FEW_DAYS
    locator = mdates.DayLocator() if few else mdates.AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def _thousands(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "−"))
