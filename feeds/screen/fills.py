"""The life of an order as numbers: `engine.execution.working` and `.fills`, one unit of a combo."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.execution.ladder import between1, conceded1
from engine.execution.settings import ExecutionSettings
from engine.kernels import njit
from engine.options.ticks import down1, per_dollar, up1

START, STEPS, REQUOTE, TIMEOUT, EXIT_STEPS, FILL, SLIP, TICKS = range(8)


def execution_numbers(settings: ExecutionSettings, tick: float) -> np.ndarray:
    """Return how orders are worked as numbers; ``tick`` is that of the combo."""
    return np.array(
        [
            settings.entry_fraction_start,
            settings.steps,
            settings.requote_minutes,
            settings.entry_timeout_minutes,
            settings.exit_steps,
            settings.fill_fraction,
            settings.slippage_ticks * tick,
            per_dollar(tick),
        ],
        np.float64,
    )


@njit(cache=True)
def _executable(bid: float, ask: float, buy: bool, how: Any) -> float:
    price = between1(bid, ask, buy, how[FILL])
    if not np.isfinite(price):
        return np.nan
    return up1(price + how[SLIP], how[TICKS]) if buy else down1(price - how[SLIP], how[TICKS])


@njit(cache=True)
def _limit(bid: float, ask: float, buy: bool, elapsed: float, start: float, steps: float, how: Any) -> float:
    """Return the limit after ``elapsed`` minutes; no steps are those of an urgent order."""
    fraction = conceded1(elapsed, how[REQUOTE], start, steps)
    if fraction >= 1.0:
        far = ask if buy else bid
        return up1(far + how[SLIP], how[TICKS]) if buy else down1(far - how[SLIP], how[TICKS])
    price = between1(bid, ask, buy, fraction)
    return up1(price, how[TICKS]) if buy else down1(price, how[TICKS])


@njit(cache=True)
def enter1(bid: Any, ask: Any, minute: Any, closing: Any, how: Any) -> tuple[int, float]:
    """Return place and price of an entry's fill, place -1 where it is not filled.

    All arrays begin with the bar the order is sent on and end with the day; ``closing`` says
    where the governor wants everything closed, so that the order is cancelled a bar later.
    """
    worst = up1(ask[0] + how[SLIP], how[TICKS])
    limit = min(_limit(bid[0], ask[0], True, 0.0, how[START], how[STEPS], how), worst)
    priced, last, cancelled = minute[0], len(bid) - 1, -1
    for bar in range(1, last + 1):
        elapsed = minute[bar] - minute[0]
        if cancelled >= 0 or elapsed > how[TIMEOUT]:
            return -1, np.nan
        price = _executable(bid[bar], ask[bar], True, how)
        if price <= limit:
            return bar, price
        if elapsed >= how[TIMEOUT] or bar == last:
            return -1, np.nan
        if np.isfinite(ask[bar]) and minute[bar] - priced >= how[REQUOTE]:
            priced = minute[bar]
            limit = min(_limit(bid[bar], ask[bar], True, elapsed, how[START], how[STEPS], how), worst)
        if closing[bar]:
            cancelled = bar
    return -1, np.nan


@njit(cache=True)
def leave1(
    bid: Any, ask: Any, minute: Any, closing: Any, start: int, urgent: bool, how: Any
) -> tuple[int, float]:
    """Return place and price of the fill of an exit sent on ``start``, place -1 where it expires first."""
    sent, priced, cancelled, hurried = start, minute[start], False, urgent
    steps = 0.0 if hurried else how[EXIT_STEPS]
    limit = _limit(bid[start], ask[start], False, 0.0, 0.0, steps, how)
    for bar in range(start + 1, len(bid)):
        if cancelled:
            # sent anew on the bar its cancellation came through
            sent, priced, cancelled, hurried, steps = bar, minute[bar], False, True, 0.0
            limit = _limit(bid[bar], ask[bar], False, 0.0, 0.0, steps, how)
            continue
        price = _executable(bid[bar], ask[bar], False, how)
        if price >= limit:
            return bar, price
        if hurried or minute[bar] - priced >= how[REQUOTE]:
            priced = minute[bar]
            limit = _limit(bid[bar], ask[bar], False, minute[bar] - minute[sent], 0.0, steps, how)
        if not hurried and closing[bar]:
            cancelled = True
    return -1, np.nan
