"""Implied volatility of past sessions as the broker measures it, for ranks that need a year.

TWS serves its own 30-day implied volatility as history and, streaming, as generic tick 106. That is
another measure than the at-the-money volatility of today's expiry, which nobody serves for the past:
where it is known, a rank compares values of this one series only, today's included. A past session
stands with its value at 10:30, the close of the half hour that ends then, as in `IvRank`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from loguru import logger

from engine.errors import LinkError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.indicators.rank import SAMPLE_MINUTE
from engine.sessions import NEW_YORK, sessions_ahead

DAYS = 366  # calendar days looked back
PIECE = "1 M"  # the most TWS gives of half-hour bars in one request
PAUSE = 0.5  # seconds between requests: TWS takes six of one contract in two
PIECES = 14
SERIES = "OPTION_IMPLIED_VOLATILITY"
PATIENCE = 60.0  # seconds for one answer
MOMENT = "%Y%m%d-%H:%M:%S"  # UTC
BAR_MINUTES = 30
NO_DATA = "returned no data"  # error 162 stands for asking too often as well

Past = tuple[tuple[int, float], ...]


class PastVolatility:
    """Fetches what is missing of the last year, once a day and symbol, and keeps it.

    Parameters
    ----------
    link : Link
    contracts : Contracts
        Prepared.
    folder : Path
        A file a symbol is kept there.
    """

    def __init__(self, link: Link, contracts: Contracts, folder: Path) -> None:
        self._link, self._contracts, self._folder = link, contracts, folder

    def fetch(self, symbols: Sequence[str], today: date) -> dict[str, Past]:
        """Return the sessions before today, oldest first, as ordinal of the day and value; blocks.

        A symbol of which the broker serves nothing is missing; the log says why.
        """
        patience = PIECES * (PATIENCE + PAUSE) * len(symbols)
        return self._link.call(lambda ib: self._fetch(symbols, today), "past volatility", patience)

    async def _fetch(self, symbols: Sequence[str], today: date) -> dict[str, Past]:
        found = {}
        for symbol in symbols:
            known = self._read(symbol)
            if sessions_ahead(today, -1) not in known:
                try:
                    known |= await self._missing(symbol, known, today)
                    self._write(symbol, known)
                except LinkError as error:
                    instead = f"{len(known)} days known before" if known else "what was measured here"
                    logger.warning("ibkr: {}; ranked among {}", error, instead)
            past = {day: value for day, value in known.items() if day < today}
            if past:
                found[symbol] = tuple((day.toordinal(), past[day]) for day in sorted(past))
        return found

    async def _missing(self, symbol: str, known: Mapping[date, float], today: date) -> dict[date, float]:
        """Ask backwards from today until what is known, or until there is no more."""
        since = max(known, default=today - timedelta(days=DAYS)) + timedelta(days=1)
        found: dict[date, float] = {}
        end = today
        for _ in range(PIECES):
            try:
                older = samples(await self._piece(symbol, end))
            except LinkError as error:
                if found and NO_DATA in str(error):
                    break
                raise  # asked too often, say: a half year kept for a whole one would never be completed
            older = {day: value for day, value in older.items() if day < end}
            if not older:
                break
            found |= older
            end = min(older)
            if end <= since:
                break
            await asyncio.sleep(PAUSE)
        return found

    async def _piece(self, symbol: str, before: date) -> Iterable[Any]:
        midnight = datetime.combine(before, time(), NEW_YORK).astimezone(UTC)
        contract = self._contracts.underlying(symbol)
        bars: Iterable[Any] = await self._link.ask(
            lambda ib: ib.reqHistoricalDataAsync(
                contract, midnight.strftime(MOMENT), PIECE, f"{BAR_MINUTES} mins", SERIES,
                useRTH=True, formatDate=2, timeout=0,
            ),
            f"implied volatility of {symbol}",
            PATIENCE,
        )  # fmt: skip
        return bars

    def _path(self, symbol: str) -> Path:
        return self._folder / f"implied-{symbol}.json"

    def _read(self, symbol: str) -> dict[date, float]:
        path = self._path(symbol)
        if not path.is_file():
            return {}
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return {date.fromisoformat(day): float(value) for day, value in told.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("ibkr: {}: unreadable ({}), asked for anew", path, error)
            return {}

    def _write(self, symbol: str, known: Mapping[date, float]) -> None:
        path = self._path(symbol)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".tmp")
        half.write_text(json.dumps({str(day): known[day] for day in sorted(known)}), encoding="utf-8")
        os.replace(half, path)


def samples(bars: Iterable[Any]) -> dict[date, float]:
    """Return of each session the first value at or after 10:30: a bar's close, at its end."""
    found: dict[date, float] = {}
    for bar in sorted(bars, key=lambda bar: bar.date):
        ended = bar.date.astimezone(NEW_YORK) + timedelta(minutes=BAR_MINUTES)
        close = float(bar.close)
        if ended.hour * 60 + ended.minute >= SAMPLE_MINUTE and isfinite(close) and close > 0.0:
            found.setdefault(ended.date(), close)
    return found
