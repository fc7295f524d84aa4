"""The times of a bars file as UTC nanoseconds, with the zone declared or proven."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from feeds.evidence import new_york_hours

if TYPE_CHECKING:
    import pandas as pd

Int64 = NDArray[np.int64]

_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_DAY_MS = 86_400_000


def read_times(
    table: pd.DataFrame, column: str, day: str | None, zone: str | None, where: str
) -> tuple[Int64, str | None]:
    """Return stamps in UTC nanoseconds, and a note when the zone was proven by the stamps.

    Parameters
    ----------
    table : DataFrame
    column : str
        Of dates with a time of day, or of times of day beside ``day``.
    day : str, optional
        Column of dates, to which the times of day belong.
    zone : str, optional
        Of stamps without an offset.
    where : str
        The file's name, for errors.

    Raises
    ------
    DataError
        Names row and value of a time that cannot be read, or asks for the zone.
    """
    import pandas as pd

    for name in (column, day):
        if name is not None and table[name].isna().any():
            at = int(np.argmax(table[name].isna().to_numpy()))
            raise DataError(f"{where}: {name} is missing in row {at + 1}; expected a date and time")
    given = table[column]
    if day is not None:
        times = _dates(table[day], day, where) + _of_day(given, column, where)
    elif pd.api.types.is_datetime64_any_dtype(given.dtype):
        times = given
    else:
        times = _parsed(given, column, where)
    if times.dt.tz is not None:
        return _nanoseconds(times.dt.tz_convert("UTC")), None
    note = None
    if zone is None:
        _prove_new_york(times, where)
        zone, note = "America/New_York", "Stamps without a zone run like New York sessions and are read so."
    try:
        ZoneInfo(zone)
        return _nanoseconds(times.dt.tz_localize(zone).dt.tz_convert("UTC")), note
    except (ZoneInfoNotFoundError, OSError) as error:
        raise DataError(f"zone is {zone!r}; expected a name like America/New_York") from error
    except ValueError as error:
        raise DataError(f"{where}: a time does not exist or is ambiguous in {zone} ({error})") from error


def _dates(given: pd.Series[Any], column: str, where: str) -> pd.Series[Any]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(given.dtype):
        days: pd.Series[Any] = given.dt.tz_localize(None).dt.normalize()
        return days
    text = given.astype(str).str.strip()
    dated = text.str.fullmatch(r"\d{4}-?\d{2}-?\d{2}").to_numpy()
    read = pd.to_datetime(text.where(dated), format="ISO8601", errors="coerce")
    return _all_read(read, text, column, where, "a day like 2024-03-26")


def _of_day(given: pd.Series[Any], column: str, where: str) -> pd.Series[Any]:
    """Return times of day since midnight: numbers are milliseconds, all else text like 09:30."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(given.dtype):
        made = pd.to_timedelta(given.where((given >= 0) & (given < _DAY_MS)), unit="ms")
    else:
        text = given.astype(str).str.strip()
        clock = text.str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
        made = pd.to_timedelta(
            clock.where(clock.str.fullmatch(r"\d{1,2}:\d{2}:\d{2}(\.\d+)?")), errors="coerce"
        )
        made = made.where(made < pd.Timedelta(days=1))
    return _all_read(made, given, column, where, "a time of day like 09:30, or milliseconds after midnight")


def _all_read(
    made: pd.Series[Any], given: pd.Series[Any], column: str, where: str, expected: str
) -> pd.Series[Any]:
    if made.isna().any():
        at = int(np.argmax(made.isna().to_numpy()))
        raise DataError(f"{where}: {column} is {str(given.iloc[at])!r} in row {at + 1}; expected {expected}")
    return made


def _nanoseconds(times: pd.Series[Any]) -> Int64:
    return np.asarray(times.dt.tz_localize(None).to_numpy("datetime64[ns]").astype(np.int64))


def _parsed(given: pd.Series[Any], column: str, where: str) -> pd.Series[Any]:
    import pandas as pd

    text = given.astype(str).str.strip()
    offset = text.str.contains(_OFFSET).to_numpy()
    if offset.any() and not offset.all():
        at = int(np.argmax(offset != offset[0]))
        raise DataError(
            f"{where}: {column} is {text.iloc[at]!r} in row {at + 1}; expected an offset on all or none"
        )
    dated = text.str.contains(r"^\d{4}-?\d{2}-?\d{2}[ T]").to_numpy()
    times = pd.to_datetime(text.where(dated), format="ISO8601", errors="coerce", utc=bool(offset.any()))
    return _all_read(
        times, text, column, where,
        "a time like 2024-03-26 09:30:00, or its day in another column (day=)",
    )  # fmt: skip


def _prove_new_york(times: pd.Series[Any], where: str) -> None:
    """Refuse stamps without a zone unless they run like New York sessions."""
    plain = times.dt.tz_localize("America/New_York", ambiguous="NaT", nonexistent="NaT")
    proven = not plain.isna().any() and new_york_hours(_nanoseconds(plain.dt.tz_convert("UTC")))
    if not proven:
        raise DataError(f"{where}: the stamps carry no time zone and do not prove one; give zone")
