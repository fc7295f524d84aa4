"""``mw gate simulate``: made-up track records sent up the ramp, to see what the gate can tell apart.

This is a simulation of journals, not of markets: days are drawn as verdicts and results, and the
same `engine.gate` that judges real sessions judges them. No bot, no broker and no quote takes part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from rich.console import Console

from analyzers.report.sections import Section, print_sections
from engine.errors import ConfigError
from engine.gate.facts import Backtest, Judged, Registered
from engine.gate.gate import Gate
from engine.gate.ledger import Memory
from engine.gate.settings import GateSettings, Stage
from engine.research.statistics import DAYS, deflate, expectancy_interval, sharpe, wilson
from engine.sessions import session_dates
from scripts.parallel import spread
from scripts.progress import watched
from scripts.told import console_of, print_json, rows_of

Floats = NDArray[np.float64]
BOT, CONFIG = "simulated", "0" * 64
FIRST = date(2026, 1, 2)
LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class World:
    """What the simulated bot is like; USD.

    Parameters
    ----------
    traded : float
        Share of sessions with a trade, of two fills.
    deviation : float
        Of a trade's result. Four of five win the same, the fifth loses two to six times as
        much, evenly: skewness -1.7.
    costs : float
        Fees and slippage of a trade, of which ``slipped`` is slippage.
    slipped : float
    noise : float
        Relative, of a session's slippage around the model's; none on average.
    breach : float
        Chance of a session that something small goes wrong (item ``data``).
    years, trials : int
        Of the backtest; and the variants tried for it, all of the same true Sharpe ratio.
    """

    traded: float = 0.6
    deviation: float = 20.0
    costs: float = 6.0
    slipped: float = 3.5
    noise: float = 0.3
    breach: float = 0.01
    years: int = 5
    trials: int = 20


@dataclass(frozen=True, slots=True)
class PowerRequest:
    """How many histories of a year, at which true Sharpe ratios; ``as_json``: print for a program."""

    histories: int
    ratios: tuple[float, ...]
    seed: int
    jobs: int
    config: Path
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """What one history came to.

    ``research`` and its two parts are the backtest's; ``small`` and ``scaled`` the session after
    which live, and the second lot, were allowed, None where they were not within the year, for a
    bot whose backtest has passed.
    """

    luck: bool
    costs: bool
    small: int | None
    scaled: int | None

    @property
    def research(self) -> bool:
        """Whether the backtest passed."""
        return self.luck and self.costs


def ratios_of(text: str) -> tuple[float, ...]:
    """Return Sharpe ratios like ``0,1,2,3``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--sharpe: got {text!r}, expected numbers like 0,1,2,3") from None


def edge(ratio: float, world: World) -> float:
    """Return the mean result of a trade, USD, that makes the daily Sharpe ratio of a year ``ratio``."""
    day = ratio / math.sqrt(DAYS)
    return day * world.deviation / math.sqrt(world.traded - day * day * (1.0 - world.traded))


def drawn_days(ratio: float, world: World, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Return daily results, USD; 0 on days without a trade."""
    lost = random.random(shape) < 0.2
    result = np.where(lost, -random.uniform(1.0, 3.0, shape), 0.5) / math.sqrt(0.2 + 0.2 * 13.0 / 3.0)
    trade = edge(ratio, world) + world.deviation * result
    return np.where(random.random(shape) < world.traded, trade, 0.0)


def backtest_of(ratio: float, world: World, settings: GateSettings, random: np.random.Generator) -> Backtest:
    """Return the best of the trials' backtests, as the gate is told it."""
    days = drawn_days(ratio, world, (world.trials, world.years * DAYS), random)
    ratios = days.mean(axis=1) / days.std(axis=1, ddof=1) * math.sqrt(DAYS)
    pnl = pd.Series(days[int(np.argmax(ratios))])
    found, error = sharpe(pnl, 1.0)
    counts = (pnl != 0.0).astype(float)
    factor = settings.research.costs
    hurt = pnl - (factor - 1.0) * world.costs * counts
    low, _, _ = expectancy_interval(hurt, counts, LEVEL)
    return Backtest(
        BOT, CONFIG, "simulated", True, FIRST, FIRST, len(pnl), int(counts.sum()), found, error, world.trials,
        deflate(found, error, list(ratios)).probability, float(pnl.sum() / counts.sum()), factor, low,
    )  # fmt: skip


def history(ratio: float, world: World, settings: GateSettings, seed: int) -> Passed:
    """Send one simulated year up the ramp."""
    random = np.random.default_rng(seed)
    told = backtest_of(ratio, world, settings, random)
    luck = told.deflated is not None and told.deflated >= settings.research.deflated_sharpe
    costs = told.low is not None and told.low > settings.research.expectancy_above
    return Passed(luck, costs, *year(ratio, world, settings, random))


def year(
    ratio: float, world: World, settings: GateSettings, random: np.random.Generator
) -> tuple[int | None, int | None]:
    """Return after which session of a year live, and the second lot, were allowed."""
    days = session_dates(FIRST, FIRST + timedelta(days=370))[:DAYS]
    results = drawn_days(ratio, world, (len(days),), random)
    wrong = random.random(len(days)) < world.breach
    slips = 1.0 + world.noise * random.standard_normal(len(days))
    clock = [datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)]
    gate = Gate(Memory(), settings, lambda: clock[0])
    gate.tell(Registered(BOT, CONFIG, {}, {}))
    gate.record_backtest(_passing(settings))
    reached: dict[Stage, int] = {}
    for number, day in enumerate(days):
        clock[0] = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
        venue = "paper" if gate.standing(BOT).lots == 0 else "live"
        net, fills = float(results[number]), 2 * int(results[number] != 0.0)
        model = world.slipped * fills / 2
        failed = {"data": "simulated"} if wrong[number] else {}
        gate.judge(
            Judged(
                BOT, CONFIG, day, venue, failed, net, fills // 2, fills, model * slips[number], model, fills
            )
        )
        reached.setdefault(gate.standing(BOT).stage, number + 1)
        if Stage.SCALED in reached:
            break
    return reached.get(Stage.SMALL), reached.get(Stage.SCALED)


