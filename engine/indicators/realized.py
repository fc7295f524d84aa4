"""Realised volatility of the last minutes, with the time of day taken out."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import MINUTES, SETTLING, ClockIndicator, Floats
from engine.kernels import njit

TWO_LN2 = 2.0 * np.log(2.0)


@njit(cache=True, error_model="numpy")
def _volatility(variance: float, years: float) -> float:
    return np.sqrt(max(variance, 0.0) / years) if years > 0.0 else np.nan


@njit(cache=True, error_model="numpy")
def _realized(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, left, first, high, low, close = ins
    realized, parkinson, garman_klass, bipower = outs
    session_years, window = settings[0], int(settings[1])
    needed = window / 2
    # memory: day, last close, last minute since the open, last |return|, its years
    # table: per minute since the open, running sums of r2, years, |r||r'|, sqrt(years years'),
    #        Parkinson, Garman-Klass, years of the bars themselves, bars
    for i in range(len(day)):
        row = int(minute[i] + left[i]) - 571
        now = int(minute[i]) - 570
        if day[i] != memory[0]:
            memory[0], memory[1], memory[2] = day[i], first[i], now - 1
            memory[3], memory[4] = np.nan, np.nan
            for j in range(now):
                for k in range(8):
                    table[j, k] = 0.0
        last = int(memory[2])
        for j in range(last + 1, now + 1):
            for k in range(8):
                table[j, k] = table[last, k]
        if last >= SETTLING:
            step = np.log(close[i] / memory[1])
            years = (shares[row, last] - shares[row, now]) * session_years
            span = np.log(high[i] / low[i])
            body = np.log(close[i] / first[i])
            table[now, 0] += step * step
            table[now, 1] += years
            if memory[4] > 0.0:
                table[now, 2] += abs(step) * memory[3]
                table[now, 3] += np.sqrt(years * memory[4])
            table[now, 4] += span * span
            table[now, 5] += 0.5 * span * span - (TWO_LN2 - 1.0) * body * body
            table[now, 6] += (shares[row, now - 1] - shares[row, now]) * session_years
            table[now, 7] += 1.0
            memory[3], memory[4] = abs(step), years
        memory[1], memory[2] = close[i], now
        then = now - window
        if then < 0 or table[now, 7] - table[then, 7] < needed:
            realized[i] = parkinson[i] = garman_klass[i] = bipower[i] = np.nan
            continue
        own = table[now, 6] - table[then, 6]
        realized[i] = _volatility(table[now, 0] - table[then, 0], table[now, 1] - table[then, 1])
        parkinson[i] = _volatility((table[now, 4] - table[then, 4]) / (2.0 * TWO_LN2), own)
        garman_klass[i] = _volatility(table[now, 5] - table[then, 5], own)
        bipower[i] = _volatility(
            0.5 * np.pi * (table[now, 2] - table[then, 2]), table[now, 3] - table[then, 3]
        )


class RealizedVolatility(ClockIndicator):
    """Realised volatility of the session's last ``minutes``, annualised decimals.

    Variance is divided by the variance time it took, so the same number means the same
    market at every time of day. Lines: ``realized`` (sum of squared close-to-close returns),
    ``parkinson`` (ln(H/L)^2 / 4 ln 2), ``garman_klass`` (0.5 ln(H/L)^2 - (2 ln 2 - 1)
    ln(C/O)^2), ``bipower`` (pi/2 |r||r'|, without jumps; Barndorff-Nielsen and Shephard).
    What moved before 09:35 does not count. NaN in the session's first ``minutes`` and where
    half of them are missing.
    """

    lines: Any = ("realized", "parkinson", "garman_klass", "bipower")
    params = (("minutes", 30),)
    inputs = ("day", "minute", "left", "open", "high", "low", "close")
    kernel = staticmethod(_realized)

    def table(self) -> Floats:
        return np.zeros((MINUTES + 1, 8))

    def settings(self) -> tuple[float, ...]:
        return (*super().settings(), float(self.p.minutes))
