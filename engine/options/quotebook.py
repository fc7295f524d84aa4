"""Where quotes come from, whatever the venue: one protocol, three sources."""

from __future__ import annotations

from datetime import date
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engine.options.chain import Chain
from engine.options.choice import Choices, StrikeRule
from engine.options.combo import Combo
from engine.record import record


@record
class Quote:
    """A two-sided price of a combo, USD per share of one combo unit, from the buyer's side.

    Buying the combo costs ``ask``, selling it brings ``bid``; a credit spread, whose
    short leg is worth more, therefore has negative prices. ``ask`` is NaN where a leg to
    be sold has no bid; a bought leg without bid is given away for nothing, so ``bid`` is
    always a number. ``size`` is in combo units.
    """

    bid: float
    ask: float
    size: int
    delta: float

    @property
    def mid(self) -> float:
        return 0.5 * (self.bid + self.ask)


class QuoteBook(Protocol):
    """Quotes at the current instant. ``move`` is called by the venue, never by a bot."""

    def move(self, bar: int) -> None: ...

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the listed expiry ``days`` sessions ahead (0 = today), None if not listed."""
        ...

    def spot(self, symbol: str) -> float: ...

    def chain(self, symbol: str, expiry: date) -> Chain: ...

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's executable quote, None when its expiry is not quoted (any more)."""
        ...

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        """Return bid and ask of every leg, USD per share; bid NaN when there is none."""
        ...

    def source(self, combo: Combo) -> str:
        """Return the name of the source that quotes a combo today: ``model``, ``recorded``, ``ibkr``."""
        ...

    def assumptions(self) -> list[str]: ...


class PathBook(QuoteBook, Protocol):
    """A quote source whose path is known (model or recorded): it can say when a level is reached.

    Only the loop asks; a bot is never shown the answer, it is merely called on that bar.
    """

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int:
        """Return the first bar of ``[start, stop)`` with bid >= take or bid <= stop_level, else ``stop``."""
        ...


@runtime_checkable
class SidesBook(QuoteBook, Protocol):
    """A quote source whose path is known and whose quotes always have a size.

    Only the simulated market asks, for what becomes of an order until somebody has to look at it.
    """

    def sides_path(
        self, combo: Combo, start: int, stop: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return bid and ask of a combo over the bars ``[start, stop)``, USD per share."""
        ...


@runtime_checkable
class ChoiceBook(PathBook, Protocol):
    """A quote source that can choose strikes on many bars at once."""

    def choices(self, symbol: str, days: int, bars: NDArray[np.int64], rule: StrikeRule) -> Choices | None:
        """Return what a rule takes off the chains of many bars, None where it cannot."""
        ...

    def asks(self, combo: Combo, found: Choices) -> NDArray[np.float64] | None:
        """Return what a combo costs on every bar with the strikes of that bar's choice."""
        ...
