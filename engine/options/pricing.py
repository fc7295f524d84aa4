"""Black-76 in total-standard-deviation space: price, implied volatility and greeks.

Every figure is undiscounted and built on the out-of-the-money side, where nothing
cancels: with ``x = -|ln(F/K)|``, ``h = x / sd`` and ``t = sd / 2`` the out-of-the-money
value is ``sqrt(F K) phi(h, t) [Y(h + t) - Y(h - t)]``, ``phi`` the vega factor
``exp(-(h^2 + t^2) / 2) / sqrt(2 pi)`` and ``Y`` the ratio of the normal distribution to
its density (P. Jaeckel, "Let's be rational", Wilmott 2015, section 6). The kernels ending
in ``1`` take scalars and may be called from other numba kernels.
"""

from __future__ import annotations

from enum import IntEnum
from math import erfc, exp, inf, isfinite, log, log1p, nan, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.kernels import njit
from engine.options.mills import mills_difference

Float64 = NDArray[np.float64]
_ROOT_TWO_PI = 2.5066282746310002
_ROOT_HALF = 0.7071067811865476
_MAX_STEPS = 60


class ImpliedReason(IntEnum):
    """Why an implied volatility is a number or is not."""

    OK = 0
    BELOW_INTRINSIC = 1
    ABOVE_MAXIMUM = 2
    NOT_FINITE = 3


class Greeks(NamedTuple):
    """Price in USD per share and its derivatives.

    ``delta`` and ``gamma`` per USD of the forward, ``vega`` per 1.00 of annualised
    volatility, ``theta`` per year of the variance clock (negative: value decays).
    """

    price: Float64
    delta: Float64
    gamma: Float64
    vega: Float64
    theta: Float64


@njit(cache=True, error_model="numpy")
def normal1(z: float) -> float:
    """Return the standard normal distribution function, accurate in both tails."""
    return 0.5 * erfc(-z * _ROOT_HALF)


@njit(cache=True, error_model="numpy")
def moneyness1(forward: float, strike: float) -> float:
    """Return ln(forward / strike), exact to rounding also at the money."""
    return log1p((forward - strike) / strike) if 2.0 * forward > strike else log(forward / strike)


@njit(cache=True, error_model="numpy")
def _otm(x: float, sd: float) -> float:
    """Return the normalised out-of-the-money value for ``x = -|ln(F/K)|``."""
    h, t = x / sd, 0.5 * sd
    if t > 0.05 and h + t > 0.85:
        return exp(0.5 * x) * normal1(h + t) - exp(-0.5 * x) * normal1(h - t)
    return exp(-0.5 * (h * h + t * t)) / _ROOT_TWO_PI * mills_difference(h, t)


@njit(cache=True, error_model="numpy")
def price1(forward: float, strike: float, sd: float, call: bool) -> float:
    """Return the undiscounted Black-76 price; NaN unless forward and strike > 0, sd >= 0."""
    if not (forward > 0.0 and strike > 0.0 and sd >= 0.0):
        return nan
    intrinsic = max(forward - strike if call else strike - forward, 0.0)
    if sd == 0.0:
        return intrinsic
    if sd == inf:
        return forward if call else strike
    x = -abs(moneyness1(forward, strike))
    return intrinsic + sqrt(forward) * sqrt(strike) * _otm(x, sd)


@njit(cache=True, error_model="numpy")
def delta1(forward: float, strike: float, sd: float, call: bool) -> float:
    """Return the forward delta, in [0, 1] for calls and [-1, 0] for puts."""
    if not (forward > 0.0 and strike > 0.0 and sd >= 0.0):
        return nan
    if sd == 0.0:
        above = 0.5 if forward == strike else (1.0 if forward > strike else 0.0)
        return above if call else above - 1.0
    d1 = moneyness1(forward, strike) / sd + 0.5 * sd
    return normal1(d1) if call else -normal1(-d1)


@njit(cache=True, error_model="numpy")
def _vega_factor(x: float, sd: float) -> float:
    h, t = x / sd, 0.5 * sd
    return exp(-0.5 * (h * h + t * t)) / _ROOT_TWO_PI


