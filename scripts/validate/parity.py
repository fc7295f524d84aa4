"""The underlying that recorded 0DTE minutes imply, and what their dirty last minute does to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.options.levels import levels
from engine.sessions import OPEN_MINUTE, close_minute
from scripts.validate.prices import table
from scripts.validate.table import Check, Section

MINUTES = "minute_quotes_spxw_spx_2021_01.parquet"
DAILY = "daily_spx_vix_spy_qqq.parquet"


def checks(data: Path) -> list[Section]:
    """Hold the parity-implied index against the day's recorded prices.

    Raises
    ------
    DataError
        A file is missing.
    """
    quotes = table(data, MINUTES, "date expiry root right strike ms bc ac")
    daily = table(data, DAILY, "date symbol low high close")
    daily["date"] = pd.to_datetime(daily["date"])
    index = daily[daily.symbol == "SPX"].set_index("date")
    rows = []
    for day in _days(quotes, index.index):
        forward, last = _forward(quotes, day)
        session = close_minute(day.date()) - OPEN_MINUTE
        low, high, close = (float(index[name][day]) for name in ("low", "high", "close"))
        inside = float(((forward >= low - 1.5) & (forward <= high + 1.5)).mean())
        when = f"{day:%Y-%m-%d}"
        rows += [
            Check.within(
                f"{when}: minutes with a forward", float(len(forward)), session - 20, session + 15, 0
            ),
            Check.within(f"{when}: share within the day's range, 1.5 points around", inside, 0.99, None, 3),
            Check.within(
                f"{when}: highest less the day's high", float(forward.max() - high), -6.0, 1.5, 2, "points"
            ),
            Check.within(
                f"{when}: lowest less the day's low", float(forward.min() - low), -1.5, 6.0, 2, "points"
            ),
            Check.within(
                f"{when}: last minute, distance from the close",
                0.0 if np.isnan(last) else abs(last - close),
                None,
                5.0,
                2,
                "points",
                "no forward told" if np.isnan(last) else "the quotes of that minute are blown out",
            ),
        ]
    text = (
        "SPXW expiring the same day, minute closes of bid and ask; median of "
        "strike + call - put. The day's range is of the index itself, which minute closes do not quite reach."
    )
    return [Section.of("Parity-implied index of 0DTE minutes", text, rows)]


def _days(quotes: pd.DataFrame, known: pd.Index) -> list[pd.Timestamp]:
    """Return the days with contracts of that day at two strikes or more, whose prices are known."""
    today = quotes[(quotes.expiry == quotes.date) & (quotes.root == "SPXW")]
    strikes = today.groupby(["date", "right"]).strike.nunique().unstack(fill_value=0)
    days = [day for day, row in strikes.iterrows() if len(row) == 2 and row.min() >= 2 and day in known]
    if not days:
        raise DataError(
            f"{MINUTES}: no day of {DAILY} with SPXW calls and puts of that day at two strikes; expected one"
        )
    return days


def _forward(quotes: pd.DataFrame, day: pd.Timestamp) -> tuple[np.ndarray, float]:
    """Return the forward of every minute but the last, and that of the last."""
    held = quotes[(quotes.date == day) & (quotes.expiry == day) & (quotes.root == "SPXW")]
    strikes = np.sort(held.strike.unique())
    minutes = np.sort(held.ms.unique())
    sides = []
    for right in "CP":
        of_right = held[held.right == right].pivot_table(index="ms", columns="strike", values=["bc", "ac"])
        for name in ("bc", "ac"):
            side = of_right[name].reindex(index=minutes, columns=strikes).to_numpy(float)
            sides.append(np.ascontiguousarray(np.where(side > 0.0, side, np.nan)))
    found = levels(*sides, strikes)[:, 0]
    known = found[:-1]
    return known[np.isfinite(known)], float(found[-1])
