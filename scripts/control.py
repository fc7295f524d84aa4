"""``mw control``: what the bots do where there is nothing to earn, and where it hurts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from analyzers.controls import break_even, difference, mean_of
from analyzers.report.control import BotControls, StressDay, sections_of
from analyzers.report.control_chart import control_chart
from analyzers.report.sections import Section
from analyzers.report.words import NOT_EVIDENCE
from engine.errors import ConfigError, DataError
from feeds.stress import Shape, load_shapes, write_daily
from scripts.chosen import chosen_bots
from scripts.outcomes import Outcome
from scripts.pages import publish
from scripts.progress import shown, watched
from scripts.requests import BacktestRequest
from scripts.signals import OPEN, OWN, SHUFFLED
from scripts.told import console_of, tell
from scripts.variants import Base, Variant, run_variants, settings_of

PREMIUMS = (-0.05, 0.0, 0.04, 0.08, 0.14, 0.20, 0.30)
NEGATIVE = -0.05


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """Controls as the command line asks for them.

    Parameters
    ----------
    base : BacktestRequest
        What the runs have in common.
    seeds, shuffles, paths : int
        Samples of simulated minutes; deals of the filters' verdicts per sample; drawn paths of
        every stress day.
    jobs : int
        Processes, -1 one a core.
    premiums : tuple of float
        To try; none at all and -5 % are always among them.
    as_json : bool
        Print for a program instead of tables.
    """

    base: BacktestRequest
    seeds: int = 2
    shuffles: int = 2
    paths: int = 3
    jobs: int = -1
    premiums: tuple[float, ...] = PREMIUMS
    as_json: bool = False


def run(request: ControlRequest) -> Path:
    """Run all controls and return the folder of their report.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right; nothing is written then.
    """
    console = console_of(request.as_json)
    premiums = tuple(sorted({*request.premiums, NEGATIVE, 0.0}))
    base = Base.of(request.base)
    settings = settings_of(base, {})
    bots = chosen_bots(settings, base.bots)
    shapes = load_shapes(request.base.config / "stress.yaml")
    seeds = range(settings.data.seed, settings.data.seed + request.seeds)
    samples = _samples(seeds, premiums, request.shuffles)
    found = dict(
        zip(samples, _outcomes(console, "Samples", base, samples.values(), request.jobs), strict=True)
    )
    # the stress days have dates of their own
    apart = Base.of(replace(request.base, timerange=None))
    with tempfile.TemporaryDirectory() as folder:
        files = write_daily(shapes, Path(folder))
        days = _stress(shapes, files, seeds.start, request.paths)
        hurt = dict(
            zip(days, _outcomes(console, "Stress days", apart, days.values(), request.jobs), strict=True)
        )
    controls = {bot: _controls(bot, found, seeds, premiums, request.shuffles) for bot in bots}
    stress = [_stress_day(shape, hurt, bots, seeds.start, request.paths) for shape in shapes]
    sections = sections_of(controls, stress, premiums, request.paths)
    figures = _figures(request, controls, stress, premiums)
    with shown(console, "Writing the report"):
        target = _save(request, controls, sections, premiums, figures)
    tell(console, sections, target / "control.html", request.as_json, figures)
    return target


Sample = tuple[int, float, str]


def _samples(seeds: Iterable[int], premiums: Sequence[float], shuffles: int) -> dict[Sample, Variant]:
    """Return the sweep over premiums, and at none of it the bots by open and by shuffled signals."""
    wanted = [(premium, OWN) for premium in premiums]
    wanted += [(0.0, OPEN), *((0.0, f"{SHUFFLED}:{number}") for number in range(shuffles))]
    return {
        (seed, premium, signals): Variant(
            {"data.generator": "simulated", "data.seed": seed, "quotes.premium": premium}, signals
        )
        for seed in seeds
        for premium, signals in wanted
    }


def _stress(
    shapes: Sequence[Shape], files: Mapping[date, Path], first: int, paths: int
) -> dict[tuple[date, int, str], Variant]:
    return {
        (shape.date, seed, signals): Variant(
            {
                "data.generator": "conditioned",
                "data.seed": seed,
                "data.daily": str(files[shape.date]),
                "data.start": None,
                "data.end": None,
            },
            signals,
        )
        for shape in shapes
        for seed in range(first, first + paths)
        for signals in (OWN, OPEN)
    }


def _outcomes(
    console: Console, title: str, base: Base, variants: Iterable[Variant], jobs: int
) -> list[Outcome]:
    wanted = list(variants)
    found: list[Outcome | None] = [None] * len(wanted)
    for number, outcome in watched(console, title, len(wanted), run_variants(base, wanted, jobs)):
        if outcome.error:
            raise DataError(f"control: {outcome.error}")
        found[number] = outcome
    return [outcome for outcome in found if outcome is not None]


def day_table(outcome: Outcome, bot: str) -> pd.DataFrame:
    """Return ``net``, ``costs`` and ``trades`` of a bot on every session of a variant."""
    held = outcome.bots[bot]
    days = {"net": held.day_net, "costs": held.day_costs, "trades": held.day_trades}
    table = pd.DataFrame(days, index=list(held.day), dtype=np.float64)
    return table.reindex(list(outcome.sessions), fill_value=0.0)


def _controls(
    bot: str,
    found: Mapping[Sample, Outcome],
    seeds: Iterable[int],
    premiums: Sequence[float],
    shuffles: int,
) -> BotControls:
    def days(premium: float, signals: str = OWN) -> pd.DataFrame:
        # every sample is a market of its own: its days stand under the others'
        tables = [day_table(found[seed, premium, signals], bot) for seed in seeds]
        return pd.concat(tables, ignore_index=True)

    tables = [days(premium) for premium in premiums]
    null, negative, free = days(0.0), days(NEGATIVE), days(0.0, OPEN)
    deals = [days(0.0, f"{SHUFFLED}:{number}") for number in range(shuffles)]
    return BotControls(
        break_even=break_even(premiums, tables),
        means=tuple(mean_of(table) for table in tables),
        null=mean_of(null),
        null_before_costs=mean_of(null, before_costs=True),
        # before costs: to choose hours of narrow spreads is no foresight
        negative=difference(_gross(negative), _gross(null)),
        filters=difference(_gross(null), _gross(free)),
        shuffled=difference(_gross(sum(deals[1:], deals[0])), _gross(free)),
    )


def _gross(days: pd.DataFrame) -> pd.DataFrame:
    return days.assign(net=days.net + days.costs)


def _stress_day(
    shape: Shape,
    found: Mapping[tuple[date, int, str], Outcome],
    bots: Sequence[str],
    first: int,
    paths: int,
) -> StressDay:
    told: dict[str, Any] = {}
    for name, signals in (("own", OWN), ("free", OPEN)):
        days = [
            pd.DataFrame({bot: day_table(found[shape.date, seed, signals], bot).iloc[-1] for bot in bots})
            for seed in range(first, first + paths)
        ]
        told[f"{name}_trades"] = int(sum(day.loc["trades"].sum() for day in days))
        told[f"{name}_mean"] = float(np.mean([day.loc["net"].sum() for day in days]))
        told[f"{name}_worst"] = float(min(day.loc["net"].sum() for day in days))
    return StressDay(shape.date, shape.name, **told)


def _figures(
    request: ControlRequest,
    controls: Mapping[str, BotControls],
    stress: Sequence[StressDay],
    premiums: Sequence[float],
) -> dict[str, Any]:
    return {
        "seeds": request.seeds,
        "shuffles": request.shuffles,
        "paths": request.paths,
        "premiums": list(premiums),
        "bots": {bot: asdict(held) for bot, held in controls.items()},
        "stress": [asdict(day) for day in stress],
    }


def _save(
    request: ControlRequest,
    controls: Mapping[str, BotControls],
    sections: Sequence[Section],
    premiums: Sequence[float],
    figures: Mapping[str, Any],
) -> Path:
    lead = f"{NOT_EVIDENCE} {request.seeds} samples of simulated minutes at each premium;"
    means = {bot: held.means for bot, held in controls.items()}
    return publish(
        request.base.out,
        "control",
        "Market Watch controls",
        lead,
        sections,
        figures,
        lambda picture: control_chart(means, premiums, picture),
    )


def premiums_of(text: str) -> tuple[float, ...]:
    """Return premiums like ``-0.05,0,0.1``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"premiums: got {text!r}, expected numbers like -0.05,0,0.1") from None
