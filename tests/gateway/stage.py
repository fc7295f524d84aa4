"""A small market of four days and a gateway on it, whose clock stands until it is told to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import ib_insync as ibi
import numpy as np

from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.execution.settings import ExecutionSettings
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market
from engine.sessions import NEW_YORK, stamps
from engine.universe import load_universe
from feeds.model import ModelQuotes
from scripts.gateway_market import gateway_market

CONFIG = Path(__file__).parents[2] / "config"
DAYS = (date(2018, 3, 1), date(2018, 3, 2), date(2018, 3, 5), date(2018, 3, 6))
PRICES = {"XSP": 270.0, "SPX": 2700.0, "SPY": 270.0}


def bars(symbol: str, seed: int = 3) -> Bars:
    """Return minutes of a walk: XSP, SPX and SPY share it."""
    stamp = stamps(DAYS)
    draw = np.random.default_rng(seed)
    close = PRICES[symbol] * np.exp(np.cumsum(draw.normal(0.0, 0.0004, len(stamp))))
    opened = np.concatenate([[close[0]], close[:-1]])
    reach = PRICES[symbol] * np.abs(draw.normal(0.0, 0.0002, len(stamp)))
    lines = {
        "vix": np.full(len(stamp), 16.0),
        "put_volume": np.full(len(stamp), 40.0),
        "call_volume": np.full(len(stamp), 30.0),
    }
    high, low = np.maximum(opened, close) + reach, np.minimum(opened, close) - reach
    return Bars(symbol, stamp, opened, high, low, close, np.full(len(stamp), 1200.0), lines).check()


@cache
def market(**execution: Any) -> Market:
    """Return the market; its fill model with the given settings."""
    universe = load_universe(CONFIG / "universe.json")
    raw = {symbol: bars(symbol) for symbol in PRICES}
    products = {symbol: universe[symbol] for symbol in PRICES}
    book = ModelQuotes(raw, products)
    fees = FeeSchedule.load(CONFIG / "fees.yaml")
    return gateway_market(book.with_lines(), book, products, fees, ExecutionSettings(**execution))


def at(day: date, clock: str) -> datetime:
    """Return an instant, New York time."""
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), NEW_YORK)


def gateway(start: datetime | None = None, **settings: Any) -> Gateway:
    """Return a gateway at 10:00 of the second day whose clock stands."""
    given: dict[str, Any] = {"speed": 0.0, "cash": 100_000.0} | settings
    return Gateway(market(), start=start or at(DAYS[1], "10:00"), **given)


class Client(ibi.IB):
    """ib_insync's client and the errors it was sent: request, code, text."""

    def __init__(self) -> None:
        ibi.IB.__init__(self)  # named: mypy knows that the library is untyped, not that its heirs are
        self.errors: list[tuple[int, int, str]] = []


@contextmanager
def client(gw: Gateway, number: int = 1, **options: Any) -> Iterator[Client]:
    """Connect ib_insync, disconnect at the end."""
    try:
        asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:  # whoever has loaded the library before in this process has left none
        asyncio.set_event_loop(asyncio.new_event_loop())
    ib = Client()
    ib.errorEvent += lambda request, code, text, *_: ib.errors.append((request, code, text))
    ib.connect("127.0.0.1", gw.port, clientId=number, timeout=5.0, **options)
    try:
        yield ib
    finally:
        ibi.IB.disconnect(ib)


def sync(ib: ibi.IB) -> None:
    """Wait until the gateway has heard all that was sent, and all its answers are in."""
    ib.reqCurrentTime()


def later(gw: Gateway, ib: ibi.IB, minutes: int = 1) -> None:
    """Let minutes pass, and the client hear of it."""
    sync(ib)
    gw.step(minutes)
    sync(ib)


def codes(ib: Client) -> list[int]:
    """Return the errors a client has been sent, notices of its data farms left out."""
    return [code for _, code, _ in ib.errors if not 2100 <= code < 2200]


def near(ib: ibi.IB, symbol: str = "XSP", below: float = 2.0) -> tuple[Any, Any]:
    """Return two puts of today, the nearer one ``below`` the money, one strike apart."""
    kind = ibi.Stock(symbol, "SMART", "USD") if symbol == "SPY" else ibi.Index(symbol, "CBOE", "USD")
    (under,) = ib.qualifyContracts(kind)
    chain = ib.reqSecDefOptParams(symbol, "", under.secType, under.conId)[0]
    ticker = ib.reqMktData(under, "")
    sync(ib)
    ib.cancelMktData(under)
    strikes = [strike for strike in chain.strikes if strike <= ticker.last - below]
    puts = [
        ibi.Option(symbol, chain.expirations[0], strike, "P", "SMART", tradingClass=chain.tradingClass)
        for strike in (strikes[-1], strikes[-2])
    ]
    short, long = ib.qualifyContracts(*puts)
    return short, long


def spread(ib: ibi.IB, symbol: str = "XSP") -> tuple[ibi.Contract, float, float]:
    """Return a bull put spread as a BAG, with its bid and ask."""
    short, long = near(ib, symbol)
    legs = [
        ibi.ComboLeg(conId=short.conId, ratio=1, action="SELL", exchange="SMART"),
        ibi.ComboLeg(conId=long.conId, ratio=1, action="BUY", exchange="SMART"),
    ]
    bag = ibi.Contract(symbol=symbol, secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)
    ticker = ib.reqMktData(bag, "")
    sync(ib)
    ib.cancelMktData(bag)
    return bag, ticker.bid, ticker.ask


def lost(ib: ibi.IB) -> bool:
    """Wait for the end of a connection."""
    for _ in range(500):
        if not ib.isConnected():
            return True
        try:
            ib.sleep(0.01)
        except ConnectionError:
            return True
    return False
