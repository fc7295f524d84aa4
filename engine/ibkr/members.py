"""The universe's stocks, streamed for nothing but their breadth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from math import isfinite, isnan, nan
from typing import Any

from loguru import logger

from engine.breadth import share, standing
from engine.ibkr.seen import NOTHING_SEEN, Seen, price
from engine.options.contract import Product, Stock
from engine.sessions import OPEN_MINUTE

OPENS = 14, 76  # the tick of a session's open, live and delayed


class Members:
    """Stocks whose standing above or below their session's open is counted.

    The link's thread tells of ticks and asks what to stream; others ask for the share.

    Parameters
    ----------
    products : mapping of symbol to Product
        Empty where no filter asks for breadth.

    Attributes
    ----------
    stocks : tuple of Stock
    """

    def __init__(self, products: Mapping[str, Product]) -> None:
        self.stocks = tuple(Stock(product) for product in products.values())
        self._opens: dict[str, tuple[float, float]] = {}  # when it was told, epoch seconds; USD
        self._absent: set[Stock] = set()
        self._unknown = self._crowded_out = False

    def choose(self, listed: Sequence[Stock], streamed: Collection[str], room: int) -> list[Stock]:
        """Return the stocks to stream beside what is ``streamed``: all that are listed, or none.

        Empty when the options leave too little ``room`` of the market-data lines: a share of some of
        them would be another measure.
        """
        absent = set(self.stocks) - set(listed)
        if absent - self._absent:
            names = ", ".join(sorted(stock.symbol for stock in absent))
            logger.warning("ibkr: breadth is without {}: not listed, or no answer", names)
        self._absent = absent
        wanted = [stock for stock in listed if stock.symbol not in streamed]
        before, self._crowded_out = self._crowded_out, len(wanted) > max(room, 0)
        if self._crowded_out and not before:
            logger.warning(
                "ibkr: breadth is unknown: {} stocks want a market-data line each, the options leave {}; "
                "raise ibkr.line_budget or lower ibkr.reach_moves", len(wanted), room,
            )  # fmt: skip
        return [] if self._crowded_out else wanted

    def hear(self, symbol: str, ticker: Any, now: float) -> None:
        """Remember the open that a ticker of the client library has just told."""
        if any(tick.tickType in OPENS for tick in ticker.ticks) and isfinite(price(ticker.open)):
            self._opens[symbol] = now, ticker.open

    def standings(self, seen: Mapping[str, Seen], at: datetime, oldest: float) -> dict[str, float]:
        """Return the `engine.breadth.standing` of every stock by its symbol, NaN where it is unknown.

        Parameters
        ----------
        seen : mapping of symbol to Seen
        at : datetime
            Now, New York. Before the open TWS tells the open of the session before: one told then,
            or on an earlier day, is not today's.
        oldest : float
            Seconds after which a stock without a tick is not known.
        """
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        begin, now = midnight.timestamp() + OPEN_MINUTE * 60.0, at.timestamp()
        found = {}
        for stock in self.stocks:
            told, opened = self._opens.get(stock.symbol, (0.0, nan))
            last = seen.get(stock.symbol, NOTHING_SEEN).trade(now, oldest)
            found[stock.symbol] = float(standing(last, opened if told >= begin else nan))
        return found

    def share(self, standings: Mapping[str, float]) -> float:
        """Return the breadth, NaN when too few stocks are known; tell the user when that changes."""
        found = share(list(standings.values()))
        before, self._unknown = self._unknown, isnan(found)
        known = f"{sum(map(isfinite, standings.values()))} of {len(standings)} stocks"
        if self._unknown and not before and not self._crowded_out:
            logger.warning("ibkr: breadth is unknown: {} have a live price and today's open", known)
        elif before and not self._unknown:
            logger.info("ibkr: breadth is known, of {}", known)
        return found
