"""How crowded the options are: everyone's demand for protection, against its own past."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import MINUTES, ClockIndicator, Floats, KernelIndicator
from engine.kernels import njit

PARTS = ("iv", "put_call", "skew", "flow", "gamma")
LEAST_PARTS = 3  # known percentiles a score needs
MULTIPLIER = 100.0
_PEAK = 1.0 / np.sqrt(2.0 * np.pi)
_ROWS = MINUTES + 1
_HEAD = 5  # numbers in memory before the day's running volumes


@njit(cache=True, error_model="numpy")
def _against_past(value: float, row: Any, needed: float) -> float:
    """Return the percentile of a value among those kept in a row, then keep it there.

    A row is a ring of one value a session, with its count and its next place behind it; a tie
    counts half.
    """
    days = len(row) - 2
    count, place = int(row[days]), int(row[days + 1])
    below = 0.0
    for k in range(count):
        below += 1.0 if row[k] < value else 0.5 if row[k] == value else 0.0
    found = 100.0 * below / count if count >= needed and count > 0 else np.nan
    row[place] = value
    row[days], row[days + 1] = min(count + 1, days), (place + 1) % days
    return found


@njit(cache=True, error_model="numpy")
def _usual(row: Any, needed: float) -> float:
    days = len(row) - 2
    count = int(row[days])
    return np.mean(row[:count]) if count >= needed and count > 0 else np.nan


@njit(cache=True, error_model="numpy")
def _crowding(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, left, close, iv, skew, put_volume, call_volume, interest = ins
    session_years, window, needed = settings[0], int(settings[1]), settings[2]
    values = np.empty(5)
    # memory: day, last minute seen, the session before's option volume (NaN without), puts and
    # calls counted so far; then those by each minute of this session
    puts, calls = memory[_HEAD : _HEAD + _ROWS], memory[_HEAD + _ROWS :]
    for i in range(len(day)):
        row, now = int(minute[i] + left[i]) - 571, int(minute[i]) - 570
        if day[i] != memory[0]:
            if not np.isnan(memory[0]):
                memory[2] = memory[3] + memory[4]
            memory[0], memory[1], memory[3], memory[4] = day[i], 0.0, 0.0, 0.0
            puts[:] = 0.0
            calls[:] = 0.0
        for k in range(int(memory[1]) + 1, now):
            puts[k], calls[k] = memory[3], memory[4]
        if np.isnan(put_volume[i] + call_volume[i]):
            puts[now], calls[now] = np.nan, np.nan
        else:
            memory[3] += put_volume[i]
            memory[4] += call_volume[i]
            puts[now], calls[now] = memory[3], memory[4]
        memory[1] = now
        then = max(now - window, 0)
        bought, sold = puts[now] - puts[then], calls[now] - calls[then]
        total = puts[now] + calls[now]
        held = interest[i] if interest[i] > 0.0 else memory[2]
        years = shares[row, now] * session_years
        per_unit = _PEAK * close[i] / (iv[i] * np.sqrt(years)) if years > 0.0 else np.nan
        values[0] = iv[i]
        values[1] = (bought - sold) / (bought + sold) if bought + sold > 0.0 else np.nan
        values[2] = skew[i]
        values[3] = total
        values[4] = 0.01 * MULTIPLIER * (calls[now] - puts[now]) * per_unit
        outs[0][i], outs[1][i], outs[2][i] = values[0], values[1], values[2]
        outs[3][i] = total / _usual(table[3 * _ROWS + now], needed)
        outs[4][i] = values[4]
        outs[5][i] = total / held if held > 0.0 else np.nan
        known, score = 0, 0.0
        for k in range(5):
            found = np.nan
            if not np.isnan(values[k]):
                found = _against_past(values[k], table[k * _ROWS + now], needed)
            outs[6 + k][i] = found
            if not np.isnan(found):
                known += 1
                score += 100.0 - found if k == 4 else found
        outs[11][i] = score / known if known >= LEAST_PARTS else np.nan


class Crowding(ClockIndicator):
    """The crowding meter: five measures, where each stands in its own past, and one score.

    Lines:

    ``iv``
        At-the-money implied volatility, annualised decimal.
    ``put_call``
        Put/call imbalance of today's expiry: (puts - calls) / (puts + calls) traded in the
        last ``minutes``, contracts; -1 to 1.
    ``skew``
        Implied volatility one standard deviation below the money over at the money, less 1:
        in normalised strike z = ln(K/F) / (iv sqrt(T)), so that hours compare.
    ``flow``
        Options traded in the session so far over the mean of past sessions at the same minute
        (the usual curve): 1 is usual.
    ``gamma``
        Proxy of market makers' gamma, USD of the underlying to trade for a move of 1 %: taken
        to be long the calls and short the puts traded so far, all at the money,
        100 (calls - puts) S^2 Gamma / 100 with Gamma = phi(0) / (S iv sqrt(T)). Sign and order
        of magnitude only; who bought is not known.
    ``interest``
        Options traded so far over the open interest of the morning; where a feed has none,
        over the option volume of the session before.
    ``iv_percentile``, ``put_call_percentile``, ``skew_percentile``, ``flow_percentile``, ``gamma_percentile``
        Share of the last ``days`` sessions that stood lower at this very minute of the day,
        0 to 100, a tie half; the present session is not among them. NaN until ``min_days``
        sessions had this minute.
    ``score``
        Mean of the known percentiles, gamma's turned around (100 - p): 100 is a market where
        protection is dearest, most wanted and least provided for. NaN with fewer than three.

    What is made of volumes is unknown in a minute whose volume is, and known again after it: a
    live feed tells what was traded in minutes it had missed with the next one it sees.
    """

    lines: Any = (*PARTS, "interest", *(f"{name}_percentile" for name in PARTS), "score")
    params = (("minutes", 30), ("days", 60), ("min_days", 20))
    inputs = (
        "day",
        "minute",
        "left",
        "close",
        "atm_iv",
        "skew",
        "put_volume",
        "call_volume",
        "open_interest",
    )
    kernel = staticmethod(_crowding)

    def memory(self) -> Floats:
        head = np.array([np.nan, 0.0, np.nan, 0.0, 0.0])
        return np.concatenate([head, np.zeros(2 * _ROWS)])

    def table(self) -> Floats:
        return np.zeros((len(PARTS) * _ROWS, self.p.days + 2))

    def settings(self) -> tuple[float, ...]:
        needed = float(max(self.p.min_days, 1))
        return (*super().settings(), float(self.p.minutes), needed, float(self.p.days))


@njit(cache=True, error_model="numpy")
def _spike(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    day, minute, iv = ins
    spike, peak = outs
    window = int(settings[0])
    # memory: day, the session before's last known IV, this session's, largest spike, last minute
    # table: the newest IV known by each minute of the session
    for i in range(len(day)):
        now = int(minute[i]) - 570
        if day[i] != memory[0]:
            before = memory[2] if not np.isnan(memory[2]) else memory[1]
            memory[0], memory[1], memory[2], memory[3], memory[4] = day[i], before, np.nan, np.nan, 0.0
            table[0, 0] = before
        last = int(memory[4])
        for k in range(last + 1, now + 1):
            table[0, k] = table[0, last]
        if iv[i] > 0.0:
            table[0, now] = memory[2] = iv[i]
        memory[4] = now
        spike[i] = iv[i] / table[0, max(now - window, 0)] - 1.0
        if not np.isnan(spike[i]) and not memory[3] >= spike[i]:
            memory[3] = spike[i]
        peak[i] = memory[3]


class IvSpike(KernelIndicator):
    """Implied volatility now against ``minutes`` ago.

    Lines: ``spike`` (iv over the newest known ``minutes`` ago, in the session's first
    ``minutes`` over the last of the session before, less 1) and ``peak`` (the largest spike of
    the session so far). NaN while unknown.
    """

    lines: Any = ("spike", "peak")
    params = (("minutes", 60),)
    inputs = ("day", "minute", "atm_iv")
    kernel = staticmethod(_spike)

    def table(self) -> Floats:
        return np.full((1, _ROWS), np.nan)

    def settings(self) -> tuple[float, ...]:
        return (float(self.p.minutes),)
