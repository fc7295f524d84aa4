"""The clock of a live session: bar numbers to instants, growing as bars come."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from engine.sessions import calendar_close, calendar_dates, locate, utc


class LiveTape:
    """Bars by number, as `engine.tape.Tape` has them in a backtest.

    A bar is live when it came in time: what was filled in from history, or came with a symbol
    missing, tells indicators what has been, and nothing may be decided on it.
    """

    def __init__(self) -> None:
        self._stamps: list[int] = []
        self._days: list[date] = []
        self._minutes: list[int] = []
        self._left: list[int] = []
        self._live: list[bool] = []

    def __len__(self) -> int:
        return len(self._stamps)

    def append(self, stamp: int, live: bool) -> int:
        """Take the stamp (UTC nanoseconds of its end) of the next bar and return its number."""
        row, minute = locate(np.array([stamp], np.int64))
        self._stamps.append(stamp)
        self._days.append(calendar_dates(row)[0])
        self._minutes.append(int(minute[0]))
        self._left.append(int(calendar_close(row)[0]) - int(minute[0]))
        self._live.append(live)
        return len(self._stamps) - 1

    def is_live(self, bar: int) -> bool:
        """Tell whether decisions may be taken on a bar."""
        return self._live[bar]

    def at(self, bar: int) -> datetime:
        """Return the instant of a bar's end, in New York time."""
        return utc(self._stamps[bar])

    def stamps(self, bars: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the instants of several bars' ends, UTC nanoseconds."""
        return np.array([self._stamps[bar] for bar in bars.tolist()], np.int64)

    def day(self, bar: int) -> date:
        """Return the session date of a bar."""
        return self._days[bar]

    def minute(self, bar: int) -> int:
        """Return the minute of a bar's end, after midnight New York."""
        return self._minutes[bar]

    def left(self, bar: int) -> int:
        """Return the minutes from a bar's end to its session's close."""
        return self._left[bar]

    def last_bar_of_day(self, bar: int) -> int:
        """Return the number the last bar of a bar's session has, or will have."""
        return bar + self._left[bar]

    @property
    def last_stamp(self) -> int:
        """UTC nanoseconds of the newest bar's end, 0 before the first."""
        return self._stamps[-1] if self._stamps else 0
