"""Bars and quotes of the symbols a command works on, from the settings and recordings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import lru_cache, reduce
from importlib.metadata import version
from pathlib import Path
from platform import machine
from typing import TYPE_CHECKING

import numpy as np

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.options.contract import Product, Settlement
from engine.sessions import cache_home, calendar_name
from engine.settings import Settings
from engine.settings_files import did_you_mean
from engine.universe import single_stocks
from feeds import kept as books
from feeds.breadth import breadth
from feeds.evidence import Side
from feeds.history import load_bars
from feeds.model import ModelQuotes, ModelSettings
from feeds.synthetic.conditioned import ConditionedSettings, conditioned
from feeds.synthetic.daily import daily_digest
from feeds.synthetic.derive import derive
from feeds.synthetic.simulated import SimulatedSettings, simulated
from scripts.requests import Recording

if TYPE_CHECKING:
    from feeds.recorded.book import RecordedQuotes

    Book = ModelQuotes | RecordedQuotes

ROOT = Path(__file__).resolve().parents[1]
INDEX = "SPX"  # what the generators make; every other symbol is derived from it
STILL_DAYS = 0.5  # share of sessions on which one VIX all day long is no minute's
GENERATORS = ("conditioned", "simulated")


def market(
    settings: Settings,
    universe: Mapping[str, Product],
    symbols: Iterable[str],
    seed: int | None = None,
    generator: str | None = None,
    recording: Recording | None = None,
    timerange: str | None = None,
    premium: float | None = None,
    kept: bool = False,
) -> tuple[dict[str, Bars], Book]:
    """Return the bars of all symbols, on the same minutes, and their quotes.

    Without a recording the index is generated and every other symbol derived from it.
    With one, the file's own symbol is read and the symbols that are the same index at
    another size (XSP of SPY, SPY of SPX) are scaled to it; nothing is invented for others.

    Parameters
    ----------
    settings : Settings
        ``data`` and ``quotes`` supply whatever is not given here.
    universe : mapping of symbol to Product
    symbols : iterable of str
        At least one; repetitions do no harm. The result keeps their order.
    seed, generator, premium : optional
        Instead of ``data.seed``, ``data.generator`` and ``quotes.premium``.
    recording : Recording, optional
        Recorded minute bars, and option quotes instead of the model's.
    timerange : str, optional
        ``20140103-20181231``, either side may be missing; instead of ``data.start`` and ``data.end``.
    kept : bool
        Take generated bars and their surfaces from the disk where they are, else leave them there.

    Returns
    -------
    bars : dict of symbol to Bars
        With the lines ``atm_iv`` and ``skew`` of the quotes, and ``vix`` where it was missing.
        ``notes`` say what is synthetic, scaled or filled in.
    quotes : ModelQuotes or RecordedQuotes
        Over exactly these bars.

    Raises
    ------
    ConfigError
        An unknown symbol or generator, or an unreadable time range.
    DataError
        The bars cannot be made or read, or a symbol cannot be had from the file.
    """
    products = {symbol: find_product(universe, symbol) for symbol in symbols}
    if not products:
        raise ConfigError("symbols: got none, expected at least one")
    max_age = round(settings.quotes.max_age_seconds * 1e9)
    chosen = settings.quotes.premium if premium is None else premium
    how = ModelSettings(chosen, settings.quotes.spread_scale)
    if recording:
        bars = recorded(universe, products, recording, _span(settings, timerange), max_age)
        model = ModelQuotes(bars, products, how)
    else:
        drawn = settings, products, seed, generator, timerange, members(settings, universe)
        model = kept_book(how, *drawn) if kept else ModelQuotes(generated(*drawn), products, how)
        bars = model.bars
    quotes: Book = model
    if recording and recording.quotes:
        from feeds.recorded.book import RecordedQuotes
        from feeds.store.store import QuoteStore

        store = QuoteStore.open(recording.quotes)
        flow = recording.flow or settings.needs_flow
        quotes = RecordedQuotes(store, bars, products, model, max_age, recording.mix, flow).check()
    return quotes.with_lines(), quotes


def generated(
    settings: Settings,
    products: Mapping[str, Product],
    seed: int | None = None,
    generator: str | None = None,
    timerange: str | None = None,
    breadth_of: Sequence[Product] = (),
) -> dict[str, Bars]:
    """Return synthetic bars of the products, all derived from one generated index.

    With ``breadth_of`` they carry the line ``breadth`` of those underlyings.
    """
    data = settings.data
    number = data.seed if seed is None else seed
    index = _index(settings, number, generator or data.generator, _span(settings, timerange))
    if breadth_of:
        line = breadth(derive(index, product, number) for product in breadth_of)
        index = replace(index, lines=dict(index.lines) | {"breadth": line})
    return {
        symbol: index if symbol == INDEX else derive(index, product, number)
        for symbol, product in products.items()
    }


def kept_book(
    how: ModelSettings,
    settings: Settings,
    products: Mapping[str, Product],
    seed: int | None,
    generator: str | None,
    timerange: str | None,
    breadth_of: Sequence[Product],
) -> ModelQuotes:
    """Return the model's quotes over `generated` bars, both from the disk where an earlier run left them."""
    told = [
        settings.data.model_dump(mode="json"), seed, generator, timerange, asdict(how), calendar_name(),
        [repr(product) for product in (*products.values(), *breadth_of)], len(products),
        daily_digest(settings.data.daily), _source(), np.__version__, version("numba"), machine(),
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]
    path = cache_home() / "books" / f"{digest}.bin"
    try:
        bars, surfaces = books.read(path)
        return ModelQuotes(bars, products, how, surfaces=surfaces)
    except (OSError, ValueError, KeyError, TypeError):
        bars = generated(settings, products, seed, generator, timerange, breadth_of)
    book = ModelQuotes(bars, products, how)
    try:
        books.write(path, bars, book.surfaces)
    except OSError:
        pass  # a full or read-only disk only costs the next start a second
    return book


