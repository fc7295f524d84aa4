"""``mw chain SYMBOL --live``: one chain with its greeks, as TWS quotes it now."""

from __future__ import annotations

import time
from pathlib import Path

from engine.errors import DataError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.options.chain import Chain
from engine.settings import Settings
from engine.universe import load_universe
from scripts.chain import print_chain
from scripts.market import find_product
from scripts.told import console_of

QUOTE_SECONDS = 10.0
SETTLE = 0.5  # wall seconds for the quotes of the whole window to come in


def run(symbol: str, config: Path, days: int = 0, speed: float = 1.0, as_json: bool = False) -> Chain:
    """Print a live chain, and return it.

    Raises
    ------
    LinkError
        No connection, or no data.
    DataError
        Nothing that is quoted expires on the day asked for.
    """
    settings = Settings.load(config).ibkr
    product = find_product(load_universe(config / "universe.json"), symbol)
    link = Link(settings, paper=settings.port not in (7496, 4001), speed=speed)
    link.start()
    try:
        contracts = Contracts(link, {symbol: product})
        contracts.prepare([symbol])
        book = LiveQuotes(link, contracts, {symbol: product}, settings)
        book.start([symbol])
        book.watch(symbol, days)
        deadline = time.monotonic() + QUOTE_SECONDS
        while (expiry := book.expiry(symbol, days)) is None:
            if time.monotonic() > deadline:
                why = next(iter(book.refused.values()), "no option quote came")
                raise DataError(f"{symbol}: nothing quoted expires {days} sessions from now: {why}")
            time.sleep(0.05)
        time.sleep(SETTLE)
        chain = book.chain(symbol, expiry)
    finally:
        link.stop()
    print_chain(chain, days, console_of(as_json), "ibkr" if as_json else None)
    return chain
