"""Choose on past days, judge on later ones: what following a search would have brought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzers.search import figures, ranking

Floats = NDArray[np.float64]
LEAST_TEST = 5  # days of the last, shorter test


@dataclass(frozen=True, slots=True)
class Window:
    """Days ``[first, last)`` that choose and days ``[start, stop)`` that judge, as row numbers."""

    first: int
    last: int
    start: int
    stop: int


def windows_of(days: int, train: int, test: int, embargo: int, anchored: bool) -> list[Window]:
    """Cut days into windows; every test begins ``embargo`` days after what was chosen on.

    Parameters
    ----------
    days, train, test, embargo : int
        Sessions. The last test may be shorter, of at least five days.
    anchored : bool
        All days from the first one choose, instead of the last ``train``.

    Returns
    -------
    list of Window
        Tests follow each other without a gap; empty where the days do not suffice.
    """
    found = []
    start = train + embargo
    while start + LEAST_TEST <= days:
        last = start - embargo
        found.append(Window(0 if anchored else last - train, last, start, min(start + test, days)))
        start += test
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """What was chosen in a window and what it brought later.

    Parameters
    ----------
    window : Window
    chosen : int or None
        Number of the variant; None where none had trades enough, and nothing was traded.
    inside : float
        The criterion on the days it was chosen on, NaN without a choice.
    inside_day, outside_day : float
        Net USD a day there and on the later days.
    net, trades : float
        On the later days.
    better : float
        Share of the variants it did better than on the later days; NaN without a choice.
    """

    window: Window
    chosen: int | None
    inside: float
    inside_day: float
    outside_day: float
    net: float
    trades: float
    better: float


@dataclass(frozen=True, eq=False)
class Walk:
    """All steps, and the days of their tests one after another.

    Parameters
    ----------
    steps : tuple of Step
    rows : ndarray of int
        Rows of the tests' days.
    pnl, trades : ndarray, shape (rows,)
        What following the choices brought; 0 where nothing was chosen.
    middle : ndarray, shape (rows,)
        Mean of all variants on those days: what choosing blindly would have brought.
    """

    steps: tuple[Step, ...]
    rows: NDArray[np.int64]
    pnl: Floats
    trades: Floats
    middle: Floats

    @property
    def kept(self) -> float:
        """Share of the daily result inside that was left outside; NaN where inside earned nothing."""
        held = [step for step in self.steps if step.chosen is not None]
        inside = sum(step.inside_day for step in held)
        return sum(step.outside_day for step in held) / inside if inside > 0.0 else math.nan


def walk(
    pnl: Floats,
    trades: Floats,
    windows: Sequence[Window],
    metric: str,
    least_trades: int,
    capital: float,
) -> Walk:
    """Choose the best variant of every window and follow it through the window's test.

    Parameters
    ----------
    pnl, trades : ndarray, shape (days, variants)
        Of whole runs: no position lives past its day, so that a run's days can be cut.
    windows : sequence of Window
    metric : str
        Criterion, one of `analyzers.search.METRICS`.
    least_trades : int
        A variant with fewer in a window's training is not chosen.
    capital : float
    """
    steps, rows, results, counts = [], [], [], []
    for window in windows:
        outside = slice(window.start, window.stop)
        step = _step(pnl, trades, window, metric, least_trades, capital)
        steps.append(step)
        rows.append(np.arange(window.start, window.stop))
        nothing = np.zeros(window.stop - window.start)
        results.append(nothing if step.chosen is None else pnl[outside, step.chosen])
        counts.append(nothing if step.chosen is None else trades[outside, step.chosen])
    every = np.concatenate(rows) if rows else np.empty(0, np.int64)
    return Walk(
        tuple(steps),
        every,
        np.concatenate(results) if rows else np.empty(0),
        np.concatenate(counts) if rows else np.empty(0),
        pnl[every].mean(axis=1) if pnl.shape[1] else np.zeros(len(every)),
    )


def _step(
    pnl: Floats, trades: Floats, window: Window, metric: str, least_trades: int, capital: float
) -> Step:
    inside, outside = slice(window.first, window.last), slice(window.start, window.stop)
    values = figures(pnl[inside], trades[inside], capital)[metric]
    values = np.where(trades[inside].sum(axis=0) >= least_trades, values, np.nan)
    order = ranking(values)
    if not len(order):
        return Step(window, None, math.nan, math.nan, math.nan, 0.0, 0.0, math.nan)
    chosen = int(order[0])
    later = pnl[outside].sum(axis=0)
    others = np.delete(later, chosen)
    better = float(np.mean(others < later[chosen])) if len(others) else math.nan
    return Step(
        window,
        chosen,
        float(values[chosen]),
        float(pnl[inside, chosen].mean()),
        float(pnl[outside, chosen].mean()),
        float(later[chosen]),
        float(trades[outside, chosen].sum()),
        better,
    )