@lru_cache(maxsize=1)
def _source() -> str:
    """Return a digest of all source that shapes bars and surfaces: another version's are others."""
    digest = hashlib.sha256()
    for folder in ("engine/options", "feeds", "feeds/synthetic"):
        for path in sorted((ROOT / folder).glob("*.py")):
            digest.update(path.read_bytes())
    names = "bars", "breadth", "kernels", "sessions"
    for name in (*(f"engine/{name}.py" for name in names), "scripts/market.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def members(settings: Settings, universe: Mapping[str, Product]) -> tuple[Product, ...]:
    """Return the underlyings whose breadth the settings ask for."""
    return tuple(single_stocks(universe).values()) if settings.common.regime.needs_breadth else ()


def recorded(
    universe: Mapping[str, Product],
    products: Mapping[str, Product],
    recording: Recording,
    span: tuple[date | None, date | None],
    max_age: int,
) -> dict[str, Bars]:
    """Return recorded bars of the products, scaled where a product is the same index.

    They are those of the bars' file, else of the store's snapshots; where symbols differ in
    their minutes, the common ones.
    """
    held, where = _held(products, recording, span, max_age)
    found: dict[str, Bars] = {}
    for symbol, product in products.items():
        if symbol in held:
            found[symbol] = held[symbol]
            continue
        source = next((name for name in held if _is_index(find_product(universe, name))), None)
        if source is None or not _is_index(product):
            raise DataError(
                f"{where}: {symbol}: holds {', '.join(held) or 'no such'} bars, which {symbol} cannot be "
                f"scaled from; expected bars of {symbol} or of an index it follows one to one"
            )
        factor = product.scale / universe[source].scale
        note = f"{symbol} prices are {source} prices times {factor:g}, not {symbol}'s own."
        scaled = held[source].scaled(factor, symbol)
        found[symbol] = replace(scaled, notes=(*scaled.notes, note))
    common = reduce(np.intersect1d, (bars.stamp for bars in found.values()))
    return {symbol: bars.at(common) for symbol, bars in found.items()}


def _held(
    products: Mapping[str, Product],
    recording: Recording,
    span: tuple[date | None, date | None],
    max_age: int,
) -> tuple[dict[str, Bars], Path]:
    """Return the bars a recording holds, by symbol, and where it stands."""
    from feeds.recorded.minutes import minutes
    from feeds.store.store import QuoteStore

    if recording.bars is not None:
        side = stamped_side(recording.stamped)
        bars = load_bars(recording.bars, dict(recording.columns), recording.zone, side, recording.symbol)
        return {bars.symbol: _with_care(bars.between(*span).unbroken())}, recording.bars
    assert recording.quotes is not None
    store = QuoteStore.open(recording.quotes)
    found = {}
    for symbol in [name for name in products if name in store.symbols()] or store.symbols()[:1]:
        am = symbol in products and products[symbol].settlement is Settlement.CASH_AM
        found[symbol] = minutes(store, symbol, *span, max_age, am).unbroken()
    return found, recording.quotes


def _with_care(bars: Bars) -> Bars:
    """Return a file's bars with notes on lines that do not serve, or not as they seem."""
    notes = []
    own = [name for name in ("atm_iv", "skew") if name in bars.lines]
    if own:
        notes.append(f"Not used: {', '.join(own)} of the file; they are those of the option quotes.")
    vix, first = bars.lines.get("vix"), bars.grid.first
    if vix is not None and len(first) > 1:
        still = np.maximum.reduceat(vix, first) == np.minimum.reduceat(vix, first)
        if still.mean() > STILL_DAYS:
            notes.append(
                "VIX stands still all session long: if it is the day's close, the bots know it too early."
            )
    return replace(bars, notes=(*bars.notes, *notes))


def stamped_side(text: str | None) -> Side | None:
    """Return which end of a bar its stamp is."""
    sides: dict[str | None, Side | None] = {None: None, "start": "start", "end": "end"}
    if text not in sides:
        raise ConfigError(f"stamped: got {text!r}, expected start or end")
    return sides[text]


def find_product(universe: Mapping[str, Product], symbol: str) -> Product:
    """Return a product by its symbol; ConfigError names the nearest when there is none."""
    if symbol not in universe:
        hint = did_you_mean(symbol, universe)
        raise ConfigError(f"symbol: got {symbol!r}, expected one of config/universe.json{hint}")
    return universe[symbol]


def parse_timerange(text: str) -> tuple[date | None, date | None]:
    """Return first and last day of ``YYYYMMDD-YYYYMMDD``; a missing side is None."""
    first, dash, last = text.strip().partition("-")
    try:
        if not dash or not (first or last):
            raise ValueError
        start, end = (datetime.strptime(day, "%Y%m%d").date() if day else None for day in (first, last))
    except ValueError:
        raise ConfigError(
            f"timerange: got {text!r}, expected YYYYMMDD-YYYYMMDD, for instance 20140103-20181231"
        ) from None
    if start and end and end < start:
        raise ConfigError(f"timerange: got {text!r}, expected the first day not after the last")
    return start, end


def _span(settings: Settings, timerange: str | None) -> tuple[date | None, date | None]:
    return parse_timerange(timerange) if timerange else (settings.data.start, settings.data.end)


def _index(settings: Settings, seed: int, generator: str, span: tuple[date | None, date | None]) -> Bars:
    data = settings.data
    start, end = span
    if generator == "conditioned":
        daily = Path(data.daily) if data.daily else None
        return conditioned(ConditionedSettings(start, end, seed, daily, data.level))
    if generator == "simulated":
        given = {"start": start, "end": end, "level": data.level}
        return simulated(
            SimulatedSettings(
                seed=seed, **{name: value for name, value in given.items() if value is not None}
            )
        )
    raise ConfigError(f"generator: got {generator!r}, expected one of {', '.join(GENERATORS)}")


def _is_index(product: Product) -> bool:
    return product.beta == 1.0 and product.idiosyncratic == 0.0
