"""``mw lookahead``: change the future of a backtest and see whether its past changes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzers.report.sections import Section, print_sections
from analyzers.report.words import words
from engine.bars import PRICES, Bars
from engine.desk import Desk
from engine.errors import DataError
from engine.ml.advice import Recorder
from engine.research.lookahead import Change, changes
from engine.sessions import name_stamp
from feeds.recorded.book import RecordedQuotes
from feeds.recorded.shaken import shaken_store
from feeds.store.store import QuoteStore
from scripts.observed import instant, observed
from scripts.progress import shown
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare
from scripts.told import console_of, print_json

STEP = 0.002  # standard deviation of a changed minute's log price: a future unlike the true one
CUT, CHANGED = "cut off", "changed"


@dataclass(frozen=True, slots=True)
class LookaheadRequest:
    """A look-ahead check as the command line asks for it.

    ``cuts`` is how many, ``sessions`` how many of the last sessions of the data are used,
    ``stock`` whether Backtrader's own loop is checked too; ``as_json``: print for a program.
    """

    base: BacktestRequest
    cuts: int = 4
    sessions: int = 250
    stock: bool = True
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A change, and by what: the loop, and what was done to the future after ``cut`` (a stamp)."""

    loop: str
    future: str
    cut: int
    change: Change


def run(request: LookaheadRequest) -> int:
    """Check the bots as configured and say what was found; return the number of comparisons.

    Raises
    ------
    DataError
        Something reads ahead; the table above the error names all of it.
    """
    console = console_of(request.as_json)
    with shown(console, "Preparing bars and quotes"):
        setup = last_sessions(prepare(request.base), request.sessions)
    found: list[Finding] = []
    runs = 0
    for loop in (False, True) if request.stock else (False,):
        with shown(console, f"Running with other futures, {_loop(loop)}"):
            more, count = examine(setup, request.cuts, loop)
        found += more
        runs += count
    if request.as_json:
        print_json({"runs": runs, "read_ahead": [_told(one) for one in found]})
    if found:
        print_sections(console, [section_of(found)])
        names = dict.fromkeys(f"{one.change.kind} {one.change.name}" for one in found)
        raise DataError(f"lookahead: {len(names)} read ahead: {', '.join(list(names)[:5])}")
    console.print(
        f"Nothing reads ahead: {runs} runs with another future left every decision, order, indicator, "
        "feature and quote before it as it was."
    )
    return runs


def examine(
    setup: Setup, cuts: int, stock_loop: bool = False, roster: Mapping[str, type[Any]] | None = None
) -> tuple[list[Finding], int]:
    """Run a setup over its own and over other futures.

    The cuts lie on bars at which a bot sent an order, where a look at the next bar pays most.

    Returns
    -------
    findings : list of Finding
    runs : int
        Other futures tried.
    """
    setup = with_recorders(setup)
    desk, strategies = play(setup, stock_loop, roster=roster)
    bars = cut_bars(desk, setup.bots, cuts)
    found: list[Finding] = []
    for number, bar in enumerate(bars):
        true = observed(setup, desk, strategies, bar)
        stamp = int(desk.clock.stamps(np.array([bar]))[0])
        for future in (CUT, CHANGED):
            with other_future(with_recorders(setup), bar, future, number) as other:
                seen = observed(other, *play(other, stock_loop, roster=roster), bar)
            # a run that ends on the cut settles there what the other still holds
            events = stamp - 1 if future == CUT else stamp
            for until, whole in ((events, True), (stamp, False)):
                part = [
                    [one for one in run if (one.kind in ("event", "decision")) is whole]
                    for run in (true, seen)
                ]
                found += [
                    Finding(_loop(stock_loop), future, stamp, change)
                    for change in changes(part[0], part[1], until)
                ]
    return found, 2 * len(bars)


def with_recorders(setup: Setup) -> Setup:
    """Return the setup with every bot's cases kept, whether a model is asked about them or not."""
    asked = {bot: held.asked if isinstance(held, Recorder) else held for bot, held in setup.advisors.items()}
    return replace(setup, advisors={bot: Recorder(asked.get(bot)) for bot in setup.bots})


def cut_bars(desk: Desk, bots: Sequence[str], count: int) -> list[int]:
    """Return bars at which orders were sent, spread over the run and the bots.

    Raises
    ------
    DataError
        No bot sent an order.
    """
    sent = [event for event in desk.journal.orders if event.state == "working"]
    stamps = {bot: np.unique([instant(event.at) for event in sent if event.bot == bot]) for bot in bots}
    sending = [bot for bot in bots if len(stamps[bot])]
    if not sending:
        raise DataError(
            "lookahead: no bot sent an order, expected at least one to cut at; take more sessions"
        )
    grid = desk.clock.stamps(np.arange(len(desk.clock)))  # type: ignore[arg-type]
    found = []
    for number in range(count):
        held = stamps[sending[number % len(sending)]]
        found.append(int(np.searchsorted(grid, held[int((number + 1) / (count + 1) * len(held))])))
    return sorted(set(found))


