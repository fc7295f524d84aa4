"""Fetch days of minute bars through ib_insync: paced, retried, reconnected, resumable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from loguru import logger

from engine.errors import DataError
from engine.options.contract import Product, Style
from engine.sessions import MINUTE_NS, stamps
from feeds.ibkr_history.pacing import Pacing, Rules
from feeds.ibkr_history.parts import COLUMNS, Parts

NO_DATA = ("no data", "query returned no")
PACED = ("pacing violation",)
REFUSED = {
    162: "IBKR refuses its history",
    200: "IBKR knows no such contract",
    321: "IBKR does not accept the request",
    354: "the account has no market data subscription for it",
    366: "IBKR has forgotten the request",
    420: "the account has no market data subscription for it",
    10187: "the account has no market data subscription for it",
}


@dataclass(frozen=True)
class Link:
    """Where TWS or the gateway listens, and how patient to be with it (seconds)."""

    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 21
    timeout: float = 60.0
    retries: int = 5
    backoff: float = 2.0
    pacing_backoff: float = 30.0
    rules: Rules = field(default_factory=Rules)


Progress = Callable[[int, int, float], None]


def download(
    link: Link,
    wanted: Sequence[tuple[Product, Parts]],
    days: Sequence[date],
    progress: Progress | None = None,
) -> int:
    """Fetch every day that is missing and return how many were asked for.

    Parameters
    ----------
    link : Link
    wanted : sequence of (Product, Parts)
        What to fetch, and where the days are kept.
    days : sequence of date
        Trading days whose sessions are over.
    progress : callable, optional
        Called with requests done, requests in all and the seconds the rest takes at least.

    Raises
    ------
    DataError
        One line: nobody listens, the connection is lost for good, or IBKR refuses; days
        fetched before are kept.
    """
    todo = [(product, parts, day) for day in days for product, parts in wanted if not parts.has(day)]
    if todo:
        asyncio.run(_Fetch(link, progress).run(todo))
    return len(todo)


class _Fetch:
    def __init__(self, link: Link, progress: Progress | None) -> None:
        from ib_insync import IB  # here: on Python 3.12 and later its import needs the loop that now runs

        logging.getLogger("ib_insync").setLevel(logging.CRITICAL)  # its errors are ours to tell
        self.link, self.progress = link, progress
        self.pacing = Pacing(link.rules)
        self.ib: Any = IB()
        self.ib.RaiseRequestErrors = True
        self.ib.errorEvent += self._heard
        self._said = ""  # last error that belongs to no request, such as 326: client id in use

    async def run(self, todo: list[tuple[Product, Parts, date]]) -> None:
        try:
            for done, (product, parts, day) in enumerate(todo):
                if self.progress:
                    self.progress(done, len(todo), self.pacing.seconds(len(todo) - done))
                stamp, values = await self._day(product, day)
                parts.write(day, stamp, values)
        finally:
            self.ib.client.disconnect()

    def _heard(self, request: int, code: int, text: str, contract: Any) -> None:
        if request == -1 and not 2100 <= code < 2200:
            self._said = f" (error {code}: {text.strip()})"

    async def _connect(self) -> None:
        link = self.link
        if self.ib.client.isReady():
            return
        try:
            # the client alone: history needs neither the account nor the orders
            await self.ib.client.connectAsync(link.host, link.port, link.client_id, link.timeout)
        except OSError as error:
            raise ConnectionError(str(error)) from None

    async def _day(self, product: Product, day: date) -> tuple[np.ndarray, np.ndarray]:
        """Return bar ends and prices of one day, none where IBKR has none."""
        link, trouble = self.link, ""
        for attempt in range(link.retries + 1):
            if attempt:
                logger.info("{} {}: {}; attempt {}", product.symbol, day, trouble, attempt + 1)
            try:
                await self._connect()
                return _columns(await self._ask(product, day))
            except ConnectionError as error:
                trouble, pause = f"no connection: {error}{self._said}", link.backoff * 2**attempt
            except TimeoutError:
                self.ib.client.disconnect()  # what it still sends would answer the wrong question
                trouble, pause = f"no answer within {link.timeout:g} s{self._said}", link.backoff
            except _Refusal as refusal:
                if refusal.empty:
                    return np.empty(0, np.int64), np.empty((0, len(COLUMNS)))
                if not refusal.paced:
                    raise DataError(f"{product.symbol} {day}: {refusal}") from None
                trouble, pause = "pacing violation", link.pacing_backoff * 2**attempt
            if attempt < link.retries:
                await asyncio.sleep(pause)
        raise DataError(
            f"{link.host}:{link.port}: {trouble}; expected TWS or IB Gateway with its API switched on "
            f"({link.retries + 1} attempts)"
        )

    async def _ask(self, product: Product, day: date) -> list[Any]:
        from ib_insync import RequestError

        end = datetime.fromtimestamp(int(stamps([day])[-1]) // 1_000_000_000, UTC)
        request = f"{product.symbol} {end:%Y%m%d}"
        while (pause := self.pacing.wait(time.monotonic(), product.symbol, request)) > 0.0:
            await asyncio.sleep(pause)
        self.pacing.sent(time.monotonic(), product.symbol, request)
        asked = self.ib.reqHistoricalDataAsync(
            _contract(product), end, "1 D", "1 min", "TRADES", useRTH=True, formatDate=2, timeout=0
        )
        try:
            return list(await asyncio.wait_for(asked, self.link.timeout))
        except RequestError as error:
            raise _Refusal(error.code, error.message) from None


class _Refusal(Exception):
    def __init__(self, code: int, text: str) -> None:
        told = text.lower()
        self.empty = code == 162 and any(words in told for words in NO_DATA)
        self.paced = code == 162 and any(words in told for words in PACED)
        super().__init__(f"{REFUSED.get(code, 'IBKR refuses')} (error {code}: {text.strip()})")


def _contract(product: Product) -> Any:
    from ib_insync import Index, Stock

    if product.style is Style.EUROPEAN:
        return Index(product.symbol, "CBOE", "USD")
    return Stock(product.symbol, "SMART", "USD")


def _columns(bars: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return bar ends and prices; IBKR stamps a bar with its start, volume of an index is -1 or 0."""
    starts = np.array([round(bar.date.timestamp()) for bar in bars], np.int64)
    values = np.array([[bar.open, bar.high, bar.low, bar.close, max(bar.volume, 0.0)] for bar in bars])
    return starts * 1_000_000_000 + MINUTE_NS, values.reshape(-1, len(COLUMNS))
