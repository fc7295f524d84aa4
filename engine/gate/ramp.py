"""The ramp as a pure state machine: facts go in, in the order they were told, and a standing comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from engine.gate.facts import Backtest, Fact, Judged, Moved, Opened, Overridden, Registered
from engine.gate.settings import Demotion, GateSettings, Item, RunCriteria, Stage
from engine.sessions import session_dates

LIVE = (Stage.SMALL, Stage.SCALED)
ORDER = tuple(Stage)
VENUE = {Stage.PAPER: "paper", Stage.SMALL: "live", Stage.SCALED: "live"}


@dataclass(frozen=True, slots=True)
class Run:
    """Compliant sessions in a row: with and without a fill, and scheduled ones left out in between."""

    traded: int = 0
    idle: int = 0
    missed: int = 0

    def counted(self, criteria: RunCriteria) -> int:
        """Return how many of them count: idle ones only as a share of the whole."""
        most = self.traded * criteria.idle_share / (1.0 - criteria.idle_share)
        return self.traded + min(self.idle, math.floor(most + 1e-6))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bot stands on the ramp.

    Parameters
    ----------
    bot : str
    registered : Registered or None
        The configuration that counts now.
    stage : Stage
    lots : int
        Lots allowed live.
    sessions : tuple of Judged
        Of this configuration and of the stage's venue, since the stage was reached.
    run : Run
        The compliant ones in a row among them, up to the last.
    breach : Judged or None
        The last session judged, if it was none.
    last : date or None
        Day of the last session judged, of whatever configuration.
    backtests : mapping of str to Backtest
        The last one of each configuration that has not been lost by a demotion.
    opened : Opened or None
        A session that has begun and is not judged.
    overrides : tuple of Overridden
        All there ever were.
    breaches : tuple of Judged
        All there ever were.
    """

    bot: str
    registered: Registered | None = None
    stage: Stage = Stage.RESEARCH
    lots: int = 0
    sessions: tuple[Judged, ...] = ()
    run: Run = Run()
    breach: Judged | None = None
    last: date | None = None
    backtests: Mapping[str, Backtest] = field(default_factory=dict)
    opened: Opened | None = None
    overrides: tuple[Overridden, ...] = ()
    breaches: tuple[Judged, ...] = ()

    @property
    def config(self) -> str:
        """The digest of the configuration that counts now, ``""`` when none is registered."""
        return self.registered.config if self.registered else ""

    @property
    def backtest(self) -> Backtest | None:
        """What the backtest of this configuration showed."""
        return self.backtests.get(self.config)


def told(before: Standing, fact: Fact, settings: GateSettings) -> Standing:
    """Return the standing after one more fact of the bot."""
    match fact:
        case Registered():
            return _fresh(replace(before, registered=fact, opened=None), Stage.RESEARCH, 0)
        case Backtest():
            return replace(before, backtests={**before.backtests, fact.config: fact})
        case Opened():
            return replace(before, opened=fact)
        case Judged():
            return _judged(before, fact, settings)
        case Moved():
            return _moved(before, fact)
        case Overridden():
            return replace(before, overrides=(*before.overrides, fact))


def _fresh(before: Standing, stage: Stage, lots: int) -> Standing:
    return replace(before, stage=stage, lots=lots, sessions=(), run=Run(), breach=None)


def _judged(before: Standing, fact: Judged, settings: GateSettings) -> Standing:
    after = replace(before, opened=None, last=max(fact.day, before.last or fact.day), breach=None)
    if not fact.compliant:
        after = replace(after, breaches=(*after.breaches, fact))
    if fact.config != before.config:
        return after
    if not fact.compliant:
        after = replace(after, run=Run(), breach=fact)
    if VENUE.get(before.stage) != fact.venue:
        return after
    others = (one for one in before.sessions if one.day != fact.day)  # judged again, it counts once
    after = replace(after, sessions=(*others, fact))
    return after if not fact.compliant else replace(after, run=_longer(before, fact, settings.run))


def _longer(before: Standing, fact: Judged, criteria: RunCriteria) -> Run:
    """Return the run with one more compliant session, begun anew where too many were left out."""
    run = before.run
    if before.sessions and before.run != Run():
        missed = run.missed + left_out(before.sessions[-1].day, fact.day)
        run = replace(run, missed=missed) if missed <= criteria.missed else Run()
    return replace(run, idle=run.idle + 1) if fact.idle else replace(run, traded=run.traded + 1)


def left_out(last: date, day: date) -> int:
    """Return how many scheduled sessions lie between two days."""
    first, end = last + timedelta(days=1), day - timedelta(days=1)
    return len(session_dates(first, end)) if first <= end else 0


def _moved(before: Standing, fact: Moved) -> Standing:
    after = _fresh(before, fact.target, fact.lots)
    if fact.target is Stage.RESEARCH:  # what it showed then was shown by something that misbehaved
        kept = {config: held for config, held in after.backtests.items() if config != fact.config}
        after = replace(after, backtests=kept)
    return after


def demotion(before: Standing, settings: GateSettings) -> Moved | None:
    """Return the step down the last session calls for, None when it calls for none."""
    if before.breach is None:
        return None
    ways = {settings.demote[Item(item)] for item in before.breach.failed} - {Demotion.STAY}
    lowest = min((Stage(way.value) for way in ways), key=ORDER.index, default=before.stage)
    if ORDER.index(lowest) >= ORDER.index(before.stage):
        return None
    items = ", ".join(before.breach.failed)
    why = f"breach on {before.breach.day}: {items}"
    return Moved(before.bot, before.config, before.stage, lowest, 0, why, settings.digest)
