"""Black-76 against 50-digit arithmetic and against the package vollib."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from py_vollib.black import black as vollib_black
from py_vollib.black.implied_volatility import implied_volatility as vollib_implied

from engine.options.pricing import ImpliedReason, black_price, greeks, implied_sd, implied_sd_reason

SD = st.floats(0.002, 3.0)
# log-moneyness in standard deviations: far enough for a price of 1e-6 of the forward and less
REACH = st.floats(-6.0, 6.0)
FORWARD = 6000.0
mpmath.mp.dps = 50


def exact(forward: float, strike: float, sd: float, call: bool) -> mpmath.mpf:
    """Return the price with 50 digits, or more where a derivative is taken."""
    f, k, s = mpmath.mpf(forward), mpmath.mpf(strike), mpmath.mpf(sd)
    d1 = mpmath.log(f / k) / s + s / 2
    sign = 1 if call else -1
    return sign * (f * mpmath.ncdf(sign * d1) - k * mpmath.ncdf(sign * (d1 - s)))


@settings(max_examples=300, deadline=None)
@given(SD, REACH, st.booleans())
def test_price_is_exact_to_ten_digits(sd: float, reach: float, call: bool) -> None:
    strike = FORWARD * math.exp(reach * sd)
    assume(1.0 < strike < 1e8)

    found = float(black_price(FORWARD, strike, sd, call))

    expected = exact(FORWARD, strike, sd, call)
    assert abs(found - expected) <= 1e-10 * expected


@settings(max_examples=300, deadline=None)
@given(SD, REACH, st.booleans())
def test_implied_sd_comes_back_wherever_the_price_carries_it(sd: float, reach: float, call: bool) -> None:
    strike = FORWARD * math.exp(reach * sd)
    assume(1.0 < strike < 1e8)
    price = float(black_price(FORWARD, strike, sd, call))
    # a price in the money, rounded to a double, tells its time value only so well
    vega = float(greeks(FORWARD, strike, sd, call, 1.0).vega)
    assume(vega * sd * 1e-9 > 4.0 * np.spacing(price) and price > 0.0)

    found = float(implied_sd(price, FORWARD, strike, call))

    assert found == pytest.approx(sd, rel=1e-9)


@pytest.mark.parametrize("sd", [0.002, 0.004, 0.01, 0.1, 1.0, 3.0])
@pytest.mark.parametrize("call", [True, False])
def test_far_wing_worth_a_millionth_of_the_forward_is_exact(sd: float, call: bool) -> None:
    low, high = 0.0, 40.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        strike = FORWARD * math.exp((middle if call else -middle) * sd)
        if exact(FORWARD, strike, sd, call) > FORWARD * 1e-6:
            low = middle
        else:
            high = middle
    price = float(exact(FORWARD, strike, sd, call))

    assert float(black_price(FORWARD, strike, sd, call)) == pytest.approx(price, rel=1e-10)
    assert float(implied_sd(price, FORWARD, strike, call)) == pytest.approx(sd, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.01, 1.0), st.floats(-3.0, 3.0), st.booleans())
def test_price_and_implied_volatility_agree_with_vollib(sd: float, reach: float, call: bool) -> None:
    strike, flag = 100.0 * math.exp(reach * sd), "c" if call else "p"

    price = float(black_price(100.0, strike, sd, call))

    assert price == pytest.approx(vollib_black(flag, 100.0, strike, 1.0, 0.0, sd), rel=1e-10, abs=1e-12)
    if price - max((100.0 - strike) if call else (strike - 100.0), 0.0) > 1e-3:
        theirs = vollib_implied(price, 100.0, strike, 0.0, 1.0, flag)
        assert float(implied_sd(price, 100.0, strike, call)) == pytest.approx(theirs, rel=1e-8)


@settings(max_examples=200, deadline=None)
@given(SD, REACH)
def test_call_less_put_is_forward_less_strike(sd: float, reach: float) -> None:
    strike = FORWARD * math.exp(reach * sd)
    assume(1.0 < strike < 1e8)

    call, put = black_price(FORWARD, strike, sd, np.array([True, False]))

    assert call - put == pytest.approx(FORWARD - strike, rel=1e-12, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.005, 1.0), st.floats(-3.0, 3.0), st.booleans(), st.floats(0.001, 1.0))
def test_greeks_are_the_slopes_of_the_price(sd: float, reach: float, call: bool, years: float) -> None:
    forward, strike = 100.0, 100.0 * math.exp(reach * sd)
    found = greeks(forward, strike, sd, call, years)

    root = mpmath.sqrt(years)
    delta = mpmath.diff(lambda f: exact(f, strike, sd, call), forward)
    gamma = mpmath.diff(lambda f: exact(f, strike, sd, call), forward, 2)
    vega = mpmath.diff(lambda v: exact(forward, strike, v * root, call), sd / root)
    theta = -mpmath.diff(lambda t: exact(forward, strike, sd / root * mpmath.sqrt(t), call), years)

    for value, expected in zip(found[1:], (delta, gamma, vega, theta), strict=True):
        assert float(value) == pytest.approx(float(expected), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(
    ("price", "call", "reason"),
    [
        (9.99, True, ImpliedReason.BELOW_INTRINSIC),
        (100.01, True, ImpliedReason.ABOVE_MAXIMUM),
        (math.nan, True, ImpliedReason.NOT_FINITE),
        (-0.01, False, ImpliedReason.BELOW_INTRINSIC),
        (12.0, True, ImpliedReason.OK),
    ],
)
def test_price_outside_its_bounds_is_nan_with_a_reason(
    price: float, call: bool, reason: ImpliedReason
) -> None:
    found = float(implied_sd(price, 100.0, 90.0, call))

    assert ImpliedReason(int(implied_sd_reason(price, 100.0, 90.0, call))) is reason
    assert math.isnan(found) is (reason is not ImpliedReason.OK)


def test_arrays_broadcast() -> None:
    price = black_price(100.0, np.array([[90.0], [110.0]]), 0.2, np.array([True, False]))

    assert price.shape == (2, 2)
