"""American contracts of a recorded half day: nothing below exercise, and exercise worth nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.options.american import american_price, european_price
from engine.options.clock import SESSIONS_PER_YEAR
from engine.options.pricing import implied1
from engine.sessions import close_minute
from scripts.validate.prices import table
from scripts.validate.table import Check, Section

HALF_DAY = "minute_quotes_goog_2015_12_24_half_day.parquet"
HOUR = 3_600_000  # milliseconds
RATE = 0.0025


def checks(data: Path) -> list[Section]:
    """Hold American quotes of a half day against the value of exercise.

    Raises
    ------
    DataError
        The file is missing.
    """
    quotes = table(data, HALF_DAY, "date expiry right strike ms bc ac")
    expiring = quotes[quotes.expiry == quotes.date]
    close = close_minute(quotes.date.iloc[0].date()) * 60_000
    noon = expiring[expiring.ms == close - HOUR]
    if not (noon[noon.ac > 0.0].right.nunique() == 2):
        raise DataError(f"{HALF_DAY}: no calls and puts of that day an hour before its close; expected some")
    pairs = noon.pivot_table(index="strike", columns="right", values=["bc", "ac"])
    pairs = pairs.fillna({("bc", right): 0.0 for right in "CP"}).dropna()  # no bid is worth nothing
    middle = 0.5 * (pairs["bc"] + pairs["ac"])
    told = (pairs.index.to_numpy(float) + middle["C"] - middle["P"]).to_numpy(float)
    spot = float(np.median(told))
    last = int(expiring.ms.max())
    offered = noon[noon.ac > 0.0]
    exercise = _exercise(offered, spot)
    below = float((offered.ac.to_numpy(float) < exercise - 0.5).mean())
    rows = [
        Check.within("strikes expiring that day", float(expiring.strike.nunique()), 5, None, 0),
        Check.within(
            "last minute begins at", last / HOUR, close / HOUR - 0.1, close / HOUR, 2, "o'clock",
            f"the session ends at {close // HOUR}:{close % HOUR // 60_000:02d}",
        ),
        Check.within(
            "parity price, spread over strikes (median distance)",
            float(np.median(np.abs(told - spot))),
            None,
            1.0,
            3,
            "USD",
            f"{len(told)} strikes around {spot:.2f}",
        ),
        Check.within("asks more than 0.50 USD below exercise", below, None, 0.01, 3, "of them"),
        Check.within(
            "early exercise of a same-day contract, most", _premium(noon, spot), None, 0.01, 4, "USD",
            "tree against Black-76, an hour to go",
        ),
    ]  # fmt: skip
    day = f"{quotes.date.iloc[0]:%Y-%m-%d}"
    text = f"GOOG, {day}, quotes an hour before the close; GOOG paid no dividend."
    return [Section.of("American exercise on a half day", text, rows)]


def _exercise(rows: pd.DataFrame, spot: float) -> np.ndarray:
    strike, call = rows.strike.to_numpy(float), (rows.right == "C").to_numpy()
    return np.asarray(np.maximum(np.where(call, spot - strike, strike - spot), 0.0))


def _premium(noon: pd.DataFrame, spot: float) -> float:
    """Return the most that the right to exercise early adds to a contract, USD."""
    years = 60.0 / 390.0 / SESSIONS_PER_YEAR
    most = 0.0
    for row in noon[(noon.bc > 0.0) & (noon.ac > 0.0)].itertuples():
        call = row.right == "C"
        sd = implied1(0.5 * (float(row.bc) + float(row.ac)), spot, float(row.strike), call)
        if np.isfinite(sd) and sd > 0.0:
            iv = sd / np.sqrt(years)
            given = (spot, float(row.strike), iv, years, call)
            most = max(most, american_price(*given, rate=RATE) - european_price(*given, rate=RATE))
    return most
