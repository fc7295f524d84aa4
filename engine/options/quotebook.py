"""Where quotes come from, whatever the venue: one protocol, three sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from engine.options.chain import Chain
from engine.options.combo import Combo


@dataclass(frozen=True, slots=True)
class Quote:
    """A two-sided price of a combo, USD per share of one combo unit, from the buyer's side.

    Buying the combo costs ``ask``, selling it brings ``bid``; a credit spread, whose
    short leg is worth more, therefore has negative prices. ``size`` is in combo units.
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

    name: str

    def move(self, bar: int) -> None: ...

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the listed expiry ``days`` sessions ahead (0 = today), None if not listed."""
        ...

    def spot(self, symbol: str) -> float: ...

    def chain(self, symbol: str, expiry: date) -> Chain: ...

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's executable quote, None when a needed side is missing."""
        ...

    def assumptions(self) -> list[str]: ...
