"""Executions into units: any order of arrival, any parts, repetitions."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ibkr.events import ExecutionTold
from engine.ibkr.executions import Executions, Increment

SHORT, LONG, BAG = 11, 12, 28812380
AT = datetime(2018, 3, 2, 15, tzinfo=UTC)


def row(name: str, con_id: int, side: int, quantity: float, price: float, kind: str = "OPT") -> ExecutionTold:
    return ExecutionTold(
        name, 1, 9, 17, "r", "DU1", kind, con_id, side, quantity, price, AT, False, True, None
    )


def spread(buy: bool = True) -> Executions:
    sign = 1 if buy else -1
    return Executions({SHORT: -sign, LONG: sign}, 1, {SHORT: -1.0, LONG: 1.0}, 1.0)


def parts(counts: list[int], price: float = -0.30) -> list[ExecutionTold]:
    rows = []
    for number, count in enumerate(counts):
        rows += [
            row(f"{number}.bag", BAG, 1, count, price, "BAG"),
            row(f"{number}.short", SHORT, -1, count, 0.50),
            row(f"{number}.long", LONG, 1, count, 0.20),
        ]
    return rows


def always(_: ExecutionTold) -> bool:
    return True


def never(_: ExecutionTold) -> bool:
    return False


def unit(of: Executions) -> Increment:
    """Return what is ready to be booked, its fees told."""
    found = of.take(always, never)
    assert found is not None
    return found


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.randoms())
def test_every_order_of_arrival_books_each_unit_once_at_the_net_price(
    counts: list[int], random: Random
) -> None:
    told = parts(counts) * 2
    random.shuffle(told)
    executions, units, seen = spread(), 0, []
    for one in told:
        executions.add(one)
        while (found := executions.take(always, never)) is not None:
            assert found.price == pytest.approx(-0.30)
            units += found.units
            seen += [leg.exec_id for leg in found.legs]
    assert units == sum(counts) and not executions.pending
    assert sorted(seen) == sorted(one.exec_id for one in parts(counts) if one.kind != "BAG")


def test_a_lonely_leg_is_no_unit() -> None:
    executions = spread()
    executions.add(row("a", SHORT, -1, 1, 0.5))
    assert executions.take(always, always) is None and executions.pending


def test_the_bags_own_execution_is_waited_for_and_then_the_legs_stand_for_it() -> None:
    executions = spread()
    bag, short, long = parts([2], price=-0.31)
    assert executions.add(short) and executions.add(long)
    assert executions.take(always, never) is None
    found = executions.take(always, always)
    assert found is not None and found.units == 2 and found.price == pytest.approx(-0.30)
    executions.add(bag)
    assert not executions.pending


def test_fees_that_have_not_come_hold_a_unit_back() -> None:
    executions = spread()
    for one in parts([1]):
        executions.add(one)
    assert executions.take(never, never) is None
    assert unit(executions).units == 1


def test_a_contract_of_no_leg_is_left_out() -> None:
    assert not spread().add(row("x", 99, 1, 1, 1.0))


def test_ratios_are_reduced_and_the_price_is_that_of_the_whole_unit() -> None:
    # 200 shares and 2 puts go as two BAGs of 100 and 1
    executions = Executions({SHORT: 200, LONG: 2}, 2, {SHORT: 2.0, LONG: 2.0}, 0.5)
    executions.add(row("b1", BAG, 1, 1, 270.5, "BAG"))
    executions.add(row("s1", SHORT, 1, 100, 270.0))
    executions.add(row("p1", LONG, 1, 1, 0.5))
    assert executions.take(always, never) is None
    executions.add(row("b2", BAG, 1, 1, 270.5, "BAG"))
    executions.add(row("s2", SHORT, 1, 100, 270.0))
    executions.add(row("p2", LONG, 1, 1, 0.5))
    found = unit(executions)
    assert found.units == 1 and found.price == pytest.approx(541.0)


def test_what_an_earlier_process_booked_is_not_waited_for() -> None:
    executions = spread()
    executions.booked(2)
    for one in parts([2, 1]):
        if one.exec_id in ("0.bag", "1.bag", "1.short", "1.long"):
            executions.add(one)
    found = unit(executions)
    assert found.units == 1 and not executions.pending
