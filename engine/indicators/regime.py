"""The state of the market: implied against realised, range, rank, trend, calm."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import MINUTES, SETTLING, ClockIndicator, Floats, KernelIndicator
from engine.indicators.rank import IvRank, SkewLine
from engine.indicators.session import DayLines
from engine.kernels import njit

__all__ = [
    "Compression",
    "ImpliedMove",
    "IvRank",
    "RangeOverMove",
    "SkewLine",
    "TrendT",
    "VarianceSpread",
    "VixChange",
]


@njit(cache=True, error_model="numpy")
def _implied_move(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    minute, left, close, iv = ins
    move = outs[0]
    for i in range(len(minute)):
        share = shares[int(minute[i] + left[i]) - 571, int(minute[i]) - 570]
        move[i] = close[i] * iv[i] * np.sqrt(share * settings[0])


class ImpliedMove(ClockIndicator):
    """Expected move of the time left, USD, convention `sigma`: close x iv x sqrt(years left).

    Line: ``move``; NaN without an at-the-money implied volatility.
    """

    lines: Any = ("move",)
    inputs = ("minute", "left", "close", "atm_iv")
    kernel = staticmethod(_implied_move)


@njit(cache=True, error_model="numpy")
def _range_over_move(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, first, high, low, vix = ins
    ratio = outs[0]
    # memory: day, expected move, high, low, last known VIX of the session
    for i in range(len(day)):
        if day[i] != memory[0]:
            memory[0] = day[i]
            level = memory[4] if memory[4] > 0.0 else vix[i]
            memory[1] = first[i] * level / settings[0]
            memory[2], memory[3], memory[4] = high[i], low[i], np.nan
        memory[2], memory[3] = max(memory[2], high[i]), min(memory[3], low[i])
        if vix[i] > 0.0:
            memory[4] = vix[i]
        ratio[i] = (memory[2] - memory[3]) / memory[1] if memory[1] > 0.0 else np.nan


class RangeOverMove(KernelIndicator):
    """The session's range so far over its expected move (that of `DayLines`).

    Line: ``ratio``.
    """

    lines: Any = ("ratio",)
    inputs = ("day", "open", "high", "low", "vix")
    kernel = staticmethod(_range_over_move)
    settings = DayLines.settings


@njit(cache=True, error_model="numpy")
def _variance_spread(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, left, first, close, iv = ins
    implied, realized, spread = outs
    session_years, needed = settings[0], settings[1]
    # memory: day, last close, last minute since the open, sum of r2, sum of years, bars
    for i in range(len(day)):
        row = int(minute[i] + left[i]) - 571
        now = int(minute[i]) - 570
        if day[i] != memory[0]:
            memory[0], memory[1], memory[2] = day[i], first[i], now - 1
            memory[3:6] = 0.0
        if memory[2] >= SETTLING:
            step = np.log(close[i] / memory[1])
            memory[3] += step * step
            memory[4] += (shares[row, int(memory[2])] - shares[row, now]) * session_years
        memory[5] += 1.0
        memory[1], memory[2] = close[i], now
        years = shares[row, now] * session_years
        implied[i] = iv[i] * iv[i] * years
        known = memory[5] >= needed and memory[4] > 0.0
        realized[i] = memory[3] / memory[4] * years if known else np.nan
        spread[i] = implied[i] - realized[i]


class VarianceSpread(ClockIndicator):
    """Implied variance of the time left less what the session realises on the same clock.

    Lines, as total variance of log returns over the time left: ``implied`` (iv^2 x years
    left), ``realized`` (the session's realised variance from 09:35 on, scaled from the variance
    time it took to the time left) and ``spread``, their difference. Realised is NaN for the
    session's first ``minutes`` bars.
    """

    lines: Any = ("implied", "realized", "spread")
    params = (("minutes", 30),)
    inputs = ("day", "minute", "left", "open", "close", "atm_iv")
    kernel = staticmethod(_variance_spread)

    def settings(self) -> tuple[float, ...]:
        return (*super().settings(), float(self.p.minutes))


@njit(cache=True, error_model="numpy")
def _trend(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, left, first, close = ins
    t = outs[0]
    session_years, needed = settings[0], settings[1]
    # memory: day, last close, last minute since the open, sum of r, of years, of r2/years, bars
    for i in range(len(day)):
        row = int(minute[i] + left[i]) - 571
        now = int(minute[i]) - 570
        if day[i] != memory[0]:
            memory[0], memory[1], memory[2] = day[i], first[i], now - 1
            memory[3:7] = 0.0
        if memory[2] >= SETTLING:
            step = np.log(close[i] / memory[1])
            years = (shares[row, int(memory[2])] - shares[row, now]) * session_years
            memory[3] += step
            memory[4] += years
            memory[5] += step * step / years
            memory[6] += 1.0
        memory[1], memory[2] = close[i], now
        rest = memory[5] - memory[3] * memory[3] / memory[4]
        if memory[6] < needed or not rest > 0.0:
            t[i] = np.nan
        else:
            t[i] = memory[3] / np.sqrt(memory[4] * rest / (memory[6] - 1.0))


class TrendT(ClockIndicator):
    """t-statistic of the session's drift since 09:35.

    Least squares of returns on variance time, weighted by it: drift = ln(C/O) / Y and
    t = ln(C/O) / (s sqrt(Y)), where O is the price at 09:35, Y the variance time since and
    s^2 the residual variance per unit of it (n - 1 degrees of freedom). Line: ``t``, about
    standard normal on a day without drift; NaN for the first ``minutes`` bars after 09:35.
    """

    lines: Any = ("t",)
    params = (("minutes", 30),)
    inputs = ("day", "minute", "left", "open", "close")
    kernel = staticmethod(_trend)

    def settings(self) -> tuple[float, ...]:
        return (*super().settings(), float(max(self.p.minutes, 2)))


@njit(cache=True, error_model="numpy")
def _vix_change(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, vix = ins
    change = outs[0]
    # memory: day, previous session's last known VIX, this session's
    for i in range(len(day)):
        if day[i] != memory[0]:
            memory[0], memory[1], memory[2] = day[i], memory[2], np.nan
        if vix[i] > 0.0:
            memory[2] = vix[i]
        change[i] = vix[i] - memory[1]


class VixChange(KernelIndicator):
    """VIX less its last value of the session before, index points.

    Line: ``change``; NaN in the first session and on a bar without VIX.
    """

    lines: Any = ("change",)
    inputs = ("day", "vix")
    kernel = staticmethod(_vix_change)


@njit(cache=True, error_model="numpy")
def _compression(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, left, first, close = ins
    ratio = outs[0]
    window, morning = int(settings[1]), int(settings[2])
    # memory: day, last close, last minute since the open
    # table: per minute since the open, running sums of r2, share of variance time, bars
    for i in range(len(day)):
        row = int(minute[i] + left[i]) - 571
        now = int(minute[i]) - 570
        if day[i] != memory[0]:
            memory[0], memory[1], memory[2] = day[i], first[i], now - 1
            table[:now] = 0.0
        last = int(memory[2])
        for j in range(last + 1, now + 1):
            for k in range(3):
                table[j, k] = table[last, k]
        if last >= SETTLING:
            step = np.log(close[i] / memory[1])
            table[now, 0] += step * step
            table[now, 1] += shares[row, last] - shares[row, now]
        table[now, 2] += 1.0
        memory[1], memory[2] = close[i], now
        ratio[i] = np.nan
        if now < morning or now < window:
            continue
        then = now - window
        if table[now, 2] - table[then, 2] < window / 2 or table[morning, 2] < morning / 2:
            continue
        if table[morning, 0] > 0.0:
            recent = max(table[now, 0] - table[then, 0], 0.0) / (table[now, 1] - table[then, 1])
            ratio[i] = np.sqrt(recent / (table[morning, 0] / table[morning, 1]))


class Compression(ClockIndicator):
    """Realised volatility of the last ``minutes`` over the morning's, time of day taken out.

    Line: ``ratio``; below 1 the market is calmer than from 09:35 to 10:30 (the end of the
    first ``morning`` minutes). NaN until the morning is over and where half of either stretch is missing.
    """

    lines: Any = ("ratio",)
    params = (("minutes", 30), ("morning", 60))
    inputs = ("day", "minute", "left", "open", "close")
    kernel = staticmethod(_compression)

    def table(self) -> Floats:
        return np.zeros((MINUTES + 1, 3))

    def settings(self) -> tuple[float, ...]:
        return (*super().settings(), float(self.p.minutes), float(self.p.morning))
