"""The fill model: a fill pays the market, never better, and never worse than the limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.fills import executable, match
from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder
from engine.intent import Urgency
from engine.options.quotebook import Quote
from tests.execution.market import NAN, SPREAD, order

SETTINGS = ExecutionSettings()


def at_work(
    quote: Quote, buy: bool = True, urgency: Urgency = Urgency.ENTRY, quantity: int = 1
) -> WorkingOrder:
    working = WorkingOrder(order(quantity=quantity, buy=buy, urgency=urgency), SETTINGS)
    working.place(quote, 0)
    return working


def test_resting_limit_does_not_fill_while_the_market_is_away() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1))  # rests at -0.24
    assert match(working, Quote(-0.28, -0.23, 10, 0.1)) is None


def test_resting_limit_trades_at_the_market_once_it_has_come_through() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1))
    found = match(working, Quote(-0.34, -0.26, 10, 0.1))
    assert found is not None
    assert found.price == pytest.approx(-0.26)


def test_limit_reached_exactly_trades() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1))
    assert match(working, Quote(-0.32, -0.24, 10, 0.1)) is not None


def test_marketable_limit_takes_the_price_of_the_next_bar() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1), buy=False, urgency=Urgency.URGENT)
    found = match(working, Quote(-0.25, -0.17, 10, 0.1))
    assert found is not None
    assert found.price == pytest.approx(-0.25)


def test_marketable_limit_does_not_chase_a_market_that_left_it() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1), buy=False, urgency=Urgency.URGENT)
    assert match(working, Quote(-0.29, -0.21, 10, 0.1)) is None


def test_size_limits_what_fills() -> None:
    working = at_work(Quote(-0.28, -0.20, 10, 0.1), urgency=Urgency.URGENT, quantity=5)
    found = match(working, Quote(-0.28, -0.20, 3, 0.1))
    assert found is not None
    assert found.units == 3


@pytest.mark.parametrize(
    "quote", [None, Quote(-0.28, -0.20, 0, 0.1), Quote(-0.28, NAN, 5, 0.1)], ids=["none", "no size", "no ask"]
)
def test_nothing_fills_without_a_market(quote: Quote | None) -> None:
    assert match(at_work(Quote(-0.28, -0.20, 10, 0.1), urgency=Urgency.URGENT), quote) is None


def test_order_that_has_no_price_yet_does_not_fill() -> None:
    working = WorkingOrder(order(buy=False, urgency=Urgency.EXIT), SETTINGS)
    working.place(None, 0)
    assert match(working, Quote(-0.28, -0.20, 10, 0.1)) is None


@pytest.mark.parametrize(
    ("fraction", "slip", "buy", "price"),
    [
        (1.0, 0, True, -0.20),
        (1.0, 0, False, -0.28),
        (0.0, 0, True, -0.24),
        (0.5, 0, True, -0.22),
        (0.6, 0, True, -0.21),  # -0.216 rounded against the buyer
        (0.6, 0, False, -0.27),  # -0.264 rounded against the seller
        (1.0, 3, True, -0.17),
        (1.0, 3, False, -0.31),
    ],
)
def test_executable_price(fraction: float, slip: int, buy: bool, price: float) -> None:
    settings = ExecutionSettings(fill_fraction=fraction, slippage_ticks=slip)
    assert executable(Quote(-0.28, -0.20, 1, 0.1), SPREAD, buy, settings) == pytest.approx(price)


def test_combo_that_cannot_be_bought_has_no_executable_price() -> None:
    assert math.isnan(executable(Quote(-0.28, NAN, 1, 0.1), SPREAD, True, SETTINGS))
    assert executable(Quote(-0.28, NAN, 1, 0.1), SPREAD, False, SETTINGS) == pytest.approx(-0.28)


quotes = st.builds(
    lambda mid, half, size: Quote((mid - half) / 100, (mid + half) / 100, size, 0.0),
    st.integers(-300, 300),
    st.integers(0, 40),
    st.integers(1, 9),
)


@given(
    st.lists(quotes, min_size=2, max_size=12), st.booleans(), st.sampled_from(list(Urgency)),
    st.floats(0.0, 1.0), st.just(1.0) | st.floats(0.0, 1.0), st.integers(0, 3),
)  # fmt: skip
def test_fill_pays_the_market_and_keeps_the_limit(
    path: list[Quote], buy: bool, urgency: Urgency, start: float, fraction: float, slip: int
) -> None:
    settings = ExecutionSettings(entry_fraction_start=start, fill_fraction=fraction, slippage_ticks=slip)
    working = WorkingOrder(order(quantity=4, buy=buy, urgency=urgency), settings)
    working.place(path[0], 0)
    for minute, quote in enumerate(path[1:], 1):
        limit, found = working.limit, match(working, quote)
        if found is not None:
            assert found.price == executable(quote, SPREAD, buy, settings)
            assert (found.price <= limit) if buy else (found.price >= limit)
            natural = quote.ask if buy else quote.bid
            if fraction == 1.0:
                assert (found.price >= natural - 1e-9) if buy else (found.price <= natural + 1e-9)
            assert abs(found.price * 100 - round(found.price * 100)) < 1e-6
            assert 1 <= found.units <= min(quote.size, working.remaining)
            working.fill(found.units, found.price)
        if working.done:
            break
        working.requote(quote, minute)


@given(quotes, st.booleans(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_market_gets_no_better_as_the_fill_fraction_grows(
    quote: Quote, buy: bool, one: float, other: float
) -> None:
    near, far = sorted((one, other))
    prices = [executable(quote, SPREAD, buy, ExecutionSettings(fill_fraction=x)) for x in (near, far)]
    assert prices[0] <= prices[1] + 1e-9 if buy else prices[0] >= prices[1] - 1e-9
