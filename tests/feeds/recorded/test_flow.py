"""What was traded, from recorded volumes of either kind."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine.sessions import stamps
from feeds.recorded.book import RecordedQuotes
from feeds.recorded.flow import day_flow, is_running
from feeds.store.schema import QUOTES
from feeds.store.store import QuoteStore
from tests.feeds.quoted import book, universe, walk

DAY = date(2024, 6, 24)
BARS = stamps([DAY])
MINUTES = (0, 1, 5)
TRADED = {"P": [[10, 0, 7], [1, 2, 3]], "C": [[4, 4, 0], [0, 5, 6]]}  # two strikes each


def store(folder: Path, running: bool, **without: bool) -> QuoteStore:
    rows = []
    for side, strikes in TRADED.items():
        for number, each in enumerate(strikes):
            told = np.cumsum(each) if running else each
            for minute, volume in zip(MINUTES, told, strict=True):
                for expiry, factor in ((DAY, 1), (date(2024, 6, 25), 1000)):
                    rows.append(
                        {
                            "stamp": int(BARS[minute]), "expiry": expiry, "strike": 6000.0 + number,
                            "call": side == "C", "am": False, "root": "SPXW", "bid": 1.0, "ask": 1.1,
                            "bid_size": 1, "ask_size": 1, "spot": 6000.0,
                            "volume": None if without.get("volume") else int(volume) * factor,
                            "open_interest": None if without.get("interest") else 100 + number,
                        }
                    )  # fmt: skip
    made = QuoteStore.create(folder)
    with made.batch({}) as batch:
        batch.write("SPX", DAY, pa.Table.from_pylist(rows, QUOTES))
    return made


@pytest.mark.parametrize("running", [True, False])
def test_volumes_fall_into_their_minutes_whichever_way_they_are_counted(
    tmp_path: Path, running: bool
) -> None:
    held = store(tmp_path / "s", running)

    assert is_running(held, "SPX") is running
    put, call, interest = day_flow(held, "SPX", DAY, BARS, running)

    assert put[list(MINUTES)].tolist() == [11, 2, 10]
    assert call[list(MINUTES)].tolist() == [4, 9, 6]
    assert put.sum() == 23, "of the nearest expiry alone"
    assert set(interest) == {402.0}


def test_recorded_bars_carry_what_was_traded_when_it_is_asked_for(tmp_path: Path) -> None:
    bars = walk()
    held = store(tmp_path / "s", running=False)
    given = held, {"SPX": bars}, universe(), book(bars), 60_000_000_000, True

    plain = RecordedQuotes(*given).with_lines()["SPX"].lines
    lines = RecordedQuotes(*given, flow=True).with_lines()["SPX"].lines

    assert not {"put_volume", "call_volume", "open_interest"} & set(plain)
    first = bars.grid.day == 0
    assert lines["put_volume"][first].sum() == 23
    assert lines["call_volume"][first].sum() == 19
    assert set(lines["open_interest"][first]) == {402.0}
    assert np.isnan(lines["put_volume"][~first]).all()


def test_without_volume_or_open_interest_the_lines_are_unknown(tmp_path: Path) -> None:
    held = store(tmp_path / "s", True, volume=True, interest=True)

    assert np.isnan(day_flow(held, "SPX", DAY, BARS, True)).all()
