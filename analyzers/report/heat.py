"""Heat maps of a search: one panel a metric for every pair of searched keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyzers.report import charts
from analyzers.report.words import count, ratio, usd

METRICS = {
    "sharpe": "Sharpe ratio",
    "net": "Net, USD",
    "per_trade": "Net of a trade, USD",
    "net_over_drawdown": "Net over drawdown",
    "trades": "Trades",
}
PANELS = ("sharpe", "net", "per_trade", "trades")
MOST_VALUES = 16  # of an axis; more are put together
BINS = 8
MOST_PAIRS = 10
DECIMALS = {"sharpe": 2, "net": 0, "per_trade": 2, "net_over_drawdown": 2, "trades": 0}


@dataclass(frozen=True, eq=False)
class Panel:
    """One metric over one pair of keys: the mean over all variants of a cell, NaN where none is known."""

    metric: str
    rows: str
    columns: str
    row_values: tuple[str, ...]
    column_values: tuple[str, ...]
    cells: NDArray[np.float64]

    @property
    def strength(self) -> NDArray[np.float64]:
        """How strongly a cell is coloured: −1 to 1 around zero, or 0 to 1 for what has no sign."""
        known = np.abs(self.cells[np.isfinite(self.cells)])
        return self.cells / (known.max() if known.size and known.max() > 0.0 else 1.0)

    def text(self, value: float) -> str:
        """Return a cell's value as words."""
        return usd(value, DECIMALS[self.metric])


def panels_of(values: pd.DataFrame, figures: Mapping[str, NDArray[np.float64]]) -> list[list[Panel]]:
    """Return the panels, a list for every pair of keys.

    Parameters
    ----------
    values : DataFrame
        A row a variant, a column a searched key; keys with one value only are passed over.
    figures : mapping of metric to ndarray, shape (variants,)
    """
    labels = {str(key): _labels(values[key]) for key in values}
    labels = {key: held for key, held in labels.items() if len(held[1]) > 1}
    if not labels:
        return []
    names = list(labels)
    pairs: list[tuple[str, str]] = list(combinations(names, 2))[:MOST_PAIRS] or [("", names[0])]
    nothing = np.zeros(len(values), np.int64), ("",)
    return [
        [
            _panel(metric, figures[metric], (row, *labels.get(row, nothing)), (column, *labels[column]))
            for metric in PANELS
        ]
        for row, column in pairs
    ]


def panels_of_grid(
    axes: Mapping[str, Sequence[Any]], figures: Mapping[str, NDArray[np.float64]]
) -> list[list[Panel]]:
    """Return the panels of a full grid, as `panels_of` those of single variants.

    Parameters
    ----------
    axes : mapping of key to values
    figures : mapping of metric to ndarray, flat, the last axis changing fastest
    """
    names, shape = list(axes), tuple(len(held) for held in axes.values())
    labels = {key: _labels(pd.Series(list(held), dtype=object)) for key, held in axes.items()}
    wide = [key for key in names if len(axes[key]) > 1]
    pairs: list[tuple[str, str]] = list(combinations(wide, 2))[:MOST_PAIRS]
    found = []
    for row, column in pairs:
        rest = tuple(place for place, key in enumerate(names) if key not in (row, column))
        places = np.meshgrid(labels[row][0], labels[column][0], indexing="ij")
        told = (row, places[0].ravel(), labels[row][1]), (column, places[1].ravel(), labels[column][1])
        pair = []
        for metric in PANELS:
            held = figures[metric].reshape(shape)
            known = np.isfinite(held)
            sums, counts = np.where(known, held, 0.0).sum(axis=rest), known.sum(axis=rest)
            with np.errstate(invalid="ignore", divide="ignore"):
                pair.append(_panel(metric, np.where(counts > 0, sums / counts, np.nan).ravel(), *told))
        found.append(pair)
    return found


