"""The tables and the picture of what models are worth, in words a trader understands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.controls import Mean
from analyzers.learning import Calibration
from analyzers.report import charts
from analyzers.report.sections import Section
from analyzers.report.words import THIN, count, interval, ratio, share, usd, words

Uplift = tuple[int, Mean, Mean]  # trades kept, USD a trade before costs, USD a session after them


@dataclass(frozen=True, slots=True)
class Proof:
    """What a bot's walk-forward showed on days its models had not seen.

    ``value`` are the trades with a positive expected value, ``half`` those the model likes
    better than the middle of the cases before, ``dealt`` the same of models that learned from results
    dealt to other days; all against the rules alone.
    """

    bot: str
    cases: int
    complete: int
    tested: tuple[str, str]
    calibration: Calibration
    features: tuple[str, ...]
    importance: tuple[float, ...]
    years: pd.DataFrame
    rules_trades: int
    value: Uplift
    half: Uplift
    dealt: Uplift
    half_years: pd.DataFrame
    curves: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """Return the figures a model's file carries."""
        held, (_, trade, _) = self.calibration, self.half
        return {
            "tested": list(self.tested),
            "cases": held.cases,
            "brier": held.brier,
            "base_brier": held.base,
            "gain": [held.gain.value, held.gain.low, held.gain.high],
            "slope": held.slope,
            "uplift_a_trade": [trade.value, trade.low, trade.high],
            "value_trades": self.value[0],
            "rules_trades": self.rules_trades,
        }


def sections_of(proofs: Mapping[str, Proof]) -> list[Section]:
    """Return the report's tables."""
    return [_worth(proofs), _calibration(proofs), _reliability(proofs), _years(proofs), _features(proofs)]


def verdict(held: Proof) -> str:
    """Return what a trader may conclude from the better half."""
    trade = held.half[1]
    if not trade.known:
        return THIN
    if trade.holds_zero:
        return "no better than the rules alone, as far as can be told"
    return "picks better trades" if trade.value > 0.0 else "picks WORSE trades"


def _worth(proofs: Mapping[str, Proof]) -> Section:
    rows = []
    for bot, held in proofs.items():
        for name, (kept, trade, session), told in (
            ("expected value", held.value, _by_value(held)),
            ("better half", held.half, verdict(held)),
            ("better half, results dealt", held.dealt, _blind(held.dealt[1])),
        ):
            trades = f"{count(kept)} of {count(held.rules_trades)}"
            rows.append((f"{words(bot)}, {name}", (trades, *_cells(trade), *_cells(session), told)))
    text = (
        "The bot on days its models had not seen, with the model and without it. Expected value: the model "
        "vetoes what it expects to lose after costs, as it would live. Better half: it keeps what it likes "
        "better than the middle of the cases before, which shows whether it can tell good trades from bad, "
        "whatever the level; results dealt: the same of a model that learned from results of other days, "
        "which must be worth nothing. USD a trade is before costs, because cheap hours are no foresight; "
        "USD a session is after them. An interval that holds zero cannot be told from chance."
    )
    columns = (
        "Trades kept",
        "USD a trade",
        "95 % interval",
        "USD a session",
        "95 % interval ",
        "Verdict",
    )
    return Section("What the models are worth", text, columns, tuple(rows), "Bot, policy")


def _by_value(held: Proof) -> str:
    kept, trade, session = held.value
    if kept == 0:
        return "vetoes every trade: it expects all to lose"
    if kept >= 0.97 * held.rules_trades:
        return "vetoes next to nothing"
    if not session.holds_zero and session.value > 0.0 and not (trade.known and trade.low > 0.0):
        return "saves by not trading"
    return verdict_of(trade)


def _blind(trade: Mean) -> str:
    if not trade.known:
        return THIN
    return "worth nothing, as it must be" if trade.holds_zero else "NOT WORTH NOTHING"


def verdict_of(trade: Mean) -> str:
    """Return what the interval of a difference says."""
    if not trade.known:
        return THIN
    if trade.holds_zero:
        return "cannot be told from chance"
    return "better" if trade.value > 0.0 else "WORSE"


def _cells(mean: Mean) -> tuple[str, str]:
    value = usd(mean.value) if math.isfinite(mean.value) else THIN
    return value, interval(mean.low, mean.high) if mean.known else THIN


