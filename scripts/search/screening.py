"""Millions of combinations of one bot: which axes a screen has, and what came of each."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.research.space import Axis, Changes
from engine.research.statistics import DAYS, LEAST_ACTIVE, LEAST_DAYS, LEAST_TRADES
from engine.settings_files import did_you_mean
from feeds.screen import days as kernels
from scripts.search.entries import ALL_DAY, Entries
from scripts.search.run import Plan
from scripts.variants import settings_of, setup_of

ENTRY, WIDTH, SHORT, TARGET, LOSS = "entry", "width", "short", "target", "loss"
ORDER = (WIDTH, SHORT, ENTRY, TARGET, LOSS)  # of the dimensions of every result
MOST = 4_000_000  # combinations: seven figures of each are held
BLOCK = 25_000_000  # entries times rules held at once, nine bytes each
ENTRY_KEY, EVERY_KEY = "risk.window_first", "common.decide_every"

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """The axes of a screen: keys of the settings and their values, in the kernels' order."""

    bot: str
    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, plan: Plan) -> Grid:
        """Return the grid a search file asks for; what it does not name has the value of the settings.

        Raises
        ------
        ConfigError
            More than one bot, another key than the five, too many combinations, a value that cannot be.
        """
        search, settings = plan.search, plan.settings
        if len(plan.bots) != 1:
            raise ConfigError(f"{search.path}: bots: got {', '.join(plan.bots)}, expected one")
        if search.spec.search != "grid":
            raise ConfigError(f"{search.path}: search: got {search.spec.search}, expected grid for a screen")
        name = plan.bots[0]
        config = getattr(settings.bots, name)
        short = "short_delta" if getattr(config, "short_by", "move") == "delta" else "short_move"
        words = {WIDTH: "width", SHORT: short, TARGET: "profit_target", LOSS: "planned_loss"}
        keys = {part: f"bots.{name}.{words[part]}" if part in words else ENTRY_KEY for part in ORDER}
        axes = {axis.key: axis for axis in search.axes}
        for key in axes:
            if key not in keys.values():
                raise ConfigError(
                    f"{search.path}: {key}: not covered by a screen, expected one of "
                    f"{', '.join(keys.values())}{did_you_mean(key, keys.values())}"
                )
        values = []
        for part, key in keys.items():
            kept = settings.risk.window_first if part == ENTRY else getattr(config, key.split(".")[-1], None)
            if kept is None:
                raise ConfigError(f"screen: {name} has no {key.split('.')[-1]}, expected putlite or condor")
            values.append(_values(plan, axes.get(key, Axis(key, (kept,)))))
        size = math.prod(map(len, values))
        if size > MOST:
            raise ConfigError(f"{search.path}: keys: make {size:,} combinations, expected at most {MOST:,}")
        return cls(name, tuple(keys.values()), tuple(values))

    @property
    def shape(self) -> tuple[int, ...]:
        """Values an axis."""
        return tuple(map(len, self.values))

    @property
    def minutes(self) -> tuple[int, ...]:
        """Entry minutes after midnight, rising."""
        return self.values[ORDER.index(ENTRY)]

    @property
    def every(self) -> int:
        """Minutes between decisions that meet all entry minutes."""
        first, *others = self.minutes
        return math.gcd(*(minute - first for minute in others)) if others else ALL_DAY

    def changes(self, place: int) -> Changes:
        """Return a combination, by its place in a flat result, as changes of the settings."""
        at = np.unravel_index(place, self.shape)
        return {key: held[int(i)] for key, held, i in zip(self.keys, self.values, at, strict=True)}


def _values(plan: Plan, axis: Axis) -> tuple[Any, ...]:
    """Return the values of an axis, rising, as the settings read them."""
    if axis.key == ENTRY_KEY:
        found = [
            settings_of(plan.base, {**plan.search.spec.fixed, axis.key: value}).risk.window_first
            for value in axis.values
        ]
        return tuple(sorted(found))
    for value in axis.values:
        settings_of(plan.base, {**plan.search.spec.fixed, axis.key: value})
    return tuple(sorted(axis.values))


