"""``mw control``: what the bots do where there is nothing to earn, and where it hurts."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analyzers.controls import BreakEven, Mean, break_even, difference, mean_of
from analyzers.report.control_chart import control_chart
from analyzers.report.sections import Section, print_sections, render_sections
from analyzers.report.words import count, interval, share, usd, words
from engine.errors import ConfigError
from engine.settings import Settings
from feeds.stress import Shape, load_shapes, write_daily
from scripts.requests import BacktestRequest
from scripts.session import chosen_bots, overrides
from scripts.signals import OPEN, SHUFFLED
from scripts.variants import Base, Outcome, Variant, run_variants

PREMIUMS = (-0.05, 0.0, 0.05, 0.10, 0.15, 0.20, 0.30)
EMPIRICAL = (0.05, 0.14)  # implied over realised volatility, less 1, as measured on the market
Bots = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """Controls as the command line asks for them.

    ``base`` says what the runs have in common; ``seeds`` counts the samples of the sweep and
    ``paths`` those of every stress day; ``jobs`` are processes, -1 one a core.
    """

    base: BacktestRequest
    seeds: int = 3
    paths: int = 5
    jobs: int = -1
    premiums: tuple[float, ...] = PREMIUMS


def run(request: ControlRequest) -> Path:
    """Run all controls and return the folder of their report.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right; nothing is written then.
    """
    if request.seeds < 1 or request.paths < 1:
        raise ConfigError(f"seeds and paths: got {request.seeds} and {request.paths}, expected 1 or more")
    premiums = tuple(sorted(set(request.premiums) | {-0.05, 0.0}))
    base = request.base
    settings = Settings.load(base.config, base.profile, overrides(base))
    bots = chosen_bots(settings, base.bots)
    shapes = load_shapes(base.config / "stress.yaml")
    first = settings.data.seed
    seeds = range(first, first + request.seeds)
    with tempfile.TemporaryDirectory() as folder:
        files = write_daily(shapes, Path(folder))
        outcomes = _watched("premiums", Base.of(base), _sweep(seeds, premiums), request.jobs)
        # these days stand where they stood, whatever range the samples have
        days = Base.of(replace(base, timerange=None))
        outcomes |= _watched("stress days", days, _stress(shapes, files, first, request.paths), request.jobs)
    for name, outcome in outcomes.items():
        if outcome.error:
            raise ConfigError(f"control {name}: {outcome.error}")
    figures = {bot: _figures(bot, outcomes, seeds, premiums) for bot in bots}
    sections = [
        _break_even_section(figures),
        _premium_section(figures, premiums),
        _null_section(figures),
        _shuffle_section(figures),
        _stress_section(bots, shapes, outcomes, first, request.paths),
    ]
    console = Console()
    print_sections(console, sections)
    folder_out = _save(base, figures, sections, premiums, request)
    console.print(f"Report: {folder_out / 'control.html'}", soft_wrap=True)
    return folder_out


def _sweep(seeds: Sequence[int], premiums: Sequence[float]) -> dict[str, Variant]:
    variants = {}
    for seed in seeds:
        of_seed = {"data.generator": "simulated", "data.seed": seed}
        for premium in premiums:
            variants[f"seed {seed} premium {premium:g}"] = Variant({**of_seed, "quotes.premium": premium})
        null = {**of_seed, "quotes.premium": 0.0}
        variants[f"seed {seed} open"] = Variant(null, OPEN)
        variants[f"seed {seed} shuffled"] = Variant(null, f"{SHUFFLED}:{seed}")
    return variants


def _stress(shapes: Sequence[Shape], files: dict[date, Path], first: int, paths: int) -> dict[str, Variant]:
    variants = {}
    for shape in shapes:
        for seed in range(first, first + paths):
            data = {
                "data.generator": "conditioned",
                "data.seed": seed,
                "data.daily": str(files[shape.date]),
            }
            variants[f"{shape.date} path {seed}"] = Variant(data)
            variants[f"{shape.date} path {seed} open"] = Variant(data, OPEN)
    return variants


def _watched(what: str, base: Base, variants: dict[str, Variant], jobs: int) -> dict[str, Outcome]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console()
    names, found = list(variants), {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Running {what}", total=len(names))
        for number, outcome in run_variants(base, list(variants.values()), jobs):
            found[names[number]] = outcome
            bar.update(task, advance=1)
    return found


def days_of(outcome: Outcome, bot: str) -> pd.DataFrame:
    """Return ``trades, net, costs`` of a bot on every session, zeros where it was idle."""
    held = outcome.bots[bot]
    rows = {"trades": held.day_trades, "net": held.day_net, "costs": held.day_costs}
    table = pd.DataFrame(rows, index=list(held.day))
    return table.reindex(list(outcome.sessions), fill_value=0.0).astype(float)


def _figures(
    bot: str, outcomes: dict[str, Outcome], seeds: Sequence[int], premiums: Sequence[float]
) -> dict[str, Any]:
    def days(name: str) -> pd.DataFrame:
        tables = [days_of(outcomes[f"seed {seed} {name}"], bot) for seed in seeds]
        return pd.concat(tables, ignore_index=True)

    tables = [days(f"premium {premium:g}") for premium in premiums]
    null, negative = tables[premiums.index(0.0)], tables[premiums.index(-0.05)]
    return {
        "break_even": break_even(premiums, tables),
        "means": [mean_of(table) for table in tables],
        "null": mean_of(null),
        "null_before_costs": mean_of(null, before_costs=True),
        "negative_before_costs": mean_of(negative, before_costs=True),
        "filters": difference(null, days("open")),
        "shuffled": difference(days("shuffled"), days("open")),
    }


def _break_even_section(figures: Bots) -> Section:
    rows = []
    for bot, found in figures.items():
        held: BreakEven = found["break_even"]
        rows.append(
            (
                words(bot),
                (_premium(held.value), f"{_premium(held.low)} to {_premium(held.high)}", _verdict(held)),
            )
        )
    text = (
        "The volatility premium (implied over realised, less 1) from which on a trade earns more than its "
        f"costs. Measured on the market: {share(EMPIRICAL[0], 0)} to {share(EMPIRICAL[1], 0)}. Simulated "
        "minutes; a real market's premium comes and goes, and is dearest when it is least wanted."
    )
    columns = ("Break-even premium", "95 % interval", "Beside the market's")
    return Section("Break-even premium", text, columns, tuple(rows), "Bot")


def _premium(value: float) -> str:
    if value == float("inf"):
        return "above the largest tried"
    return "below the smallest tried" if value == float("-inf") else share(value)  # NaN is a dash


def _verdict(held: BreakEven) -> str:
    if held.value != held.value:
        return "too few trades"
    if held.high <= EMPIRICAL[0]:
        return "below all that was measured"
    if held.low > EMPIRICAL[1]:
        return "above all that was measured"
    return "cannot be told from what was measured" if held.low <= EMPIRICAL[0] else "within or above it"


def _premium_section(figures: Bots, premiums: Sequence[float]) -> Section:
    rows = []
    for bot, found in figures.items():
        for premium, mean in zip(premiums, found["means"], strict=True):
            rows.append((f"{words(bot)}, {share(premium, 0)}", _mean_cells(mean)))
    text = "Net result of a trade at each premium, on the same simulated minutes."
    return Section(
        "Premium sweep", text, ("Trades", "Mean, USD", "95 % interval"), tuple(rows), "Bot, premium"
    )


def _mean_cells(mean: Mean) -> tuple[str, ...]:
    return count(mean.trades), usd(mean.value), interval(mean.low, mean.high)


def _null_section(figures: Bots) -> Section:
    rows = []
    for bot, found in figures.items():
        for name, key in (("after costs", "null"), ("before costs", "null_before_costs")):
            held: Mean = found[key]
            fair = _nothing(held, "fair game", "NOT a fair game") if key != "null" else ""
            rows.append((f"{words(bot)}, none, {name}", (*_mean_cells(held), fair)))
        held = found["negative_before_costs"]
        worse = "loses, as it must" if held.value < found["null_before_costs"].value else "DOES NOT lose more"
        rows.append((f"{words(bot)}, −5 %, before costs", (*_mean_cells(held), worse)))
    text = (
        "Without premium a trade must earn nothing before costs, and lose about its costs after them; "
        "with a negative one it must lose more. What fails here is a fault of the model or of the bot."
    )
    columns = ("Trades", "Mean, USD", "95 % interval", "Verdict")
    return Section("Null and negative premium", text, columns, tuple(rows), "Bot, premium")


def _shuffle_section(figures: Bots) -> Section:
    rows = []
    for bot, found in figures.items():
        for name, key in (("its own", "filters"), ("shuffled over the days", "shuffled")):
            held: Mean = found[key]
            rows.append((f"{words(bot)}, {name}", (*_mean_cells(held), _nothing(held, "no leak", "A LEAK?"))))
    text = (
        "What the filters add to a trade against the same bot with all of them open, on the same days "
        "without premium. As nothing can be known there, neither they nor the same verdicts dealt to other "
        "days may add more than chance. One interval in twenty misses zero by chance alone."
    )
    columns = ("Trades", "Difference, USD", "95 % interval", "Verdict")
    return Section("Shuffled signals", text, columns, tuple(rows), "Bot, signals")


def _nothing(held: Mean, fair: str, unfair: str) -> str:
    if not held.known:
        return "too few trades"
    return fair if held.holds_zero else unfair


def _stress_section(
    bots: Sequence[str], shapes: Sequence[Shape], outcomes: dict[str, Outcome], first: int, paths: int
) -> Section:
    rows = []
    for shape in shapes:
        for suffix, told in (("", "as configured"), (" open", "filters open")):
            tables = [outcomes[f"{shape.date} path {seed}{suffix}"] for seed in range(first, first + paths)]
            last = [{bot: days_of(table, bot).iloc[-1] for bot in bots} for table in tables]
            day = [sum(row.net for row in of_day.values()) for of_day in last]
            trades = sum(row.trades for of_day in last for row in of_day.values())
            worst = min((row.net for of_day in last for row in of_day.values()), default=0.0)
            cells = (count(trades), usd(sum(day) / len(day)), usd(min(day)), usd(worst))
            rows.append((f"{shape.date} {shape.name}, {told}", cells))
    text = (
        f"{paths} drawn paths of each day through its real open, high, low and close, after a calm stretch. "
        "Halts and limits are on throughout. No trade is the right answer to most of these days."
    )
    columns = ("Trades", "Mean day, USD", "Worst day, USD", "Worst trade, USD")
    return Section("Stress days", text, columns, tuple(rows), "Day")


def _save(
    base: BacktestRequest,
    figures: Bots,
    sections: Sequence[Section],
    premiums: Sequence[float],
    request: ControlRequest,
) -> Path:
    created = datetime.now(UTC)
    target = base.out / f"control-{created:%Y%m%d-%H%M%S}"
    base.out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=base.out, prefix=".writing-"))
    try:
        picture = place / "control.png"
        control_chart({bot: found["means"] for bot, found in figures.items()}, premiums, EMPIRICAL, picture)
        lead = f"{request.seeds} samples of simulated minutes for each premium; {created:%Y-%m-%d}."
        page = render_sections("Market Watch controls", lead, sections, picture.read_bytes())
        (place / "control.html").write_text(page, encoding="utf-8")
        told = {"seeds": request.seeds, "paths": request.paths, "premiums": list(premiums)}
        made = {section.title: {name: list(cells) for name, cells in section.rows} for section in sections}
        bots = {bot: {name: _plain(value) for name, value in found.items()} for bot, found in figures.items()}
        text = json.dumps({**told, "bots": bots, "tables": made}, indent=2)
        (place / "control.json").write_text(text + "\n", encoding="utf-8")
        place.chmod(0o755)
        os.replace(place, target)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return target


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def with_premiums(request: ControlRequest, text: str) -> ControlRequest:
    """Return the request with premiums like ``-0.05,0,0.1``."""
    try:
        chosen = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"premiums: got {text!r}, expected numbers like -0.05,0,0.1") from None
    return replace(request, premiums=chosen)
