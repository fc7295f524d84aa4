"""Historical bars as a client asks for them, and those that are kept up to date."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from engine.gateway.checks import Refusal
from engine.gateway.codec import Values
from engine.gateway.exchange import Exchange, single
from engine.gateway.listing import Listing
from engine.gateway.reports import wire_time
from engine.sessions import NEW_YORK, OPEN_MINUTE, utc

DAY = 1440
SIZES = {
    "1 min": 1, "2 mins": 2, "3 mins": 3, "5 mins": 5, "10 mins": 10, "15 mins": 15, "20 mins": 20,
    "30 mins": 30, "1 hour": 60, "1 day": DAY,
}  # fmt: skip
SHOWN = ("TRADES", "MIDPOINT", "BID", "ASK", "OPTION_IMPLIED_VOLATILITY")
LONGEST_OPTION = 2000  # minutes of an option's history: the book is asked for every one
SPANS = {"S": 1, "D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "Y": 365 * 86_400}
_NO_VOLUME = -1.0
Row = tuple[int, float, float, float, float, float]  # stamp of the start, open, high, low, close, volume


@dataclass(frozen=True)
class KeptBars:
    """A subscription to bars: the request, what it watches, minutes of a bar, how dates are told."""

    request: int
    listing: Listing
    minutes: int
    format: int
    show: str


def parse(asked: Values, listing: Listing) -> KeptBars:
    """Return a request for bars as a subscription; `Refusal` for what is not served."""
    minutes = SIZES.get(asked["barSize"])
    if minutes is None:
        raise Refusal(
            321, f"Error validating request:-'bU' : cause - Bar size {asked['barSize']} is not served"
        )
    if asked["show"] not in SHOWN:
        raise Refusal(321, f"Error validating request:-'bU' : cause - {asked['show']} is not served")
    return KeptBars(asked["reqId"], listing, minutes, int(asked["formatDate"] or 1), asked["show"])


def request_rows(kept: KeptBars, asked: Values, exchange: Exchange, now: datetime) -> list[Row]:
    """Return the bars of a request, oldest first; `Refusal` where there are none."""
    end = min(_end(asked["end"]) or now, now)
    stop = int(np.searchsorted(exchange.market.tape.stamp, int(end.timestamp() * 1e9), side="right"))
    stop = min(stop, exchange.bar + 1)
    start = _start(asked["duration"], end, stop, exchange)
    found = list(rows(kept, exchange, start, stop))
    if not found:
        raise Refusal(162, "Historical Market Data Service error message:HMDS query returned no data")
    return found


def _end(text: str) -> datetime | None:
    if not text:
        return None
    words = text.replace("-", " ", 1).split()
    try:
        at = datetime.strptime(" ".join(words[:2]), "%Y%m%d %H:%M:%S")
    except ValueError:
        raise Refusal(
            321, f"Error validating request:-'bU' : cause - end date {text} is not understood"
        ) from None
    dashed = text[8:9] == "-"  # 20180305-15:00:00 is UTC
    return at.replace(tzinfo=UTC if dashed or words[2:] in (["UTC"], ["GMT"]) else NEW_YORK)


def _start(duration: str, end: datetime, stop: int, exchange: Exchange) -> int:
    words = duration.split()
    if len(words) != 2 or not words[0].isdigit() or words[1] not in SPANS:
        raise Refusal(321, f"Error validating request:-'bU' : cause - duration {duration} is not understood")
    count, unit = int(words[0]), words[1]
    tape = exchange.market.tape
    if unit == "D":  # sessions, the present one included
        row = int(tape.grid.day[stop - 1]) if stop else 0
        return int(tape.grid.first[max(row - count + 1, 0)])
    first = end - timedelta(seconds=count * SPANS[unit])
    return int(np.searchsorted(tape.stamp, int(first.timestamp() * 1e9), side="right"))


def rows(kept: KeptBars, exchange: Exchange, start: int, stop: int) -> Iterator[Row]:
    """Yield the bars of the minutes ``[start, stop)``, each of so many minutes of one session."""
    if start >= stop:
        return
    tape = exchange.market.tape
    open_, high, low, close, volume = _columns(kept, exchange, start, stop)
    group = (tape.grid.minute[start:stop].astype(np.int64) - OPEN_MINUTE - 1) // kept.minutes
    key = tape.grid.day[start:stop].astype(np.int64) * (DAY + 1) + group
    first = np.flatnonzero(np.diff(key, prepend=-1))
    last = np.append(first[1:], stop - start)
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        span = slice(a, b)
        if np.isnan(close[b - 1]):
            continue
        yield (
            int(tape.stamp[start + a]) // 1_000_000_000 - 60,
            float(open_[a]),
            float(np.nanmax(high[span])),
            float(np.nanmin(low[span])),
            float(close[b - 1]),
            float(volume[span].sum()) if volume[a] >= 0.0 else _NO_VOLUME,
        )


def _columns(kept: KeptBars, exchange: Exchange, start: int, stop: int) -> tuple[NDArray[np.float64], ...]:
    listing, span = kept.listing, slice(start, stop)
    none = np.full(stop - start, _NO_VOLUME)
    if listing.contract is not None:
        price = _option_path(kept, exchange, start, stop)
        return price, price, price, price, none
    if listing.instrument is None:
        price = exchange.market.indices[listing.symbol][span]
        return price, price, price, price, none
    bars = exchange.market.bars(listing.symbol)
    if kept.show == "OPTION_IMPLIED_VOLATILITY":
        price = bars.lines.get("atm_iv", np.full(len(bars), math.nan))[span]
        return price, price, price, price, none
    volume = bars.volume[span] if kept.show == "TRADES" and not listing.product_is_index else none
    return bars.open[span], bars.high[span], bars.low[span], bars.close[span], volume


def _option_path(kept: KeptBars, exchange: Exchange, start: int, stop: int) -> NDArray[np.float64]:
    assert kept.listing.instrument is not None
    if stop - start > LONGEST_OPTION:
        raise Refusal(162, "Historical Market Data Service error message:query is too long for an option")
    combo, book, found = single(kept.listing.instrument), exchange.market.book, []
    for bar in range(start, stop):
        book.move(bar)
        bid, ask = book.legs(combo)[0] if book.quote(combo) is not None else (math.nan, math.nan)
        found.append({"BID": bid, "ASK": ask}.get(kept.show, 0.5 * (bid + ask)))
    exchange.go(exchange.bar)
    return np.array(found)


def updates(kept: KeptBars, exchange: Exchange) -> list[Row]:
    """Return the bar that the present minute belongs to and, when it is complete, the one after.

    The new one holds only its first price, as at its beginning.
    """
    tape, bar = exchange.market.tape, exchange.bar
    first = int(tape.grid.first[tape.grid.day[bar]])
    left = (bar - first) % kept.minutes
    start = first if kept.minutes == DAY else bar - left
    found = list(rows(kept, exchange, start, bar + 1))
    complete = kept.minutes != DAY and left == kept.minutes - 1
    if complete and not exchange.last_of_day and bar + 1 < len(tape):
        for stamp, opened, *_, volume in rows(kept, exchange, bar + 1, bar + 2):
            found.append((stamp, opened, opened, opened, opened, min(volume, 0.0)))
    return found


def fields(row: Row, kept: KeptBars, version: int) -> Values:
    """Return a bar as message fields."""
    stamp, opened, high, low, close, volume = row
    at = utc(stamp * 1_000_000_000)
    if kept.minutes == DAY:
        date = f"{at:%Y%m%d}"
    else:
        date = str(stamp) if kept.format == 2 else wire_time(at, version)
    return {
        "date": date,
        "open": round(opened, 6),
        "high": round(high, 6),
        "low": round(low, 6),
        "close": round(close, 6),
        "volume": volume,
        "average": round((high + low + close) / 3.0, 6),
        "count": max(int(volume // 100), 1) if volume >= 0.0 else -1,
    }
