"""Small bars and files the feed tests stand on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from engine.bars import Bars
from engine.sessions import session_dates, stamps

WEEK = session_dates(date(2024, 3, 4), date(2024, 3, 8))
OVER_A_HALF_DAY = session_dates(date(2024, 7, 2), date(2024, 7, 5))


def bars(dates: tuple[date, ...] = WEEK, seed: int = 1, **changed: object) -> Bars:
    """Return well-formed bars of a random walk on whole sessions."""
    stamp = stamps(dates)
    rng = np.random.default_rng(seed)
    close = np.round(500.0 * np.exp(np.cumsum(2e-4 * rng.standard_normal(len(stamp)))), 2)
    opened = np.append(500.0, close[:-1])
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) + 0.05,
        "low": np.minimum(opened, close) - 0.05,
        "close": close,
        "volume": np.round(1e5 * (1.0 + rng.random(len(stamp)))),
    }
    return Bars(**({"symbol": "SPY", "stamp": stamp, **columns} | changed))


def table(held: Bars, side: str = "start") -> pd.DataFrame:
    """Return bars as a file would hold them, with New York times in the column ``ts``."""
    stamp = held.stamp - 60_000_000_000 * (side == "start")
    times = pd.to_datetime(stamp, utc=True).tz_convert("America/New_York")
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame({"ts": times} | {name: getattr(held, name) for name in names})


def row(frame: pd.DataFrame, when: str) -> pd.DataFrame:
    """Return the first row of a table at another New York time."""
    made = frame.iloc[[0]].copy()
    made["ts"] = pd.Timestamp(when, tz="America/New_York")
    return made
