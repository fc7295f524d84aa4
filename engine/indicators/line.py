"""The common frame of all indicators: one kernel for whole lines and for one bar."""

from __future__ import annotations

import weakref
from array import array
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import backtrader as bt
import numpy as np
from backtrader.lineiterator import LineIterator
from numpy.typing import NDArray

from engine.errors import DataError
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.sessions import CLOSE_MINUTE, OPEN_MINUTE

Floats = NDArray[np.float64]
MINUTES = CLOSE_MINUTE - OPEN_MINUTE
DEFAULT_CLOCK = VarianceClock()
# An index's opening print is stale, and the first minutes carry what the night left behind:
# what moved before this many minutes is no measure of the session.
SETTLING = 5
_NOTHING = np.zeros((1, 1))
_KEPT = 32
_results: OrderedDict[Any, tuple[list[weakref.ref[array[float]]], list[array[float]]]] = OrderedDict()


@lru_cache(maxsize=8)
def shares_left(clock: VarianceClock) -> Floats:
    """Return the clock's ``share_left`` as a table for kernels.

    Row ``close minute - 571``, column ``minute - 570``; 0 beyond the close.
    """
    table = np.zeros((MINUTES, MINUTES + 1))
    for row in range(MINUTES):
        column = clock.table(OPEN_MINUTE + 1 + row)
        table[row, : column.size] = column
    return table


class KernelIndicator(bt.Indicator):  # type: ignore[misc]
    """A Backtrader indicator whose `once` and `next` are the same compiled kernel.

    A kernel walks over as many bars as it is given and carries what it knows of the past in
    its own memory, so it cannot read ahead, and one call over all bars and one call a bar
    give the same numbers. Values are NaN while unknown; the minimum period stays 1.

    A subclass names its ``inputs`` (lines of the feed) and its ``kernel``, called as
    ``kernel(inputs, outputs, memory, table, settings, shares)``: two tuples of equally long
    float arrays, the carried state (``memory`` flat, ``table`` two-dimensional), the
    parameters as floats and the variance clock's table (see ``shares_left``).

    In a run over preloaded bars the lines are complete from the strategy's ``start()`` on;
    arrays are shared between indicators alike, so nothing may write into them.
    """

    inputs: ClassVar[tuple[str, ...]] = ()
    kernel: ClassVar[Any] = None
    params: Any = (("clock", None),)
    plotinfo = {"subplot": True}

    if TYPE_CHECKING:  # Backtrader takes feeds and parameters away before it calls __init__

        def __init__(self, *feeds: Any, **parameters: Any) -> None: ...

    else:

        def __init__(self) -> None:
            super().__init__()
            self._sources = [getattr(self.data.lines, name) for name in self.inputs]
            self._begun = False

    def memory(self) -> Floats:
        """Return the kernel's carried numbers as they stand before the first bar."""
        return np.full(8, np.nan)

    def table(self) -> Floats:
        """Return the kernel's carried table as it stands before the first bar."""
        return np.zeros((1, 1))

    def settings(self) -> tuple[float, ...]:
        """Return the parameters the kernel needs."""
        return ()

    def shares(self) -> Floats:
        """Return the variance clock's table; an indicator without a clock needs none."""
        return _NOTHING

    def accept(self, given: tuple[Floats, ...]) -> None:
        """Raise DataError when the kernel cannot take these inputs."""

    def next(self) -> None:
        if not self._begun:
            self._begin()
        for cell, line in zip(self._cells, self._sources, strict=True):
            cell[0] = line[0]
        self.accept(self._cells)
        self.kernel(self._cells, self._results, *self._carried)
        for place, cell in enumerate(self._results):
            self.lines[place][0] = cell[0]

    def once(self, start: int, end: int) -> None:
        """Do nothing: ``_once`` has computed the lines whole."""

    def _begin(self) -> None:
        self._begun = True
        self._cells = tuple(np.empty(1) for _ in self._sources)
        self._results = tuple(np.empty(1) for _ in range(self.size()))
        self._carried = self._fresh()

    def _fresh(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.memory(), self.table(), np.array(self.settings(), np.float64), self.shares()

    def _stage2(self) -> None:
        """Compute the lines before the strategy's ``start()``, which may want them whole."""
        super()._stage2()
        owner = self._owner
        while owner._ltype != LineIterator.StratType:
            owner = owner._owner
        if owner.cerebro._dorunonce and owner.cerebro._dopreload:
            self._install()

    def _once(self) -> None:
        """Install the computed lines instead of growing them bar by bar."""
        for data in self.datas:
            data.home()
        self._install()

    def _install(self) -> None:
        for line, values in zip(self.lines, self._whole(), strict=True):
            line.array = values
            line.home()
            line.oncebinding()

    def _whole(self) -> list[array[float]]:
        """Return the lines over all bars; indicators alike on the same feed share them."""
        sources = [line.array for line in self._sources]
        key = (type(self), self.settings(), self.p.clock, *(id(source) for source in sources))
        held = _results.get(key)
        if held is not None and all(ref() is source for ref, source in zip(held[0], sources, strict=True)):
            _results.move_to_end(key)
            return held[1]
        made = [array("d", bytes(8 * len(sources[0]))) for _ in range(self.size())]
        given = tuple(np.frombuffer(source, np.float64) for source in sources)
        outputs = tuple(np.frombuffer(values, np.float64) for values in made)
        self.accept(given)
        self.kernel(given, outputs, *self._fresh())
        refs = [weakref.ref(source, lambda _: _results.pop(key, None)) for source in sources]
        _results[key] = (refs, made)
        while len(_results) > _KEPT:
            _results.popitem(last=False)
        return made


class ClockIndicator(KernelIndicator):
    """An indicator that measures variance on a clock (parameter ``clock``, a VarianceClock)."""

    @property
    def variance_clock(self) -> VarianceClock:
        """Clock the lines are annualised on."""
        return self.p.clock or DEFAULT_CLOCK

    def shares(self) -> Floats:
        return shares_left(self.variance_clock)

    def accept(self, given: tuple[Floats, ...]) -> None:
        minute, left = (given[self.inputs.index(name)] for name in ("minute", "left"))
        first, late, last = minute.min(), left.min(), (minute + left).max()
        if not (first > OPEN_MINUTE and late >= 0.0 and last <= CLOSE_MINUTE):
            raise DataError(
                f"{type(self).__name__}: bars end from minute {first:g}, {late:g} or more before a close at "
                f"{last:g}; expected {OPEN_MINUTE + 1} to {CLOSE_MINUTE}, 0 or more before the close"
            )

    def settings(self) -> tuple[float, ...]:
        """Return the years of one whole session, without its night."""
        return ((1.0 - self.variance_clock.overnight_share) / SESSIONS_PER_YEAR,)