@njit(cache=True, error_model="numpy")
def _solve(x: float, value: float, rest: float) -> float:
    """Return the sd whose normalised out-of-the-money value is ``value``.

    ``rest`` is what is missing to the greatest possible value. The iteration is Halley's,
    kept inside a bracket, on the logarithm of the smaller of the two numbers; that turns
    both flat ends of the price curve into nearly straight lines.
    """
    upper = value > rest
    goal = log(rest) if upper else log(value)
    lo, hi = 0.0, inf
    turn = sqrt(-2.0 * x)
    sd = turn + value * _ROOT_TWO_PI if turn < 1.0 else turn
    middle = value - 0.5 * x
    beside = middle * middle - x * x / pi
    if not upper and turn < 1.0 and beside > 0.0:
        # near the money: C. J. Corrado and T. W. Miller, "A note on a simple, accurate formula to
        # compute implied standard deviations", Journal of Banking and Finance 20, 1996
        sd = 0.5 * _ROOT_TWO_PI * (middle + sqrt(beside))
    elif not upper and x < 0.0:
        # the curve of 1/sqrt(-ln value) is almost a line through the origin
        turn_log = log(_otm(x, turn))
        if goal < turn_log:
            sd = turn * sqrt(turn_log / goal)
    for _ in range(_MAX_STEPS):
        h, t = x / sd, 0.5 * sd
        bend = h * h / sd - 0.25 * sd
        if upper:
            left = exp(0.5 * x) * normal1(-h - t) + exp(-0.5 * x) * normal1(h - t)
            miss = log(left) - goal
            slope = -_vega_factor(x, sd) / left
        else:
            wide = t > 0.05 and h + t > 0.85
            if wide:
                amount = _otm(x, sd)
                miss = log(amount) - goal
                slope = _vega_factor(x, sd) / amount
            else:
                spread = mills_difference(h, t)
                miss = log(spread / _ROOT_TWO_PI) - 0.5 * (h * h + t * t) - goal
                slope = 1.0 / spread
        if (miss < 0.0) != upper:
            lo = max(lo, sd)
        else:
            hi = min(hi, sd)
        newton = -miss / slope
        step = newton / (1.0 + 0.5 * newton * (bend - slope))
        if not isfinite(step) or step * newton <= 0.0:
            step = newton
        following = sd + step
        if abs(step) <= 4e-16 * sd:  # before the bracket is asked, one of whose ends is now ``sd``
            return following
        if not (lo < following < hi):
            following = 0.5 * (lo + hi) if hi < inf else 2.0 * sd
            if following == sd:
                return sd
        sd = following
    return sd


@njit(cache=True, error_model="numpy")
def reason1(price: float, forward: float, strike: float, call: bool) -> int:
    """Return the ``ImpliedReason`` code of a price."""
    if not (isfinite(price) and isfinite(forward) and isfinite(strike)) or forward <= 0.0 or strike <= 0.0:
        return 3
    if price < max(forward - strike if call else strike - forward, 0.0):
        return 1
    return 2 if price >= (forward if call else strike) else 0


@njit(cache=True, error_model="numpy")
def implied1(price: float, forward: float, strike: float, call: bool) -> float:
    """Return the total standard deviation of an undiscounted price, 0 at intrinsic value.

    NaN where none exists; ``reason1`` says why.
    """
    if reason1(price, forward, strike, call) != 0:
        return nan
    otm = price - max(forward - strike if call else strike - forward, 0.0)
    if otm <= 0.0:
        return 0.0
    scale = sqrt(forward) * sqrt(strike)
    rest = ((forward if call else strike) - price) / scale
    return _solve(-abs(moneyness1(forward, strike)), otm / scale, rest)


@njit(cache=True, error_model="numpy")
def _prices(forward: Float64, strike: Float64, sd: Float64, call: NDArray[np.bool_], out: Float64) -> None:
    for i in range(out.size):
        out[i] = price1(forward[i], strike[i], sd[i], call[i])


@njit(cache=True, error_model="numpy")
def _implied(
    price: Float64, forward: Float64, strike: Float64, call: NDArray[np.bool_], out: Float64
) -> None:
    for i in range(out.size):
        out[i] = implied1(price[i], forward[i], strike[i], call[i])


