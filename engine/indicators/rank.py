"""Where today's implied volatility and skew stand among the days before."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import Floats, KernelIndicator
from engine.kernels import below1, njit

SAMPLE_MINUTE = 630  # 10:30, after the opening's noise and before the first entry


@njit(cache=True, error_model="numpy")
def _keep(value: float, memory: Any, table: Any) -> None:
    """Put a day's sample into the ring (row 0) and into the sorted copy (row 1)."""
    days = table.shape[1]
    count, place = int(memory[2]), int(memory[3])
    ring, ordered = table[0], table[1]
    if count == days:
        at = below1(ordered[:count], ring[place])
        for j in range(at, count - 1):
            ordered[j] = ordered[j + 1]
        count -= 1
    at = below1(ordered[:count], value)
    for j in range(count, at, -1):
        ordered[j] = ordered[j - 1]
    ordered[at] = value
    ring[place] = value
    memory[2], memory[3] = count + 1, (place + 1) % days


@njit(cache=True, error_model="numpy")
def _rank(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, line = ins
    rank, percentile, known = outs
    needed, sample_minute = settings[0], settings[1]
    ordered = table[1]
    # memory: day, this session's sample, days kept, place in the ring
    for i in range(len(day)):
        value = line[i]
        if day[i] != memory[0]:
            if not np.isnan(memory[0]) and not np.isnan(memory[1]):
                _keep(memory[1], memory, table)
            memory[0], memory[1] = day[i], np.nan
        if minute[i] >= sample_minute and np.isnan(memory[1]):
            memory[1] = value
        known[i] = value
        rank[i] = percentile[i] = np.nan
        count = int(memory[2])
        if count < needed or np.isnan(value):
            continue
        percentile[i] = 100.0 * below1(ordered[:count], value) / count
        low, high = ordered[0], ordered[count - 1]
        if high > low:
            rank[i] = 100.0 * min(max((value - low) / (high - low), 0.0), 1.0)


class _DailyRank(KernelIndicator):
    lines: Any = ("rank", "percentile", "value")
    params = (("days", 252), ("min_days", 20), ("sample_minute", SAMPLE_MINUTE))
    kernel = staticmethod(_rank)

    def past(self) -> Floats:
        """Return the values of the sessions before the first bar, oldest first."""
        return np.empty(0)

    def memory(self) -> Floats:
        known = min(len(self.past()), self.p.days)
        return np.array([np.nan, np.nan, known, known % self.p.days])

    def table(self) -> Floats:
        table = np.zeros((2, self.p.days))
        known = self.past()[-self.p.days :]
        table[0, : len(known)], table[1, : len(known)] = known, np.sort(known)
        return table

    def settings(self) -> tuple[float, ...]:
        needed, sample = float(max(self.p.min_days, 1)), float(self.p.sample_minute)
        return (needed, sample, float(self.p.days), *self.past().tolist())  # equal ones share their lines


class IvRank(_DailyRank):
    """Implied volatility now (line ``ranked_iv``) among those of the last ``days`` sessions, 0 to 100.

    Each past session stands with one value, its first at or after ``sample_minute`` (10:30);
    the present session is not among them. Lines: ``rank`` ((iv - min) / (max - min), held
    within 0 and 100), ``percentile`` (share of days below) and ``value`` (the implied
    volatility itself). Ranks are NaN until ``min_days`` sessions are known; those the feed
    knows from before its first bar (``past_iv``) count.
    """

    inputs = ("day", "minute", "ranked_iv")

    def past(self) -> Floats:
        return np.array([value for _, value in self.data.p.past_iv], np.float64)


class SkewLine(_DailyRank):
    """The line ``skew`` now (``value``) and its rank among past sessions, as in `IvRank`."""

    inputs = ("day", "minute", "skew")
