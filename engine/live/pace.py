"""What a bot must know of a venue whose quotes move between the bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from engine.live.patience import Patience
from engine.options.combo import Combo, shares
from engine.options.contract import Product


class AgedBook(Protocol):
    """Quotes that know how old they are."""

    def age(self, combo: Combo) -> float:
        """Return the seconds since the oldest leg's last tick, infinite without one."""
        ...


@dataclass(frozen=True)
class Pace:
    """Time and freshness of a live venue.

    Parameters
    ----------
    now : callable
        The venue's time, aware, New York.
    book : AgedBook
    products : mapping of symbol to Product
    patience : Patience
    stale : float
        Seconds after which a quote is not believed and an underlying counts as silent.
    late : float
        A bar that ended longer ago than so many seconds is history: it feeds the measures,
        and nothing is decided on it.
    """

    now: Callable[[], datetime]
    book: AgedBook
    products: Mapping[str, Product]
    patience: Patience
    stale: float
    late: float

    def current(self, at: datetime) -> bool:
        """Tell whether a bar that ended at ``at`` is of now."""
        return self.now() - at <= timedelta(seconds=self.late)

    def age(self, symbol: str) -> float:
        """Return the seconds since an underlying's last tick."""
        return self.book.age(shares(self.products[symbol], 1))

    def moving(self, symbol: str) -> bool:
        """Tell whether an underlying is being quoted."""
        return self.age(symbol) <= self.stale

    def fresh(self, combo: Combo) -> bool:
        """Tell whether every leg's quote can be believed."""
        return self.book.age(combo) <= self.stale
