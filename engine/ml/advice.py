"""Who is asked before a trade the rules allow: the answer can only be fewer units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from loguru import logger

from engine.ml.features import Feature
from engine.ml.models import Score
from engine.options.combo import Combo


@dataclass(frozen=True, slots=True)
class Case:
    """A trade about to be proposed.

    ``stamp`` is the decision's instant (UTC nanoseconds), ``values`` the features in the order
    of ``schema``, ``quantity`` the units the rules would trade.
    """

    bot: str
    symbol: str
    day: date
    bar: int
    stamp: int
    schema: tuple[Feature, ...]
    values: tuple[float, ...]
    quantity: int
    combo: Combo


class Advisor(Protocol):
    """Anything that can be asked about a case."""

    def units(self, case: Case) -> int:
        """Return how many units may be traded, 0 for none."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What an expected value is turned into.

    ``least`` is the USD a unit must be expected to bring; with ``shrink`` fewer units are traded
    the nearer the expectation is to it, else all or none.
    """

    least: float = 0.0
    shrink: bool = False

    def units(self, value: float, most: float, quantity: int) -> int:
        """Return the units to trade at an expected ``value``, ``most`` being that of a sure win."""
        if not value >= self.least:
            return 0
        if not self.shrink or most <= self.least:
            return quantity
        share = (value - self.least) / (most - self.least)
        return max(1, min(quantity, round(quantity * share)))


@dataclass(frozen=True, slots=True)
class Learned:
    """A fitted model with what turns its chance into money.

    Parameters
    ----------
    score : Score
    names : tuple of str
        The features it takes, in its order.
    win, loss : float
        USD a unit: mean net result of a win, and of a loss (positive), where it was trained.
    """

    score: Score
    names: tuple[str, ...]
    win: float
    loss: float

    def value(self, values: Sequence[float]) -> float:
        """Return the expected net result of one unit, USD: p win - (1 - p) loss; NaN without a chance."""
        chance = self.score.one(values)
        return chance * self.win - (1.0 - chance) * self.loss


class ModelAdvisor:
    """Ask a model; where it cannot answer, the rules stand as they are.

    Parameters
    ----------
    learned : Learned
    policy : Policy
    known : tuple of date
        First and last day for which the model counts; outside them it is not asked.
    """

    def __init__(self, learned: Learned, policy: Policy, known: tuple[date, date]) -> None:
        self.learned, self.policy, self.known = learned, policy, known
        self._places: tuple[int, ...] | None = None
        self._schema: tuple[Feature, ...] = ()
        self._said: set[str] = set()

    def units(self, case: Case) -> int:
        if case.schema is not self._schema:
            self._find(case.schema)
        if self._places is None:
            return case.quantity
        if not self.known[0] <= case.day <= self.known[1]:
            return self._rules(case, f"is for {self.known[0]} to {self.known[1]} only")
        values = [case.values[place] for place in self._places]
        value = self.learned.value(values)
        if value != value:
            missing = [name for name, held in zip(self.learned.names, values, strict=True) if held != held]
            return self._rules(case, f"is told no {', '.join(missing)}")
        return self.policy.units(value, self.learned.win, case.quantity)

    def _find(self, schema: tuple[Feature, ...]) -> None:
        names = [feature.name for feature in schema]
        self._schema = schema
        missing = [name for name in self.learned.names if name not in names]
        self._places = None if missing else tuple(names.index(name) for name in self.learned.names)
        if missing:
            logger.warning("model: {} is no feature of this program: rules only", missing[0])

    def _rules(self, case: Case, why: str) -> int:
        if why not in self._said:
            self._said.add(why)
            logger.warning("model of {} {}, first on {}: rules only", case.bot, why, case.day)
        return case.quantity


class ByDay:
    """Ask one of several advisors, by the day; days without one are traded by rules alone."""

    def __init__(self, advisors: dict[date, Advisor]) -> None:
        self.advisors = advisors

    def units(self, case: Case) -> int:
        advisor = self.advisors.get(case.day)
        return case.quantity if advisor is None else advisor.units(case)


class Recorder:
    """Keep every case, and hand the question on when there is someone to ask."""

    def __init__(self, asked: Advisor | None = None) -> None:
        self.asked = asked
        self.cases: list[Case] = []

    def units(self, case: Case) -> int:
        self.cases.append(case)
        return case.quantity if self.asked is None else self.asked.units(case)
