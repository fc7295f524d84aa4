"""Trading days, early closes and the minute grid of New York equity sessions."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from weakref import finalize
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError, DataError

NEW_YORK = ZoneInfo("America/New_York")
DAY_NS = 86_400_000_000_000
EPOCH = 719163.0  # Backtrader's day number of 1970-01-01
OPEN_MINUTE = 570
CLOSE_MINUTE = 960
FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2028, 12, 31)
MINUTE_NS = 60_000_000_000
_EPOCH = date(1970, 1, 1)

Int64 = NDArray[np.int64]


def cache_home() -> Path:
    """Return the folder for files that can be made again (``MW_CACHE`` overrides it)."""
    chosen = os.environ.get("MW_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "market-watch"


def replace_file(target: Path, write: Path) -> None:
    """Move a finished temporary file over ``target``, so a reader never sees half a file."""
    os.replace(write, target)


@dataclass(frozen=True)
class _Calendar:
    """One row per session: day number since 1970, New York midnight and close as UTC."""

    day: NDArray[np.int32]
    midnight_ns: Int64
    close: NDArray[np.int16]

    @cached_property
    def dates(self) -> tuple[date, ...]:
        return tuple(_EPOCH + timedelta(days=int(n)) for n in self.day)

    @cached_property
    def index(self) -> dict[date, int]:
        return {day: i for i, day in enumerate(self.dates)}


def _compute() -> _Calendar:
    import exchange_calendars

    schedule = exchange_calendars.get_calendar(
        "XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat()
    ).schedule
    opened = schedule["open"].to_numpy("datetime64[ns]").astype(np.int64)
    closed = schedule["close"].to_numpy("datetime64[ns]").astype(np.int64)
    day = schedule.index.to_numpy("datetime64[D]").astype(np.int32)
    midnight = opened - OPEN_MINUTE * MINUTE_NS
    return _Calendar(day, midnight, ((closed - midnight) // MINUTE_NS).astype(np.int16))


@lru_cache(maxsize=1)
def calendar_name() -> str:
    """Return what names this version of the trading calendar."""
    return f"xnys-{version('exchange_calendars')}-{FIRST_DAY.year}-{LAST_DAY.year}"


@lru_cache(maxsize=1)
def _calendar() -> _Calendar:
    path = cache_home() / f"{calendar_name()}.npz"
    try:
        with np.load(path) as held:
            return _Calendar(held["day"], held["midnight_ns"], held["close"])
    except (OSError, ValueError, KeyError):
        table = _compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".npz")
        with os.fdopen(handle, "wb") as out:
            np.savez(out, day=table.day, midnight_ns=table.midnight_ns, close=table.close)
        replace_file(path, Path(part))
    except OSError:
        pass  # a read-only home only costs the next start half a second
    return table


def _row(day: date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise CalendarError(f"{day} is outside the trading calendar, which covers {FIRST_DAY} to {LAST_DAY}")
    row = _calendar().index.get(day)
    if row is None:
        raise CalendarError(f"{day} ({day:%A}) is not a trading day in New York")
    return row


def is_session(day: date) -> bool:
    """Tell whether New York trades on ``day``."""
    return day in _calendar().index


def close_minute(day: date) -> int:
    """Return the minute after midnight New York at which the session of ``day`` closes."""
    return int(_calendar().close[_row(day)])


def session_dates(start: date, end: date) -> tuple[date, ...]:
    """Return the trading days from ``start`` to ``end``, both included."""
    for day in (start, end):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise CalendarError(
                f"{day} is outside the trading calendar, which covers {FIRST_DAY} to {LAST_DAY}"
            )
    dates = _calendar().dates
    return dates[bisect_left(dates, start) : bisect_right(dates, end)]


def sessions_ahead(day: date, n: int) -> date:
    """Return the trading day ``n`` sessions after the trading day ``day`` (0 is the day itself)."""
    row = _row(day) + n
    dates = _calendar().dates
    if not 0 <= row < len(dates):
        raise CalendarError(f"{n} sessions from {day} is outside the trading calendar")
    return dates[row]


def stamps(dates: Iterable[date]) -> Int64:
    """Return the UTC nanosecond stamps of the minute bar ends of whole sessions."""
    table = _calendar()
    parts = []
    for day in dates:
        row = _row(day)
        minutes = np.arange(OPEN_MINUTE + 1, int(table.close[row]) + 1, dtype=np.int64)
        parts.append(table.midnight_ns[row] + minutes * MINUTE_NS)
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def stamp_of(day: date, minute: int) -> int:
    """Return an instant, so many minutes after New York midnight of a trading day, in UTC nanoseconds."""
    return int(_calendar().midnight_ns[_row(day)]) + minute * MINUTE_NS


def utc(stamp: int) -> datetime:
    """Return a stamp as an aware New York datetime."""
    return datetime.fromtimestamp(int(stamp) // 1_000_000_000, UTC).astimezone(NEW_YORK)


def name_stamp(stamp: int) -> str:
    """Return a stamp the way error lines print it, in New York time."""
    return f"{utc(stamp):%Y-%m-%d %H:%M:%S} New York"


def locate(stamp_ns: Int64) -> tuple[Int64, Int64]:
    """Return per stamp the calendar row of its New York day (-1: none) and its minute.

    The minute counts from New York midnight; a stamp is on a day's row from 00:01 to
    24:00 of that day, so that a bar ending at midnight belongs to the day before.
    """
    table = _calendar()
    row = np.searchsorted(table.midnight_ns, stamp_ns, side="left").astype(np.int64) - 1
    safe = np.maximum(row, 0)
    minute = (stamp_ns - table.midnight_ns[safe]) // MINUTE_NS
    row[(minute > 1440) | (row < 0)] = -1
    return row, minute


def calendar_close(rows: Int64) -> NDArray[np.int16]:
    """Return the close minute of calendar rows given by ``locate``."""
    return np.asarray(_calendar().close[rows])


def calendar_dates(rows: Sequence[int] | Int64) -> tuple[date, ...]:
    """Return the dates of calendar rows given by ``locate``."""
    dates = _calendar().dates
    return tuple(dates[int(row)] for row in rows)


@dataclass(frozen=True, eq=False)
class Grid:
    """Where every bar stands in its session.

    Per bar: ``day`` (index into ``dates``), ``minute`` (of the bar's end, after midnight
    New York) and ``left`` (minutes to that session's close). Per day: ``first`` and
    ``last`` (bar indices, both included), ``dates``, ``close_minute`` and ``half``.
    """

    day: NDArray[np.int32]
    minute: NDArray[np.int16]
    left: NDArray[np.int16]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    dates: tuple[date, ...]
    close_minute: NDArray[np.int16]
    half: NDArray[np.bool_]

    @classmethod
    def shared(cls, stamp_ns: Int64) -> Grid:
        """Return `of` stamps that nobody will change, one grid for all who hold the same array."""
        key = id(stamp_ns)
        if key not in _grids:
            _grids[key] = cls.of(stamp_ns)
            finalize(stamp_ns, _grids.pop, key, None)
        return _grids[key]

    @classmethod
    def of(cls, stamp_ns: Int64) -> Grid:
        """Lay out bar-end stamps (UTC nanoseconds) on the trading calendar.

        Raises
        ------
        DataError
            A stamp repeats, runs backwards, is no whole minute or lies outside the
            regular session; the line names the stamp.
        """
        stamp = np.ascontiguousarray(stamp_ns, dtype=np.int64)
        if not len(stamp):
            raise DataError("no bars: the range holds not one minute bar")
        step = np.diff(stamp)
        if len(step) and step.min() <= 0:
            at = int(np.argmax(step <= 0)) + 1
            what = "repeats the bar before it" if step[at - 1] == 0 else "runs backwards"
            raise DataError(
                f"bar {at}: stamp {name_stamp(stamp[at])} {what} "
                f"({name_stamp(stamp[at - 1])}); expected strictly rising stamps"
            )
        if np.any(stamp % MINUTE_NS):
            at = int(np.argmax(stamp % MINUTE_NS != 0))
            raise DataError(f"bar {at}: stamp {name_stamp(stamp[at])} is no whole minute")
        row, minute = locate(stamp)
        close = calendar_close(np.maximum(row, 0))
        outside = (row < 0) | (minute <= OPEN_MINUTE) | (minute > close)
        if outside.any():
            at = int(np.argmax(outside))
            raise DataError(f"bar {at}: {outside_text(stamp[at])}")
        starts = np.flatnonzero(np.diff(row, prepend=-1)).astype(np.int32)
        last = np.append(starts[1:], len(stamp)).astype(np.int32) - np.int32(1)
        day = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(np.append(starts, len(stamp))))
        day_close = close[starts].astype(np.int16)
        return cls(
            day=day,
            minute=minute.astype(np.int16),
            left=(close - minute).astype(np.int16),
            first=starts,
            last=last,
            dates=calendar_dates(row[starts]),
            close_minute=day_close,
            half=day_close < CLOSE_MINUTE,
        )


_grids: dict[int, Grid] = {}  # by the identity of stamps that live


def outside_text(stamp: int) -> str:
    """Say why a bar-end stamp lies outside trading hours."""
    row, _ = locate(np.array([stamp], np.int64))
    if row[0] < 0:
        return f"a bar ends {name_stamp(stamp)}, which is no trading day; expected session minutes"
    close = int(calendar_close(row)[0])
    return (
        f"a bar ends {name_stamp(stamp)}, outside that day's session; "
        f"expected 09:31 to {close // 60:02d}:{close % 60:02d}"
    )