def last_sessions(setup: Setup, count: int) -> Setup:
    """Return the setup over its last sessions only."""
    grid = next(iter(setup.bars.values())).grid
    if len(grid.dates) <= count:
        return setup
    first = grid.dates[-count]
    return again(setup, {symbol: bars.between(first, None) for symbol, bars in setup.bars.items()})


def again(setup: Setup, bars: Mapping[str, Bars], store: QuoteStore | None = None) -> Setup:
    """Return the setup over other bars, its quotes made anew by the same sources."""
    made = {symbol: replace(held, lines=_given(setup, symbol, held)) for symbol, held in bars.items()}
    book: Any
    if isinstance(setup.book, RecordedQuotes):
        held = setup.book
        model = type(held.model)(made, held.model.products, held.model.settings)
        book = type(held)(store or held.store, made, held.products, model, held.max_age, held.mix, held.flow)
    else:
        book = type(setup.book)(made, setup.book.products, setup.book.settings)
    return replace(setup, bars=book.with_lines(), book=book)


def _given(setup: Setup, symbol: str, bars: Bars) -> dict[str, NDArray[np.float64]]:
    """Return the lines that came with the bars, without those a quote book makes."""
    made = {"atm_iv", "skew"}
    if isinstance(setup.book, RecordedQuotes) and setup.book.flow:
        made |= {"put_volume", "call_volume", "open_interest"}
    return {name: line for name, line in bars.lines.items() if name not in made}


@contextmanager
def other_future(setup: Setup, bar: int, future: str, seed: int) -> Iterator[Setup]:
    """Give the setup with the same past up to ``bar`` (included) and another future, or none."""
    if future == CUT:
        yield again(setup, {symbol: bars.head(bar + 1) for symbol, bars in setup.bars.items()})
        return
    bars = {symbol: shaken(held, bar, seed) for symbol, held in setup.bars.items()}
    if not isinstance(setup.book, RecordedQuotes):
        yield again(setup, bars)
        return
    folder = Path(tempfile.mkdtemp(prefix="mw-lookahead-"))
    try:
        cut = int(next(iter(bars.values())).stamp[bar])
        yield again(setup, bars, shaken_store(setup.book.store, folder, cut, seed))
    finally:
        shutil.rmtree(folder)


def shaken(bars: Bars, bar: int, seed: int) -> Bars:
    """Return bars with drawn prices, VIX and volumes after ``bar``; the stamps stay."""
    rng = np.random.default_rng(seed)
    n, start = len(bars), bar + 1
    log = np.cumsum(STEP * rng.standard_normal(n - start))
    path = {name: getattr(bars, name).copy() for name in PRICES}
    close = bars.close[bar] * np.exp(log)
    first = np.append(bars.close[bar], close[:-1])
    reach = np.exp(STEP * np.abs(rng.standard_normal((2, n - start))))
    path["open"][start:], path["close"][start:] = first, close
    path["high"][start:] = np.maximum(first, close) * reach[0]
    path["low"][start:] = np.minimum(first, close) / reach[1]
    lines = {name: line.copy() for name, line in bars.lines.items()}
    for line in lines.values():
        line[start:] *= np.exp(0.3 * rng.standard_normal(n - start))
    volume = bars.volume.copy()
    volume[start:] = np.round(volume[start:] * np.exp(rng.standard_normal(n - start)))
    return replace(bars, **path, volume=volume, lines=lines)


def section_of(found: Sequence[Finding]) -> Section:
    """Return the table of what reads ahead."""
    rows = tuple(
        (
            f"{words(one.change.kind)} {one.change.name}",
            (
                one.loop,
                f"{one.future} after {name_stamp(one.cut)}",
                str(one.change.count),
                f"{name_stamp(one.change.stamp)}: {one.change.before[:60]} became {one.change.after[:60]}",
            ),
        )
        for one in found
    )
    text = (
        "Each of these was another before the cut when only what came after it was another: it reads ahead."
    )
    return Section("Look-ahead", text, ("Loop", "Future", "Values changed", "Last of them"), rows, "What")


def _told(one: Finding) -> dict[str, Any]:
    return asdict(one.change) | {
        "loop": one.loop,
        "future": one.future,
        "cut": name_stamp(one.cut),
        "stamp": name_stamp(one.change.stamp),
    }


def _loop(stock: bool) -> str:
    return "stock loop" if stock else "fast loop"
