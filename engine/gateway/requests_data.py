"""Requests for market data: ticks, historical bars, bars of five seconds."""

from __future__ import annotations

from datetime import datetime

from engine.gateway import history
from engine.gateway.checks import Refusal, combo_of
from engine.gateway.client import DELAYED, LIVE, Client
from engine.gateway.codec import Values
from engine.gateway.exchange import single
from engine.gateway.five_seconds import PIECES, SECONDS, piece
from engine.gateway.listing import Listing
from engine.gateway.reports import wire_time
from engine.gateway.streams import Stream, Ticks, crossed, ticks
from engine.gateway.tickets import BAG
from engine.gateway.venue import Venue
from engine.sessions import utc

GENERICS = frozenset({100, 101, 104, 106})


def market_data_type(venue: Venue, client: Client, asked: Values) -> None:
    """Note which kind of data a client wants from now on."""
    client.data_type = asked["kind"] or LIVE


def market_data(venue: Venue, client: Client, asked: Values) -> None:
    """Begin a subscription, or send a snapshot."""
    request = asked["reqId"]
    try:
        stream = _stream(venue, client, asked)
    except Refusal as refusal:
        client.error(request, refusal.code, refusal.text)
        return
    client.send("marketDataType", reqId=request, kind=DELAYED if stream.delayed else LIVE)
    rule = stream.listing.contract.product.tick.below if stream.listing and stream.listing.contract else 0.01
    client.send("tickReqParams", reqId=request, minTick=rule, bboExchange="9c0001", permissions=3)
    stream.publish(client, _distorted(venue, stream))
    if asked["snapshot"]:
        client.send("snapshotEnd", reqId=request)
    else:
        client.streams[request] = stream


def _stream(venue: Venue, client: Client, asked: Values) -> Stream:
    generics = frozenset(int(text) for text in asked["genericTicks"].split(",") if text.strip().isdigit())
    if generics - GENERICS:
        raise Refusal(
            321,
            f"Error validating request:-'bQ' : cause - Incorrect generic tick list of {asked['genericTicks']}"
            f".  Legal ones are: 100,101,104,106",
        )
    if len(client.streams) >= venue.settings.lines and not asked["snapshot"]:
        raise Refusal(101, "Max number of tickers has been reached")
    if asked["secType"] == BAG:
        return Stream(asked["reqId"], None, combo_of(asked, venue.catalogue)[0], frozenset(), client.delayed)
    listing = one(venue, asked)
    combo = single(listing.instrument) if listing.instrument is not None else None
    return Stream(asked["reqId"], listing, combo, generics, client.delayed)


def one(venue: Venue, asked: Values) -> Listing:
    """Return the one contract that fits a description; `Refusal` for none or several."""
    found = venue.catalogue.find(asked)
    if len(found) == 1:
        return found[0]
    several = "The contract description specified for the request is ambiguous."
    raise Refusal(200, several if found else "No security definition has been found for the request")


def cancel_market_data(venue: Venue, client: Client, asked: Values) -> None:
    """End a subscription."""
    if client.streams.pop(asked["reqId"], None) is None:
        client.error(asked["reqId"], 300, f"Can't find EId with tickerId:{asked['reqId']}")


def historical_data(venue: Venue, client: Client, asked: Values) -> None:
    """Send bars, and keep the last one up to date where that is wanted."""
    request = asked["reqId"]
    try:
        kept = history.parse(asked, one(venue, asked))
        rows = history.request_rows(kept, asked, venue.exchange, venue.now)
    except Refusal as refusal:
        client.error(request, refusal.code, refusal.text)
        return
    first, last = (utc(row[0] * 1_000_000_000) for row in (rows[0], rows[-1]))
    client.send(
        "historicalData",
        reqId=request,
        start=wire_time(first, client.version),
        end=wire_time(last, client.version),
        bars=[history.fields(row, kept, client.version) for row in rows],
    )
    if asked["keepUpToDate"]:
        client.bars[request] = kept


def cancel_historical_data(venue: Venue, client: Client, asked: Values) -> None:
    """End a subscription to bars."""
    client.bars.pop(asked["reqId"], None)


def realtime_bars(venue: Venue, client: Client, asked: Values) -> None:
    """Begin a subscription to bars of five seconds."""
    try:
        listing = one(venue, asked)
        if listing.contract is not None:
            raise Refusal(420, "Invalid Real-time Query:options have no bars of five seconds here")
    except Refusal as refusal:
        client.error(asked["reqId"], refusal.code, refusal.text)
        return
    client.live_bars[asked["reqId"]] = history.KeptBars(asked["reqId"], listing, 1, 2, asked["show"])


def cancel_realtime_bars(venue: Venue, client: Client, asked: Values) -> None:
    """End a subscription to bars of five seconds."""
    client.live_bars.pop(asked["reqId"], None)


def publish(venue: Venue) -> None:
    """Send every subscription what the minute that has just ended brought: ticks first, then bars."""
    if venue.cut_off:
        return
    for client in venue.clients:
        for stream in client.streams.values():
            stream.publish(client, _distorted(venue, stream))
        for kept in client.bars.values():
            for row in history.updates(kept, venue.exchange):
                client.send("historicalUpdate", history.fields(row, kept, client.version), reqId=kept.request)


def repeat(venue: Venue) -> None:
    """Send every subscription its bid and ask again."""
    if venue.exchange.open and not venue.cut_off:
        for client in venue.clients:
            for stream in client.streams.values():
                stream.repeat(client)


def publish_live(venue: Venue, at: datetime) -> None:
    """Send the bars of the five seconds that have just ended."""
    if venue.cut_off:
        return
    number = ((at.second or 60) // SECONDS - 1) % PIECES
    for client in venue.clients:
        for request, kept in client.live_bars.items():
            found = piece(kept.listing, venue.exchange, venue.exchange.bar + 1, number, venue.settings.seed)
            if found is not None:
                opened, high, low, close, volume = found
                client.send(
                    "realtimeBar",
                    reqId=request,
                    time=int(at.timestamp()) - SECONDS,
                    open=round(opened, 6),
                    high=round(high, 6),
                    low=round(low, 6),
                    close=round(close, 6),
                    volume=round(volume),
                    average=round((high + low + close) / 3.0, 6),
                    count=1 if volume >= 0.0 else -1,
                )


def _distorted(venue: Venue, stream: Stream) -> Ticks:
    """Return a subscription's ticks as the faults of now leave them."""
    if venue.cut_off:
        return {}
    symbol = stream.symbol
    for kind in ("freeze", "cross"):
        fault = venue.faults.lasting(kind)
        if fault is None or fault.symbol not in (None, symbol):
            continue
        if kind == "freeze":
            return {}
        return crossed(ticks(stream, venue.exchange))
    return ticks(stream, venue.exchange)


DATA = {
    "marketDataType": market_data_type,
    "marketData": market_data,
    "cancelMarketData": cancel_market_data,
    "historicalData": historical_data,
    "cancelHistoricalData": cancel_historical_data,
    "realtimeBars": realtime_bars,
    "cancelRealtimeBars": cancel_realtime_bars,
}