def _panel(
    metric: str, held: NDArray[np.float64], row: tuple[str, Any, Any], column: tuple[str, Any, Any]
) -> Panel:
    shape = len(row[2]), len(column[2])
    place = row[1] * shape[1] + column[1]
    known = np.isfinite(held)
    sums = np.bincount(place[known], held[known], minlength=shape[0] * shape[1])
    counts = np.bincount(place[known], minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        cells = np.where(counts > 0, sums / counts, np.nan).reshape(shape)
    return Panel(metric, row[0], column[0], tuple(row[2]), tuple(column[2]), cells)


def _labels(column: pd.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the place of every variant on an axis and the words for the places."""
    told = list(column)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in told)
    if not numeric:
        words = [str(value) for value in told]
        names = list(dict.fromkeys(words))
        return np.array([names.index(word) for word in words], np.int64), tuple(names)
    values = np.asarray(told, np.float64)
    single = np.unique(values)
    if len(single) <= MOST_VALUES:
        return np.searchsorted(single, values), tuple(f"{value:g}" for value in single)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, BINS + 1)))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return place, tuple(f"{low:.3g} to {high:.3g}" for low, high in zip(edges, edges[1:], strict=False))


def heat_chart(title: str, under: str, panels: Sequence[Sequence[Panel]], path: Path) -> None:
    """Write all panels as one PNG, a row for every pair of keys."""
    from matplotlib.figure import Figure

    rows = max(len(panels), 1)
    with charts.style():
        figure = Figure(figsize=(16, 1.3 + 3.6 * rows), dpi=100, facecolor=charts.PAPER)
        top = 1.0 - 1.15 / (1.3 + 3.6 * rows)
        figure.text(0.04, 1.0 - 0.45 / (1.3 + 3.6 * rows), title, size=19, weight="bold")
        figure.text(0.04, 1.0 - 0.82 / (1.3 + 3.6 * rows), fill(under, 170), size=10.5)
        grid = figure.add_gridspec(
            rows, len(PANELS), left=0.07, right=0.985, top=top, bottom=0.6 / (1.3 + 3.6 * rows),
            hspace=0.45, wspace=0.3,
        )  # fmt: skip
        if not panels:
            charts.nothing(figure.add_subplot(grid[0, :]), "no key with more than one value")
        for row, pair in enumerate(panels):
            for column, panel in enumerate(pair):
                _draw(figure.add_subplot(grid[row, column]), panel)
        figure.savefig(path, metadata={"Software": None})


def _draw(axes: Any, panel: Panel) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    signed = panel.metric != "trades"
    low = charts.LOSS if signed else "#fbfbfa"
    ends = [low, "#fbfbfa", charts.GAIN] if signed else ["#fbfbfa", charts.SERIES[0]]
    scale = LinearSegmentedColormap.from_list("result", ends)
    strength = panel.strength
    axes.pcolormesh(
        strength, cmap=scale, vmin=-1.0 if signed else 0.0, vmax=1.0, alpha=0.75,
        edgecolor=charts.PAPER, lw=1,
    )  # fmt: skip
    small = max(panel.cells.shape) > 8
    for (row, column), value in np.ndenumerate(panel.cells):
        if np.isfinite(value) and panel.cells.shape[1] <= 12:
            axes.text(column + 0.5, row + 0.5, panel.text(value), ha="center", va="center",
                      fontsize=6 if small else 7.5)  # fmt: skip
    axes.set_xticks(np.arange(len(panel.column_values)) + 0.5, panel.column_values, fontsize=7, rotation=30)
    axes.set_yticks(np.arange(len(panel.row_values)) + 0.5, panel.row_values, fontsize=7)
    axes.set_xlabel(panel.columns, fontsize=8)
    axes.set_ylabel(panel.rows, fontsize=8)
    axes.set_title(METRICS[panel.metric])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)


def figure_text(metric: str, value: float) -> str:
    """Return a metric's value as words."""
    if metric == "trades":
        return count(value)
    return ratio(value, DECIMALS[metric])
