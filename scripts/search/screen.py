"""``mw screen``: every combination of a bot's entry minute, strikes, target and stop."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from analyzers.report.heat import heat_chart, panels_of_grid
from analyzers.report.luck import luck_section, verdict_of
from analyzers.report.screen import agreement_section
from analyzers.report.sections import Section
from analyzers.report.sweep import best_section
from analyzers.report.words import count
from analyzers.search import best_of, luck_of, ranking
from engine.errors import ConfigError, DataError
from engine.research.space import short_names
from engine.research.statistics import LEAST_TRADES
from engine.settings_types import clock
from scripts.files import put
from scripts.outcomes import Outcome
from scripts.progress import shown, watched
from scripts.search.entries import ALL_DAY
from scripts.search.folder import DONE, held, put_report
from scripts.search.found import Found
from scripts.search.ledger import Ledger
from scripts.search.run import Plan, SearchRequest
from scripts.search.screening import ENTRY_KEY, EVERY_KEY, MOST, Grid, Screened, screened
from scripts.told import console_of, tell
from scripts.variants import Variant, run_variants

KEPT_DAYS = 200  # combinations drawn whose days are kept, for the chance of overfitting
QUANTILES = 1001  # Sharpe ratios kept in the ledger, for their spread


@dataclass(frozen=True, slots=True)
class ScreenRequest:
    """A screen as the command line asks for it.

    ``drawn`` combinations by lot and the ``confirmed`` best are played by the engine too.
    """

    search: SearchRequest
    drawn: int = 20
    confirmed: int = 10


def run(request: ScreenRequest) -> Path:
    """Screen all combinations, let the engine confirm, and return the folder of the report.

    It holds ``screen.parquet`` (a row a combination), ``screen.html`` and ``screen.png``.

    Raises
    ------
    DataError
        The engine makes something else of a combination: nothing of the screen is kept then.
    MarketWatchError
        Whatever the user can put right.
    """
    console = console_of(request.search.as_json)
    plan = Plan.of(request.search, MOST)
    grid = Grid.of(plan)
    if EVERY_KEY in plan.search.spec.fixed:
        raise ConfigError(f"{plan.search.path}: {EVERY_KEY}: is fixed, but a screen enters once a day")
    ledger = Ledger(request.search.out, plan.family)
    size = int(np.prod(grid.shape))
    console.print(f"{count(size)} combinations of {grid.bot}")
    drawn = np.random.default_rng(plan.search.spec.seed).permutation(size)[: max(KEPT_DAYS, request.drawn)]
    began = time.perf_counter()
    with shown(console, "Screening"):
        found = screened(plan, grid, drawn.tolist(), request.search.jobs)
    spent = time.perf_counter() - began
    enough = np.where(found.figures["trades"] >= LEAST_TRADES, found.figures[plan.search.spec.metric], np.nan)
    top = ranking(enough)[: request.confirmed].tolist()
    with held(plan.folder(request.search.out)) as folder:
        places = [*drawn[: request.drawn].tolist(), *top]
        outcomes = _confirm(plan, grid, places, request.search, folder, console)
        trades = _compare(grid, found, places, outcomes, request.drawn)
        ledger.add(_trial(plan), _sample(found.figures["sharpe"]), size)
        with put(folder / "screen.parquet") as path:
            _table(grid, found).to_parquet(path, index=False)
        agreed = agreement_section(size, spent, min(request.drawn, size), len(top), trades)
        best = Found(grid.keys, tuple(outcomes[len(places) - len(top) :]), plan.settings.account.cash)
        with shown(console, "Writing the report"):
            sections = _report(plan, grid, found, best, ledger, agreed, folder)
    tell(console, sections, folder / "screen.html", request.search.as_json)
    return folder


def _confirm(
    plan: Plan, grid: Grid, places: Sequence[int], request: SearchRequest, folder: Path, console: Console
) -> list[Outcome]:
    """Let the engine play some combinations, each entering once a day."""
    spec = plan.search.spec
    variants = [
        Variant({**spec.fixed, **grid.changes(place), EVERY_KEY: ALL_DAY}, spec.signals) for place in places
    ]
    found: dict[int, Outcome] = {}
    results = run_variants(plan.base, variants, request.jobs, folder / DONE, request.scheduler)
    for number, outcome in watched(console, "Engine", len(variants), results):
        if outcome.error:
            raise DataError(f"screen: {outcome.error}")
        found[number] = outcome
    return [found[number] for number in range(len(variants))]


def _compare(
    grid: Grid, found: Screened, places: Sequence[int], outcomes: Sequence[Outcome], drawn: int
) -> int:
    """Return how many trades were compared; of the first ``drawn`` every day, of the others the sums."""
    both = Found(grid.keys, tuple(outcomes), 1.0)
    engine, trades = both.daily
    rows = [found.days.index(day) for day in both.days]
    for number, place in enumerate(places):
        same = trades[:, number].sum() == found.figures["trades"][place]
        same &= abs(engine[:, number].sum() - found.figures["net"][place]) < 0.005
        if number < drawn:
            same &= bool((np.abs(engine[:, number] - found.daily[rows, number]) < 0.005).all())
        if not same and np.isfinite(found.figures["net"][place]):
            raise DataError(
                f"screen: {grid.changes(place)}: screen and engine differ "
                f"({found.figures['net'][place]:.2f} and {engine[:, number].sum():.2f} USD): a defect"
            )
    return int(trades.sum())


def _trial(plan: Plan) -> str:
    return hashlib.sha256(f"screen {plan.base.idea} {plan.search.digest}".encode()).hexdigest()[:24]


def _sample(ratios: np.ndarray) -> list[float]:
    known = ratios[np.isfinite(ratios)]
    if len(known) <= QUANTILES:
        return known.tolist()
    return np.quantile(known, np.linspace(0.0, 1.0, QUANTILES)).tolist()


def _table(grid: Grid, found: Screened) -> pd.DataFrame:
    """Return a row a combination: its keys and figures."""
    places = np.unravel_index(np.arange(int(np.prod(grid.shape))), grid.shape)
    keys = {
        key: np.asarray(held)[place] for key, held, place in zip(grid.keys, grid.values, places, strict=True)
    }
    return pd.DataFrame(keys | found.figures)


def _report(
    plan: Plan,
    grid: Grid,
    found: Screened,
    best: Found,
    ledger: Ledger,
    agreed: Section,
    folder: Path,
) -> list[Section]:
    spec, figures = plan.search.spec, best.figures
    ranked = best_of(figures[spec.metric], *best.daily)
    order = ranking(figures["sharpe"])
    ratio, error = (
        float(figures[name][order[0]]) if len(order) else np.nan for name in ("sharpe", "sharpe_error")
    )
    luck = luck_of(ratio, error, found.daily, ledger.ratios, ledger.trials)
    size = int(np.prod(grid.shape))
    names = short_names(grid.keys)
    entry = names[ENTRY_KEY]
    values = best.values.assign(**{entry: [clock(minute) for minute in best.values[entry]]})
    sections = [
        best_section(values, figures, ranked, spec.metric),
        luck_section(luck, size, plan.family, "the best combination"),
        agreed,
    ]
    title = f"Market Watch screen: {plan.search.name}"
    days = f"{found.days[0]} to {found.days[-1]}, {count(len(found.days))} sessions"
    lead = f"{count(size)} combinations, {days}. {verdict_of(luck, 'the best combination')}"
    axes = {
        names[key]: [clock(value) for value in held] if key == ENTRY_KEY else held
        for key, held in zip(grid.keys, grid.values, strict=True)
    }
    panels = panels_of_grid(axes, found.figures)
    picture = partial(heat_chart, title, lead, panels)
    put_report(folder, "screen", title, lead, sections, picture, heats=panels)
    return sections
