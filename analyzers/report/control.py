"""The tables of the honesty controls, and what each must show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analyzers.controls import BreakEven, Mean
from analyzers.report.sections import Section
from analyzers.report.words import THIN, count, interval, share, usd, words

EMPIRICAL = (0.05, 0.14)  # implied over realised volatility, less 1, as measured on the market


@dataclass(frozen=True, slots=True)
class BotControls:
    """What the controls found of one bot.

    ``means`` has one entry a premium; ``negative`` is what a trade at a negative premium brings
    more than at none; ``filters`` and ``shuffled`` what a trade by the filters, and by their
    verdicts dealt to other days, brings more before costs than one without filters.
    """

    break_even: BreakEven
    means: tuple[Mean, ...]
    null: Mean
    null_before_costs: Mean
    negative: Mean
    filters: Mean
    shuffled: Mean


@dataclass(frozen=True, slots=True)
class StressDay:
    """What all bots together did on a bad day, USD: as configured and with filters open."""

    day: date
    name: str
    own_trades: int
    own_mean: float
    own_worst: float
    free_trades: int
    free_mean: float
    free_worst: float


def sections_of(
    controls: Mapping[str, BotControls], stress: Sequence[StressDay], premiums: Sequence[float], paths: int
) -> list[Section]:
    """Return the report's tables."""
    return [
        _break_even(controls),
        _sweep(controls, premiums),
        _null(controls),
        _shuffled(controls),
        _stress(stress, paths),
    ]


def _break_even(controls: Mapping[str, BotControls]) -> Section:
    rows = [
        (
            words(bot),
            (
                premium_text(held.break_even.value),
                THIN
                if math.isnan(held.break_even.low)
                else f"{premium_text(held.break_even.low)} to {premium_text(held.break_even.high)}",
                beside_market(held.break_even),
            ),
        )
        for bot, held in controls.items()
    ]
    text = (
        "The volatility premium (implied over fair volatility, less 1) from which on a trade earns its "
        f"costs. Measured on the market: {share(EMPIRICAL[0], 0)} to {share(EMPIRICAL[1], 0)}. The minutes "
        "are simulated; a real market's premium comes and goes, and it is not the seller's to choose when."
    )
    columns = ("Break-even premium", "95 % interval", "Beside the market's")
    return Section("Break-even premium", text, columns, tuple(rows), "Bot")


def premium_text(value: float) -> str:
    """Return a break-even premium, or on which side of those tried it lies."""
    if math.isnan(value):
        return THIN
    if math.isinf(value):
        return "above the largest tried" if value > 0 else "below the smallest tried"
    return share(value)


def beside_market(held: BreakEven) -> str:
    """Return where a break-even premium stands against the measured range."""
    if math.isnan(held.low):
        return THIN
    if held.low > EMPIRICAL[1]:
        return "above all that was measured"
    if held.high < EMPIRICAL[0]:
        return "below all that was measured"
    return "not told apart from what was measured"


def _sweep(controls: Mapping[str, BotControls], premiums: Sequence[float]) -> Section:
    rows = [
        (f"{words(bot)}, {share(premium, 0)}", _cells(mean))
        for bot, held in controls.items()
        for premium, mean in zip(premiums, held.means, strict=True)
    ]
    text = "Net result of a trade at each premium, on the same simulated minutes."
    return Section(
        "Premium sweep", text, ("Trades", "Mean, USD", "95 % interval"), tuple(rows), "Bot, premium"
    )


def _cells(mean: Mean) -> tuple[str, ...]:
    return count(mean.trades), usd(mean.value), interval(mean.low, mean.high) if mean.known else THIN


def _null(controls: Mapping[str, BotControls]) -> Section:
    rows = []
    for bot, held in controls.items():
        rows.append((f"{words(bot)}, none, after costs", (*_cells(held.null), "")))
        fair = _verdict(
            held.null_before_costs, held.null_before_costs.holds_zero, "a fair game", "NOT A FAIR GAME"
        )
        rows.append((f"{words(bot)}, none, before costs", (*_cells(held.null_before_costs), fair)))
        worse = _verdict(held.negative, held.negative.low <= 0.0, "no better, as it must be", "EARNS MORE")
        rows.append((f"{words(bot)}, −5 % against none", (*_cells(held.negative), worse)))
    text = (
        "Without premium a trade must earn nothing before costs, so that it loses its costs; with a negative "
        "premium it must not earn more. What fails here is a fault of the model or of the bot, or the one in "
        "twenty that chance allows."
    )
    columns = ("Trades", "Mean, USD", "95 % interval", "Verdict")
    return Section("Null and negative premium", text, columns, tuple(rows), "Bot, premium")


def _verdict(mean: Mean, passed: bool, good: str, bad: str) -> str:
    return (good if passed else bad) if mean.known else THIN


def _shuffled(controls: Mapping[str, BotControls]) -> Section:
    rows = []
    for bot, held in controls.items():
        for name, mean in (("own filters", held.filters), ("shuffled over the days", held.shuffled)):
            told = _verdict(mean, mean.holds_zero, "worth nothing, as it must be", "NOT WORTH NOTHING")
            rows.append((f"{words(bot)}, {name}", (*_cells(mean), told)))
    text = (
        "What a trade by the filters brings more, before costs, than one without them, at premium none: "
        "there is nothing to be known there, so the filters must be worth nothing, and their verdicts "
        "dealt to other days too."
    )
    columns = ("Trades", "Difference, USD", "95 % interval", "Verdict")
    return Section("Shuffled signals", text, columns, tuple(rows), "Bot")


def _stress(stress: Sequence[StressDay], paths: int) -> Section:
    rows = []
    for day in stress:
        own = (count(day.own_trades), usd(day.own_mean), usd(day.own_worst))
        free = (count(day.free_trades), usd(day.free_mean), usd(day.free_worst))
        rows.append((f"{day.day} {day.name}", (*own, *free)))
    text = (
        f"{paths} drawn paths of each day through its real open, high, low and close, after a calm year. "
        "Halts, limits and days of announcements hold throughout; without filters the bots meet the day "
        "all the same."
    )
    columns = ("Trades", "Mean day, USD", "Worst day, USD")
    unfiltered = tuple(f"{name}, no filters" for name in columns)
    return Section("Stress days", text, (*columns, *unfiltered), tuple(rows), "Day")
