from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CalendarError, DataError
from engine.sessions import (
    NEW_YORK,
    Grid,
    close_minute,
    is_session,
    locate,
    name_stamp,
    session_dates,
    sessions_ahead,
    stamps,
    utc,
)

ALL_DAYS = session_dates(date(1995, 1, 1), date(2027, 12, 31))
MINUTE = 60_000_000_000


def at(year: int, month: int, day: int, hour: int, minute: int) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    "day",
    [
        date(2014, 7, 4),
        date(2018, 12, 5),  # day of mourning for President Bush
        date(2012, 10, 29),  # hurricane Sandy
        date(2001, 9, 11),
        date(2021, 6, 6),
        date(2022, 6, 20),  # Juneteenth observed
        date(2026, 4, 3),  # Good Friday
    ],
)
def test_holidays_and_closures_are_no_sessions(day: date) -> None:
    assert not is_session(day)


@pytest.mark.parametrize(
    ("day", "minute"),
    [
        (date(2018, 7, 3), 780),
        (date(2018, 11, 23), 780),
        (date(2018, 12, 24), 780),
        (date(2024, 11, 29), 780),
        (date(2018, 12, 31), 960),
        (date(2026, 11, 27), 780),
    ],
)
def test_early_closes_are_known(day: date, minute: int) -> None:
    assert close_minute(day) == minute


def test_five_years_have_1257_trading_days_11_of_them_half() -> None:
    days = session_dates(date(2014, 1, 3), date(2018, 12, 31))
    assert len(days) == 1257
    assert sum(close_minute(day) < 960 for day in days) == 11


def test_sessions_ahead_skips_weekend_and_holiday() -> None:
    assert sessions_ahead(date(2024, 3, 28), 1) == date(2024, 4, 1)
    assert sessions_ahead(date(2024, 3, 28), 0) == date(2024, 3, 28)


def test_days_off_the_calendar_are_refused_by_name() -> None:
    with pytest.raises(CalendarError, match=r"2024-03-30 \(Saturday\) is not a trading day"):
        close_minute(date(2024, 3, 30))
    with pytest.raises(CalendarError, match="1970-01-01 is outside the trading calendar"):
        close_minute(date(1970, 1, 1))
    with pytest.raises(CalendarError, match="2050-01-01 is outside"):
        session_dates(date(2020, 1, 1), date(2050, 1, 1))
    with pytest.raises(CalendarError, match="outside the trading calendar"):
        sessions_ahead(date(2028, 12, 29), 5)


@given(st.sampled_from(ALL_DAYS))
def test_a_session_runs_from_0931_to_its_close_in_new_york_whatever_the_season(day: date) -> None:
    stamp = stamps([day])
    first, last = utc(int(stamp[0])), utc(int(stamp[-1]))
    assert (first.date(), first.hour * 60 + first.minute) == (day, 571)
    assert last.hour * 60 + last.minute == close_minute(day)
    assert len(stamp) == close_minute(day) - 570
    assert np.all(np.diff(stamp) == MINUTE)


@given(st.datetimes(datetime(1995, 1, 1), datetime(2027, 12, 30)))
def test_locate_agrees_with_the_calendar_at_any_minute(moment: datetime) -> None:
    moment = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    local = moment.astimezone(NEW_YORK)
    row, minute = locate(np.array([int(moment.timestamp()) * 1_000_000_000]))
    of_day = local.hour * 60 + local.minute
    day = local.date()
    if of_day == 0:
        day, of_day = day - timedelta(days=1), 1440
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    if midnight.utcoffset() != local.utcoffset():
        return  # clocks change on Sundays, before any session
    assert (row[0] >= 0) == is_session(day)
    if row[0] >= 0:
        assert minute[0] == of_day


def test_grid_of_a_week_with_a_half_day() -> None:
    days = session_dates(date(2024, 7, 2), date(2024, 7, 5))
    grid = Grid.of(stamps(days))
    assert grid.dates == days
    assert grid.half.tolist() == [False, True, False]
    assert grid.close_minute.tolist() == [960, 780, 960]
    assert grid.minute[grid.first].tolist() == [571, 571, 571]
    assert grid.left[grid.last].tolist() == [0, 0, 0]
    assert grid.left[grid.first].tolist() == [389, 209, 389]
    assert (grid.last - grid.first + 1).tolist() == [390, 210, 390]


def test_grid_accepts_missing_minutes() -> None:
    stamp = stamps([date(2024, 3, 4), date(2024, 3, 5)])
    grid = Grid.of(np.delete(stamp, [0, 100, 389, 400]))
    assert grid.minute[grid.first].tolist() == [572, 571]
    assert grid.left[grid.last].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([at(2024, 3, 4, 10, 0), at(2024, 3, 4, 10, 0)], "bar 1: stamp 2024-03-04 10:00:00 New York repeats"),
        (
            [at(2024, 3, 4, 10, 1), at(2024, 3, 4, 10, 0)],
            "bar 1: .* 10:00:00 .* runs backwards",
        ),
        ([at(2024, 3, 4, 10, 0) + 1_000_000_000], "bar 0: .* no whole minute"),
        ([at(2024, 3, 4, 9, 30)], "outside that day's session; expected 09:31 to 16:00"),
        ([at(2024, 3, 4, 16, 1)], "outside that day's session"),
        ([at(2024, 7, 3, 13, 1)], "expected 09:31 to 13:00"),
        ([at(2024, 3, 9, 12, 0)], "2024-03-09 12:00:00 New York, which is no trading day"),
        ([], "not one minute bar"),
    ],
)
def test_grid_refuses_stamps_that_cannot_be_session_bars(wrong: list[int], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Grid.of(np.array(wrong, np.int64))


def test_stamps_are_named_in_new_york_time() -> None:
    assert name_stamp(at(2024, 7, 2, 9, 31)) == "2024-07-02 09:31:00 New York"


def test_calendar_survives_a_cache_it_can_neither_read_nor_write(tmp_path: Path) -> None:
    spoiled = tmp_path / "cache"
    spoiled.write_text("a file where the folder should be")
    path = ":".join(part for part in sys.path if part)
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from datetime import date; from engine.sessions import close_minute; "
            "print(close_minute(date(2018, 7, 3)))",
        ],
        env={
            "PATH": "/usr/bin:/bin",
            "MW_CACHE": str(spoiled),
            "PYTHONPATH": path,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip() == "780", told.stderr


def test_one_grid_serves_all_who_hold_the_same_stamps_and_goes_with_them() -> None:
    stamp = stamps([date(2024, 7, 3)])
    grid = Grid.shared(stamp)
    assert Grid.shared(stamp) is grid
    assert Grid.shared(stamp.copy()) is not grid
    for name in ("day", "minute", "left", "first", "last", "close_minute", "half"):
        assert np.array_equal(getattr(grid, name), getattr(Grid.of(stamp), name))
    seen = ref(grid)
    del grid, stamp
    assert seen() is None
