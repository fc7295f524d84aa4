"""Bar numbers to instants and closes: the clock every part of a backtest shares."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import DataError
from engine.sessions import MINUTE_NS

NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tape:
    """The bars of all symbols of a run, which share their stamps.

    Parameters
    ----------
    bars : mapping of symbol to Bars
        At least one; all with identical stamps.

    Raises
    ------
    DataError
        When there is none, or two symbols' stamps differ.
    """

    def __init__(self, bars: Mapping[str, Bars]) -> None:
        if not bars:
            raise DataError("no bars to run on: received 0 symbols, expected at least 1")
        self.bars = dict(bars)
        first, *rest = self.bars.values()
        for other in rest:
            if not np.array_equal(first.stamp, other.stamp):
                raise DataError(
                    f"bars of {other.symbol} ({len(other.stamp)}) and {first.symbol} ({len(first.stamp)}) "
                    "differ in their stamps; expected the same minutes"
                )
        self.grid = first.grid
        self.stamp = first.stamp
        # views that answer in Python's numbers, a list of them would take longer than many a run
        self._day = np.ascontiguousarray(first.grid.day).data
        self._last = first.grid.last.tolist()
        self._stamp = np.ascontiguousarray(first.stamp).data
        self._minute = np.ascontiguousarray(first.grid.minute).data
        self._now = -1, _EPOCH
        self._midnight = -1, _EPOCH  # of the session asked for last
        self._close = {symbol: np.ascontiguousarray(one.close).data for symbol, one in self.bars.items()}

    def __len__(self) -> int:
        return len(self.stamp)

    def at(self, bar: int) -> datetime:
        """Return the instant of a bar's end, in New York time."""
        if bar != self._now[0]:  # all that happens on a bar has its stamp
            # by New York's clock, which no session sees change: a conversion takes twenty times as long
            row = self._day[bar]
            if row != self._midnight[0]:
                self._midnight = row, datetime.combine(self.grid.dates[row], time(), NEW_YORK)
            self._now = bar, self._midnight[1] + timedelta(minutes=self._minute[bar])
        return self._now[1]

    def clock_minute(self, bar: int) -> int:
        """Return the minutes from 1970, UTC, to a bar's end."""
        return int(self._stamp[bar]) // MINUTE_NS

    def stamps(self, bars: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the instants of several bars' ends, UTC nanoseconds."""
        return self.stamp[bars]

    def day(self, bar: int) -> date:
        """Return the session date of a bar."""
        day: date = self.grid.dates[self._day[bar]]
        return day

    def last_bar_of_day(self, bar: int) -> int:
        """Return the number of the last bar of a bar's session."""
        return int(self._last[self._day[bar]])

    def close(self, symbol: str, bar: int) -> float:
        """Return the close of a symbol's bar, USD."""
        return self._close[symbol][bar]

    @property
    def dates(self) -> list[date]:
        """Session dates of the run, in order."""
        return list(self.grid.dates)
