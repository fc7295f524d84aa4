"""``mw ablate``: what each filter is worth, on the same days with and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from rich.console import Console

from analyzers.ablation import Worth, worth
from analyzers.report.ablation import sections_of, worthless
from analyzers.report.words import NOT_EVIDENCE
from engine.errors import DataError
from engine.reasons import Reason
from scripts.chosen import chosen_bots
from scripts.control import day_table
from scripts.lookahead import again
from scripts.outcomes import Outcome
from scripts.pages import publish
from scripts.progress import shown, watched
from scripts.requests import BacktestRequest
from scripts.session import Setup, play
from scripts.signals import WITHOUT
from scripts.told import console_of, tell
from scripts.variants import Base, Variant, run_variants, settings_of, setup_of

# filters that stand in the settings and not in a bot
SETTINGS: dict[Reason, dict[str, Any]] = {
    Reason.CREDIT_BELOW_COST: {"common.min_credit_to_cost": 0.0},
    Reason.HALT_MOVE: {"risk.halt_move": None},
    Reason.HALT_VIX: {"risk.halt_vix": None},
    Reason.HALT_RANGE: {"risk.halt_range": None},
}
SPIKE, LEAN = "contrarian after a spike of 15 %", "lean"
LEANING = "contrarian, leaning by 0.3 expected moves"
LEAN_ALONE = f"{LEANING}, against staying out"
# filters that are off by default, at a value in the middle of what one would try
OPTIONAL: dict[str, dict[str, Any]] = {
    "range at most 0.6 expected moves": {"common.regime.range_max": 0.6},
    "breadth from 0.2 to 0.8": {"common.regime.breadth_min": 0.2, "common.regime.breadth_max": 0.8},
    "crowding at most 70": {"common.regime.crowding_max": 70.0},
    SPIKE: {"common.regime.spike": 0.15},
    "harvest after a fall of 10 %": {"common.regime.harvest": 0.1},
}
BASELINE = "as configured"


@dataclass(frozen=True, slots=True)
class AblateRequest:
    """An ablation as the command line asks for it; ``optional``: try the filters that are off, too."""

    base: BacktestRequest
    optional: bool = True
    jobs: int = -1
    as_json: bool = False


def run(request: AblateRequest) -> Path:
    """Run every variant, print what each filter is worth and return the report's folder.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right; nothing is written then.
    """
    console = console_of(request.as_json)
    whole = Base.of(request.base)
    bots = chosen_bots(settings_of(whole, {}), whole.bots)
    own: dict[str, dict[str, Worth]] = {}
    optional: dict[str, dict[str, Worth]] = {}
    for bot in bots:  # each alone: two bots share a budget, and one's trades change the other's
        base = Base.of(replace(request.base, bots=(bot,)))
        with shown(console, f"Preparing bars and quotes for {bot}"):
            variants = variants_of(setup_of(base, {}), bot, request.optional)
        found = dict(zip(variants, _outcomes(console, bot, base, variants, request.jobs), strict=True))
        days = {name: day_table(outcome, bot) for name, outcome in found.items()}
        kept = days.pop(BASELINE)
        tried = days.keys() & {*OPTIONAL, LEANING}
        own[bot] = {name: worth(kept, table) for name, table in days.items() if name not in tried}
        optional[bot] = {name: worth(table, kept) for name, table in days.items() if name in tried}
        if LEANING in days:
            optional[bot][LEAN_ALONE] = worth(days[LEANING], days[SPIKE])
    sections = sections_of(own, optional)[: 2 if request.optional else 1]
    nothing = worthless(own)
    told = {"own": _figures(own), "optional": _figures(optional), "worth_nothing": nothing}
    with shown(console, "Writing the report"):
        folder = publish(request.base.out, "ablation", "Market Watch ablation", NOT_EVIDENCE, sections, told)
    tell(console, sections, folder / "ablation.html", request.as_json, told)
    if nothing:
        console.print(f"Worth nothing that can be told from chance: {'; '.join(nothing)}.")
    return folder


def variants_of(setup: Setup, bot: str, optional: bool) -> dict[str, Variant]:
    """Return the run as configured and the runs without each filter alone, by what they leave out."""
    found = {BASELINE: Variant()}
    for reason in filters_of(setup, bot):
        found[str(reason)] = Variant(signals=f"{WITHOUT}:{reason}")
    found[str(Reason.EVENT_BLACKOUT)] = Variant(signals=f"{WITHOUT}:{Reason.EVENT_BLACKOUT}")
    found |= {str(reason): Variant(changes) for reason, changes in SETTINGS.items()}
    config = getattr(setup.settings.bots, bot)
    if config.model is not None:
        found[str(Reason.MODEL_VETO)] = Variant({f"bots.{bot}.model": None})
    lean = f"bots.{bot}.lean_move"
    if getattr(config, "lean_move", 0.0) and setup.settings.common.regime.spike is not None:
        found[LEAN] = Variant({lean: 0.0})
    if optional:
        found |= {name: Variant(changes) for name, changes in OPTIONAL.items()}
    if optional and hasattr(config, "lean_move"):
        found[SPIKE] = Variant({**OPTIONAL[SPIKE], lean: 0.0})
        found[LEANING] = Variant({**OPTIONAL[SPIKE], lean: 0.3})
    return found


def filters_of(setup: Setup, bot: str) -> list[Reason]:
    """Return what a bot's own filters refuse as, in the order in which it asks them."""
    first = next(iter(setup.bars.values()))
    day = first.grid.dates[0]
    bars = {symbol: held.between(day, day) for symbol, held in setup.bars.items()}
    _, (strategy,) = play(again(replace(setup, bots=(bot,)), bars))
    lane = strategy.lanes[0]
    nothing = SimpleNamespace(**{name: np.empty(0) for name in lane.measures})
    return list(dict.fromkeys(reason for reason, _ in lane.filters(nothing) if reason is not Reason.HALF_DAY))


def _outcomes(
    console: Console, bot: str, base: Base, variants: Mapping[str, Variant], jobs: int
) -> list[Outcome]:
    wanted = list(variants.values())
    found: dict[int, Outcome] = {}
    for number, outcome in watched(console, bot, len(wanted), run_variants(base, wanted, jobs)):
        if outcome.error:
            raise DataError(f"ablate: {outcome.error}")
        found[number] = outcome
    return [found[number] for number in range(len(wanted))]


def _figures(found: Mapping[str, Mapping[str, Worth]]) -> dict[str, Any]:
    return {bot: {name: asdict(one) for name, one in filters.items()} for bot, filters in found.items()}
