"""When a day turns wild: the same test on one view and on whole lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.kernels import njit
from engine.reasons import Reason
from engine.risk.limits import Limits
from engine.risk.view import MarketView

MOVE, VIX, RANGE = 1, 2, 4
HAIR = 1e-9  # VIX has two decimals: 15.10 to 18.10 is three points, not a hair more
REASONS = ((MOVE, Reason.HALT_MOVE), (VIX, Reason.HALT_VIX), (RANGE, Reason.HALT_RANGE))

Line = NDArray[np.float64]


def halt_code(view: MarketView, limits: Limits) -> int:
    """Return the halts the market is in at this instant as bits; an unknown measure sets none."""
    move, points, span = limits.halt_levels
    code = 0
    if view.expected_move > 0.0:
        if abs(view.price - view.session_open) > move * view.expected_move:
            code |= MOVE
        if view.day_high - view.day_low > span * view.expected_move:
            code |= RANGE
    if view.vix - view.vix_previous > points + HAIR:
        code |= VIX
    return code


def reasons(code: int) -> tuple[Reason, ...]:
    """Return the reasons of a halt code."""
    return tuple(reason for bit, reason in REASONS if code & bit)


def describe(reason: Reason, view: MarketView, limits: Limits) -> str:
    """Say in one line what a market halt saw and where its limit lies."""
    if reason is Reason.HALT_VIX:
        up = view.vix - view.vix_previous
        return f"VIX {view.vix:.2f} is {up:+.2f} on its previous close, limit {limits.halt_vix:g} points"
    if reason is Reason.HALT_MOVE:
        moved, limit, word = view.price - view.session_open, limits.halt_move, "is"
    else:
        moved, limit, word = view.day_high - view.day_low, limits.halt_range, "range"
    share = moved / view.expected_move
    far = f"{moved:+.2f} from the open" if reason is Reason.HALT_MOVE else f"{moved:.2f}"
    return f"{view.symbol} {word} {far}, {abs(share):.2f} expected moves, limit {limit:g}"


@njit(cache=True)
def _latch(
    day: Any,
    price: Any,
    high: Any,
    low: Any,
    session_open: Any,
    expected_move: Any,
    vix: Any,
    vix_previous: Any,
    move: float,
    points: float,
    span: float,
    codes: Any,
    latched: Any,
    first: Any,
) -> None:
    code = 0
    row = -1
    top = -np.inf
    bottom = np.inf
    for i in range(len(day)):
        if row < 0 or day[i] != day[i - 1]:
            row += 1
            code = 0
            top = -np.inf
            bottom = np.inf
        if high[i] > top:
            top = high[i]
        if low[i] < bottom:
            bottom = low[i]
        new = 0
        if expected_move[i] > 0.0:
            if abs(price[i] - session_open[i]) > move * expected_move[i]:
                new |= 1
            if top - bottom > span * expected_move[i]:
                new |= 4
        if vix[i] - vix_previous[i] > points + HAIR:
            new |= 2
        fresh = new & ~code
        if fresh:
            for k in range(3):
                if fresh & (1 << k):
                    first[row, k] = i
            code |= fresh
        codes[i] = new
        latched[i] = code


def halt_codes(
    day: NDArray[np.int32],
    price: Line,
    high: Line,
    low: Line,
    session_open: Line,
    expected_move: Line,
    vix: Line,
    vix_previous: Line,
    limits: Limits,
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]:
    """Return when the market halts latch, computed over whole lines at once.

    Equal, bar by bar, to `Governor.observe` on the same numbers. All lines have one
    value a bar; ``high`` and ``low`` may be the bars' own or the day's running extremes.

    Returns
    -------
    codes : int8 array, one a bar
        Halts the market is in on this bar (bits MOVE, VIX, RANGE), as `halt_code`.
    latched : int8 array, one a bar
        Halts latched that day up to and with this bar.
    first : int64 array, (days, 3)
        Bar at which each of the three latched, -1 where it did not.
    """
    count = len(day)
    days = int(np.count_nonzero(np.diff(day))) + 1 if count else 0
    codes, latched = np.zeros(count, dtype=np.int8), np.zeros(count, dtype=np.int8)
    first = np.full((days, 3), -1, dtype=np.int64)
    move, points, span = limits.halt_levels
    _latch(
        np.ascontiguousarray(day),
        _line(price),
        _line(high),
        _line(low),
        _line(session_open),
        _line(expected_move),
        _line(vix),
        _line(vix_previous),
        move,
        points,
        span,
        codes,
        latched,
        first,
    )
    return codes, latched, first


def _line(values: Line) -> Line:
    return np.ascontiguousarray(values, dtype=np.float64)
