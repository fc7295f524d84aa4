"""The run on one sheet, to be posted in a chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analyzers.analysis import Analysis
from analyzers.report import charts
from analyzers.report.words import is_loss, metric_sections, several, usd, verdict, warning, with_error, words
from analyzers.result import RunResult

LEFT, RIGHT = 0.045, 0.985
LINE = 0.0235  # of the column's height


def render_png(result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None, path: Path) -> None:
    """Write the sheet as PNG, 1600 pixels wide."""
    with charts.style():
        figure = Figure(figsize=(16, 10.4), dpi=100, facecolor=charts.PAPER)
        _head(figure, result, analysis)
        columns = figure.add_gridspec(
            1, 2, width_ratios=(2.75, 1), left=LEFT, right=RIGHT, top=0.825, bottom=0.045, wspace=0.075
        )
        grid = columns[0].subgridspec(3, 2, height_ratios=(1.5, 1.0, 1.0), hspace=0.4, wspace=0.13)
        top = grid[0, :].subgridspec(2, 1, height_ratios=(2.5, 1), hspace=0.28)
        above = figure.add_subplot(top[0])
        charts.equity(above, analysis)
        above.tick_params(labelbottom=False)
        charts.underwater(figure.add_subplot(top[1], sharex=above), analysis)
        pair = grid[1, 0].subgridspec(1, 2, width_ratios=(4, 1), wspace=0.06)
        over_time = figure.add_subplot(pair[0])
        charts.results(over_time, figure.add_subplot(pair[1], sharey=over_time), result.trades, analysis)
        charts.months(figure.add_subplot(grid[1, 1]), charts.month_table(analysis))
        charts.costs(figure.add_subplot(grid[2, 0]), analysis)
        if benchmarks is not None:
            charts.passive(figure.add_subplot(grid[2, 1]), benchmarks, analysis, result.start_cash)
        _figures(figure.add_subplot(columns[1]), analysis)
        figure.savefig(path, metadata={"Software": None})


def _head(figure: Any, result: RunResult, analysis: Analysis) -> None:
    first, last = result.sessions[0], result.sessions[-1]
    bots = ", ".join(words(bot) for bot in analysis.bots) or "no bots"
    seed = "recorded bars" if result.seed is None else f"seed {result.seed}"
    bars = seed if result.venue == "backtest" else "the broker's quotes"
    span = f"{first} to {last}, {several(len(result.sessions), 'session')}"
    figure.text(LEFT, 0.948, f"Market Watch {result.venue}", size=21, weight="bold")
    told = "   ·   ".join((bots, span, bars, f"{usd(result.start_cash, 0)} USD to start with"))
    figure.text(LEFT, 0.921, told, size=11)
    figure.text(RIGHT, 0.956, result.run_id, size=9, color=charts.FAINT, ha="right")
    figure.text(RIGHT, 0.936, f"commit {result.git_commit}", size=9, color=charts.FAINT, ha="right")
    figure.text(LEFT, 0.893, warning(result), size=10.5, weight="bold", color=charts.LOSS)
    figure.text(LEFT, 0.867, verdict(analysis.total), size=11)


def _figures(axes: Any, analysis: Analysis) -> None:
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1), autoscale_on=False)
    y = 1.0
    for title, rows in metric_sections(analysis.total)[:2]:
        y = _section(axes, y, title, rows)
    for bot, figures in analysis.bots.items():
        rows = [
            ("Net result, USD", usd(figures["net"])),
            ("Trades", f"{figures['trades']:,.0f}"),
            ("Expectancy per trade, USD", usd(figures["expectancy"])),
            ("Sharpe ratio ± standard error", with_error(figures["sharpe"], figures["sharpe_error"])),
        ]
        y = _section(axes, y, words(bot), rows)
    broken = sum(check.breaches for check in analysis.checks if not check.aim)
    if analysis.checks:
        told = "never" if not broken else f"{broken} times, see the report"
        _section(axes, y, "", [("Limits broken", told), ("Trades left open", str(analysis.left_open))])


def _section(axes: Any, y: float, title: str, rows: list[tuple[str, str]]) -> float:
    if title:
        axes.text(0.0, y, title, size=10.5, weight="bold", va="top")
        y -= LINE * 1.15
    for name, value in rows:
        axes.plot([0, 1], [y + 0.0045] * 2, color=charts.GRID, lw=0.7, clip_on=False)
        part = name.startswith(" ")
        axes.text(
            0.02 if part else 0.0,
            y,
            name.strip(),
            size=9.5,
            va="top",
            color=charts.FAINT if part else charts.INK,
        )
        colour = charts.LOSS if is_loss(value) else charts.INK
        axes.text(1.0, y, value, size=9.5, ha="right", va="top", color=colour)
        y -= LINE
    return y - 0.6 * LINE
