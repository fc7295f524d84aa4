"""Leg prices of a combo fill: they sum to the combo to the cent and stay sensible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker.allocation import leg_cents
from engine.options.combo import Combo, covered, iron_condor, put_spread, shares
from engine.options.contract import Leg, Stock
from engine.options.middle import combo_mid
from tests.execution.market import DAY, NAN, SPY, XSP, Side, call, put

SPREAD = put_spread(XSP, DAY, 600.0, 599.0)  # legs: short first


def test_fill_at_mid_leaves_legs_at_their_mids() -> None:
    assert leg_cents(SPREAD, [(0.50, 0.54), (0.27, 0.29)], -0.24) == (-5200, 2800)


def test_fill_at_natural_puts_legs_on_their_bid_and_ask() -> None:
    assert leg_cents(SPREAD, [(0.50, 0.54), (0.27, 0.29)], -0.21) == (-5000, 2900)
    assert leg_cents(SPREAD, [(0.50, 0.54), (0.27, 0.29)], -0.27) == (-5400, 2700)


def test_leg_without_bid_stands_half_way_to_its_ask() -> None:
    assert combo_mid(SPREAD, [(0.10, 0.12), (NAN, 0.02)]) == pytest.approx(-0.10)
    assert leg_cents(SPREAD, [(0.10, 0.12), (NAN, 0.02)], -0.12) == (-1200, 0)


def test_shares_keep_whole_cents_and_options_take_the_rest() -> None:
    combo = covered(SPY, DAY, 200, 2, 605.0)
    stock, sold = leg_cents(combo, [(600.00, 600.01), (1.00, 1.04)], 1197.97)
    assert stock % 200 == 0
    assert stock + sold == 119_797_00


def test_shares_alone_trade_at_the_price() -> None:
    assert leg_cents(shares(SPY, 1), [(600.00, 600.02)], 600.02) == (60_002,)


def combos() -> st.SearchStrategy[Combo]:
    options = st.sampled_from([call(SPY, k) for k in (600.0, 605.0)] + [put(SPY, k) for k in (590.0, 595.0)])
    legs = st.lists(
        st.tuples(options, st.sampled_from([-3, -2, -1, 1, 2, 3])),
        min_size=1,
        max_size=4,
        unique_by=lambda x: x[0],
    )
    stock = st.sampled_from([0, 0, 100, 200, -100])
    return st.builds(
        lambda n, held: Combo(
            ((Leg(Stock(SPY), n),) if n else ()) + tuple(Leg(*one) for one in held), "drawn"
        ),
        stock,
        legs,
    )


sides = st.tuples(st.integers(0, 2000), st.integers(1, 60)).map(
    lambda x: (x[0] / 100 if x[0] else NAN, (x[0] + x[1]) / 100)
)


@given(combos(), st.data(), st.floats(-1.0, 1.0))
def test_legs_sum_to_the_combo_and_stay_within_their_quotes(
    combo: Combo, data: st.DataObject, place: float
) -> None:
    quotes = [
        data.draw(sides) if not isinstance(leg.instrument, Stock) else (599.99, 600.01) for leg in combo.legs
    ]
    size = [leg.ratio * leg.instrument.multiplier / combo.multiplier for leg in combo.legs]
    mid = combo_mid(combo, quotes)
    half = sum(
        abs(n) * 0.5 * (ask - (0 if bid != bid else bid)) for n, (bid, ask) in zip(size, quotes, strict=True)
    )
    price = round(mid + place * half, 2)
    paid = leg_cents(combo, quotes, price)
    assert sum(paid) == round(price * combo.multiplier * 100)
    # what does not divide goes to one leg, so allow it the rounding of all the others
    slack = 1.0 + sum(abs(leg.ratio) for leg in combo.legs) + 0.5 * combo.multiplier
    for leg, (bid, ask), amount in zip(combo.legs, quotes, paid, strict=True):
        each = amount / leg.ratio
        low = 0.0 if bid != bid else bid
        scale = 100 * leg.instrument.multiplier
        assert low * scale - slack <= each <= ask * scale + slack


@given(st.integers(100, 900), st.integers(1, 30), st.integers(100, 900), st.integers(1, 30), st.floats(-1, 1))
def test_single_leg_takes_the_odd_cent_so_that_doubled_legs_keep_whole_ones(
    dear: int, one: int, cheap: int, other: int, place: float
) -> None:
    combo = Combo((Leg(call(SPY, 600), 2), Leg(put(SPY, 595), -1)), "ratio")
    quotes = [(dear / 100, (dear + one) / 100), (cheap / 100, (cheap + other) / 100)]
    price = round(combo_mid(combo, quotes) + place * (one + other / 2) / 100, 2)
    assert leg_cents(combo, quotes, price)[0] % 2 == 0


@given(st.integers(-60, 0), st.tuples(sides, sides, sides, sides))
def test_condor_fill_far_from_the_market_still_sums(price: int, quotes: tuple[Side, ...]) -> None:
    condor = iron_condor(XSP, DAY, 590, 591, 609, 610)
    assert sum(leg_cents(condor, quotes, price / 100)) == price * 100
