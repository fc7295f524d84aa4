"""One chain with its greeks, printed: the model's at a past instant, or a delayed one of now."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from engine.errors import ConfigError, DataError
from engine.options.chain import Chain
from engine.options.contract import Right
from engine.options.expected_move import Convention, ExpectedMove, expected_move
from engine.sessions import NEW_YORK, close_minute, is_session, sessions_ahead
from engine.settings import Settings, clock
from engine.tape import Tape
from engine.universe import load_universe
from scripts.market import find_product, market
from scripts.progress import shown
from scripts.told import console_of, print_json

REACH_SD = 3.0  # strikes further from the forward are left out
FEWEST = 5  # strikes kept on either side even so
MOST = 45  # rows printed at most, nearly; beyond that strikes are thinned out
WIDTH = 110  # columns where the output is no terminal


def run(
    symbol: str,
    at: str,
    config: Path,
    seed: int | None = None,
    premium: float | None = None,
    days: int = 0,
    as_json: bool = False,
    console: Console | None = None,
) -> Chain:
    """Print the chain a bot would have seen, and return it.

    Parameters
    ----------
    symbol : str
        Of ``config/universe.json``.
    at : str
        New York time, ``2018-02-05 13:00``; the chain is that of the last bar ended by then.
    config : Path
        Folder of the settings, which say what the bars under the quotes are made of.
    seed, premium : optional
        In place of ``data.seed`` and ``quotes.premium``.
    days : int
        Sessions to expiry.
    as_json : bool
        Print figures for programs.
    console : rich.console.Console, optional

    Raises
    ------
    ConfigError
        An unknown symbol, or a time that is none.
    DataError
        The data has no bar at that time, or nothing expires on the day asked for.
    """
    moment = parse_time(at)
    settings = Settings.load(config)
    universe = load_universe(config / "universe.json")
    console = console or console_of(as_json)
    with shown(console, "Preparing bars and quotes"):
        bars, book = market(settings, universe, [symbol], seed, premium=premium)
    tape = Tape(bars)
    book.move(bar_at(tape, moment))
    expiry = book.expiry(symbol, days)
    if expiry is None:
        raise DataError(
            f"{symbol}: nothing expires {days} sessions after {moment:%Y-%m-%d}, "
            f"expected a day of its {universe[symbol].expiries} expiries"
        )
    chain = book.chain(symbol, expiry)
    print_chain(chain, days, console, "model" if as_json else None)
    console.print(f"[dim]Model quotes on synthetic bars: {bars[symbol].source}.[/dim]", soft_wrap=True)
    return chain


def run_delayed(
    symbol: str,
    config: Path,
    days: int = 0,
    source: str | None = None,
    save: Path | None = None,
    as_json: bool = False,
    console: Console | None = None,
) -> Chain:
    """Print a delayed chain, and return it; it is to be looked at, never to be traded on.

    Parameters
    ----------
    symbol : str
        Of ``config/universe.json``.
    config : Path
        Folder of the settings, whose section ``delayed`` names sources and addresses.
    days : int
        Sessions from the quotes' day to the expiry.
    source : str, optional
        Only this one, instead of ``delayed.sources``.
    save : Path, optional
        A quote store that keeps the whole snapshot, all expiries.
    as_json : bool
        Print figures for programs.
    console : rich.console.Console, optional

    Raises
    ------
    ConfigError
        An unknown symbol or source.
    DataError
        No source has a chain, or none of that expiry.
    """
    from feeds.delayed.fetch import Politeness
    from feeds.delayed.sources import Addresses, delayed
    from feeds.store.store import QuoteStore

    told = Settings.load(config).delayed
    product = find_product(load_universe(config / "universe.json"), symbol)
    console = console or console_of(as_json)
    with shown(console, f"Fetching {symbol}"):
        snapshot = delayed(
            product,
            told.sources if source is None else (source,),
            Addresses(told.cboe_url, told.barchart_url),
            Politeness(told.timeout_seconds, told.retries, told.cache_seconds),
        )
    chain = snapshot.chain(sessions_ahead(snapshot.at.date(), days))
    if save is not None:
        store = QuoteStore.create(save)
        with store.batch({"source": snapshot.source, "at_quotes": snapshot.at}) as batch:
            batch.write(symbol, snapshot.at.date(), snapshot.table)
    print_chain(chain, days, console, snapshot.source if as_json else None)
    age = datetime.now(NEW_YORK) - snapshot.at
    told_age = f"{age.days} days" if age.days else f"{age.seconds // 60} minutes"
    console.print(f"[dim]{snapshot.source}, {told_age} old. Not to be traded on.[/dim]", soft_wrap=True)
    return chain


def print_chain(chain: Chain, days: int, console: Console, source: str | None = None) -> None:
    """Print a chain as a table; or for programs, where its ``source`` is to be told."""
    if source is not None:
        print_json(figures(chain, source))
    elif console.is_terminal:
        show(chain, days, console)
    else:
        show(chain, days, Console(file=console.file, width=WIDTH))


def figures(chain: Chain, source: str) -> dict[str, Any]:
    """Return a chain column by column, a call or put a row; null where nothing is quoted."""
    columns = ("strike", "bid", "ask", "iv", "delta", "gamma", "vega", "theta")
    return {
        "symbol": chain.symbol,
        "source": source,
        "at": None if chain.at is None else chain.at.isoformat(),
        "expiry": str(chain.expiry),
        "spot": chain.spot,
        "forward": chain.forward,
        "years": chain.years,
        "call": chain.call.tolist(),
        **{name: getattr(chain, name).tolist() for name in columns},
    }


def parse_time(text: str) -> datetime:
    """Return a New York time of day; a time without an offset is New York's already."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or len(text.strip()) <= len("2018-02-05"):
        raise ConfigError(f'at: got {text!r}, expected a New York time like "2018-02-05 13:00"')
    return moment.replace(tzinfo=NEW_YORK) if moment.tzinfo is None else moment.astimezone(NEW_YORK)


