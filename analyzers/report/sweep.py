"""The report of a sweep: what was best, how sure, and whether neighbours were as good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyzers.report.heat import METRICS, figure_text
from analyzers.report.sections import Section
from analyzers.report.words import count, interval, usd, with_error
from analyzers.search import Best

MOST_FAILED = 20


def best_section(
    values: pd.DataFrame, figures: Mapping[str, NDArray[np.float64]], best: Sequence[Best], metric: str
) -> Section:
    """Return the best variants, a row each.

    Parameters
    ----------
    values : DataFrame
        A row a variant, a column a searched key.
    figures : mapping
        As `analyzers.search.figures` gives them.
    best : sequence of Best
    metric : str
        They are ordered by.
    """
    rows = []
    for rank, one in enumerate(best, 1):
        at = one.place
        cells = (
            with_error(figures["sharpe"][at], figures["sharpe_error"][at]),
            usd(figures["net"][at], 0),
            figure_text("per_trade", figures["per_trade"][at]),
            interval(one.low, one.high),
            count(figures["trades"][at]),
            usd(figures["drawdown"][at], 0),
            usd(figures["worst_day"][at], 0),
        )
        told = ", ".join(f"{key} {values[key].iloc[at]}" for key in values)
        rows.append((f"{rank}. {told}", cells))
    columns = (
        "Sharpe ratio ± standard error",
        "Net, USD",
        "Per trade, USD",
        "95 % interval",
        "Trades",
        "Drawdown, USD",
        "Worst day, USD",
    )
    text = (
        f"Ordered by: {METRICS[metric]}. The intervals are of one variant by itself: they do not know "
        "that it was chosen, the table of luck does."
    )
    return Section("Best variants", text, columns, tuple(rows), "Variant")


def failed_section(failed: Sequence[tuple[str, str]]) -> Section:
    """Return the variants that failed and why."""
    rows = [(told, (why,)) for told, why in failed[:MOST_FAILED]]
    text = f"{len(failed)} variants failed; the others are not touched by it. They run again on resume."
    return Section("Failed variants", text, ("Why",), tuple(rows), "Variant")
