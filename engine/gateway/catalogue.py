"""All that is listed today: found by description or by number, and described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np

from engine.errors import DataError
from engine.gateway.codec import Values
from engine.gateway.exchange import single
from engine.gateway.listing import INDEX, OPTION, SHARE, Listing, listed, parse_expiry, underlying, watched
from engine.gateway.market import Market
from engine.options.combo import put_spread
from engine.options.contract import Contract, Product, Right, Stock, TickRule

EXPIRIES_AHEAD = 45  # sessions looked ahead for expiries
REACH = 0.5  # strikes beyond today's chain, as a share of its width, so that a day's move stays inside
RULE_BASE = 3000


class Catalogue:
    """Contracts of a market.

    Strikes are the chain's of the first look on a day and half its width more on both sides,
    so that what is listed in the morning is listed all day.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._known: dict[int, Listing] = {}
        self._strikes: dict[tuple[str, date], tuple[float, ...]] = {}
        rules = sorted({product.tick for product in market.products.values()}, key=str)
        self._rules = {rule: RULE_BASE + 2 * place for place, rule in enumerate(rules)}
        for product in market.products.values():
            self.add(underlying(product))
        for stock in market.stocks.values():
            self.add(underlying(stock.product))
        for name in market.indices:
            self.add(watched(name))

    def add(self, listing: Listing) -> Listing:
        """Remember a listing, so that its number is understood."""
        return self._known.setdefault(listing.number, listing)

    def get(self, number: int) -> Listing | None:
        """Return the listing of a contract number, None for one that is not listed."""
        if number not in self._known:
            for symbol in self._market.products:
                for _ in self._options(symbol, None, None, None):
                    pass
        return self._known.get(number)

    def rehearse(self) -> None:
        """Ask the book everything once: what is compiled on first use is compiled before the clock runs."""
        book = self._market.book
        for symbol, product in self._market.products.items():
            asked = [single(Stock(product))]
            for day in self.expiries(symbol)[:1]:
                strikes = self.strikes(symbol, day)
                middle = len(strikes) // 2
                if middle:
                    asked.append(put_spread(product, day, strikes[middle], strikes[middle - 1]))
            for combo in asked:
                if book.quote(combo) is not None:
                    book.legs(combo)

    # what is listed ------------------------------------------------------------------

    def expiries(self, symbol: str) -> list[date]:
        """Return the expiries listed today, in order."""
        told = self._market.listed(symbol)
        if told:
            return sorted(told)
        found = (self._market.book.expiry(symbol, ahead) for ahead in range(EXPIRIES_AHEAD))
        return [expiry for expiry in found if expiry is not None]

    def strikes(self, symbol: str, expiry: date) -> tuple[float, ...]:
        """Return the strikes of an expiry, rising; nothing where it is not listed."""
        key = (symbol, expiry)
        if key not in self._strikes:
            self._strikes[key] = self._reached(symbol, expiry)
        return self._strikes[key]

    def _reached(self, symbol: str, expiry: date) -> tuple[float, ...]:
        try:
            told = self._market.listed(symbol)
            quoted = told[expiry] if expiry in told else self._market.book.chain(symbol, expiry).strikes
        except DataError:
            return ()
        if not len(quoted):
            return ()
        step = self._market.products[symbol].strike_step
        more = step * np.arange(1, 1 + int(REACH * (quoted[-1] - quoted[0]) / step))
        both = np.concatenate([quoted[0] - more, quoted, quoted[-1] + more])
        return tuple(np.unique(np.round(both[both > 0.0], 4)).tolist())

    def new_day(self) -> None:
        """Look at the chains anew: another day lists other expiries and strikes."""
        self._strikes = {}

    def find(self, asked: Values) -> list[Listing]:
        """Return all listings that fit a description, which may leave fields out."""
        number = asked.get("conId")
        if number:
            one = self.get(number)
            return [one] if one is not None else []
        kind, symbol = asked.get("secType") or "", asked.get("symbol") or ""
        local = asked.get("localSymbol") or ""
        if kind == OPTION:
            symbol = symbol or self._symbol_of(local[:6].strip())
            return [one for one in self._described(symbol, asked) if local in ("", one.local_symbol)]
        return [
            one
            for one in self._known.values()
            if one.kind == kind and one.symbol == (symbol or local) and one.contract is None
        ]

    def _described(self, symbol: str, asked: Values) -> Iterable[Listing]:
        product = self._market.products.get(symbol)
        multiplier = asked.get("multiplier") or ""
        wanted = asked.get("tradingClass") or ""
        if product is None or multiplier not in ("", str(product.multiplier)):
            return []
        if wanted not in ("", product.trading_class):
            return []
        text = asked.get("expiry") or ""
        month = text if len(text) == 6 else None
        expiry = parse_expiry(text)
        if text and expiry is None and month is None:
            return []
        right = {"C": Right.CALL, "P": Right.PUT}.get((asked.get("right") or "")[:1])
        found = self._options(symbol, expiry, right, asked.get("strike") or None)
        return [
            one for one in found if month is None or (one.contract and f"{one.contract.expiry:%Y%m}" == month)
        ]

    def _options(
        self, symbol: str, expiry: date | None, right: Right | None, strike: float | None
    ) -> Iterator[Listing]:
        product = self._market.products[symbol]
        for day in self.expiries(symbol):
            if expiry is not None and day != expiry:
                continue
            for price in self.strikes(symbol, day):
                if strike is not None and abs(price - strike) > 1e-6:
                    continue
                for side in (right,) if right is not None else (Right.CALL, Right.PUT):
                    yield self.add(listed(Contract(product, day, price, side)))

    def _symbol_of(self, trading_class: str) -> str:
        for product in self._market.products.values():
            if product.trading_class == trading_class:
                return product.symbol
        return ""

    # how it is described --------------------------------------------------------------

    def details(self, listing: Listing) -> Values:
        """Return the fields of ``contractDetails``."""
        product, option = listing.product, listing.contract
        under = underlying(product) if product is not None else listing
        month = f"{option.expiry:%Y%m}" if option else ""
        return listing.fields("SMART" if listing.kind != INDEX else listing.exchange) | {
            "marketName": listing.trading_class,
            "minTick": product.tick.below if product and option else 0.01,
            "orderTypes": "ACTIVETIM,DAY,GTC,LMT,MKT,STP,STPLMT,WHATIF",
            "validExchanges": f"SMART,{listing.exchange}" if listing.kind != INDEX else listing.exchange,
            "priceMagnifier": 1,
            "underConId": under.number if option else 0,
            "longName": product.name if product else listing.symbol,
            "contractMonth": month,
            "timeZoneId": "US/Eastern",
            "evMultiplier": 0.0,
            "aggGroup": 2 if option else 1,
            "underSymbol": under.symbol if option else "",
            "underSecType": under.kind if option else "",
            "marketRuleIds": ",".join([str(self.rule_id(listing))] * (1 if listing.kind == INDEX else 2)),
            "realExpirationDate": f"{option.expiry:%Y%m%d}" if option else "",
            "stockType": "COMMON" if listing.kind == SHARE else "",
            "minSize": 1.0,
            "sizeIncrement": 1.0,
            "suggestedSizeIncrement": 1.0 if option else 100.0,
        }

    def rule_id(self, listing: Listing) -> int:
        """Return the number of the market rule that gives a listing's price steps."""
        if listing.contract is not None:
            return self._rules[listing.contract.product.tick]
        return RULE_BASE - 1

    def rule(self, number: int) -> list[Values] | None:
        """Return the price steps of a market rule, None for a number that is not known."""
        if number == RULE_BASE - 1:
            return [{"lowEdge": 0.0, "increment": 0.01}]
        for tick, known in self._rules.items():
            if known == number:
                return steps(tick)
        return None

    def product(self, symbol: str) -> Product | None:
        """Return a product by its symbol, None for one that is not listed."""
        return self._market.products.get(symbol)


def steps(tick: TickRule) -> list[Values]:
    """Return a tick rule as low edges and increments."""
    rows: list[Values] = [{"lowEdge": 0.0, "increment": tick.below}]
    if tick.above != tick.below:
        rows.append({"lowEdge": tick.threshold, "increment": tick.above})
    return rows
