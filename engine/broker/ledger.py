"""The account in whole cents: cash, positions at cost, profit taken, fees. It always balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.errors import LedgerError
from engine.options.contract import Instrument


def cents(usd: float) -> int:
    """Return an amount in whole cents, the nearest; ``LedgerError`` where it is not a number."""
    try:
        return round(usd * 100.0)
    except (OverflowError, ValueError):
        raise LedgerError(f"an amount of {usd} USD cannot be booked, expected a finite number") from None


class Posting(NamedTuple):
    """What one leg does to the account: ``quantity`` (signed) against ``cash`` cents received."""

    instrument: Instrument
    quantity: int
    cash: int


@dataclass(slots=True)
class Holding:
    """Contracts or shares held (negative: short) and what they cost in cents (negative: brought)."""

    quantity: int = 0
    cost: int = 0


class Ledger:
    """Double-entry book of one account; every event is checked before the next one.

    The law: cash + cost of what is held = start + realised profit - fees.

    Parameters
    ----------
    start : int
        Cents.
    """

    def __init__(self, start: int) -> None:
        _whole("start", start)
        self.start = start
        self.cash = start
        self.fees = 0
        self.realised = 0
        self.holdings: dict[tuple[str, Instrument], Holding] = {}

    def book(self, ref: str, postings: Sequence[Posting], fees: int = 0) -> int:
        """Book one event of a trade, all its legs together, and return the profit taken, cents.

        Closing takes its share of the average cost with it, the cent that does not divide
        going with what stays; a leg that goes through zero closes and opens anew.

        Raises
        ------
        LedgerError
            When an amount is no whole cent, fees are negative, or the book does not balance.
        """
        for posting in postings:
            if type(posting.cash) is not int or type(posting.quantity) is not int:
                _whole(f"{ref} {posting.instrument}: cash", posting.cash)
                _whole(f"{ref} {posting.instrument}: quantity", posting.quantity)
        _whole("fees", fees)
        if fees < 0:
            raise LedgerError(f"{ref}: fees are {fees} cents, expected 0 or more")
        taken, cash = 0, -fees
        for posting in postings:
            taken += self._post(ref, posting)
            cash += posting.cash
        self.cash += cash
        self.fees += fees
        self.realised += taken
        self.check(ref)
        return taken

    def held(self, ref: str, instrument: Instrument) -> int:
        """Return what a trade holds of an instrument, signed."""
        holding = self.holdings.get((ref, instrument))
        return holding.quantity if holding else 0

    @property
    def cost(self) -> int:
        """Cost of everything held, cents."""
        return sum(holding.cost for holding in self.holdings.values())

    def check(self, where: str = "ledger") -> None:
        """Raise ``LedgerError`` unless the book balances."""
        left, right = self.cash + self.cost, self.start + self.realised - self.fees
        if left != right:
            raise LedgerError(
                f"{where}: cash {self.cash} + cost of positions {self.cost} is {left} cents, "
                f"expected {right}: "
                f"start {self.start} + realised {self.realised} - fees {self.fees}"
            )

    def _post(self, ref: str, posting: Posting) -> int:
        instrument, quantity, cash = posting
        key = (ref, instrument)
        holding = self.holdings.get(key)
        if holding is None:
            holding = self.holdings[key] = Holding()
        closing = _closing(holding.quantity, quantity)
        if closing == 0:
            taken, opening_cash = 0, cash
        else:
            closing_cash = _share(cash, closing, abs(quantity))
            opening_cash = cash - closing_cash
            cost = _share(holding.cost, closing, abs(holding.quantity))
            holding.cost -= cost
            taken = closing_cash - cost
        holding.cost -= opening_cash
        holding.quantity += quantity
        if holding.quantity == 0:
            if holding.cost:
                raise LedgerError(
                    f"{ref} {posting.instrument}: flat at a cost of {holding.cost} cents, expected 0"
                )
            del self.holdings[key]
        return taken


def _closing(held: int, traded: int) -> int:
    """Return how many of the traded units undo what is held."""
    return min(abs(held), abs(traded)) if held * traded < 0 else 0


def _share(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole`` rounded to the nearest cent in whole numbers."""
    return (2 * amount * part + whole) // (2 * whole)


def _whole(what: str, value: object) -> None:
    if type(value) is not int:  # neither a bool nor a numpy number, whose sums could overflow
        raise LedgerError(f"{what} is {value!r}, expected a whole number of cents or units")
