"""Combos: what they pay, lose and bind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OrderError
from engine.options.combo import Combo, covered, iron_condor, put_spread, shares, short_put, single
from engine.options.contract import Contract, Leg, Product, Right, Settlement, Stock, Style, TickRule

PENNY = TickRule(3.0, 0.01, 0.01, 0.01)
XSP = Product("XSP", Style.EUROPEAN, Settlement.CASH_PM, 100, 1.0, PENNY, "daily", "XSP")
SPY = Product("SPY", Style.AMERICAN, Settlement.PHYSICAL, 100, 1.0, PENNY, "daily", "SPY")
DAY = date(2018, 2, 5)
CENTS = st.integers(1, 99).map(lambda cents: cents / 100)


def test_put_spread_loses_its_width_less_the_credit() -> None:
    spread = put_spread(XSP, DAY, 590, 589)

    assert spread.width == 1.0
    assert spread.is_defined_risk
    assert spread.max_loss(-0.20) == pytest.approx(80.0)
    assert spread.structural_loss(-0.20, 2.8) == pytest.approx(82.8)
    assert spread.max_profit(-0.20) == pytest.approx(20.0)
    assert spread.breakevens(-0.20) == pytest.approx((589.8,))
    assert spread.margin(-0.20) == pytest.approx(80.0)
    assert str(spread) == "XSP 2018-02-05 -590P +589P"


def test_condor_binds_one_side_and_has_two_breakevens() -> None:
    condor = iron_condor(XSP, DAY, 580, 581, 599, 600)

    assert condor.max_loss(-0.30) == pytest.approx(70.0)
    assert condor.margin(-0.30) == pytest.approx(70.0)
    assert condor.breakevens(-0.30) == pytest.approx((580.7, 599.3))


@given(st.integers(500, 700), st.integers(1, 10), st.integers(1, 60), st.integers(1, 10), CENTS)
def test_no_price_of_the_underlying_loses_more_than_the_structure(
    short_put_at: int, put_width: int, apart: int, call_width: int, credit: float
) -> None:
    short_call_at = short_put_at + apart
    condor = iron_condor(
        XSP, DAY, short_put_at - put_width, short_put_at, short_call_at, short_call_at + call_width
    )
    spots = np.arange(1.0, 1500.0, 0.5)

    result = (condor.payoff(spots) + credit) * 100

    assert -result.min() <= condor.max_loss(-credit) + 1e-6
    assert -result.min() == pytest.approx(condor.max_loss(-credit), abs=1e-6)
    assert result.max() == pytest.approx(condor.max_profit(-credit), abs=1e-6)


@given(st.integers(500, 700), st.integers(1, 20), CENTS)
def test_result_is_nothing_at_the_breakevens(short: int, width: int, credit: float) -> None:
    spread = put_spread(XSP, DAY, short, short - width)

    for spot in spread.breakevens(-credit):
        assert float(spread.payoff(spot)) + credit == pytest.approx(0.0, abs=1e-9)


def test_collar_is_defined_and_loses_down_to_its_puts() -> None:
    collar = covered(SPY, DAY, 200, 1, 605, 595)

    assert collar.structure == "collar"
    assert collar.is_defined_risk
    assert collar.shares == 200
    # 200 shares at 600 and two puts at 1.20, a call sold at 1.50: 2 x 600 + 2 x 1.20 - 1.50
    price = 1200.0 + 2.4 - 1.5
    assert collar.max_loss(price) == pytest.approx((price - 2 * 595.0) * 100)


@pytest.mark.parametrize(
    "combo",
    [
        covered(SPY, DAY, 200, 1, 605),
        shares(SPY, 100),
        short_put(XSP, DAY, 590),
        single(XSP, DAY, 610, Right.CALL, -1),
    ],
    ids=["covered call", "shares", "short put", "short call"],
)
def test_naked_structures_are_not_defined_risk(combo: Combo) -> None:
    assert not combo.is_defined_risk


def test_short_call_loses_without_end() -> None:
    assert single(XSP, DAY, 610, Right.CALL, -1).max_loss(-1.0) == float("inf")


def test_short_option_that_outlives_its_cover_is_not_defined() -> None:
    near, far = date(2018, 2, 5), date(2018, 2, 6)
    legs = (Leg(Contract(XSP, far, 590.0, Right.PUT), -1), Leg(Contract(XSP, near, 589.0, Right.PUT), 1))

    assert not Combo(legs, "diagonal").is_defined_risk


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Combo((), "empty"), "no legs"),
        (lambda: Combo((Leg(Stock(SPY), 0),), "zero"), "ratio 0"),
        (lambda: Combo((Leg(Stock(SPY), 1), Leg(Stock(SPY), 1)), "twice"), "twice"),
        (lambda: Combo((Leg(Stock(SPY), 1), Leg(Stock(XSP), 1)), "mixed"), "one underlying"),
        (lambda: put_spread(XSP, DAY, 589, 590), "width is -1"),
        (lambda: put_spread(XSP, DAY, 590, 590), "width is 0"),
        (lambda: iron_condor(XSP, DAY, 598, 600, 599, 601), "above"),
        (lambda: covered(SPY, DAY, 100, 2, 605), "2 calls against 100 shares"),
    ],
)
def test_senseless_combo_is_refused(make: Callable[[], Combo], words: str) -> None:
    with pytest.raises(OrderError, match=words):
        make()
