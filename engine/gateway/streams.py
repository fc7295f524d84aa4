"""Streaming market data: what a subscription is sent when a minute has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.gateway.exchange import Exchange, single
from engine.gateway.listing import Listing
from engine.options.combo import Combo

BID_SIZE, BID, ASK, ASK_SIZE, LAST, LAST_SIZE, HIGH, LOW, VOLUME, CLOSE = range(10)
BID_GREEKS, ASK_GREEKS, LAST_GREEKS, MODEL_GREEKS, OPEN = range(10, 15)
HISTORICAL_VOLATILITY, IMPLIED_VOLATILITY = 23, 24
CALL_INTEREST, PUT_INTEREST, CALL_VOLUME, PUT_VOLUME = 27, 28, 29, 30
DELAYED = {
    BID: 66, ASK: 67, LAST: 68, BID_SIZE: 69, ASK_SIZE: 70, LAST_SIZE: 71, HIGH: 72, LOW: 73, VOLUME: 74,
    CLOSE: 75, OPEN: 76, BID_GREEKS: 80, ASK_GREEKS: 81, LAST_GREEKS: 82, MODEL_GREEKS: 83,
}  # fmt: skip
SIZE_OF = {BID: BID_SIZE, ASK: ASK_SIZE, LAST: LAST_SIZE}
SIZES = frozenset(
    {BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME, CALL_INTEREST, PUT_INTEREST, CALL_VOLUME, PUT_VOLUME}
)
GREEKS = frozenset({BID_GREEKS, ASK_GREEKS, LAST_GREEKS, MODEL_GREEKS})
NO_PRICE = -1.0
LOT = 100
Ticks = dict[int, Any]


class Receiver(Protocol):
    """Whoever is sent ticks."""

    def send(self, name: str, values: dict[str, Any] | None = None, **more: Any) -> None: ...


@dataclass
class Stream:
    """One subscription.

    Parameters
    ----------
    request : int
    listing : Listing or None
        None for a combination.
    combo : Combo or None
        What it watches; None for an index.
    generics : frozenset of int
        Generic ticks asked for.
    delayed : bool
        Whether ticks go by the numbers of delayed data.
    """

    request: int
    listing: Listing | None
    combo: Combo | None
    generics: frozenset[int] = frozenset()
    delayed: bool = False
    sent: Ticks = field(default_factory=dict)
    beats: int = 0

    @property
    def symbol(self) -> str:
        """The underlying."""
        if self.listing is not None:
            return self.listing.symbol
        return self.combo.symbol if self.combo is not None else ""

    def publish(self, client: Receiver, ticks: Ticks) -> None:
        """Send what has changed since it was sent last."""
        changed = {tick: value for tick, value in ticks.items() if self.sent.get(tick) != value}
        self.sent |= changed
        for tick, value in changed.items():
            self._send(client, tick, value, ticks, changed)

    def repeat(self, client: Receiver) -> None:
        """Send bid and ask once more with sizes one apart, as a busy market does whose prices stand."""
        self.beats += 1
        sizes = {SIZE_OF[tick]: self.sent.get(SIZE_OF[tick], 0) + self.beats % 2 for tick in (BID, ASK)}
        for tick in (BID, ASK):
            if self.sent.get(tick, NO_PRICE) != NO_PRICE:
                self._send(client, tick, self.sent[tick], self.sent | sizes, {})

    def _send(self, client: Receiver, tick: int, value: Any, ticks: Ticks, changed: Ticks) -> None:
        number = DELAYED.get(tick, tick) if self.delayed else tick
        if tick in GREEKS:
            client.send("optionComputation", value, reqId=self.request, tick=number)
        elif tick in (HISTORICAL_VOLATILITY, IMPLIED_VOLATILITY):
            client.send("tickGeneric", reqId=self.request, tick=number, value=value)
        elif tick not in SIZES:
            size = ticks.get(SIZE_OF.get(tick, -1), 0)
            mask = 1 if tick in (BID, ASK) and value != NO_PRICE else 0
            client.send("tickPrice", reqId=self.request, tick=number, price=value, size=size, mask=mask)
        elif not any(price in changed for price, of in SIZE_OF.items() if of == tick):
            client.send("tickSize", reqId=self.request, tick=number, size=value)


def ticks(stream: Stream, exchange: Exchange) -> Ticks:
    """Return all ticks of a subscription at the present minute."""
    listing = stream.listing
    if listing is not None and listing.contract is None:
        found = _underlying(listing, exchange) | _generics(stream.generics, listing, exchange)
    else:
        assert stream.combo is not None
        found = _two_sided(stream.combo, exchange)
        if listing is not None:
            found |= _greeks(listing, exchange)
    return found


def crossed(found: Ticks) -> Ticks:
    """Return ticks whose bid stands above the ask."""
    if NO_PRICE in (found.get(BID, NO_PRICE), found.get(ASK, NO_PRICE)):
        return found
    return found | {BID: found[ASK], ASK: found[BID]}


def _price(value: float) -> float:
    return round(value, 6) if math.isfinite(value) else NO_PRICE


def _two_sided(combo: Combo, exchange: Exchange) -> Ticks:
    quote = exchange.quote(combo) if exchange.open else None
    if quote is None:
        return {BID: NO_PRICE, ASK: NO_PRICE, BID_SIZE: 0, ASK_SIZE: 0}
    if len(combo.legs) > 1:
        bid, ask = quote.bid, quote.ask
    else:
        bid, ask = exchange.sides(combo.legs[0].instrument)
    made: Ticks = {BID_SIZE: quote.size, ASK_SIZE: quote.size, BID: _price(bid), ASK: _price(ask)}
    if made[BID] == NO_PRICE and len(combo.legs) == 1:
        made[BID_SIZE] = 0
    if made[ASK] == NO_PRICE:
        made[ASK_SIZE] = 0
    return made


def _underlying(listing: Listing, exchange: Exchange) -> Ticks:
    made: Ticks = {LAST: _price(exchange.last(listing)), CLOSE: _price(exchange.previous_close(listing))}
    if listing.instrument is None:
        return made
    if not listing.product_is_index:
        made = _two_sided(single(listing.instrument), exchange) | made | {LAST_SIZE: LOT}
    if exchange.bar >= 0:
        first, high, low, volume = exchange.session(listing.symbol)
        made |= {OPEN: _price(first), HIGH: _price(high), LOW: _price(low)}
        if not listing.product_is_index:
            made[VOLUME] = int(volume)
    return made


def _generics(wanted: frozenset[int], listing: Listing, exchange: Exchange) -> Ticks:
    made: Ticks = {}
    if listing.instrument is None:
        return made
    symbol = listing.symbol
    if 100 in wanted:
        for tick, name in ((CALL_VOLUME, "call_volume"), (PUT_VOLUME, "put_volume")):
            total = exchange.total(symbol, name)
            if math.isfinite(total):
                made[tick] = int(total)
    if 101 in wanted:
        for tick, name in ((CALL_INTEREST, "call_volume"), (PUT_INTEREST, "put_volume")):
            before = exchange.total_before(symbol, name)
            if math.isfinite(before):
                made[tick] = int(before)
    if 106 in wanted and math.isfinite(exchange.line(symbol, "atm_iv")):
        made[IMPLIED_VOLATILITY] = round(exchange.line(symbol, "atm_iv"), 6)
    if 104 in wanted and math.isfinite(exchange.realized(symbol)):
        made[HISTORICAL_VOLATILITY] = round(exchange.realized(symbol), 6)
    return made


def _greeks(listing: Listing, exchange: Exchange) -> Ticks:
    option = listing.contract
    assert option is not None
    found = exchange.greeks(option) if exchange.open else None
    if found is None:
        return {}
    shared = {
        "attribute": 0, "impliedVol": round(found.iv, 6), "delta": round(found.delta, 6), "pvDividend": 0.0,
        "gamma": round(found.gamma, 8), "vega": round(found.vega, 6), "theta": round(found.theta, 6),
        "underlying": round(found.spot, 6),
    }  # fmt: skip
    bid, ask = exchange.sides(option)
    made: Ticks = {MODEL_GREEKS: shared | {"price": round(found.price, 6)}}
    for tick, price in ((BID_GREEKS, bid), (ASK_GREEKS, ask)):
        if math.isfinite(price):
            made[tick] = shared | {"price": round(price, 6)}
    return made
