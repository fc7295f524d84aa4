"""American exercise: options on SPY, QQQ and stocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isfinite, log, sqrt

import numpy as np
from numpy.typing import NDArray

from engine.errors import OrderError
from engine.kernels import njit
from engine.options.pricing import price1

Float64 = NDArray[np.float64]
STEPS = 400


@njit(cache=True, error_model="numpy")
def _tree(
    spot: float,
    strike: float,
    iv: float,
    years: float,
    call: bool,
    rate: float,
    dividend_yield: float,
    when: Float64,
    amount: Float64,
    steps: int,
) -> float:
    """Walk back a binomial tree whose last step is Black-Scholes.

    Cash dividends are escrowed: what the tree moves is the spot less the present value of
    those still to come, which exercise before their day brings back.
    """
    dt = years / steps
    up = exp(iv * sqrt(dt))
    down = 1.0 / up
    grow = exp((rate - dividend_yield) * dt)
    share = (grow - down) / (up - down)
    discount = exp(-rate * dt)
    moving = spot
    for k in range(len(when)):
        moving -= amount[k] * exp(-rate * when[k])
    sign = 1.0 if call else -1.0
    value = np.empty(steps)
    for step in range(steps - 1, -1, -1):
        now = step * dt
        coming = 0.0
        for k in range(len(when)):
            if when[k] > now:
                coming += amount[k] * exp(-rate * (when[k] - now))
        here = moving * down**step
        for j in range(step + 1):
            if step == steps - 1:
                held = discount * price1(here * grow, strike, iv * sqrt(dt), call)
            else:
                held = discount * (share * value[j + 1] + (1.0 - share) * value[j])
            value[j] = max(held, sign * (here + coming - strike))
            here *= up * up
    return float(value[0])


def american_price(
    spot: float,
    strike: float,
    iv: float,
    years: float,
    call: bool,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
    dividends: Sequence[tuple[float, float]] = (),
) -> float:
    """Return the price of an American option, USD per share.

    Binomial tree with a Black-Scholes last step and Richardson extrapolation (Broadie and
    Detemple, Review of Financial Studies 9, 1996, method BBSR), cash dividends escrowed.

    Parameters
    ----------
    spot, strike : float
        USD per share.
    iv, years : float
        Annualised volatility and the time it counts in.
    call : bool
    rate, dividend_yield : float
        Continuous, per year of ``years``.
    dividends : sequence of (years until the ex-dividend day, USD per share)
        Those after the expiry do not matter.

    Raises
    ------
    OrderError
        Names a value that is no number or out of range.
    """
    for name, value, low in (("spot", spot, 0.0), ("strike", strike, 0.0)):
        if not (isfinite(value) and value > low):
            raise OrderError(f"{name} is {value}, expected a positive number")
    for name, value in (("iv", iv), ("years", years)):
        if not (isfinite(value) and value >= 0.0):
            raise OrderError(f"{name} is {value}, expected 0 or more")
    if not (isfinite(rate) and isfinite(dividend_yield)):
        raise OrderError(f"rate is {rate}, dividend yield {dividend_yield}, expected finite numbers")
    known = [(at, paid) for at, paid in dividends if 0.0 < at <= years]
    intrinsic = max(spot - strike if call else strike - spot, 0.0)
    if iv * sqrt(years) <= 1e-8:
        forward = (spot - sum(paid * exp(-rate * at) for at, paid in known)) * exp(
            (rate - dividend_yield) * years
        )
        later = max(forward - strike if call else strike - forward, 0.0)
        return max(intrinsic, exp(-rate * years) * later)
    if not known and (
        (call and dividend_yield <= 0.0 and rate >= 0.0)
        or (not call and rate <= 0.0 and dividend_yield >= 0.0)
    ):
        return european_price(spot, strike, iv, years, call, rate, dividend_yield)
    when = np.array([at for at, _ in known], np.float64)
    amount = np.array([paid for _, paid in known], np.float64)
    # the tree's step must outweigh its drift, or its probabilities leave 0 to 1
    least = int(((rate - dividend_yield) / iv) ** 2 * years) + 1
    steps = max(STEPS, 2 * least)
    rough, fine = (
        _tree(spot, strike, iv, years, call, rate, dividend_yield, when, amount, count)
        for count in (steps // 2, steps)
    )
    # the tree's own error must not make the right to exercise early look worse than nothing
    without = european_price(spot, strike, iv, years, call, rate, dividend_yield, known)
    return max(2.0 * fine - rough, intrinsic, without)


def european_price(
    spot: float,
    strike: float,
    iv: float,
    years: float,
    call: bool,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
    dividends: Sequence[tuple[float, float]] = (),
) -> float:
    """Return the price of the same option without early exercise, USD per share."""
    paid = sum(amount * exp(-rate * at) for at, amount in dividends if 0.0 < at <= years)
    forward = (spot - paid) * exp((rate - dividend_yield) * years)
    return exp(-rate * years) * float(price1(forward, strike, iv * sqrt(years), call))


def early_exercise_value(
    spot: float,
    strike: float,
    iv: float,
    years: float,
    call: bool,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
    dividends: Sequence[tuple[float, float]] = (),
) -> float:
    """Return what the right to exercise early is worth, USD per share (never negative)."""
    inputs = (spot, strike, iv, years, call, rate, dividend_yield, dividends)
    return max(american_price(*inputs) - european_price(*inputs), 0.0)


def exercise_before_dividend(price: float, spot: float, strike: float, dividend: float) -> bool:
    """Tell whether the owner of a call exercises it on the eve of the ex-dividend day.

    He does when the call is at least a cent in the money and its time value is less than
    the dividend, which only the shares receive (Hull, Options, Futures, and Other
    Derivatives, section on dividends and early exercise).
    """
    worth = spot - strike
    return worth >= 0.01 - 1e-9 and price - worth < dividend


def implied_american(
    price: float,
    spot: float,
    strike: float,
    years: float,
    call: bool,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
    dividends: Sequence[tuple[float, float]] = (),
) -> float:
    """Return the volatility at which `american_price` meets ``price``; NaN where none does.

    At the immediate exercise value or under it no volatility can be told.
    """
    intrinsic = max(spot - strike if call else strike - spot, 0.0)
    if not (isfinite(price) and price > intrinsic and years > 0.0):
        return float("nan")

    def value(x: float) -> float:
        return american_price(spot, strike, exp(x), years, call, rate, dividend_yield, dividends) - price

    low, high = log(1e-4), log(20.0)
    if value(low) > 0.0 or value(high) < 0.0:
        return float("nan")
    for _ in range(60):
        middle = 0.5 * (low + high)
        if value(middle) < 0.0:
            low = middle
        else:
            high = middle
        if high - low < 1e-12:
            break
    return exp(0.5 * (low + high))
