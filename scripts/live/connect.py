"""``mw connect-test``: is everything there that a session needs; what to click where it is not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

from loguru import logger
from rich.console import Console

from engine.breadth import share
from engine.errors import LinkError, MarketWatchError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.options.contract import Product
from engine.universe import load_universe
from scripts.live.plan import Plan
from scripts.told import print_json

CHAINS = ("SPY", "QQQ")
LINK_LOG = "engine.ibkr.link"
SKEW_SECONDS = 2.0
QUOTE_SECONDS = 10.0
REFUSED_SECONDS = 1.0  # after the first refusal
DATA_HELP = (
    "Client Portal, Settings, Market Data Subscriptions: OPRA (US options) and US securities, then "
    "'Share with paper account'; in TWS: Configure, API, Settings: market data for API accepted"
)
BREADTH_HELP = (
    f"stocks are known from the open on; {DATA_HELP}; each takes a market-data line that the options "
    "leave of ibkr.line_budget: raise it, or lower ibkr.reach_moves"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the test; ``help`` says what to do when it failed."""

    name: str
    passed: bool
    text: str
    help: str = ""


def run(plan: Plan, as_json: bool = False) -> int:
    """Print PASS and FAIL lines, or all of it as JSON; return 0 when all passed, 3 otherwise."""
    console = Console(soft_wrap=True, quiet=as_json)
    failed, told = 0, []
    for check in checks(plan):
        failed += not check.passed
        told.append(asdict(check))
        word = "PASS" if check.passed else "FAIL"
        console.print(f"{word}  {check.name}: {check.text}", highlight=False)
        if check.help and not check.passed:
            console.print(f"      {check.help}", highlight=False)
    if as_json:
        print_json(told)
    console.print("All passed." if not failed else f"{failed} failed.")
    return 3 if failed else 0


def checks(plan: Plan) -> Iterator[Check]:
    """Yield the checks in the order in which one needs the other."""
    settings = plan.settings.ibkr
    link = Link(settings, plan.paper, plan.speed)
    logger.disable(LINK_LOG)  # what it would say here stands in the check
    try:
        link.start()
    except LinkError as error:
        yield Check("connection", False, str(error))
        return
    finally:
        logger.enable(LINK_LOG)
    try:
        yield Check("connection", True, f"{settings.host}:{settings.port}, client id {settings.client_id}")
        kind = "paper" if plan.paper else "live"
        yield Check("account", True, f"one {kind} account, as asked for")
        skew = abs(link.clock.skew) if plan.speed == 1.0 else 0.0
        yield Check(
            "clock", skew <= SKEW_SECONDS, f"{skew:.1f} s apart",
            "set this machine's clock by NTP: bars are stamped by TWS, orders by this machine",
        )  # fmt: skip
        yield from _chains(plan, link)
    finally:
        link.stop()


def _chains(plan: Plan, link: Link) -> Iterator[Check]:
    universe = load_universe(plan.config / "universe.json")
    names = [*CHAINS, *(symbol for symbol in plan.symbols if symbol not in CHAINS)]
    for symbol in names:
        if symbol in universe:
            yield _guarded(f"{symbol} chain", lambda symbol=symbol: _chain(plan, link, universe[symbol]))
    if plan.members:
        yield _guarded("breadth", lambda: _breadth(plan, link))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except MarketWatchError as error:
        return Check(name, False, str(error), DATA_HELP)


def _chain(plan: Plan, link: Link, product: Product) -> Check:
    """Check that a product's nearest options are listed and quoted."""
    symbol = product.symbol
    contracts = Contracts(link, {symbol: product})
    contracts.prepare([symbol])
    with closing(LiveQuotes(link, contracts, {symbol: product}, plan.settings.ibkr)) as book:
        book.start([symbol])
        for days in (0, 1):
            book.watch(symbol, days)
        return _quoted(book, symbol, len(contracts.expiries(symbol)))


def _quoted(book: LiveQuotes, symbol: str, listed: int) -> Check:
    name, expiry = f"{symbol} chain", None
    deadline = time.monotonic() + QUOTE_SECONDS
    while expiry is None and time.monotonic() < deadline:
        expiry = book.expiry(symbol, 0) or book.expiry(symbol, 1)
        if book.refused:  # the others' quotes are about to come, or refused as well
            deadline = min(deadline, time.monotonic() + REFUSED_SECONDS)
        time.sleep(0.05)
    if expiry is None:
        why = next(iter(set(book.refused.values())), f"no option quote within {QUOTE_SECONDS:g} s")
        return Check(name, False, f"{listed} expiries listed; {why}", DATA_HELP)
    chain = book.chain(symbol, expiry)
    quoted = sum(math.isfinite(ask) for ask in chain.ask)
    text = f"price {book.spot(symbol):g}, {expiry}: {quoted} of {len(chain.ask)} options quoted"
    return Check(name, quoted > 0, text, DATA_HELP)


def _breadth(plan: Plan, link: Link) -> Check:
    """Check that the stocks a filter counts are quoted, in the lines that a session's options leave."""
    contracts = Contracts(link, plan.products)
    contracts.prepare(plan.symbols)
    with closing(LiveQuotes(link, contracts, plan.products, plan.settings.ibkr, plan.members)) as book:
        book.start(plan.symbols)
        for symbol, ahead in plan.days_ahead().items():
            for days in sorted(ahead):
                book.watch(symbol, days)
        deadline = time.monotonic() + QUOTE_SECONDS
        while any(map(math.isnan, book.standings().values())) and time.monotonic() < deadline:
            time.sleep(0.05)
        found, lines = book.standings(), book.lines
    missing = [symbol for symbol, standing in found.items() if math.isnan(standing)]
    text = f"{len(found) - len(missing)} of {len(found)} stocks have a live price and today's open"
    text += f"; not {', '.join(missing)}" if missing else ""
    text += f"; {lines} of {plan.settings.ibkr.line_budget} market-data lines in use"
    return Check("breadth", math.isfinite(share(list(found.values()))), text, BREADTH_HELP)
