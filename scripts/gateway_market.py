"""The market a gateway plays: the project's own bars and quotes, synthetic or recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from engine.bars import Bars
from engine.broker.allocation import leg_cents
from engine.broker.fees import Execution, FeeSchedule
from engine.execution.settings import ExecutionSettings
from engine.gateway.market import Market, Traded, Watched
from engine.options.contract import Product
from engine.options.quotebook import QuoteBook
from engine.settings import Settings
from engine.tape import Tape

VIX = "VIX"


def gateway_market(
    bars: Mapping[str, Bars],
    book: QuoteBook,
    products: Mapping[str, Product],
    fees: FeeSchedule,
    execution: ExecutionSettings,
    stocks: Mapping[str, Watched] | None = None,
) -> Market:
    """Return bars and quotes of a backtest as a gateway's market.

    Fills, fees and the prices of legs are those of the simulated broker. Bars that carry a
    line ``vix`` also list the index VIX. Of ``stocks`` those that are not traded are watched.
    """

    def order_fees(done: Sequence[Traded], day: date) -> float:
        return fees.order_fees([Execution(one.instrument, one.quantity, one.price) for one in done], day)

    from feeds.recorded.book import RecordedQuotes

    first = next(iter(bars.values()))
    indices = {VIX: first.lines["vix"]} if "vix" in first.lines else {}
    watched = {symbol: stock for symbol, stock in (stocks or {}).items() if symbol not in bars}
    made = Market(Tape(bars), book, products, execution, order_fees, leg_cents, indices, stocks=watched)
    return replace(made, listed=book.listed) if isinstance(book, RecordedQuotes) else made


def watched_stocks(
    settings: Settings, members: Mapping[str, Product], seed: int | None, timerange: str | None
) -> dict[str, Watched]:
    """Return the synthetic stocks whose breadth a backtest counts, with the spreads of its shares."""
    from feeds.spreads import share_half_spread1
    from scripts.market import generated

    bars = generated(settings, members, seed, timerange=timerange) if members else {}
    return {
        symbol: Watched(members[symbol], held, lambda price: share_half_spread1(price, True))
        for symbol, held in bars.items()
    }


def synthetic_market(
    settings: Settings,
    universe: Mapping[str, Product],
    symbols: Iterable[str],
    fees: FeeSchedule,
    seed: int | None = None,
    timerange: str | None = None,
) -> Market:
    """Return the market of synthetic bars and model quotes, as ``mw backtest`` makes them."""
    from scripts.market import market

    bars, book = market(settings, universe, symbols, seed=seed, timerange=timerange)
    execution = ExecutionSettings(**settings.execution.model_dump())
    return gateway_market(bars, book, {symbol: universe[symbol] for symbol in bars}, fees, execution)
