"""American prices against QuantLib's engines, and the laws they obey."""

from __future__ import annotations

import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OrderError
from engine.options.american import (
    american_price,
    early_exercise_value,
    european_price,
    exercise_before_dividend,
    implied_american,
)

TODAY = ql.Date(15, 1, 2024)


def oracle(
    spot: float, strike: float, iv: float, days: int, call: bool, rate: float, dividend_yield: float,
    dividends: list[tuple[int, float]],
) -> float:  # fmt: skip
    """Return QuantLib's finite-difference price; days count as 365ths of a year."""
    ql.Settings.instance().evaluationDate = TODAY
    count = ql.Actual365Fixed()

    def flat(yearly: float) -> Any:
        return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, yearly, count))

    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), iv, count))
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)), flat(dividend_yield), flat(rate), volatility
    )
    kind = ql.Option.Call if call else ql.Option.Put
    option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(TODAY, TODAY + days))
    schedule = ql.DividendVector([TODAY + day for day, _ in dividends], [paid for _, paid in dividends])
    engine = ql.FdBlackScholesVanillaEngine(
        process, schedule, 800, 800, 0, ql.FdmSchemeDesc.Douglas(), False, -ql.nullDouble(),
        ql.FdBlackScholesVanillaEngine.Escrowed,
    )  # fmt: skip
    option.setPricingEngine(engine)
    return float(option.NPV())


Case = tuple[float, float, float, int, bool, float, float, list[tuple[int, float]]]
CASES: list[Case] = [
    # spot, strike, iv, days, call, rate, yield, dividends
    (100.0, 100.0, 0.20, 30, False, 0.05, 0.0, []),
    (100.0, 110.0, 0.20, 30, False, 0.05, 0.0, []),
    (100.0, 90.0, 0.35, 180, False, 0.08, 0.0, []),
    (100.0, 100.0, 0.20, 365, True, 0.03, 0.06, []),
    (600.0, 590.0, 0.15, 20, True, 0.04, 0.012, []),
    (600.0, 605.0, 0.12, 5, False, 0.045, 0.0, []),
    (600.0, 580.0, 0.15, 25, True, 0.04, 0.0, [(10, 1.8)]),
    (100.0, 95.0, 0.25, 60, True, 0.02, 0.0, [(20, 1.5), (50, 1.5)]),
    (100.0, 105.0, 0.25, 60, False, 0.05, 0.0, [(20, 1.5)]),
]


@pytest.mark.parametrize("case", CASES)
def test_price_agrees_with_finite_differences(case: Case) -> None:
    spot, strike, iv, days, call, rate, dividend_yield, dividends = case

    found = american_price(
        spot,
        strike,
        iv,
        days / 365,
        call,
        rate,
        dividend_yield,
        [(day / 365, paid) for day, paid in dividends],
    )

    assert found == pytest.approx(oracle(*case), rel=1e-3, abs=spot * 1e-5)


POSITIVE = st.floats(0.05, 0.8)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.8, 1.25),
    POSITIVE,
    st.floats(0.002, 1.0),
    st.booleans(),
    st.floats(0.0, 0.1),
    st.floats(0.0, 0.1),
)
def test_right_to_exercise_early_is_never_worth_less_than_nothing(
    ratio: float, iv: float, years: float, call: bool, rate: float, dividend_yield: float
) -> None:
    inputs = (100.0, 100.0 * ratio, iv, years, call, rate, dividend_yield)

    price = american_price(*inputs)

    intrinsic = max(100.0 - inputs[1] if call else inputs[1] - 100.0, 0.0)
    assert price >= intrinsic
    assert price >= european_price(*inputs)
    assert price <= (100.0 if call else inputs[1]) + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.floats(0.8, 1.25), POSITIVE, st.floats(0.002, 1.0), st.floats(0.0, 0.1))
def test_call_without_dividends_is_european(ratio: float, iv: float, years: float, rate: float) -> None:
    assert early_exercise_value(100.0, 100.0 * ratio, iv, years, True, rate) == 0.0


@settings(max_examples=15, deadline=None)
@given(st.floats(0.9, 1.1), st.floats(0.1, 0.6), st.floats(0.02, 0.5), st.booleans())
def test_volatility_comes_back_from_the_price(ratio: float, iv: float, years: float, call: bool) -> None:
    strike = 100.0 * ratio
    price = american_price(100.0, strike, iv, years, call, 0.04, 0.02)
    intrinsic = max(100.0 - strike if call else strike - 100.0, 0.0)

    found = implied_american(price, 100.0, strike, years, call, 0.04, 0.02)

    if price > intrinsic + 0.05:
        assert found == pytest.approx(iv, rel=2e-3)


def test_price_at_intrinsic_tells_no_volatility() -> None:
    assert math.isnan(implied_american(20.0, 100.0, 120.0, 0.01, False, 0.05))


@pytest.mark.parametrize(
    ("price", "spot", "strike", "dividend", "exercised"),
    [
        (20.5, 600.0, 580.0, 1.8, True),  # time value 0.50 under the dividend
        (22.5, 600.0, 580.0, 1.8, False),  # time value 2.50 over it
        (21.8, 600.0, 580.0, 1.8, False),  # equal: nothing won
        (0.5, 600.0, 601.0, 1.8, False),  # out of the money
    ],
)
def test_call_is_exercised_before_the_dividend_when_its_time_value_is_less(
    price: float, spot: float, strike: float, dividend: float, exercised: bool
) -> None:
    assert exercise_before_dividend(price, spot, strike, dividend) is exercised


@pytest.mark.parametrize(
    ("name", "value"), [("spot", -1.0), ("strike", 0.0), ("iv", math.nan), ("years", -0.1)]
)
def test_senseless_input_is_named(name: str, value: float) -> None:
    inputs = {"spot": 100.0, "strike": 100.0, "iv": 0.2, "years": 0.1} | {name: value}
    spot, strike, iv, years = inputs.values()

    with pytest.raises(OrderError, match=f"{name} is {value}"):
        american_price(spot, strike, iv, years, call=True)