@dataclass(frozen=True, eq=False)
class Screened:
    """What came of all combinations, flat in the order of the grid.

    Parameters
    ----------
    figures : dict of name to ndarray, shape (combinations,)
        ``sharpe``, ``net``, ``per_trade``, ``net_over_drawdown``, ``trades``, ``drawdown``, ``worst_trade``.
    daily : ndarray, shape (days, watched)
        Net USD of the combinations that were watched.
    days : tuple of str
        Sessions, ISO.
    """

    figures: dict[str, Floats]
    daily: Floats
    days: tuple[str, ...]


def screened(plan: Plan, grid: Grid, watched: Sequence[int], jobs: int = -1) -> Screened:
    """Play all combinations of a grid.

    Parameters
    ----------
    plan : Plan
    grid : Grid
    watched : sequence of int
        Places of combinations whose every day is kept.
    jobs : int
        Threads, -1 one a core.
    """
    fixed = plan.search.spec.fixed
    setup = setup_of(plan.base, {**fixed, ENTRY_KEY: grid.minutes[0], EVERY_KEY: grid.every})
    widths, shorts, _, targets, losses = grid.values
    entries = Entries.of(setup, plan.search.spec.signals, grid.minutes, targets, losses)
    config = getattr(setup.settings.bots, grid.bot)
    names = [key.split(".")[-1] for key in grid.keys]
    update = [dict(zip(names[:2], pair, strict=True)) for pair in product(widths, shorts)]
    least = {names[4]: losses[0]}
    configs = [config.model_copy(update={**told, **least}) for told in update]
    shape = (len(configs), *grid.shape[2:])
    stats = np.zeros((*shape, kernels.STATS))
    watch = np.full(shape, -1, np.int32)
    watch.reshape(-1)[list(watched)] = np.arange(len(watched))
    daily = np.zeros((len(entries.days), len(watched)))
    size = max(BLOCK // max(len(entries.bars), 1), 1)
    bound = 0.0
    for start in range(0, len(configs), size):
        part = slice(start, start + size)
        good, strikes, most = entries.rules(configs[part])
        bound = max(bound, most)
        _play(entries, good, strikes, stats[part], watch[part], daily, jobs)
    flat = stats.reshape(-1, kernels.STATS)
    figures = _figures(flat, len(entries.days))
    _check_funds(flat, setup.settings.account.cash, bound / setup.settings.risk.cash_fraction, figures)
    return Screened(figures, daily, tuple(day.isoformat() for day in entries.days))


def _play(
    entries: Entries, good: Any, strikes: Any, stats: Floats, watch: Any, daily: Floats, jobs: int
) -> None:
    """Share the rules of a block among threads; every combination is one thread's alone."""
    count = min(os.cpu_count() or 1 if jobs < 0 else jobs, len(good))
    edges = np.linspace(0, len(good), count + 1).astype(int)

    def part(low: int, high: int) -> None:
        cut = slice(low, high)
        rules = good[cut], strikes[cut]
        kernels.screen(entries.market, entries.rows, entries.structure, rules, stats[cut], watch[cut], daily)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(part, edges[:-1].tolist(), edges[1:].tolist()))


def _figures(stats: Floats, days: int) -> dict[str, Floats]:
    count, net, squares = stats[:, kernels.COUNT], stats[:, kernels.SUM] / 100.0, stats[:, kernels.SQUARES]
    fall = stats[:, kernels.FALL] / 100.0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = net / days
        deviation = np.sqrt(np.maximum(squares / 1e4 - days * mean**2, 0.0) / (days - 1))
        known = (count >= LEAST_ACTIVE) & (deviation > 0.0) & (days >= LEAST_DAYS)
        enough = count >= LEAST_TRADES
        return {
            "sharpe": np.where(known, mean / deviation * math.sqrt(DAYS), np.nan),
            "net": net,
            "per_trade": np.where(enough, net / count, np.nan),
            "net_over_drawdown": np.where(enough & (fall > 0.0), net / fall, np.nan),
            "trades": count.copy(),
            "drawdown": fall,
            "worst_trade": stats[:, kernels.WORST] / 100.0,
        }


def _check_funds(stats: Floats, cash: float, needed: float, figures: dict[str, Floats]) -> None:
    """Take away what the account could not have carried: the kernels do not ask for funds."""
    broke = cash + stats[:, kernels.LOWEST] / 100.0 < needed
    for values in figures.values():
        values[broke] = np.nan
