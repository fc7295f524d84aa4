"""What a search has found, as tables: a row a variant, and what it made every day."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyzers.search import FIGURES, figures
from engine.research.space import short_names
from scripts.outcomes import Outcome

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """The outcomes of a search in the order of its variants; ``keys`` are those searched over."""

    keys: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    capital: float

    @cached_property
    def good(self) -> tuple[Outcome, ...]:
        """Those that did not fail; the columns of ``pnl`` and ``trades``."""
        return tuple(outcome for outcome in self.outcomes if not outcome.error)

    @cached_property
    def failed(self) -> list[tuple[str, str]]:
        """What failed, as words, and why."""
        return [(words_of(one.changes, self.keys), one.error) for one in self.outcomes if one.error]

    @cached_property
    def days(self) -> list[str]:
        """All sessions any variant had, ISO."""
        different = {outcome.sessions: None for outcome in self.good}
        return sorted({day for sessions in different for day in sessions})

    @cached_property
    def daily(self) -> tuple[Floats, Floats]:
        """Net USD and trades, shape (days, good variants); days without a trade are 0."""
        return matrices(self.good, self.days)

    @cached_property
    def figures(self) -> dict[str, Floats]:
        """Figures of the good variants, see `analyzers.search.figures`."""
        return figures(*self.daily, self.capital)

    @cached_property
    def values(self) -> pd.DataFrame:
        """What the searched keys were, by their short names, a row a good variant."""
        rows = [[plain(outcome.changes.get(key)) for key in self.keys] for outcome in self.good]
        return pd.DataFrame(rows, columns=list(short_names(self.keys).values()), dtype=object)

    def results(self) -> pd.DataFrame:
        """Return a row a variant, failed ones too: number, keys, figures, seconds, error."""
        place = {id(outcome): column for column, outcome in enumerate(self.good)}
        number = range(len(self.outcomes))
        told: dict[str, Any] = {"number": number, "key": [outcome.key for outcome in self.outcomes]}
        for key in self.keys:
            told[key] = column_of([plain(outcome.changes.get(key)) for outcome in self.outcomes])
        at = [place.get(id(outcome)) for outcome in self.outcomes]
        for name in FIGURES:
            told[name] = [np.nan if column is None else self.figures[name][column] for column in at]
        told["seconds"] = [outcome.seconds for outcome in self.outcomes]
        told["error"] = [outcome.error for outcome in self.outcomes]
        return pd.DataFrame(told)

    def long(self) -> pd.DataFrame:
        """Return number, day, net and trades of every day on which a variant had a trade."""
        pnl, trades = self.daily
        numbers = np.array([n for n, outcome in enumerate(self.outcomes) if not outcome.error], np.int64)
        day, column = np.nonzero(trades)
        order = np.lexsort((day, column))
        day, column = day[order], column[order]
        return pd.DataFrame(
            {
                "number": numbers[column],
                "day": pd.to_datetime(np.array(self.days, object)[day]),
                "net": pnl[day, column],
                "trades": trades[day, column].astype(np.int64),
            }
        )


def matrices(outcomes: Sequence[Outcome], days: Sequence[str]) -> tuple[Floats, Floats]:
    """Return net USD and trades of outcomes, all bots together, shape (days, outcomes)."""
    place = {day: row for row, day in enumerate(days)}
    pnl, trades = np.zeros((len(days), len(outcomes))), np.zeros((len(days), len(outcomes)))
    for column, outcome in enumerate(outcomes):
        for bot in outcome.bots.values():
            rows = [place[day] for day in bot.day]
            pnl[rows, column] += bot.day_net
            trades[rows, column] += bot.day_trades
    return pnl, trades


def plain(value: Any) -> Any:
    """Return a value as a table holds it: lists and mappings as JSON."""
    return json.dumps(value) if isinstance(value, list | tuple | Mapping) else value


def column_of(values: list[Any]) -> list[Any]:
    """Return values of one kind: numbers and None as they are, anything mixed as words."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds) <= 1:
        return values
    return [None if value is None else str(value) for value in values]


def words_of(changes: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Return what a variant is, in words."""
    names = short_names(keys)
    return ", ".join(f"{names[key]} {plain(changes[key])}" for key in keys if key in changes)
