"""What a recorded chain says of the market at every instant: forward, volatility, skew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.kernels import below1, njit
from engine.options.pricing import implied1

Floats = NDArray[np.float64]
PAIRS = 5  # strikes whose parity is asked for the forward


@njit(cache=True)
def _mid1(bid: float, ask: float) -> float:
    """Return half way between bid and ask; without a bid, half the ask."""
    return 0.5 * (ask if np.isnan(bid) else bid + ask)


@njit(cache=True)
def forward1(call_bid: Any, call_ask: Any, put_bid: Any, put_ask: Any, strike: Any) -> float:
    """Return the forward by put-call parity, NaN without a strike quoted on all four sides.

    The median of ``strike + call - put`` at mid over the five strikes where call and put are
    nearest to each other: one quote gone wrong cannot move it.
    """
    gap = np.full(len(strike), np.inf)
    value = np.empty(len(strike))
    for k in range(len(strike)):
        call = 0.5 * (call_bid[k] + call_ask[k])
        put = 0.5 * (put_bid[k] + put_ask[k])
        value[k] = strike[k] + call - put
        if not np.isnan(value[k]):
            gap[k] = abs(call - put)
    count = min(PAIRS, int(np.sum(np.isfinite(gap))))
    if count == 0:
        return np.nan
    nearest = np.argsort(gap, kind="mergesort")[:count]
    return float(np.median(value[nearest]))


@njit(cache=True)
def deviation1(
    forward: float, call_bid: Any, call_ask: Any, put_bid: Any, put_ask: Any, strike: Any, k: int
) -> float:
    """Return the total standard deviation implied by the out-of-the-money option of a strike."""
    call = strike[k] >= forward
    mid = _mid1(call_bid[k], call_ask[k]) if call else _mid1(put_bid[k], put_ask[k])
    return float(implied1(mid, forward, strike[k], call))


@njit(cache=True)
def _at(target: float, strike: Any, sd: Any) -> float:
    """Interpolate between the known strikes around a target; NaN beyond the last known."""
    low, high = -1, -1
    for k in range(len(strike)):
        if np.isnan(sd[k]):
            continue
        if strike[k] <= target:
            low = k
        elif high < 0:
            high = k
    if low < 0 or high < 0:
        return float(sd[low]) if low >= 0 and strike[low] == target else np.nan
    share = (target - strike[low]) / (strike[high] - strike[low])
    return float(sd[low] + share * (sd[high] - sd[low]))


@njit(cache=True)
def levels(call_bid: Any, call_ask: Any, put_bid: Any, put_ask: Any, strike: Any) -> Any:
    """Return forward, at-the-money standard deviation and skew at every instant.

    Parameters
    ----------
    call_bid, call_ask, put_bid, put_ask : arrays, shape (instants, strikes)
        USD per share, NaN where there is none.
    strike : array, shape (strikes,)
        Rising.

    Returns
    -------
    array, shape (instants, 3)
        Forward, total standard deviation to the expiry at the forward, and that of the strike
        one such deviation below over it, less 1. NaN where the quotes do not tell.
    """
    out = np.full((len(call_bid), 3), np.nan)
    sd = np.empty(len(strike))
    for i in range(len(call_bid)):
        sides = call_bid[i], call_ask[i], put_bid[i], put_ask[i]
        forward = forward1(*sides, strike)
        if np.isnan(forward):
            continue
        out[i, 0] = forward
        # the strikes within eight of the forward, then those around one deviation below
        middle = below1(strike, forward)
        sd[:] = np.nan
        for k in range(max(middle - 8, 0), min(middle + 8, len(strike))):
            sd[k] = deviation1(forward, *sides, strike, k)
        atm = _at(forward, strike, sd)
        out[i, 1] = atm
        if np.isnan(atm) or atm <= 0.0:
            continue
        wing = forward * np.exp(-atm)
        lower = below1(strike, wing)
        for k in range(max(lower - 8, 0), min(lower + 8, middle)):
            sd[k] = deviation1(forward, *sides, strike, k)
        out[i, 2] = _at(wing, strike, sd) / atm - 1.0
    return out
