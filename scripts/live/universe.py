"""``mw universe update``: the underlyings in the order of how well their options trade."""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from loguru import logger
from rich.console import Console
from rich.table import Table

from engine.errors import ConfigError, DataError, MarketWatchError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.live.files import write_text
from engine.options.chain import Chain
from engine.options.contract import Product
from engine.settings_files import did_you_mean
from engine.universe import load_universe
from scripts.live.plan import Plan
from scripts.progress import shown
from scripts.told import console_of, print_json

SOURCES = ("ibkr", "delayed")
QUOTE_SECONDS = 8.0
NEAR = 0.02  # strikes within this share of the price count for the spread
ROW = re.compile(r'^    "(?P<symbol>[^"]+)": \{.*\},?$')


@dataclass(frozen=True, slots=True)
class Ranked:
    """How well an underlying's options trade: contracts today, median spread over mid near the money."""

    symbol: str
    volume: float
    spread: float
    source: str

    @property
    def known(self) -> bool:
        return math.isfinite(self.volume) and math.isfinite(self.spread)


def update(plan: Plan, source: str = "ibkr", as_json: bool = False) -> list[Ranked]:
    """Rank the universe and write it back in that order, all else in the file as it was.

    Of symbols nothing is known of, the order stays, behind the others.

    Raises
    ------
    ConfigError
        An unknown source.
    DataError
        Nothing is known of any symbol; the file stays as it is.
    """
    if source not in SOURCES:
        hint = did_you_mean(source, SOURCES)
        raise ConfigError(f"--source: got {source!r}, expected one of {', '.join(SOURCES)}{hint}")
    path = plan.config / "universe.json"
    universe = load_universe(path)
    console = console_of(as_json)
    with shown(console, f"Asking for {len(universe)} symbols"):
        found = _live(plan, universe) if source == "ibkr" else {}
        for symbol, product in universe.items():
            if symbol not in found or not found[symbol].known:
                found[symbol] = _delayed(plan, product)
    ranked = rank(list(found.values()), list(universe))
    if not any(one.known for one in ranked):
        raise DataError(f"{path}: no source knows any symbol's options; the order stays as it is")
    write_text(path, reordered(path, [one.symbol for one in ranked]))
    load_universe(path)
    if as_json:
        print_json([asdict(one) for one in ranked])
    _show(console, ranked)
    return ranked


def rank(found: list[Ranked], before: list[str]) -> list[Ranked]:
    """Return the symbols by volume over spread, the unknown behind in the order they had."""
    known = sorted((one for one in found if one.known), key=lambda one: -one.volume / max(one.spread, 1e-4))
    rest = sorted((one for one in found if not one.known), key=lambda one: before.index(one.symbol))
    return [*known, *rest]


def reordered(path: Path, symbols: list[str]) -> str:
    """Return the file's text with the rows of its symbols in this order and nothing else changed.

    Raises
    ------
    ConfigError
        A symbol's row is not one line: the owner's own layout is not touched.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = ((number, line, ROW.match(line)) for number, line in enumerate(lines))
    rows = {match["symbol"]: (number, line) for number, line, match in found if match}
    missing = [symbol for symbol in symbols if symbol not in rows]
    if missing:
        raise ConfigError(f"{path}: the row of {missing[0]} is not one line, expected one line a symbol")
    places = sorted(rows[symbol][0] for symbol in symbols)
    for place, symbol in zip(places, symbols, strict=True):
        row = rows[symbol][1].rstrip(",")
        lines[place] = row if place == places[-1] else f"{row},"
    text = "\n".join(lines) + "\n"
    json.loads(text)
    return text


def spread_of(chain: Chain) -> float:
    """Return the median of spread over mid near the money, NaN without quotes."""
    near = np.abs(chain.strike / chain.spot - 1.0) <= NEAR
    mid = 0.5 * (chain.bid[near] + chain.ask[near])
    share = (chain.ask[near] - chain.bid[near]) / mid
    share = share[np.isfinite(share)]
    return float(np.median(share)) if len(share) else math.nan


def _live(plan: Plan, universe: dict[str, Product]) -> dict[str, Ranked]:
    """Ask TWS, one symbol after the other, so that no line budget is passed."""
    link = Link(plan.settings.ibkr, plan.paper, plan.speed)
    link.start()
    found = {}
    try:
        for symbol, product in universe.items():
            try:
                found[symbol] = _ask(plan, link, product)
            except MarketWatchError as error:
                logger.warning("universe: {}: {}", symbol, error)
    finally:
        link.stop()
    return found


def _ask(plan: Plan, link: Link, product: Product) -> Ranked:
    symbol = product.symbol
    contracts = Contracts(link, {symbol: product})
    contracts.prepare([symbol])
    with closing(LiveQuotes(link, contracts, {symbol: product}, plan.settings.ibkr)) as book:
        book.start([symbol])
        for days in range(6):
            book.watch(symbol, days)
        deadline, expiry = time.monotonic() + QUOTE_SECONDS, None
        while expiry is None and time.monotonic() < deadline:
            expiry = next(filter(None, (book.expiry(symbol, days) for days in range(6))), None)
            time.sleep(0.05)
        if expiry is None:
            raise DataError("no option is quoted")
        return Ranked(symbol, book.option_volume(symbol), spread_of(book.chain(symbol, expiry)), "ibkr")


def _delayed(plan: Plan, product: Product) -> Ranked:
    """Ask the delayed sources; unknown where none answers."""
    import pyarrow.compute as pc

    from feeds.delayed.fetch import Politeness
    from feeds.delayed.sources import Addresses, delayed

    told = plan.settings.delayed
    try:
        snapshot = delayed(
            product, told.sources, Addresses(told.cboe_url, told.barchart_url),
            Politeness(told.timeout_seconds, told.retries, told.cache_seconds),
        )  # fmt: skip
        chain = snapshot.chain(snapshot.expiries[0])
    except (MarketWatchError, OSError, IndexError) as error:
        logger.warning("universe: {}: {}", product.symbol, error)
        return Ranked(product.symbol, math.nan, math.nan, "unknown")
    volume = pc.sum(snapshot.table["volume"]).as_py()
    return Ranked(product.symbol, float(volume or math.nan), spread_of(chain), snapshot.source)


def _show(console: Console, ranked: list[Ranked]) -> None:
    table = Table("rank", "symbol", "option volume", "spread", "source")
    for number, one in enumerate(ranked, 1):
        volume = f"{one.volume:,.0f}" if math.isfinite(one.volume) else "-"
        spread = f"{one.spread:.1%}" if math.isfinite(one.spread) else "-"
        table.add_row(str(number), one.symbol, volume, spread, one.source)
    console.print(table)
