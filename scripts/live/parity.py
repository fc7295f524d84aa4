"""The same day through the backtest and through the rehearsal: where the two differ, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from engine.journal.queries import Reader
from engine.sessions import NEW_YORK
from scripts.live.plan import Plan
from scripts.live.rehearse import Rehearsal, span
from scripts.session import Setup
from scripts.session import play as backtest

TICKS = 2  # of the combo: quotes reach the session with the market's own price steps
MINUTES = 1  # a session's orders reach the exchange between its minutes, a backtest's on them
MACHINE_SECONDS = 1.0  # wall: what a busy machine may be late; a fast clock makes minutes of it


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the two runs do not agree on, with its cause; ``sampling`` when that is all it is."""

    what: str
    backtest: str
    rehearsal: str
    cause: str
    sampling: bool


@dataclass(frozen=True)
class Parity:
    """Decisions compared, and every difference."""

    decisions: int
    trades: int
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether the two differ by sampling only."""
        return all(one.sampling for one in self.differences)


def parity(request: Rehearsal, plan: Plan, day: date) -> Parity:
    """Play a rehearsed day's backtest on the same bars and quotes, and compare the journals."""
    from engine.universe import load_universe
    from scripts.market import market

    settings = plan.settings
    bars, book = market(
        settings, load_universe(request.config / "universe.json"), plan.symbols,
        seed=request.seed, recording=request.recording, timerange=span(request),
    )  # fmt: skip
    desk, _ = backtest(Setup(settings, plan.bots, plan.products, bars, book, plan.calendar, plan.fees))
    mine = desk.journal.decisions()
    mine = mine[mine.time.dt.tz_convert(NEW_YORK).dt.date == day]
    with Reader(plan.database) as reader:
        runs = reader.history()
        theirs, done = reader.decisions(runs, day), reader.trades(runs, day, day)
    found, compared = _decisions(mine, theirs)
    trades = [one for one in desk.journal.trades if one.entry_time.astimezone(NEW_YORK).date() == day]
    found += _trades(
        plan, {one.bot: one for one in trades}, {row["bot"]: row for row in done.to_dict("records")}
    )
    return Parity(compared, len(trades), tuple(found))


def _decisions(mine: pd.DataFrame, theirs: pd.DataFrame) -> tuple[list[Difference], int]:
    """Compare the reasons of the minutes both have decided on."""
    one = {
        (stamp, bot, symbol): str(reason)
        for stamp, bot, symbol, reason in zip(
            pd.to_datetime(mine.time, utc=True), mine.bot, mine.symbol, mine.reason, strict=True
        )
    }
    other = {
        (stamp, bot, symbol): str(reason)
        for stamp, bot, symbol, reason in zip(
            pd.to_datetime(theirs["at"], utc=True), theirs.bot, theirs.symbol, theirs.reason, strict=True
        )
    } if len(theirs) else {}  # fmt: skip
    common = sorted(set(one) & set(other))
    found = []
    for key in common:
        if one[key] != other[key]:
            stamp, bot, symbol = key
            where = f"{bot} {symbol} {stamp.tz_convert(NEW_YORK):%H:%M}"
            cause = f"follows from {found[0].what}" if found else "another decision on the same minute"
            found.append(Difference(where, one[key], other[key], cause, sampling=False))
    return found, len(common)


def _trades(plan: Plan, mine: dict[str, Any], theirs: dict[str, dict[str, Any]]) -> list[Difference]:
    found = []
    for bot in sorted(set(mine) | set(theirs)):
        one, other = mine.get(bot), theirs.get(bot)
        if one is None or other is None:
            names = _name(one), _name(other)
            found.append(Difference(f"{bot} trade", *names, "only one has it", sampling=False))
            continue
        for name in ("legs", "quantity", "exit_reason"):
            a, b = str(getattr(one, name)), str(other[name])
            if a != b:
                found.append(Difference(f"{bot} {name}", a, b, "another trade", sampling=False))
        for when, price in (("entry_time", "credit"), ("exit_time", "exit_price")):
            late = _late(plan, bot, when, getattr(one, when), pd.Timestamp(other[when]))
            found += late
            found += _price(plan, one.symbol, bot, price, getattr(one, price), other[price], bool(late))
    return found


def _late(plan: Plan, bot: str, name: str, mine: datetime, theirs: pd.Timestamp) -> list[Difference]:
    late = abs((theirs - mine).total_seconds()) / 60.0
    if late < MINUTES:
        return []
    text = f"{mine.astimezone(NEW_YORK):%H:%M}", f"{theirs.tz_convert(NEW_YORK):%H:%M}"
    allowed = 2 * MINUTES + plan.speed * MACHINE_SECONDS / 60.0
    return [Difference(f"{bot} {name}", *text, _LATE, sampling=late < allowed)]


def _price(
    plan: Plan, symbol: str, bot: str, name: str, mine: float, theirs: float, late: bool
) -> list[Difference]:
    apart = abs(mine - theirs)
    if apart <= 1e-9:
        return []
    near = apart <= TICKS * plan.products[symbol].tick.combo + 1e-9
    cause = _MOVED if late else _PRICE
    return [Difference(f"{bot} {name}", f"{mine:g}", f"{theirs:g}", cause, sampling=near or late)]


_MOVED = "the market has moved in the minutes between"
_PRICE = "legs are quoted in the exchange's price steps, the model in fractions of them"
_LATE = "the order reached the exchange after the minute it was sent on"


def _name(trade: Any) -> str:
    if trade is None:
        return "none"
    return str(trade["legs"] if isinstance(trade, dict) else trade.legs)
