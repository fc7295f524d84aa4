"""The run on one sheet, to be posted in a chat."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analyzers.analysis import Analysis
from analyzers.report import charts
from analyzers.report.words import NOT_EVIDENCE, metric_rows
from analyzers.result import RunResult


def render_png(result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None, path: Path) -> None:
    """Write the sheet as PNG, 1600 pixels wide."""
    import matplotlib.pyplot as plt

    with plt.rc_context(charts.STYLE):
        figure = plt.figure(figsize=(16, 10.4), dpi=100, facecolor="white")
        grid = figure.add_gridspec(
            3, 3, width_ratios=(1.25, 1.0, 0.85), height_ratios=(1.25, 0.8, 1.0),
            left=0.05, right=0.985, top=0.865, bottom=0.06, hspace=0.36, wspace=0.2,
        )  # fmt: skip
        charts.equity(figure.add_subplot(grid[0, :2]), analysis)
        charts.underwater(figure.add_subplot(grid[1, 0]), analysis)
        charts.months(figure.add_subplot(grid[1, 1]), analysis)
        charts.results(figure.add_subplot(grid[2, 0]), result.trades)
        if benchmarks is not None:
            charts.passive(figure.add_subplot(grid[2, 1]), benchmarks, analysis, result.start_cash)
        _metrics(figure.add_subplot(grid[:, 2]), analysis)
        figure.text(0.05, 0.955, "Market Watch backtest", size=18, weight="bold", color=charts.INK)
        first, last = result.sessions[0], result.sessions[-1]
        bots = ", ".join(analysis.bots) or "no bots"
        seed = "" if result.seed is None else f", seed {result.seed}"
        span = f"{first} to {last}, {len(result.sessions)} sessions{seed}"
        told = "   |   ".join((bots, span, result.run_id, f"commit {result.git_commit}"))
        figure.text(0.05, 0.927, told, size=10, color=charts.INK)
        if result.synthetic:
            figure.text(0.05, 0.9, NOT_EVIDENCE, size=10, color=charts.LOSS, weight="bold")
        else:
            text = "Recorded bars, model quotes: the option prices are assumptions, see the report."
            figure.text(0.05, 0.9, text, size=10, color=charts.LOSS, weight="bold")
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)


def _metrics(axes: object, analysis: Analysis) -> None:
    axes.axis("off")  # type: ignore[attr-defined]
    y, step = 1.0, 0.0265
    for name, value in metric_rows(analysis.total):
        _line(axes, y, name, value)
        y -= step
    y -= step
    for bot, figures in analysis.bots.items():
        _line(axes, y, bot, "", bold=True)
        y -= step
        for name, value in metric_rows(figures):
            if not name.startswith(("Trades", "Net", "Win", "Expect", "Sharpe", "Largest")):
                continue
            _line(axes, y, name, value)
            y -= step
        y -= 0.5 * step


def _line(axes: object, y: float, name: str, value: str, bold: bool = False) -> None:
    weight = "bold" if bold else "normal"
    text = axes.text  # type: ignore[attr-defined]
    text(0.0, y, name.strip(), size=9.5, weight=weight, color=charts.INK, va="top")
    text(1.0, y, value, size=9.5, ha="right", color=charts.INK, va="top")
