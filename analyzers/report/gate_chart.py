"""The gate on one sheet: the criteria of every bot, and its sessions on the ramp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import matplotlib.dates as mdates

from analyzers.report import charts
from analyzers.report.gate import title_of
from engine.gate.criteria import Verdict
from engine.gate.facts import Judged
from engine.gate.view import GateView

COLOURS = {Verdict.PASS: charts.GAIN, Verdict.FAIL: charts.LOSS, Verdict.UNKNOWN: charts.FAINT}
COLUMNS = (0.0, 0.42, 0.66, 1.0)
KINDS = (("compliant", charts.GAIN, "o"), ("idle", charts.FAINT, "o"), ("breach", charts.LOSS, "X"))
LONGEST = 46


def gate_chart(views: Sequence[GateView], sessions: Mapping[str, Sequence[Judged]], path: Path) -> None:
    """Write the sheet as PNG.

    Parameters
    ----------
    views : sequence of GateView
    sessions : mapping of str to sequence of Judged
        All sessions judged, by bot.
    path : Path
    """
    from matplotlib.figure import Figure

    heights = [max(len(view.rows), 2) + 2.6 for view in views]
    with charts.style():
        figure = Figure(figsize=(13.0, 0.31 * sum(heights) + 0.9), dpi=110, facecolor=charts.PAPER)
        grid = figure.add_gridspec(
            len(views), 2, width_ratios=(1.7, 1), height_ratios=heights,
            left=0.03, right=0.985, top=0.93, bottom=0.06, hspace=0.4, wspace=0.13,
        )  # fmt: skip
        figure.text(0.03, 0.965, "Market Watch gate", size=15, weight="bold")
        for row, view in enumerate(views):
            _table(figure.add_subplot(grid[row, 0]), view, heights[row])
            _sessions(figure.add_subplot(grid[row, 1]), sessions.get(view.bot, ()))
        figure.savefig(path, metadata={"Software": None})


def _table(axes: Any, view: GateView, height: float) -> None:
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(height, 0))
    axes.text(0.0, 0.6, title_of(view), size=11.5, weight="bold", va="center")
    axes.text(
        1.0,
        0.6,
        f"configuration {view.config or 'none'}",
        size=8.5,
        color=charts.FAINT,
        ha="right",
        va="center",
    )
    if not view.rows:
        axes.text(0.0, 1.8, "The top of the ramp: nothing more is asked.", size=9.5, va="center")
    for number, row in enumerate(view.rows):
        y = 1.8 + number
        axes.plot([0, 1], [y - 0.5] * 2, color=charts.GRID, lw=0.7)
        cells = (row.name, row.measured, row.required, row.verdict.value)
        for place, text in zip(COLUMNS, cells, strict=True):
            last = place == COLUMNS[-1]
            axes.text(
                place, y, shorten(text, LONGEST, placeholder=" ..."), size=9.0, va="center",
                ha="right" if last else "left",
                color=COLOURS[row.verdict] if last else charts.INK, weight="bold" if last else "normal",
            )  # fmt: skip


def _sessions(axes: Any, judged: Sequence[Judged]) -> None:
    axes.set_title("Sessions judged")
    axes.set_yticks([0, 1], ["paper", "live"])
    axes.set_ylim(-0.6, 1.6)
    if not judged:
        axes.set_xticks([])
        axes.text(
            0.5, 0.5, "none yet", transform=axes.transAxes, ha="center", va="center", color=charts.FAINT
        )
        return
    for name, colour, marker in KINDS:
        held = [one for one in judged if _kind(one) == name]
        axes.plot(
            mdates.date2num([one.day for one in held]), [one.venue == "live" for one in held],
            linestyle="none", marker=marker, markersize=6, color=colour, label=f"{name} ({len(held)})",
            markerfacecolor="none" if name == "idle" else colour,
        )  # fmt: skip
    axes.xaxis_date()
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.legend(loc="lower right", ncols=3, bbox_to_anchor=(1.02, 0.99), handletextpad=0.1, columnspacing=1.0)


def _kind(one: Judged) -> str:
    return "idle" if one.idle else "compliant" if one.compliant else "breach"
