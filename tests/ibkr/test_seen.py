"""One contract's quote: what is wrong with it, and which strikes are streamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ibkr.seen import PAIRS_AT_THE_MONEY, Fault, Seen, in_reach, price, side
from engine.options.contract import Contract, Right
from tests.ibkr.rig import products

GOOD = Seen(0.30, 0.35, 10, 12, nan, nan, -0.2, 0.15, nan, nan, nan, nan, 1, 1000.0)


def seen(**change: Any) -> Seen:
    return replace(GOOD, **change)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"at": 939.0}, Fault.STALE),
        ({"at": -inf}, Fault.STALE),
        ({"bid": 0.40}, Fault.CROSSED),
        ({"bid": 0.35}, None),  # locked is not crossed
        ({"bid": nan}, Fault.NO_BID),
        ({"ask": nan}, Fault.NO_ASK),
        ({"bid": nan, "ask": nan}, Fault.NOTHING),
        ({"kind": 2}, Fault.NOT_LIVE),
        ({"kind": 3}, Fault.NOT_LIVE),
        ({"kind": 4}, Fault.NOT_LIVE),
    ],
)
def test_a_quote_is_classified(change: dict[str, float], fault: Fault | None) -> None:
    assert seen(**change).fault(1000.0, 60.0) is fault


PUT, CALL = (Contract(products()["XSP"], date(2018, 5, 8), 265.0, right) for right in (Right.PUT, Right.CALL))


@pytest.mark.parametrize(
    ("change", "option", "spot", "unmoved"),
    [
        ({}, PUT, 270.02, True),  # 0.2 of two cents are less than half a tick
        ({}, PUT, 270.03, False),
        ({}, PUT, 269.97, False),
        ({"delta": nan}, PUT, 270.0, False),
        ({"delta": 0.001}, PUT, 271.5, False),  # further than its greeks can be believed
        ({"bid": nan}, PUT, 290.0, True),  # worth nothing, and less since
        ({"bid": nan}, PUT, 269.5, True),
        ({"bid": nan}, PUT, 268.9, False),  # a strike nearer
        ({"bid": nan}, CALL, 250.0, True),
        ({"bid": nan}, CALL, 271.1, False),
        ({"bid": nan, "beside": nan}, PUT, 290.0, False),
        ({"bid": nan}, PUT, nan, False),
        ({"bid": nan, "ask": nan}, PUT, 270.0, False),
    ],
)
def test_quote_that_is_not_sent_again_stands_until_the_price_has_moved_enough(
    change: dict[str, float], option: Contract, spot: float, unmoved: bool
) -> None:
    assert seen(**{"beside": 270.0, **change}).unmoved(option, spot) is unmoved


@pytest.mark.parametrize(
    "change", [{"at": 900.0}, {"bid": 0.40}, {"ask": nan}, {"kind": 3}, {"bid": nan, "ask": nan}]
)
def test_a_bad_quote_offers_neither_side(change: dict[str, float]) -> None:
    assert all(isnan(one) for one in seen(**change).sides(1000.0, 60.0))


def test_what_nobody_bids_for_can_still_be_bought() -> None:
    bid, ask = seen(bid=nan).sides(1000.0, 60.0)
    assert isnan(bid) and ask == 0.35


@pytest.mark.parametrize("value", [-1.0, 0.0, nan, 1.7976931348623157e308, inf])
def test_what_tws_sends_for_no_price_is_none(value: float) -> None:
    assert isnan(price(value))


def test_a_side_without_size_is_none() -> None:
    assert isnan(side(0.5, 0)) and side(0.5, 1) == 0.5


@given(st.floats(100, 7000), st.floats(1, 400), st.integers(0, 100), st.sampled_from([0.5, 1.0, 5.0]))
def test_the_lines_are_never_passed_and_every_strike_lies_in_reach(
    spot: float, reach: float, lines: int, step: float
) -> None:
    strikes = [step * n for n in range(int(spot / step) - 120, int(spot / step) + 120)]
    chosen = in_reach(strikes, spot, reach, lines)
    assert len(chosen) <= lines and len(set(chosen)) == len(chosen)
    assert all(abs(strike - spot) <= reach for strike, _ in chosen)


def test_nearest_strikes_have_both_sides_and_far_ones_the_one_out_of_the_money() -> None:
    chosen = in_reach([float(k) for k in range(580, 621)], 600.2, 30.0, 100)
    near = chosen[: 2 * PAIRS_AT_THE_MONEY]
    assert {right for _, right in near} == {Right.CALL, Right.PUT}
    assert all((strike >= 600.2) == (right is Right.CALL) for strike, right in chosen[len(near) :])
