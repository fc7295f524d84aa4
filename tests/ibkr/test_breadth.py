"""The universe's stocks beside the options: counted where they are known, within the line budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isfinite, isnan
from typing import Any

import numpy as np
import pytest
from loguru import logger

from engine.bars import Bars
from engine.gateway.faults import Fault, Faults
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market, Watched
from engine.gateway.venue import Venue
from engine.ibkr.contracts import VIX, Contracts
from engine.ibkr.library import library
from engine.ibkr.link import Link
from engine.ibkr.members import Members
from engine.ibkr.quotes import LiveQuotes
from engine.ibkr.seen import Seen
from engine.options.combo import put_spread
from engine.options.contract import Product
from engine.sessions import stamps
from engine.settings_ibkr import IbkrSettings
from engine.universe import load_universe, single_stocks
from scripts.live.connect import checks
from scripts.live.plan import make_plan
from tests.ibkr.rig import CONFIG, DAYS, FAST, TODAY, at, market, products, until

MOVED = {"AAPL": 1.0, "MSFT": 1.0, "NVDA": -1.0, "TSLA": 0.0}  # from today's open, 100, all day
SHARE = (1.0 + 1.0 + 0.0 + 0.5) / 4
REFUSE = {"do": "refuse", "event": "request", "request": "marketData", "nth": 0, "code": 354}


def stock(product: Product) -> Watched:
    """Return a stock that opened yesterday at 50 and today at 100, and has stood beside that since."""
    stamp = stamps(DAYS)
    half = len(stamp) // 2
    level = np.full(len(stamp), 100.0 + MOVED.get(product.symbol, 1.0))
    opened = level.copy()
    opened[0], opened[half] = 50.0, 100.0
    high, low = np.maximum(opened, level), np.minimum(opened, level)
    made = Bars(product.symbol, stamp, opened, high, low, level, np.full(len(stamp), 1200.0)).check()
    return Watched(product, made, lambda price: 0.01)


def members() -> dict[str, Product]:
    universe = load_universe(CONFIG / "universe.json")
    return {symbol: universe[symbol] for symbol in MOVED}


def stocked(counted: dict[str, Product]) -> Market:
    return replace(market(), stocks={symbol: stock(product) for symbol, product in counted.items()})


@dataclass
class Counting:
    """A book that counts stocks beside XSP, and the gateway it streams from."""

    gateway: Gateway
    link: Link
    book: LiveQuotes

    def breadth(self) -> float:
        return self.book.lines_of("XSP")["breadth"]

    def known(self) -> int:
        return sum(map(isfinite, self.book.standings().values()))

    def cut(self) -> None:
        """Let the gateway end the connection."""

        def close(venue: Venue) -> None:
            for client in venue.clients:
                client.close()

        self.gateway.call(close)

    def streams(self) -> list[str]:
        """Return what the gateway streams, a line each."""
        return self.gateway.call(
            lambda venue: [
                one.listing.local_symbol
                for client in venue.clients
                for one in client.streams.values()
                if one.listing is not None
            ]
        )


@contextmanager
def counting(
    start: str = "10:00",
    faults: Sequence[dict[str, Any]] = (),
    counted: dict[str, Product] | None = None,
    **settings: Any,
) -> Iterator[Counting]:
    script = Faults([Fault.model_validate(fault) for fault in faults])
    with Gateway(stocked(members()), start=at(start), speed=240.0, seed=5, faults=script) as gateway:
        chosen = IbkrSettings(
            port=gateway.port, **(FAST | {"quote_age": 150.0, "line_budget": 100} | settings)
        )
        link = Link(chosen, paper=True, speed=240.0)
        link.start()
        try:
            contracts = Contracts(link, products())
            contracts.prepare(["XSP"])
            book = LiveQuotes(link, contracts, products(), chosen, members() if counted is None else counted)
            book.start(["XSP"])
            until(lambda: isfinite(book.spot(VIX)))  # by which the window is measured
            book.watch("XSP", 0)
            yield Counting(gateway, link, book)
        finally:
            link.stop()


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Return the warnings that the user is shown."""
    kept: list[str] = []
    number = logger.add(lambda line: kept.append(str(line)), level="WARNING", format="{message}")
    yield kept
    logger.remove(number)


def ticker(last: float = 101.0, opened: float = 100.0, told: int = 14, **more: Any) -> Any:
    """Return a ticker of the client library that has just been told an open."""
    made = library().Ticker(last=last, open=opened, marketDataType=1, **more)
    made.ticks.append(library().TickData(None, told, opened, 0))
    return made


def test_an_open_is_todays_when_it_is_told_after_the_bell_and_stands_until_the_day_is_over() -> None:
    book = Members(members())
    tomorrow = TODAY + timedelta(days=3)

    def share(clock: str, day: date = TODAY) -> float:
        now = at(clock, day)
        seen = {symbol: Seen.of(ticker(100.0 + MOVED[symbol]), now.timestamp()) for symbol in MOVED}
        return book.share(book.standings(seen, now, 60.0))

    for symbol in MOVED:
        book.hear(symbol, ticker(opened=50.0), at("09:00").timestamp())
    assert isnan(share("09:20")) and isnan(share("09:31")), "told before the bell, it is yesterday's"
    for symbol in MOVED:
        book.hear(symbol, ticker(opened=100.0), at("09:31").timestamp())
        book.hear(symbol, ticker(opened=-1.0), at("09:32").timestamp())
        book.hear(symbol, ticker(opened=200.0, told=9), at("09:33").timestamp())
    assert share("09:34") == share("15:59") == SHARE, "kept for the day"
    assert isnan(share("09:34", tomorrow))