def bar_at(tape: Tape, moment: datetime) -> int:
    """Return the last bar ended by a moment, on the moment's own day.

    Raises
    ------
    DataError
        The day is not in the data, or the moment lies outside its session.
    """
    day = moment.date()
    bar = int(np.searchsorted(tape.stamp, round(moment.timestamp()) * 1_000_000_000, side="right")) - 1
    if bar >= 0 and tape.day(bar) == day and (moment - tape.at(bar)).total_seconds() < 60:
        return bar
    raise DataError(f"no bar at {moment:%Y-%m-%d %H:%M} New York, expected {_expected(tape, day)}")


def _expected(tape: Tape, day: date) -> str:
    first, last = tape.dates[0], tape.dates[-1]
    if not is_session(day):
        return f"a trading day from {first} to {last}"
    if not first <= day <= last:
        return f"a day from {first} to {last}"
    return f"09:31 to {clock(close_minute(day))}"


def show(chain: Chain, days: int, console: Console) -> None:
    """Print a chain: calls on the left, puts on the right, what both share between them.

    Gamma is per USD of the underlying, vega per point of volatility, theta per day of 252.
    """
    calls, puts = chain.side(Right.CALL), chain.side(Right.PUT)
    count = len(calls.strike)
    rows, every = _chosen(chain, calls.strike)
    middle = int(np.argmin(np.abs(calls.strike - chain.forward)))
    gamma, vega, theta = chain.gamma[count:], chain.vega[count:] / 100, chain.theta[count:] / 252
    digits = [_digits(values[rows]) for values in (gamma, vega, theta)]
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=0,
        title=_title(chain, days),
        title_justify="left",
        title_style="bold",
        caption=_caption(every, count - len(rows)),
        caption_justify="left",
    )
    for name in (
        "call bid",
        "ask",
        "delta",
        "strike",
        "IV %",
        "gamma",
        "vega",
        "theta",
        "put bid",
        "ask",
        "delta",
    ):
        table.add_column(name, justify="right", style="bold" if name == "strike" else None, no_wrap=True)
    for row in rows:
        shared = (values[row] for values in (gamma, vega, theta))
        table.add_row(
            _number(calls.bid[row]),
            _number(calls.ask[row]),
            _number(calls.delta[row], 3),
            f"{calls.strike[row]:g}",
            _number(100 * puts.iv[row], 1),
            *(_number(value, places) for value, places in zip(shared, digits, strict=True)),
            _number(puts.bid[row]),
            _number(puts.ask[row]),
            _number(puts.delta[row], 3),
            style="reverse" if row == middle else None,
        )
    console.print(table)


def _chosen(chain: Chain, strikes: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the rows to print, and that they are every so manieth strike."""
    sd = chain.atm_iv() * np.sqrt(chain.years)
    near = np.abs(np.log(strikes / chain.forward)) <= (REACH_SD * sd if sd > 0.0 else 0.0)
    middle = int(np.argmin(np.abs(strikes - chain.forward)))
    near[max(middle - FEWEST, 0) : middle + FEWEST + 1] = True
    every = next(n for n in (1, 2, 4, 5, 10, 20, 50, 100) if near.sum() <= n * MOST)
    steps = np.round(strikes / np.diff(strikes).min()).astype(int)
    near &= (steps % every == 0) | (np.arange(len(strikes)) == middle)
    return np.flatnonzero(near), every


def _title(chain: Chain, days: int) -> str:
    moves = (expected_move(chain, convention) for convention in Convention)
    ahead = "today" if days == 0 else f"in {days} session{'s' if days > 1 else ''}"
    return (
        f"{chain.symbol} at {chain.at:%Y-%m-%d %H:%M} New York: {chain.spot:.2f}\n"
        f"{chain.product} expiring {chain.expiry} ({ahead}), "
        f"at-the-money IV {_number(100 * chain.atm_iv(), 1)} %\n"
        f"Expected move, USD: {', '.join(_move(move) for move in moves)}"
    )


def _move(move: ExpectedMove) -> str:
    told = f"{move.ratio:g} x straddle" if move.convention is Convention.RATIO else move.convention.value
    return f"{told} {_number(move.value)}"


def _caption(every: int, hidden: int) -> str:
    told = "Prices in USD per share; gamma per USD, vega per volatility point, theta per trading day."
    if every > 1:
        told += f" One of {every} strikes is shown."
    return told + (f" {hidden} listed strikes are not shown." if hidden and every == 1 else "")


def _digits(values: np.ndarray) -> int:
    """Return the decimals that give the largest value four digits, from 2 to 6."""
    largest = np.nanmax(np.abs(values), initial=0.0)
    return int(np.clip(3 - np.floor(np.log10(largest)), 2, 6)) if largest > 0.0 else 2


def _number(value: float, places: int = 2) -> str:
    return "-" if np.isnan(value) else f"{value:.{places}f}"