@njit(cache=True, error_model="numpy")
def _reasons(
    price: Float64, forward: Float64, strike: Float64, call: NDArray[np.bool_], out: NDArray[np.int8]
) -> None:
    for i in range(out.size):
        out[i] = reason1(price[i], forward[i], strike[i], call[i])


@njit(cache=True, error_model="numpy")
def _greeks(
    forward: Float64, strike: Float64, sd: Float64, call: NDArray[np.bool_], years: Float64, out: Float64
) -> None:
    for i in range(sd.size):
        f, k, s, y = forward[i], strike[i], sd[i], years[i]
        out[0, i] = price1(f, k, s, call[i])
        out[1, i] = delta1(f, k, s, call[i])
        # F phi(d1) equals sqrt(F K) times the vega factor
        density = sqrt(f) * sqrt(k) * _vega_factor(moneyness1(f, k), s) if s > 0.0 else 0.0
        out[2, i] = density / (f * f * s) if s > 0.0 else 0.0
        out[3, i] = density * sqrt(y)
        out[4, i] = -0.5 * density * s / y
        if not out[0, i] >= 0.0 or not y > 0.0:
            out[2:, i] = nan


def _flat(*values: ArrayLike) -> tuple[tuple[int, ...], list[Float64]]:
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return arrays[0].shape, [np.ascontiguousarray(array).ravel() for array in arrays]


def black_price(forward: ArrayLike, strike: ArrayLike, sd: ArrayLike, call: ArrayLike) -> Float64:
    """Price European options on a forward, undiscounted.

    Parameters
    ----------
    forward, strike : array_like
        USD per share.
    sd : array_like
        Total standard deviation, ``iv * sqrt(years)``.
    call : array_like of bool
        True for calls. All arguments broadcast.

    Returns
    -------
    ndarray
        USD per share; NaN where forward or strike is not positive or sd is negative.
    """
    shape, (f, k, s, c) = _flat(forward, strike, sd, call)
    out = np.empty(f.size)
    _prices(f, k, s, c != 0.0, out)
    return out.reshape(shape)


def implied_sd(price: ArrayLike, forward: ArrayLike, strike: ArrayLike, call: ArrayLike) -> Float64:
    """Return the total standard deviation implied by undiscounted prices.

    Arguments broadcast. Prices below intrinsic value, at or above the greatest possible
    value (the forward for a call, the strike for a put) and non-finite input give NaN,
    and ``implied_sd_reason`` says which; a price of exactly intrinsic value gives 0.
    Divide by ``sqrt(years)`` for the annualised volatility.
    """
    shape, (p, f, k, c) = _flat(price, forward, strike, call)
    out = np.empty(p.size)
    _implied(p, f, k, c != 0.0, out)
    return out.reshape(shape)


def implied_sd_reason(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, call: ArrayLike
) -> NDArray[np.int8]:
    """Return the ``ImpliedReason`` code of every price given to ``implied_sd``."""
    shape, (p, f, k, c) = _flat(price, forward, strike, call)
    out = np.empty(p.size, np.int8)
    _reasons(p, f, k, c != 0.0, out)
    return out.reshape(shape)


def greeks(forward: ArrayLike, strike: ArrayLike, sd: ArrayLike, call: ArrayLike, years: ArrayLike) -> Greeks:
    """Return price, delta, gamma, vega and theta; arguments broadcast, units as in ``Greeks``.

    ``years`` is the time left on the clock ``sd`` was made with; where it is not positive,
    gamma, vega and theta are NaN.
    """
    shape, (f, k, s, c, y) = _flat(forward, strike, sd, call, years)
    out = np.empty((5, f.size))
    _greeks(f, k, s, c != 0.0, y, out)
    return Greeks(*(row.reshape(shape) for row in out))


def chain_greeks(
    forward: float, strike: Float64, sd: Float64, call: NDArray[np.bool_], years: float
) -> Greeks:
    """Return `greeks` of one expiry, all columns of one length; without the cost of broadcasting."""
    out = np.empty((5, len(strike)))
    _greeks(np.full(len(strike), forward), strike, sd, call, np.full(len(strike), years), out)
    return Greeks(*out)