def test_a_stock_that_is_traded_takes_no_line_of_its_own() -> None:
    book = Members(members())
    wanted = book.choose(book.stocks, {"XSP", "VIX", "AAPL"}, room=3)
    assert [stock.symbol for stock in wanted] == ["MSFT", "NVDA", "TSLA"]
    assert book.choose(book.stocks, {"XSP", "VIX", "AAPL"}, room=2) == []


def test_a_stock_that_is_not_listed_is_named_once(told: list[str]) -> None:
    book = Members(members())
    for _ in range(2):
        assert len(book.choose(book.stocks[1:], {"XSP", "VIX"}, room=9)) == 3
    assert [line.strip() for line in told] == ["ibkr: breadth is without AAPL: not listed, or no answer"]


def test_a_halted_a_delayed_and_a_stale_price_are_none() -> None:
    assert Seen.of(ticker(), 0.0).trade(60.0, 60.0) == 101.0
    assert isnan(Seen.of(ticker(), 0.0).trade(61.0, 60.0))
    assert isnan(Seen.of(ticker(halted=2.0), 0.0).trade(1.0, 60.0))
    assert isnan(Seen.of(replace(ticker(), marketDataType=3), 0.0).trade(1.0, 60.0))


def test_a_refused_stock_is_named_once_and_the_others_count_before_and_after_a_lost_connection(
    told: list[str],
) -> None:
    with counting(faults=({**REFUSE, "symbol": "AAPL"},)) as one:
        until(lambda: one.breadth() == (1.0 + 0.0 + 0.5) / 3)
        one.cut()
        until(lambda: one.link.attempts == 1)
        until(lambda: one.breadth() == (1.0 + 0.0 + 0.5) / 3)
    (line,) = [line for line in told if "AAPL" in line]
    assert "no market data subscription" in line


def test_fewer_than_half_of_the_stocks_known_is_unknown_and_is_said_once(told: list[str]) -> None:
    refused = [{**REFUSE, "symbol": symbol} for symbol in ("AAPL", "MSFT", "NVDA")]
    with counting(faults=refused) as one:
        until(lambda: one.known() == 1)
        assert isnan(one.breadth()) and isnan(one.breadth())
    assert sum("breadth is unknown: 1 of 4 stocks" in line for line in told) == 1


def test_a_stock_that_sends_nothing_any_more_does_not_count() -> None:
    frozen = {"do": "freeze", "at": "10:12", "seconds": 3600, "symbol": "MSFT"}
    with counting(faults=(frozen,)) as one:
        until(lambda: one.breadth() == (1.0 + 0.0 + 0.5) / 3)


def test_stocks_are_counted_among_the_lines_and_make_room_for_options(told: list[str]) -> None:
    with counting(line_budget=22, reach_moves=1.0) as one:
        until(lambda: set(MOVED) <= set(one.streams()))
        options = {name for name in one.streams() if len(name) == 21}
        assert one.book.lines == 4 + len(options) + len(MOVED) <= 22
        far = [put_spread(products()["XSP"], TODAY, short, short - 1.0) for short in (264.0, 262.0, 260.0)]
        for combo in far:
            one.book.hold(combo)
        until(lambda: not set(MOVED) & set(one.streams()))
        until(lambda: len({name for name in one.streams() if len(name) == 21} - options) == 6)
        assert options <= set(one.streams()) and one.book.lines <= 22 and isnan(one.breadth())
        assert [line for line in told if "4 stocks want a market-data line each, the options leave" in line]
        for combo in far:
            one.book.release(combo)
        until(lambda: one.breadth() == SHARE)
    assert len(told) == 1


def test_without_a_filter_no_stock_is_streamed_and_a_closed_book_gives_its_lines_back() -> None:
    with counting(counted={}) as one:
        until(lambda: len(one.streams()) > 10)
        assert not set(MOVED) & set(one.streams()) and "breadth" not in one.book.lines_of("XSP")
        one.book.close()
        until(lambda: one.streams() == [])


def test_the_connection_test_counts_the_stocks_and_passes_no_lines_on_from_chain_to_chain() -> None:
    counted = single_stocks(load_universe(CONFIG / "universe.json"))
    with Gateway(stocked(counted), start=at("10:00"), speed=60.0, seed=5, lines=60) as gateway:
        asked = {
            "ibkr": {
                "port": gateway.port,
                "quote_age": 150.0,
                "line_budget": 60,
                "reach_moves": 1.0,
                "messages_per_second": 49,
            },
            "common": {"regime": {"breadth_max": 0.9}},
        }
        plan = replace(make_plan(CONFIG, "paper", ("condor",), overrides=asked), speed=60.0)
        found = {check.name: check for check in checks(plan)}
    assert found["SPY chain"].passed and found["XSP chain"].passed
    assert found["breadth"].passed, found["breadth"]
    assert found["breadth"].text.startswith("20 of 20 stocks have a live price and today's open; ")
