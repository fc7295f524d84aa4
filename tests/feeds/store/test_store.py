"""The store keeps what it was given, reads it by day, and is never seen half written."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DataError
from engine.sessions import stamps
from feeds.store.schema import QUOTES
from feeds.store.store import QuoteStore

DAY, NEXT = date(2018, 2, 5), date(2018, 2, 6)


def rows(day: date = DAY, bid: float = 1.0, expiries: tuple[date, ...] = (DAY,)) -> pa.Table:
    """Three instants of two strikes, calls and puts, in the vendor's order."""
    made = [
        {
            "stamp": int(at), "expiry": expiry, "strike": strike, "call": call, "am": False, "root": "SPXW",
            "bid": bid, "ask": bid + 0.1, "bid_size": 3, "ask_size": 5, "spot": 2700.0 + number,
            "volume": None, "open_interest": 7,
        }
        for number, at in enumerate(stamps([day])[:3])
        for strike in (2710.0, 2700.0)
        for call in (False, True)
        for expiry in expiries
    ]  # fmt: skip
    table = pa.Table.from_pylist(made, schema=QUOTES.set(0, pa.field("stamp", pa.int64())))
    return table.cast(QUOTES)


@pytest.fixture
def store(tmp_path: Path) -> QuoteStore:
    return QuoteStore.create(tmp_path / "store")


def put(
    store: QuoteStore, table: pa.Table, day: date = DAY, merge: bool = True, source: str | None = None
) -> int:
    with store.batch({"files": ["a"]}) as batch:
        return batch.write("SPX", day, table, merge=merge, source=source)


def test_day_comes_back_as_arrays(store: QuoteStore) -> None:
    put(store, rows(expiries=(NEXT, DAY)))
    held = store.day("SPX", DAY)
    assert held.bid.shape == (3, 8)
    assert [date.fromordinal(int(number)) for number in held.expiry] == [DAY] * 4 + [NEXT] * 4
    assert held.strike[:4].tolist() == [2700.0, 2710.0, 2700.0, 2710.0]
    assert held.call[:4].tolist() == [True, True, False, False]
    assert held.spot.tolist() == [2700.0, 2701.0, 2702.0]
    assert (held.bid == 1.0).all() and (held.ask_size == 5).all() and set(held.root) == {"SPXW"}
    assert store.day("SPX", DAY, [NEXT]).bid.shape == (3, 4)
    assert store.expiries("SPX", DAY) == [DAY, NEXT]
    assert store.symbols() == ["SPX"] and store.days("SPX") == [DAY]


def test_missing_quote_is_nan(store: QuoteStore) -> None:
    table = rows()
    gone = pa.array([None if number == 0 else 1.0 for number in range(len(table))], pa.float64())
    put(store, table.set_column(6, "bid", gone))
    assert np.isnan(store.day("SPX", DAY).bid).sum() == 1


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(12)), cut=st.integers(0, 12))
def test_parts_in_any_order_make_the_same_day(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    whole, parts = (QuoteStore.create(tmp_path_factory.mktemp("s") / name) for name in ("a", "b"))
    table = rows()
    put(whole, table)
    shuffled = table.take(pa.array(order))
    for part in (shuffled.slice(0, cut), shuffled.slice(cut), shuffled.slice(3, 5)):
        assert put(parts, part) == 0
    assert parts.read("SPX", DAY).equals(whole.read("SPX", DAY))


def test_row_that_contradicts_is_kept_apart(store: QuoteStore) -> None:
    put(store, rows())
    fresh = rows(bid=2.0).slice(0, 2)
    assert put(store, pa.concat_tables([fresh, rows().slice(2)]), source="b.csv") == 2
    assert pc.unique(store.read("SPX", DAY)["bid"]).to_pylist() == [1.0]
    apart = store.read("SPX", DAY, "rejected")
    assert apart["reason"].to_pylist() == ["contradicts the store"] * 2
    assert apart["bid"].to_pylist() == [2.0, 2.0] and set(apart["file"].to_pylist()) == {"b.csv"}
    assert put(store, rows(bid=2.0), merge=False) == 0
    assert pc.unique(store.read("SPX", DAY)["bid"]).to_pylist() == [2.0]


def test_day_of_which_nothing_is_believed_is_none_of_the_stores(store: QuoteStore) -> None:
    bad = rows(NEXT).slice(0, 2)
    for name, value in (("reason", "crossed"), ("file", "a.csv"), ("row", None)):
        column = pa.array([1, 2]) if value is None else pa.array([value] * 2)
        bad = bad.append_column(name, column)
    for _ in range(2):  # once more says nothing new
        with store.batch({}) as batch:
            batch.write("SPX", NEXT, rows(NEXT).slice(0, 0), bad)
    assert store.days("SPX") == [] and store.symbols() == [] and not store.has("SPX", NEXT)
    assert len(store.read("SPX", NEXT, "rejected")) == 2
    put(store, rows(NEXT), NEXT)
    assert store.days("SPX") == [NEXT]
    assert len(store.read("SPX", NEXT, "rejected")) == 2
    with store.batch({}) as batch:
        batch.write("SPX", NEXT, rows(NEXT).slice(0, 0), bad, merge=False)
    assert store.days("SPX") == []


def test_error_on_the_way_leaves_the_store_as_it_was(store: QuoteStore) -> None:
    put(store, rows())
    before = {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}
    with pytest.raises(ZeroDivisionError), store.batch({}) as batch:
        batch.write("SPX", DAY, rows(bid=2.0))
        batch.write("SPX", NEXT, rows(NEXT))
        raise ZeroDivisionError
    assert {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()} == before


def test_only_one_import_writes_at_a_time(store: QuoteStore) -> None:
    with store.batch({}), pytest.raises(DataError, match="another import is writing"), store.batch({}):
        pass


def test_imports_are_remembered(store: QuoteStore) -> None:
    put(store, rows())
    (told,) = store.imports()
    assert told["files"] == ["a"] and told["at"].startswith("20")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no readable store.json"),
        ("{", "no readable store.json"),
        ('{"format": 99}', "format is 99, expected 1"),
    ],
)
def test_folder_that_is_no_store_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "store.json").write_text(content)
    with pytest.raises(DataError, match=told):
        QuoteStore.open(tmp_path)


def test_folder_with_other_files_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        QuoteStore.create(tmp_path)
    assert os.listdir(tmp_path) == ["letter.txt"]


def test_absent_and_damaged_days_are_named(store: QuoteStore) -> None:
    with pytest.raises(DataError, match="holds no SPX quotes of 2018-02-06"):
        store.day("SPX", NEXT)
    put(store, rows())
    path = store.file("SPX", DAY)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="import the day again"):
        store.day("SPX", DAY)


def test_store_says_its_format(store: QuoteStore) -> None:
    assert json.loads((store.path / "store.json").read_text())["format"] == 1
