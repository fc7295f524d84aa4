"""Fees against bills worked out by hand, and a fee table with mistakes in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.broker.fees import Execution, FeeSchedule
from engine.errors import ConfigError
from engine.options.combo import Combo, covered, iron_condor, put_spread, shares
from engine.options.contract import Stock
from tests.execution.market import SPX, SPX_AM, SPY, XSP, call, put

TODAY = date(2026, 10, 5)
FILE = Path(__file__).parents[2] / "config" / "fees.yaml"


@cache
def shipped() -> FeeSchedule:
    return FeeSchedule.load(FILE)


@pytest.fixture
def fees() -> FeeSchedule:
    return shipped()


def test_xsp_spread_by_hand(fees: FeeSchedule) -> None:
    # commission .65 + .50 (premium below .10); clearing 2 x .025; regulatory 2 x .02815;
    # activity .00329 on the one sold; no exchange fee below ten contracts, no SEC fee on an index
    legs = [Execution(put(XSP, 600), -1, 0.30), Execution(put(XSP, 599), 1, 0.08)]
    assert fees.order_fees(legs, TODAY) == pytest.approx(1.15 + 0.05 + 0.0563 + 0.00329)


def test_spxw_spread_by_hand(fees: FeeSchedule) -> None:
    # commission 2 x .65; exchange .58 (1.00 and above) + .49; clearing .05; regulatory .0563; activity .00329
    legs = [Execution(put(SPX, 6000), -1, 1.60), Execution(put(SPX, 5995), 1, 0.90)]
    assert fees.order_fees(legs, TODAY) == pytest.approx(1.30 + 1.07 + 0.05 + 0.0563 + 0.00329)


def test_am_series_of_spx_pays_its_own_exchange_fee(fees: FeeSchedule) -> None:
    legs = [Execution(put(SPX_AM, 6000), 1, 20.0)]
    assert fees.order_fees(legs, TODAY) == pytest.approx(1.00 + 0.50 + 0.025 + 0.02815)


def test_spy_call_sold_pays_the_sec_fee(fees: FeeSchedule) -> None:
    # minimum 1.00; clearing, regulatory, activity; 20.60 per million of 250 USD
    legs = [Execution(call(SPY, 600), -1, 2.50)]
    assert fees.order_fees(legs, TODAY) == pytest.approx(1.00 + 0.025 + 0.02815 + 0.00329 + 250 * 20.60e-6)


def test_two_hundred_shares_by_hand(fees: FeeSchedule) -> None:
    bought, sold = Execution(Stock(SPY), 200, 600.0), Execution(Stock(SPY), -200, 600.0)
    assert fees.order_fees([bought], TODAY) == pytest.approx(1.00)
    assert fees.order_fees([sold], TODAY) == pytest.approx(1.00 + 200 * 0.000195 + 120_000 * 20.60e-6)


def test_few_cheap_shares_pay_one_percent_at_most(fees: FeeSchedule) -> None:
    assert fees.order_fees([Execution(Stock(SPY), 10, 2.0)], TODAY) == pytest.approx(0.20)


def test_cheap_option_pays_the_order_minimum(fees: FeeSchedule) -> None:
    assert fees.order_fees([Execution(put(XSP, 590), 1, 0.03)], TODAY) == pytest.approx(1.0 + 0.025 + 0.02815)


def test_xsp_of_ten_contracts_pays_the_exchange(fees: FeeSchedule) -> None:
    nine, ten = (fees.order_fees([Execution(put(XSP, 600), n, 0.30)], TODAY) for n in (9, 10))
    assert ten - nine == pytest.approx(0.65 + 0.025 + 0.02815 + 10 * 0.07)


@pytest.mark.parametrize(
    ("day", "clearing", "per_million"),
    [
        (date(2018, 6, 1), 0.02, 13.00),
        (date(2024, 6, 1), 0.02, 27.80),
        (date(2025, 2, 13), 0.02, 27.80),
        (date(2025, 2, 14), 0.025, 27.80),
        (date(2025, 5, 13), 0.025, 27.80),
        (date(2025, 5, 14), 0.025, 0.0),
        (date(2026, 4, 3), 0.025, 0.0),
        (date(2026, 4, 4), 0.025, 20.60),
    ],
)
def test_rates_change_on_their_day(fees: FeeSchedule, day: date, clearing: float, per_million: float) -> None:
    rates = fees.on(day)
    assert (rates.clearing, rates.per_million) == (clearing, per_million)


def test_clearing_was_capped_until_2025(fees: FeeSchedule) -> None:
    legs = [Execution(call(SPY, 600), 10_000, 5.0)]
    without = 10_000 * (0.65 + 0.02815)
    assert fees.order_fees(legs, date(2025, 2, 13)) == pytest.approx(without + 55.0)
    assert fees.order_fees(legs, date(2025, 2, 14)) == pytest.approx(without + 250.0)


def test_day_before_the_table_is_refused(fees: FeeSchedule) -> None:
    with pytest.raises(ConfigError, match="asked for 1999-12-31, the table begins on 2000-01-01"):
        fees.on(date(1999, 12, 31))


@pytest.mark.parametrize(
    ("combo", "price", "usd"),
    [  # round trips as a trader knows them: about 2.8, 5.7, 5 and 10 USD
        (put_spread(XSP, TODAY, 600, 599), -0.25, 2.8),
        (iron_condor(XSP, TODAY, 590, 591, 609, 610), -0.25, 5.6),
        (put_spread(SPX, TODAY, 6000, 5995), -0.80, 5.1),
        (iron_condor(SPX, TODAY, 5900, 5905, 6095, 6100), -1.50, 10.2),
    ],
)
def test_estimate_of_a_round_trip(fees: FeeSchedule, combo: Combo, price: float, usd: float) -> None:
    assert fees.estimate_round_trip(combo, price, TODAY) == pytest.approx(usd, abs=0.15)


def test_estimate_covers_shares_too(fees: FeeSchedule) -> None:
    options = fees.estimate_round_trip(covered(SPY, TODAY, 200, 1, 605.0), 1200.0, TODAY)
    alone = fees.estimate_round_trip(shares(SPY, 200), 120_000.0 / 200, TODAY)
    assert options > alone > 2.0  # a dollar each way and the SEC's share of the sale


money = st.integers(1, 800).map(lambda n: n / 100)
legs_of_an_order = st.lists(
    st.builds(
        lambda option, quantity, price: Execution(option, quantity, price),
        st.sampled_from([put(XSP, 600), call(SPX, 6000), call(SPY, 600), Stock(SPY)]),
        st.integers(-20, 20).filter(bool),
        money,
    ),
    min_size=1,
    max_size=8,
)


@given(legs_of_an_order)
def test_filling_on_never_makes_an_order_cheaper(legs: list[Execution]) -> None:
    fees = shipped()
    bills = [fees.order_fees(legs[:n], TODAY) for n in range(len(legs) + 1)]
    assert bills[0] == 0.0
    assert all(after >= before - 1e-9 for before, after in zip(bills, bills[1:], strict=False))


@given(legs_of_an_order)
def test_estimate_is_on_the_safe_side_of_every_price(legs: list[Execution]) -> None:
    fees = shipped()
    spread = put_spread(SPX, TODAY, 6000, 5995)
    prices = [abs(leg.price) for leg in legs][:2] * 2
    short, long = max(prices[:2]), min(prices[:2])
    real = sum(
        fees.order_fees(
            [Execution(put(SPX, 6000), -side, short), Execution(put(SPX, 5995), side, long)], TODAY
        )
        for side in (1, -1)
    )
    assert fees.estimate_round_trip(spread, long - short, TODAY) >= real - 1e-9


Change = Callable[[dict[str, Any]], object]


def broken(tmp_path: Path, change: Change) -> Path:
    content = yaml.safe_load(FILE.read_text())
    change(content)
    path = tmp_path / "fees.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _set(table: str, line: int, key: str, value: object) -> Change:
    return lambda content: content[table][line].update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("clearing"), "no table 'clearing'; expected"),
        (lambda c: c.update(tips=[]), "unknown table 'tips'; expected"),
        (lambda c: c.update(clearing=[]), "clearing: expected a list of dated lines"),
        (
            _set("clearing", 1, "fee", -0.025),
            r"clearing, line 2: fee is -0\.025, expected a number of at least 0",
        ),
        (_set("clearing", 0, "fee", "free"), "clearing, line 1: fee is 'free', expected a number"),
        (_set("clearing", 0, "from", "soon"), "clearing, line 1: expected a date under 'from'"),
        (_set("clearing", 0, "source", ""), "clearing, line 1: expected where the figure comes from"),
        (_set("clearing", 0, "cap", 1), "clearing, line 1: 'cap' is unknown or missing; expected fee"),
        (_set("clearing", 1, "from", date(1999, 1, 1)), "line 2: from 1999-01-01 is not after 2000-01-01"),
        (_set("option_commission", 0, "tiers", []), "option_commission, line 1: tiers: expected a list"),
        (
            _set("option_commission", 0, "tiers", [{"below": 1.0, "fee": 0.1}]),
            "expected a fee for all the rest",
        ),
        (_set("option_commission", 0, "tiers", [{"price": 1.0}]), "expected fee and at most below"),
        (lambda c: c.update(exchange=[]), "exchange: expected a table per trading class"),
    ],
)
def test_mistake_in_the_table_is_one_line_with_its_place(
    tmp_path: Path, change: Change, message: str
) -> None:
    path = broken(tmp_path, change)
    with pytest.raises(ConfigError, match=message) as caught:
        FeeSchedule.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2", ""])
def test_file_that_is_no_table_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fees.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        FeeSchedule.load(path)
    assert "\n" not in str(caught.value)


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the fee table"):
        FeeSchedule.load(tmp_path / "none.yaml")


@given(
    st.lists(st.floats(0.01, 400.0) | st.just(math.nan), min_size=1, max_size=30),
    st.sampled_from([put_spread(XSP, TODAY, 600, 599), covered(SPY, TODAY, 100, 1, 605.0, 590.0)]),
    st.integers(0, 2**32 - 1),
)
def test_round_trips_at_many_prices_cost_what_each_costs_alone(
    prices: list[float], combo: Combo, seed: int
) -> None:
    days = [TODAY, date(2018, 2, 5), date(2014, 1, 3)]
    place = np.random.default_rng(seed).integers(0, len(days), len(prices))
    costs = shipped().estimate_round_trips(combo, np.array(prices), days, place)
    alone = [
        math.nan if math.isnan(price) else shipped().estimate_round_trip(combo, price, days[number])
        for price, number in zip(prices, place.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(costs, alone)
