"""The clock of a backtest: bar numbers to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.bars import Bars
from engine.sessions import session_dates, stamps
from engine.tape import Tape

ZONE = ZoneInfo("America/New_York")


def tape(start: date, end: date) -> Tape:
    stamp = stamps(session_dates(start, end))
    price = np.full(len(stamp), 100.0)
    return Tape({"ONE": Bars("ONE", stamp, price, price, price, price, price)})


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2018, 3, 8), date(2018, 3, 13)),  # clocks go forward
        (date(2018, 11, 1), date(2018, 11, 6)),  # and back
        (date(2018, 7, 2), date(2018, 7, 5)),  # a half day
    ],
)
def test_instants_are_those_of_the_stamps_in_new_york(start: date, end: date) -> None:
    seen = tape(start, end)
    order = np.random.default_rng(3).permutation(len(seen)).tolist()
    for bar in [*range(len(seen)), *order[:500]]:
        at = seen.at(bar)
        since = timedelta(seconds=int(seen.stamp[bar]) // 10**9)
        wanted = (datetime(1970, 1, 1, tzinfo=UTC) + since).astimezone(ZONE)
        assert (at, at.isoformat(), at.fold) == (wanted, wanted.isoformat(), wanted.fold)
        assert seen.clock_minute(bar) == int(wanted.timestamp()) // 60
        assert seen.day(bar) == wanted.date()
