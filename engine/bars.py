"""Minute bars of one underlying, as whole arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.sessions import Grid, locate, name_stamp

LINES = ("vix", "atm_iv", "skew", "put_volume", "call_volume", "open_interest", "breadth")
PRICES = ("open", "high", "low", "close")
LEAP = 5.0 / 3.0  # from one minute's price to the next: a split or a misplaced point, no market
STRIDE = 1.2  # such a step is possible, and worth a look
NEIGHBOURS = 5  # sessions over which a step is one
VIX_POINTS = (2.0, 200.0)  # what can be VIX: a decimal cannot

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bars:
    """Minute bars stamped at their end, with further lines of the same length.

    ``stamp`` is UTC nanoseconds; ``lines`` may hold any of ``LINES``; ``notes`` are
    sentences about the data that every report prints.
    """

    symbol: str
    stamp: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    lines: Mapping[str, Floats] = field(default_factory=dict)
    source: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.stamp)

    @cached_property
    def grid(self) -> Grid:
        """The bars' place in their sessions; DataError for a bar outside trading hours."""
        return Grid.shared(self.stamp)

    def check(self) -> Bars:
        """Return the bars themselves when every number can be trusted.

        Raises
        ------
        DataError
            Names stamp and column of the first price that is missing, not positive or
            outside its bar, and of any line of a wrong length.
        """
        n = len(self)
        columns = {name: getattr(self, name) for name in (*PRICES, "volume")} | dict(self.lines)
        for name, values in columns.items():
            if len(values) != n:
                raise DataError(f"{self._where}: column {name} has {len(values)} values for {n} stamps")
        _ = self.grid
        for name in PRICES:
            values = columns[name]
            bad = ~(np.isfinite(values) & (values > 0.0))
            if bad.any():
                at = int(np.argmax(bad))
                raise DataError(self._line(name, at, "a positive price"))
        if not np.all(self.volume >= 0.0):
            raise DataError(self._line("volume", int(np.argmax(~(self.volume >= 0.0))), "0 or more"))
        low, high = np.minimum(self.open, self.close), np.maximum(self.open, self.close)
        for name, wrong, limit in (
            ("high", self.high < high, high),
            ("low", self.low > low, low),
        ):
            if wrong.any():
                at = int(np.argmax(wrong))
                word = "at least" if name == "high" else "at most"
                raise DataError(self._line(name, at, f"{word} the bar's open and close ({limit[at]:.10g})"))
        for name, values in self.lines.items():
            if name not in LINES:
                raise DataError(f"{self._where}: unknown line {name!r}; expected one of {', '.join(LINES)}")
            if np.isinf(values).any():
                raise DataError(self._line(name, int(np.argmax(np.isinf(values))), "a finite number"))
        return self

    def unbroken(self) -> Bars:
        """Return the bars, with a note on their largest step if that is a large one.

        Sessions more than a week apart may stand at any price.

        Raises
        ------
        DataError
            A price is so far from the one before it that only a split or an error can tell it.
        """
        before = np.append(self.open[:1], self.close[:-1])
        steps = np.abs(np.log([self.open / before, self.high / self.open, self.low / self.open]))
        session, _ = locate(self.stamp)
        steps[0, np.diff(session, prepend=session[:1]) > NEIGHBOURS] = 0.0
        if not len(self) or steps.max() < np.log(STRIDE):
            return self
        kind, at = divmod(int(np.argmax(steps)), len(self))
        name, start = PRICES[kind], (before if kind == 0 else self.open)[at]
        value, when = getattr(self, name)[at], name_stamp(int(self.stamp[at]))
        if steps[kind, at] >= np.log(LEAP):
            raise DataError(
                f"{self._where}: {name} is {value:.10g} at {when} after {start:.10g}; "
                "expected prices without a split or a misplaced point"
            )
        step = f"Largest step from price to price: {value / start - 1.0:+.0%} at {when}; is it true?"
        return replace(self, notes=(*self.notes, step))

    def between(self, start: date | None, end: date | None) -> Bars:
        """Return the bars of the trading days from ``start`` to ``end``, both included."""
        dates = self.grid.dates
        keep = [i for i, day in enumerate(dates) if (not start or day >= start) and (not end or day <= end)]
        if not keep:
            raise DataError(
                f"{self._where}: no bars from {start or 'the start'} to {end or 'the end'}; "
                f"the data covers {dates[0]} to {dates[-1]}"
            )
        if len(keep) == len(dates):
            return self
        return self._cut(int(self.grid.first[keep[0]]), int(self.grid.last[keep[-1]]) + 1)

    def head(self, n: int) -> Bars:
        """Return the first ``n`` bars."""
        return self._cut(0, n)

    def scaled(self, factor: float, symbol: str) -> Bars:
        """Return the bars with every price times ``factor`` (no float dust), under another symbol."""
        if not (np.isfinite(factor) and factor > 0.0):
            raise DataError(f"scale {factor!r}: expected a positive number")
        return replace(
            self,
            symbol=symbol,
            open=np.round(self.open * factor, 8),
            high=np.round(self.high * factor, 8),
            low=np.round(self.low * factor, 8),
            close=np.round(self.close * factor, 8),
        )

    @property
    def _where(self) -> str:
        return f"{self.source or 'bars'} ({self.symbol})"

    def _line(self, name: str, at: int, expected: str) -> str:
        value = self.lines[name] if name in self.lines else getattr(self, name)
        when = name_stamp(int(self.stamp[at]))
        return f"{self._where}: {name} is {value[at]:.10g} at {when}; expected {expected}"

    def at(self, stamps: NDArray[np.int64]) -> Bars:
        """Return the bars that end at ``stamps``, all of which the bars have."""
        if len(stamps) == len(self):
            return self
        return self._part(np.searchsorted(self.stamp, stamps))

    def _cut(self, start: int, stop: int) -> Bars:
        return self._part(slice(start, stop))

    def _part(self, part: slice | NDArray[np.int64]) -> Bars:
        return replace(
            self,
            stamp=self.stamp[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            volume=self.volume[part],
            lines={name: values[part] for name, values in self.lines.items()},
        )
