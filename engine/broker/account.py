"""What the desk and Backtrader may ask of the simulated account."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from engine.broker.books import Books
from engine.broker.ledger import cents
from engine.errors import OrderError
from engine.journal.journal import Journal
from engine.options.quotebook import QuoteBook


class Account(bt.BrokerBase):  # type: ignore[misc]
    """A Backtrader broker's view of the books: cash, value, shares; its own orders are refused.

    Parameters
    ----------
    book : QuoteBook
    journal : Journal
    cash : float
        USD at the start.
    """

    def __init__(self, book: QuoteBook, journal: Journal, cash: float) -> None:
        super().__init__()
        self.book, self.journal = book, journal
        self.books = Books(cents(cash), journal)
        self.startingcash = cash
        self._bar = -1
        self._marked = (-1, 0, 0.0)  # bar and cash that the equity was worked out for

    def funds(self) -> float:
        """Return the USD free for a new trade: cash less what open trades bind."""
        return self.books.funds / 100.0

    @property
    def equity(self) -> float:
        """Cash and everything held at mid, USD; what has no quote stands at its cost."""
        cash = self.books.ledger.cash
        if self._marked[:2] != (self._bar, cash):
            self._marked = (self._bar, cash, self.books.equity(self.book))
        return self._marked[2]

    def getcash(self) -> float:
        """Return the cash of the account, USD."""
        return self.books.ledger.cash / 100.0

    def getvalue(self, datas: Any = None) -> float:
        """Return ``equity``."""
        return self.equity

    get_cash, get_value = getcash, getvalue

    def getposition(self, data: Any) -> Any:
        """Return the shares of a feed's symbol that all trades hold together."""
        count, cost = self.books.shares(data._name)
        return bt.Position(count, cost / count if count else 0.0)

    def get_notification(self) -> None:
        """Return nothing: owners are told directly."""
        return None

    def buy(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: orders come through the desk, as approved intents."""
        raise OrderError("got an order by Strategy.buy or sell, expected one through the desk")

    sell = buy
