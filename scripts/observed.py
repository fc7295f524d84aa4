"""Everything a run knew, as series that can be held against another run's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from backtrader.lineiterator import LineIterator
from numpy.typing import NDArray

from engine.desk import Desk
from engine.ml.advice import Recorder
from engine.research.lookahead import Seen
from scripts.session import Setup

NEAR_BARS = 30  # bars before a cut whose whole chains are compared
SENT = "an order was sent"


def observed(setup: Setup, desk: Desk, strategies: Sequence[Any], bar: int) -> list[Seen]:
    """Return everything a run knew, quotes as they stood on the bars up to ``bar``."""
    grid = next(iter(setup.bars.values())).stamp
    seen = [*_events(desk), *_decisions(desk)]
    for strategy in strategies:
        seen += _indicators(strategy, grid)
        seen += _measures(strategy, grid)
    seen += _features(setup)
    return [*seen, *_quotes(setup, bar)]


def instant(at: Any) -> int:
    """Return a moment as UTC nanoseconds, whole seconds of it."""
    return int(round(at.timestamp())) * 1_000_000_000


def _events(desk: Desk) -> list[Seen]:
    journal = desk.journal
    told = {
        "orders": [(event.at, event) for event in journal.orders],
        "fills": [(fill.at, fill) for fill in journal.fills],
        "halts": [(halt.at, halt) for halt in journal.halts],
        "trades": [(trade.exit_time, trade) for trade in journal.trades],
    }
    return [
        Seen(
            "event",
            name,
            np.array([instant(at) for at, _ in held], np.int64),
            np.array([repr(one) for _, one in held], object),
        )
        for name, held in told.items()
    ]


def _decisions(desk: Desk) -> list[Seen]:
    table = desk.journal.decisions()
    if table.empty:
        return []
    sent = {(event.bot, event.symbol, instant(event.at)) for event in desk.journal.orders}
    table = table.assign(stamp=table["time"].astype("datetime64[ns, UTC]").astype(np.int64))
    found = []
    for (bot, symbol), part in table.groupby(["bot", "symbol"], observed=True, sort=False):
        stamps = part.stamp.to_numpy(np.int64)
        # what becomes of an order is known later, and compared among the events
        what = [
            SENT if (bot, symbol, stamp) in sent else str(reason)
            for stamp, reason in zip(stamps.tolist(), part.reason, strict=True)
        ]
        told = np.array(
            [
                f"{reason} {combo} {credit:.10g}"
                for reason, combo, credit in zip(what, part.combo, part.credit, strict=True)
            ],
            object,
        )
        found.append(Seen("decision", f"{bot} {symbol}", stamps, told))
    return found


def _indicators(strategy: Any, grid: NDArray[np.int64]) -> list[Seen]:
    found = []
    for number, one in enumerate(strategy._lineiterators[LineIterator.IndType]):
        held = one.lines if isinstance(one.lines, list) else one.lines.lines
        aliases = one.lines.getlinealiases() if hasattr(one.lines, "getlinealiases") else ()
        for place, line in enumerate(held):
            name = aliases[place] if place < len(aliases) else str(place)
            values = np.array(line.array, np.float64)
            label = f"{strategy.bot_name} {number} {type(one).__name__}.{name}"
            found.append(Seen("indicator", label, grid[: len(values)], values[: len(grid)]))
    return found


def _measures(strategy: Any, grid: NDArray[np.int64]) -> list[Seen]:
    found = []
    for lane in strategy.lanes:
        for name, line in lane.measures.items():
            values = np.array(line.array, np.float64)
            found.append(
                Seen(
                    "indicator",
                    f"{lane.bot} {lane.symbol} measure {name}",
                    grid[: len(values)],
                    values[: len(grid)],
                )
            )
    return found


def _features(setup: Setup) -> list[Seen]:
    found = []
    for bot, recorder in setup.advisors.items():
        assert isinstance(recorder, Recorder)
        for symbol in dict.fromkeys(case.symbol for case in recorder.cases):
            cases = [case for case in recorder.cases if case.symbol == symbol]
            stamps = np.array([case.stamp for case in cases], np.int64)
            for place, feature in enumerate(cases[0].schema):
                values = np.array([case.values[place] for case in cases], np.float64)
                found.append(Seen("feature", f"{bot} {symbol} {feature.name}", stamps, values))
    return found


def _quotes(setup: Setup, bar: int) -> list[Seen]:
    found = []
    for symbol, bars in setup.bars.items():
        for name in bars.lines:
            found.append(Seen("quote", f"{symbol} {name}", bars.stamp, bars.lines[name]))
        asked = np.arange(max(bar - NEAR_BARS, 0), bar + 1)
        told = np.array([_chain(setup, symbol, one) for one in asked.tolist()], object)
        found.append(Seen("quote", f"{symbol} chain", bars.stamp[asked], told))
    return found


def _chain(setup: Setup, symbol: str, bar: int) -> str:
    """Return the bids and asks of the nearest expiry as one text."""
    book: Any = setup.book
    book.move(bar)
    expiry = next((day for ahead in range(5) if (day := book.expiry(symbol, ahead)) is not None), None)
    if expiry is None:
        return "not quoted"
    chain = book.chain(symbol, expiry)
    sums = [float(np.nansum(side * chain.strike)) for side in (chain.bid, chain.ask)]
    return f"spot {chain.spot:.10g} bids {sums[0]!r} asks {sums[1]!r}"