def _calibration(proofs: Mapping[str, Proof]) -> Section:
    rows = []
    for bot, held in proofs.items():
        one = held.calibration
        knows = THIN
        if one.gain.known:
            knows = "knows something" if one.gain.low > 0.0 else "knows nothing that can be told from chance"
            if one.gain.high < 0.0:
                knows = "WORSE than the base rate"
        rows.append(
            (
                words(bot),
                (
                    count(one.cases),
                    ratio(one.brier, 4),
                    ratio(one.base, 4),
                    ratio(one.gain.value, 4),
                    f"{ratio(one.gain.low, 4)} to {ratio(one.gain.high, 4)}" if one.gain.known else THIN,
                    ratio(one.slope) if math.isfinite(one.slope) else THIN,
                    knows,
                ),
            )
        )
    text = (
        "The Brier score is the mean squared distance of the told chance from what came, smaller is better; "
        "the base rate tells everyone the share of wins known when the model was trained. Slope 1 is honest, "
        "below 1 the model is too sure of itself."
    )
    columns = ("Cases", "Brier", "Base rate's", "Gain", "95 % interval", "Slope", "Verdict")
    return Section("Can the chances be believed?", text, columns, tuple(rows), "Bot")


def _reliability(proofs: Mapping[str, Proof]) -> Section:
    rows = [
        (
            f"{words(bot)}, {number}",
            (count(one.cases), share(one.told), share(one.won), f"± {share(1.96 * one.error)}"),
        )
        for bot, held in proofs.items()
        for number, one in enumerate(held.calibration.bins, 1)
    ]
    text = "Cases by the chance they were given, from the lowest to the highest; the picture shows the same."
    return Section(
        "Reliability", text, ("Cases", "Chance told", "Share won", "95 %"), tuple(rows), "Bot, group"
    )


def _years(proofs: Mapping[str, Proof]) -> Section:
    rows = []
    for bot, held in proofs.items():
        gaps = held.half_years
        for year, row in held.years.iterrows():
            gap = gaps.gap.get(str(year), math.nan)
            rows.append(
                (
                    f"{words(bot)}, {year}",
                    (
                        count(row.cases),
                        share(row.won),
                        share(row.chance),
                        ratio(row.base - row.brier, 4),
                        usd(gap) if math.isfinite(gap) else THIN,
                    ),
                )
            )
    text = "What is known is known in most years. The last column is the better half, before costs."
    columns = ("Cases", "Share won", "Chance told", "Brier gain", "USD a trade")
    return Section("Year by year", text, columns, tuple(rows), "Bot, year")


def _features(proofs: Mapping[str, Proof]) -> Section:
    names = list(dict.fromkeys(name for held in proofs.values() for name in held.features))
    rows = []
    for name in names:
        cells = []
        for held in proofs.values():
            known = dict(zip(held.features, held.importance, strict=True))
            cells.append(ratio(1000.0 * known[name], 2) if name in known else "not known")
        rows.append((words(name), tuple(cells)))
    text = (
        "By how much the Brier score rises, in thousandths, when a feature is dealt to other cases. About "
        "zero or below: the model would miss nothing without it."
    )
    return Section(
        "What the models look at", text, tuple(words(bot) for bot in proofs), tuple(rows), "Feature"
    )


def learning_chart(proofs: Mapping[str, Proof], path: Path) -> None:
    """Write the reliability diagrams, and below them the results with and without the model, as PNG."""
    from matplotlib.figure import Figure

    colours = charts.colours(proofs)
    with charts.style():
        figure = Figure(figsize=(5.2 * max(len(proofs), 1), 7.4), dpi=110, facecolor=charts.PAPER)
        for number, (bot, held) in enumerate(proofs.items(), 1):
            axes = figure.add_subplot(2, len(proofs), number)
            axes.plot([0, 1], [0, 1], color=charts.FAINT, linewidth=0.9)
            bins = held.calibration.bins
            axes.errorbar(
                [one.told for one in bins],
                [one.won for one in bins],
                [1.96 * one.error for one in bins],
                color=colours[bot],
                marker="o",
                markersize=4,
                linewidth=1.2,
            )
            axes.set_title(f"{words(bot)}: reliability")
            axes.set_xlabel("chance told")
            axes.set_ylabel("share won")
            axes = figure.add_subplot(2, len(proofs), len(proofs) + number)
            days = pd.to_datetime(held.curves.index)
            for name, dashes in zip(held.curves, ((), (4, 2), (1, 1)), strict=True):
                (line,) = axes.plot(
                    days, np.asarray(held.curves[name]), color=colours[bot], linewidth=1.2, label=name
                )
                if dashes:
                    line.set_dashes(dashes)
            axes.axhline(0.0, color=charts.FAINT, linewidth=0.9)
            axes.set_title(f"{words(bot)}: net result, USD")
            axes.tick_params(axis="x", rotation=30)
            axes.legend(loc="best")
        figure.tight_layout()
        figure.savefig(path, metadata={"Software": None})
