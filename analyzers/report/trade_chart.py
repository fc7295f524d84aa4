"""One trade's day: the price with its strikes above, what closing the trade would bring below."""

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
    from matplotlib.figure import Figure

    clock = times.tz_localize(None)
    entry, leave = (
        moment.tz_convert(times.tz).tz_localize(None) for moment in (trade.entry_time, trade.exit_time)
    )
    colour = charts.colours([str(trade.bot)])[str(trade.bot)]
    ended = charts.GAIN if trade.net > 0.0 else charts.LOSS
    with charts.style():
        figure = Figure(figsize=(12, 7.8), dpi=100, layout="constrained", facecolor=charts.PAPER)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        above.plot(clock, prices, color=charts.INK, lw=1.1)
        for strike, label in strikes:
            sold = label.startswith("−")
            above.axhline(strike, color=charts.LOSS if sold else charts.FAINT, lw=0.9, ls=(0, (4, 3)))
            above.annotate(label, (clock[0], strike), xytext=(2, 2), textcoords="offset points", fontsize=8.5)
        above.plot([entry], [trade.spot_entry], "o", color=colour, ms=6)
        above.plot([leave], [trade.spot_exit], "o", color=ended, ms=6)
        above.set_title(f"{trade.symbol}, USD")
        result = (trade.credit - marks) * _units(trade)
        held = (clock >= entry) & (clock <= leave)
        below.plot(clock, result, color=charts.FAINT, lw=0.9, alpha=0.6)
        below.plot(clock[held], result.to_numpy()[held], color=colour, lw=1.7)
        below.axhline(0.0, color=charts.FAINT, lw=0.8)
        below.axhline(-trade.planned_loss, color=charts.LOSS, lw=0.9, ls=(0, (4, 3)))
        below.annotate("planned loss", (clock[0], -trade.planned_loss), xytext=(2, 3),
                       textcoords="offset points", fontsize=8.5, color=charts.LOSS)  # fmt: skip
        below.plot([entry], [0.0], "o", color=colour, ms=6, label=f"opened, {_money(trade.credit)}")
        closed = f"closed, {_money(-trade.exit_price)}: {usd(trade.gross)} less fees {usd(trade.fees)}"
        below.plot([leave], [trade.gross], "o", color=ended, ms=6, label=closed)
        below.set_title("Result at mid prices before fees, USD")
        below.legend(loc="best")
        for axes in (above, below):
            axes.axvspan(entry, leave, color=colour, alpha=0.07, lw=0)
        below.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
        figure.suptitle(
            f"Trade {trade.trade_id}, {entry:%Y-%m-%d}: {words(str(trade.bot))}, {trade.legs}\n"
            f"{words(str(trade.exit_reason))} after {(leave - entry).total_seconds() / 60.0:.0f} minutes, "
            f"net {usd(trade.net)} USD ({usd(trade.net / trade.planned_loss)} R)",
            x=0.008, ha="left", size=12, weight="bold",
        )  # fmt: skip
        figure.savefig(path, metadata={"Software": None})


def _money(amount: float) -> str:
    return f"{'received' if amount >= 0.0 else 'paid'} {usd(abs(amount))} a share"


def _units(trade: Any) -> float:
    """Return the USD that one USD a share is worth to the trade, read off its own result."""
    moved = trade.credit - trade.exit_price
    return float(trade.gross / moved) if abs(moved) > 1e-9 and trade.gross else 100.0 * trade.quantity
