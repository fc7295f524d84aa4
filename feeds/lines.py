"""Bars as a Backtrader data feed, entering as whole arrays."""

from __future__ import annotations

from array import array
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from engine.bars import LINES, Bars
from engine.lines import MinuteFeed
from engine.sessions import DAY_NS, EPOCH

_buffers: WeakKeyDictionary[Bars, dict[str, array[float]]] = WeakKeyDictionary()


def _columns(bars: Bars) -> dict[str, array[float]]:
    """Return the feed's lines as ready buffers, made once per Bars and shared by its runs."""
    held = _buffers.get(bars)
    if held is not None:
        return held
    n, grid = len(bars), bars.grid
    nothing = np.full(n, np.nan)
    values: dict[str, Any] = {
        "datetime": EPOCH + bars.stamp / DAY_NS,
        "open": bars.open,
        "high": bars.high,
        "low": bars.low,
        "close": bars.close,
        "volume": bars.volume,
        "openinterest": np.zeros(n),
        "minute": grid.minute,
        "day": grid.day,
        "left": grid.left,
    }
    values |= {name: bars.lines.get(name, nothing) for name in LINES}
    values["ranked_iv"] = values["atm_iv"]
    made = {name: array("d", np.ascontiguousarray(v, np.float64).tobytes()) for name, v in values.items()}
    _buffers[bars] = made
    return made


class ArrayFeed(MinuteFeed):
    """A minute feed over whole arrays.

    Buffers are shared between runs, so nothing may write into a line.
    """

    params: Any = (("bars", None),)

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.bars: Bars = self.p.bars
        self._at = 0
        self._name: str = self.p.name or self.bars.symbol

    def start(self) -> None:
        super().start()
        self._at = 0

    def _plain(self) -> bool:
        limits = (self.p.fromdate, self.p.todate, self.p.tzinput)
        return not self._filters and all(limit is None for limit in limits)

    def preload(self) -> None:
        """Install every line at once; load bar by bar when filters or limits ask for it."""
        if not self._plain():
            super().preload()
            return
        for name, values in _columns(self.bars).items():
            getattr(self.lines, name).array = values
        self._at = len(self.bars)
        self._last()
        self.home()

    def _load(self) -> bool:
        at = self._at
        if at >= len(self.bars):
            return False
        for name, values in _columns(self.bars).items():
            getattr(self.lines, name)[0] = values[at]
        self._at = at + 1
        return True
