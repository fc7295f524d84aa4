"""What a session has been so far: open, previous close, extremes, the morning's range."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import KernelIndicator
from engine.kernels import njit
from engine.options.clock import SESSIONS_PER_YEAR
from engine.sessions import OPEN_MINUTE


@njit(cache=True, error_model="numpy")
def _day_lines(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, first, high, low, close, vix = ins
    session_open, previous_close, expected_move, day_high, day_low = outs
    # memory: day, open, previous close, expected move, high, low, last close, last known VIX
    for i in range(len(day)):
        if day[i] != memory[0]:
            memory[0] = day[i]
            memory[1] = first[i]
            memory[2] = memory[6]
            level = memory[7] if memory[7] > 0.0 else vix[i]
            memory[3] = first[i] * level / settings[0]
            memory[4], memory[5] = high[i], low[i]
            memory[7] = np.nan
        memory[4], memory[5] = max(memory[4], high[i]), min(memory[5], low[i])
        memory[6] = close[i]
        if vix[i] > 0.0:
            memory[7] = vix[i]
        session_open[i] = memory[1]
        previous_close[i] = memory[2]
        expected_move[i] = memory[3]
        day_high[i] = memory[4]
        day_low[i] = memory[5]


class DayLines(KernelIndicator):
    """The session so far, USD per share of the underlying.

    Lines: ``session_open`` (open of its first bar), ``previous_close`` (last bar of the
    session before; NaN in the first session), ``expected_move`` (convention `sigma`, a whole
    day close to close: open x previous VIX close / 100 / sqrt(252); a session without VIX
    before it takes its own first bar's), ``day_high`` and ``day_low`` (up to and with this bar).
    """

    lines: Any = ("session_open", "previous_close", "expected_move", "day_high", "day_low")
    inputs = ("day", "open", "high", "low", "close", "vix")
    kernel = staticmethod(_day_lines)
    plotinfo = {"subplot": False}

    def settings(self) -> tuple[float, ...]:
        return (100.0 * float(np.sqrt(SESSIONS_PER_YEAR)),)


@njit(cache=True, error_model="numpy")
def _morning_range(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, high, low = ins
    top, bottom, formed = outs
    end, needed = settings[0], settings[1]
    # memory: day, high, low, bars seen in the morning
    for i in range(len(day)):
        if day[i] != memory[0]:
            memory[0] = day[i]
            memory[1], memory[2], memory[3] = -np.inf, np.inf, 0.0
        if minute[i] <= end:
            memory[1], memory[2] = max(memory[1], high[i]), min(memory[2], low[i])
            memory[3] += 1.0
        if minute[i] >= end and memory[3] >= needed:
            top[i], bottom[i], formed[i] = memory[1], memory[2], 1.0
        else:
            top[i], bottom[i], formed[i] = np.nan, np.nan, 0.0


class MorningRange(KernelIndicator):
    """High and low of the session's first ``minutes``, known from their last bar on.

    Lines: ``high``, ``low`` (NaN until formed) and ``formed`` (0 or 1). A morning with fewer
    than half of its minutes never forms.
    """

    lines: Any = ("high", "low", "formed")
    params = (("minutes", 60),)
    inputs = ("day", "minute", "high", "low")
    kernel = staticmethod(_morning_range)
    plotinfo = {"subplot": False}

    def settings(self) -> tuple[float, ...]:
        return (float(OPEN_MINUTE + self.p.minutes), self.p.minutes / 2)
