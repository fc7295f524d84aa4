"""One trade's day: the price with its strikes above, what closing the combo brings below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analyzers.report import charts
from analyzers.report.words import usd, words


def trade_chart(
    trade: Any,
    times: pd.DatetimeIndex,
    prices: pd.Series,
    strikes: Sequence[tuple[float, str]],
    marks: pd.Series,
    path: Path,
) -> None:
    """Write the chart as PNG.

    Parameters
    ----------
    trade : row of the trades table
    times : DatetimeIndex
        Bar ends of the day, New York.
    prices : Series
        Closes of the underlying at ``times``, USD.
    strikes : sequence of (strike, label)
    marks : Series
        Mid of the combo from the seller's side, USD per share, by time; NaN where unknown.
    path : Path
    """
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt

    clock = [moment.tz_localize(None) for moment in times]
    entry, leave = (
        moment.tz_convert(times.tz).tz_localize(None) for moment in (trade.entry_time, trade.exit_time)
    )
    with plt.rc_context(charts.STYLE):
        figure, (above, below) = plt.subplots(
            2, 1, figsize=(12, 7.5), dpi=100, sharex=True, height_ratios=(3, 2), layout="constrained"
        )
        above.plot(clock, prices, color=charts.INK, lw=1.1)
        for strike, label in strikes:
            above.axhline(
                strike, color=charts.LOSS if label.startswith("−") else charts.FAINT, lw=0.9, ls="--"
            )
            above.annotate(label, (clock[0], strike), fontsize=8, va="bottom")
        above.set_title(f"{trade.symbol}, USD")
        below.plot(clock, marks, color="#2f6db3", lw=1.2)
        below.axhline(trade.credit, color=charts.FAINT, lw=0.9, ls=":")
        below.plot([entry], [trade.credit], "v", color="#3c8d5a", ms=9, label=f"entry at {trade.credit:.2f}")
        below.plot(
            [leave], [trade.exit_price], "^", color=charts.LOSS, ms=9, label=f"exit at {trade.exit_price:.2f}"
        )
        below.set_title("Price of the combo (mid), seller's side, USD per share")
        below.legend(loc="best")
        for axes in (above, below):
            axes.axvspan(entry, leave, color="#2f6db3", alpha=0.07, lw=0)
        below.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
        figure.suptitle(
            f"Trade {trade.trade_id}: {trade.bot} {trade.legs}   |   {words(str(trade.exit_reason))}, "
            f"net {usd(trade.net)} USD",
            x=0.01,
            ha="left",
            weight="bold",
        )
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)