def _passing(settings: GateSettings) -> Backtest:
    wanted = settings.research
    days = math.ceil(wanted.years * DAYS)
    return Backtest(
        BOT, CONFIG, "simulated", True, FIRST, FIRST, days, days, None, None, 1, 1.0, None, wanted.costs,
        wanted.expectancy_above + 1.0,
    )  # fmt: skip


def power(
    request: PowerRequest, world: World = World(), console: Console | None = None
) -> dict[float, list[Passed]]:
    """Return what the histories came to, by true Sharpe ratio; the console shows how far it is."""
    settings = GateSettings.load(request.config)
    jobs = [(ratio, request.seed + number) for ratio in request.ratios for number in range(request.histories)]
    tasks = (delayed(history)(ratio, world, settings, seed) for ratio, seed in jobs)
    done = spread(tasks, request.jobs, batch=10)
    if console is not None:
        done = watched(console, "Histories", len(jobs), done)
    found: dict[float, list[Passed]] = {ratio: [] for ratio in request.ratios}
    for (ratio, _), passed in zip(jobs, done, strict=True):
        found[ratio].append(passed)
    return found


def run(request: PowerRequest) -> None:
    """Print how many histories pass each part of the ramp."""
    world, console = World(), console_of(request.as_json)
    section = section_of(power(request, world, console), world)
    print_sections(console, [section])
    if request.as_json:
        print_json(rows_of(section))


def section_of(found: dict[float, list[Passed]], world: World) -> Section:
    """Return pass rates with their 95 % intervals, a column a true Sharpe ratio."""
    parts = (
        ("Deflated Sharpe ratio", lambda one: one.luck),
        ("Mean trade at dearer costs", lambda one: one.costs),
        ("Backtest: both", lambda one: one.research),
        ("Paper, backtest given: one lot live", lambda one: one.small is not None),
        ("The same: second lot", lambda one: one.scaled is not None),
        ("Whole ramp: one lot live", lambda one: one.research and one.small is not None),
        ("Whole ramp: second lot", lambda one: one.research and one.scaled is not None),
    )
    rows = [
        (name, tuple(_rate([test(one) for one in held]) for held in found.values())) for name, test in parts
    ]
    rows.append(("Sessions to the first live one, median", tuple(_median(held) for held in found.values())))
    count = len(next(iter(found.values())))
    text = (
        f"{count} simulated years each, journals drawn and not markets traded: {world.traded:.0%} of "
        f"sessions with a trade, deviation {world.deviation:g} USD, costs {world.costs:g} USD a trade, a "
        f"breach in {world.breach:.0%} of sessions, {world.years} years of backtest, the best of "
        f"{world.trials}. 95 % intervals after Wilson."
    )
    heads = tuple(f"Sharpe {ratio:g}" for ratio in found)
    return Section("What passes within a year", text, heads, tuple(rows), "true ratio of the bot")


def _rate(passed: Sequence[bool]) -> str:
    low, high = wilson(sum(passed), len(passed))
    return f"{np.mean(passed):.1%} ({low:.1%} to {high:.1%})"


def _median(held: Sequence[Passed]) -> str:
    known = [one.small for one in held if one.small is not None]
    return f"{np.median(known):.0f}" if known else "–"
