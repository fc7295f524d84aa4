"""The report of a walk-forward: what following the search's choices would have brought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from analyzers.report import charts
from analyzers.report.heat import METRICS, figure_text
from analyzers.report.sections import Section
from analyzers.report.words import THIN, count, interval, share, usd, with_error
from analyzers.search import Luck
from analyzers.walkforward import Walk
from engine.research.statistics import LEAST_TRADES


def verdict_of(walk: Walk, luck: Luck) -> str:
    """Return one sentence that says what to believe."""
    if not walk.steps:
        return f"{THIN.capitalize()}: there are not days enough for one window."
    if walk.trades.sum() < LEAST_TRADES or not math.isfinite(luck.ratio):
        return (
            f"{THIN.capitalize()}: {count(walk.trades.sum())} trades on {count(len(walk.rows))} later days, "
            f"expected at least {LEAST_TRADES}."
        )
    told = f"Followed through {len(walk.steps)} windows the choices brought {usd(walk.pnl.sum(), 0)} USD"
    told += f" with a Sharpe ratio of {with_error(luck.ratio, luck.error)}; "
    trials = count(luck.deflated.trials)
    told += f"luck alone would show about {usd(luck.deflated.luck)} after {trials} trials"
    if luck.deflated.probability >= 0.95:
        return f"{told}, which explains it with a chance of only {share(1.0 - luck.deflated.probability)}."
    return f"{told}: nothing that luck does not explain."


def result_section(walk: Walk, luck: Luck, low: float, high: float) -> Section:
    """Return what the stitched days brought; ``low`` and ``high`` bound the mean result of a trade."""
    trades = walk.trades.sum()
    per_trade = walk.pnl.sum() / trades if trades >= LEAST_TRADES else math.nan
    idle = sum(step.chosen is None for step in walk.steps)
    rows = (
        ("Net result, USD", (usd(walk.pnl.sum(), 0),)),
        ("  mean of all variants on the same days", (usd(walk.middle.sum(), 0),)),
        ("Trades", (count(trades),)),
        ("Net of a trade, USD", (usd(per_trade) if math.isfinite(per_trade) else THIN,)),
        ("  95 % interval", (interval(low, high),)),
        ("Sharpe ratio ± standard error", (with_error(luck.ratio, luck.error),)),
        (
            "Left of the result a day it was chosen for",
            (
                share(walk.kept, 0)
                if math.isfinite(walk.kept)
                else "nothing was earned where it was chosen"
                if walk.steps
                else THIN,
            ),
        ),
        ("Windows without a choice", (f"{idle} of {len(walk.steps)}",)),
    )
    text = "Only days on which nothing was chosen. No position lives past its day, so days can be cut apart."
    return Section("Out of sample", text, ("",), rows)


def window_section(walk: Walk, days: Sequence[str], values: pd.DataFrame, metric: str) -> Section:
    """Return a row a window: what was chosen on which days, and what it brought later."""
    rows = []
    for number, step in enumerate(walk.steps, 1):
        window = step.window
        inside = f"{days[window.first]} to {days[window.last - 1]}"
        outside = f"{days[window.start]} to {days[window.stop - 1]}"
        if step.chosen is None:
            rows.append((f"{number}. {THIN}, nothing traded", (inside, "–", outside, "–", "–", "–")))
            continue
        told = ", ".join(f"{key} {values[key].iloc[step.chosen]}" for key in values)
        rows.append(
            (
                f"{number}. {told}",
                (
                    inside,
                    figure_text(metric, step.inside),
                    outside,
                    usd(step.net, 0),
                    count(step.trades),
                    share(step.better, 0),
                ),
            )
        )
    columns = ("Chosen on", METRICS[metric], "Followed on", "Net, USD", "Trades", "Better than")
    text = (
        "The last column says how many of the other variants did worse on the later days: "
        "choosing by lot gives 50 %."
    )
    return Section("Windows", text, columns, tuple(rows), "Chosen")


def equity_figure(walk: Walk, days: Sequence[str], wide: tuple[float, float] = (12.0, 4.0)) -> Any:
    """Return the stitched equity beside the mean of all variants, windows told apart."""
    from matplotlib.figure import Figure

    with charts.style():
        figure = Figure(figsize=wide, dpi=100, facecolor=charts.PAPER)
        _draw(figure.add_subplot(), walk, days)
        figure.tight_layout()
    return figure


def walk_chart(title: str, under: str, walk: Walk, days: Sequence[str], path: Path) -> None:
    """Write the stitched equity as PNG."""
    from matplotlib.figure import Figure

    with charts.style():
        figure = Figure(figsize=(16, 6.4), dpi=100, facecolor=charts.PAPER)
        figure.text(0.045, 0.925, title, size=19, weight="bold")
        figure.text(0.045, 0.845, fill(under, 170), size=10.5)
        _draw(figure.add_axes((0.045, 0.075, 0.94, 0.69)), walk, days)
        figure.savefig(path, metadata={"Software": None})


def _draw(axes: Any, walk: Walk, days: Sequence[str]) -> None:
    axes.set_title("Net profit and loss out of sample, USD")
    if not len(walk.rows):
        charts.nothing(axes, THIN)
        return
    when = pd.DatetimeIndex([days[row] for row in walk.rows])
    for step in walk.steps[1::2]:
        window = step.window
        ends = pd.DatetimeIndex([days[window.start], days[window.stop - 1]])
        axes.axvspan(ends[0], ends[1], color=charts.GRID, alpha=0.6, lw=0)
    axes.axhline(0.0, color=charts.FAINT, lw=0.8)
    axes.plot(when, np.cumsum(walk.middle), color=charts.FAINT, lw=1.2, label="mean of all variants")
    axes.plot(when, np.cumsum(walk.pnl), color=charts.TOTAL, lw=1.9, label="the choices, followed")
    axes.legend(loc="best", ncols=2)
