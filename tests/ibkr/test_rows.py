"""Five-second bars into minutes of all symbols."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from engine.ibkr.rows import SECOND_NS, Assembler

BASE = 1_520_000_000 // 60 * 60  # a whole minute, epoch seconds
END = (BASE + 60) * SECOND_NS


def assembler(symbols: tuple[str, ...] = ("XSP", "SPY"), grace: float = 8.0) -> Assembler:
    return Assembler(symbols, "VIX", grace)


def feed(
    to: Assembler, symbol: str, start: int = BASE, steps: Iterable[int] = range(12), price: float = 100.0
) -> None:
    for step in steps:
        last = price + step
        to.add(symbol, start + 5 * step, (last - 0.5, last + 1, last - 1, last), 10.0)


def test_a_minute_is_given_when_every_symbol_has_ended_it() -> None:
    one = assembler()
    feed(one, "XSP")
    assert one.take(BASE + 60.1) == []
    feed(one, "SPY", price=50.0)
    (row,) = one.take(BASE + 60.2)
    assert row.stamp == END and row.live and not row.missing
    minute = row.minutes["XSP"]
    assert (minute.open, minute.high, minute.low, minute.close, minute.volume, minute.count) == (
        99.5, 112.0, 99.0, 111.0, 120.0, 12,
    )  # fmt: skip


def test_a_symbol_that_tells_nothing_is_given_up_after_the_grace_and_carries_its_price() -> None:
    one = assembler()
    one.seed(BASE * SECOND_NS, {"XSP": 99.0, "SPY": 49.0, "VIX": 16.0})
    feed(one, "XSP")
    assert one.take(BASE + 67.9) == []
    (row,) = one.take(BASE + 68.0)
    assert row.missing == ("SPY",) and row.minutes["SPY"].close == 49.0 and row.minutes["SPY"].count == 0


def test_what_comes_after_its_minute_was_given_is_counted_and_dropped() -> None:
    one = assembler(("XSP",))
    feed(one, "XSP")
    assert len(one.take(BASE + 61.0)) == 1
    feed(one, "XSP", steps=[11])
    assert one.late == 1 and one.take(BASE + 100.0) == []


def test_vix_is_taken_along_and_never_waited_for() -> None:
    one = assembler(("XSP",))
    one.add("VIX", BASE, (16.0, 16.5, 15.5, 16.2), 0.0)
    feed(one, "XSP")
    (row,) = one.take(BASE + 60.1)
    assert row.vix == 16.2


def test_prices_that_are_none_are_left_out() -> None:
    one = assembler(("XSP",))
    one.add("XSP", BASE, (-1.0, -1.0, -1.0, -1.0), 0.0)
    assert one.take(BASE + 1000.0) == []


def test_a_minute_seen_only_in_part_is_not_live() -> None:
    one = assembler(("XSP",))
    one.whole_from = END + 60 * SECOND_NS
    feed(one, "XSP", steps=range(6, 12))
    feed(one, "XSP", start=BASE + 60)
    first, second = one.take(BASE + 121.0)
    assert not first.live and second.live


@given(st.permutations(list(range(12))), st.permutations(list(range(12))))
def test_order_of_arrival_within_a_minute_changes_neither_range_nor_volume(
    left: list[int], right: list[int]
) -> None:
    rows = []
    for steps in (left, right):
        one = assembler(("XSP",))
        feed(one, "XSP", steps=steps)
        (row,) = one.take(BASE + 70.0)
        rows.append(row.minutes["XSP"])
    assert (rows[0].high, rows[0].low, rows[0].volume) == (rows[1].high, rows[1].low, rows[1].volume)


@given(st.lists(st.tuples(st.sampled_from(["XSP", "SPY"]), st.integers(0, 60)), max_size=80))
def test_rows_come_in_order_each_minute_once(told: list[tuple[str, int]]) -> None:
    one, stamps = assembler(grace=0.0), []
    for symbol, step in told:
        feed(one, symbol, steps=[step])
        stamps += [row.stamp for row in one.take(BASE + 5 * step + 5)]
    stamps += [row.stamp for row in one.take(BASE + 10_000)]
    assert stamps == sorted(set(stamps))
