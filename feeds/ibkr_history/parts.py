"""What has been fetched, one file a day: a kill loses the day at work and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import DataError
from engine.sessions import stamps

COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Parts:
    """The days of one symbol in a folder; a day without bars is an empty file.

    Parameters
    ----------
    folder : Path
    symbol : str
    """

    folder: Path
    symbol: str

    def has(self, day: date) -> bool:
        """Tell whether a day has been fetched, with bars or without."""
        return self._path(day).is_file()

    def write(self, day: date, stamp: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Keep a day: bar ends in UTC nanoseconds, a row of `COLUMNS` each."""
        self.folder.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(values.reshape(-1, len(COLUMNS)), columns=list(COLUMNS))
        table.insert(0, "stamp", stamp)
        path = self._path(day)
        staged = path.with_suffix(f".{os.getpid()}.part")
        try:
            table.to_parquet(staged, index=False)
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)

    def read(self, day: date) -> pd.DataFrame:
        """Return a day as it was kept.

        Raises
        ------
        DataError
            The file cannot be read.
        """
        try:
            return pd.read_parquet(self._path(day))
        except (OSError, ValueError) as error:
            why = str(error).splitlines()[0]
            raise DataError(
                f"{self._path(day)}: unreadable ({why}); delete it to fetch the day again"
            ) from None

    def _path(self, day: date) -> Path:
        return self.folder / f"{self.symbol}-{day:%Y%m%d}.parquet"


def joined(parts: Parts, days: list[date], vix: Parts | None) -> Bars:
    """Return the days as bars; VIX, where fetched, is the last one known at each minute.

    Raises
    ------
    DataError
        No day holds a bar, or a price that cannot be.
    """
    kept, missing = [], []
    for day in days:
        table = parts.read(day)
        expected = stamps([day])
        table = table[np.isin(table["stamp"], expected)]
        if len(table) < len(expected):
            missing.append(f"{day} ({len(table)} of {len(expected)} minutes)")
        kept.append(table)
    whole = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()
    if not len(whole):
        raise DataError(f"{parts.symbol}: no bars from {days[0]} to {days[-1]}, expected at least one day's")
    notes = ["Recorded minutes of Interactive Brokers: trades of regular hours."]
    if missing:
        notes.append(f"Minutes missing at the source: {', '.join(missing)}.")
    lines = {}
    if vix is not None:
        told = pd.concat([vix.read(day) for day in days], ignore_index=True)
        if len(told):
            row = np.searchsorted(told["stamp"], whole["stamp"], side="right") - 1
            values = told["close"].to_numpy(float)[np.maximum(row, 0)]
            lines["vix"] = np.where(row >= 0, values, np.nan)
    return Bars(
        symbol=parts.symbol,
        stamp=whole["stamp"].to_numpy(np.int64),
        **{name: np.ascontiguousarray(whole[name], np.float64) for name in COLUMNS},
        lines=lines,
        source="Interactive Brokers history",
        notes=tuple(notes),
    ).check()
