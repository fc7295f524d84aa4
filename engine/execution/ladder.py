"""A stretch of an order's life in which nothing but its limit can change, worked out at once.

The rules are those of `engine.execution.working` and `engine.execution.fills`, which the law in
``tests/execution/test_ladder.py`` holds this against: what is told here is what they come to
minute by minute.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.execution.settings import ExecutionSettings
from engine.kernels import njit
from engine.options.ticks import down1, up1

LONGEST = 4  # bars in one stretch: most orders trade or end sooner, and the others go on from there
_MINUTE_NS = 60_000_000_000


def rule_of(settings: ExecutionSettings, entry: bool) -> NDArray[np.float64]:
    """Return how an order of a kind concedes and trades, for `ladder1`; only entries time out."""
    concedes = (settings.entry_fraction_start, settings.steps) if entry else (0.0, settings.exit_steps)
    timeout = settings.entry_timeout_minutes if entry else np.inf
    trades = settings.fill_fraction, settings.slippage_ticks
    return np.array([*concedes, settings.requote_minutes, timeout, *trades], np.float64)


@njit(cache=True, error_model="numpy")
def ladder1(
    bid: Any, ask: Any, stamp: Any, buy: bool, limit: float, worst: float, started: int, priced: int,
    rule: Any, tick: Any, out: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Return the first place at which the order may trade or end, when it was priced last, and how often.

    Parameters
    ----------
    bid, ask : ndarray, shape (n,)
        Of the combo on the bars after the one on which the order stands, USD per share.
    stamp : ndarray of int64, shape (n,)
        Ends of the bars, UTC nanoseconds.
    buy, limit, worst, started, priced
        The order's side, its limit, the limit it may not pass (NaN for none), and the minutes
        in which it was placed and priced last.
    rule : ndarray
        See `rule_of`.
    tick : ndarray
        The price step, 0 where it depends on the price: threshold, step below, step above follow.
    out : ndarray, shape (n, 2)
        Filled with the places at which the limit changes, and the limits.
    """
    count = 0
    for i in range(len(bid)):
        minute = stamp[i] // _MINUTE_NS
        elapsed = minute - started
        if not np.isnan(bid[i]):
            price = between1(bid[i], ask[i], buy, rule[4])
            if np.isfinite(price):
                step = _step(price, tick)
                slip = rule[5] * step
                price = _against(price + slip if buy else price - slip, step, buy)
                if (price <= limit) if buy else (price >= limit):
                    return i, priced, count
        if elapsed >= rule[3]:
            return i, priced, count
        if minute - priced < rule[2] and np.isfinite(limit):
            continue
        if np.isnan(bid[i]) or not np.isfinite(ask[i] if buy else bid[i]):
            continue
        priced, before = minute, limit
        limit = _limit(bid[i], ask[i], buy, elapsed, rule, tick)
        if (limit > worst) if buy else (limit < worst):
            limit = worst
        if limit != before:
            out[count, 0], out[count, 1] = i, limit
            count += 1
    return len(bid), priced, count


@njit(cache=True, error_model="numpy")
def _limit(bid: float, ask: float, buy: bool, elapsed: int, rule: Any, tick: Any) -> float:
    fraction = conceded1(elapsed, rule[2], rule[0], rule[1])
    if fraction >= 1.0:
        far = ask if buy else bid
        slip = rule[5] * _step(far, tick)
        price = far + slip if buy else far - slip
    else:
        price = between1(bid, ask, buy, fraction)
    return float(_against(price, _step(price, tick), buy))


@njit(cache=True, error_model="numpy")
def conceded1(elapsed: float, requote: float, start: float, steps: float) -> float:
    """Return how far from mid (0) to the natural price (1) a limit stands after ``elapsed`` minutes.

    A step every ``requote`` minutes, ``steps`` of them from ``start`` on; without steps it is there at once.
    """
    step = elapsed // requote
    return 1.0 if step >= steps else start + (1.0 - start) * step / steps


@njit(cache=True, error_model="numpy")
def between1(bid: float, ask: float, buy: bool, fraction: float) -> float:
    """Return the price so far from mid to the natural price; the latter where there is no ask."""
    far = ask if buy else bid
    if fraction >= 1.0 or not np.isfinite(ask):
        return float(far)
    mid = 0.5 * (bid + ask)
    return float(mid + fraction * (far - mid))


@njit(cache=True, error_model="numpy")
def _step(price: float, tick: Any) -> float:
    if tick[0] > 0.0:
        return float(tick[0])
    return float(tick[2] if abs(price) + 1e-9 < tick[1] else tick[3])


@njit(cache=True, error_model="numpy")
def _against(price: float, tick: float, buy: bool) -> float:
    if not np.isfinite(price):
        return price
    per = np.rint(1.0 / tick)
    return up1(price, per) if buy else down1(price, per)
