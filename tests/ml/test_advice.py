"""Whoever is asked can only take away; who cannot answer leaves the rules alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from engine.ml.advice import ByDay, Case, Learned, ModelAdvisor, Policy, Recorder
from engine.ml.features import FEATURES
from engine.ml.models import Linear, Score

DAY, KNOWN = date(2018, 3, 5), (date(2018, 1, 1), date(2018, 12, 31))
NAMES = ("trend", "gap")
PLACES = [[feature.name for feature in FEATURES].index(name) for name in NAMES]


def case(values: tuple[float, float] = (0.0, 0.0), quantity: int = 1, **changes: Any) -> Case:
    shown = [0.5] * len(FEATURES)
    for place, value in zip(PLACES, values, strict=True):
        shown[place] = value
    given_: dict[str, Any] = {
        "bot": "condor", "symbol": "XSP", "day": DAY, "bar": 1, "stamp": 1, "schema": FEATURES,
        "values": tuple(shown), "quantity": quantity, "combo": None,
    }  # fmt: skip
    return Case(**given_ | changes)


def advisor(policy: Policy | None = None, names: tuple[str, ...] = NAMES) -> ModelAdvisor:
    """A win brings 10, a loss costs 30; the chance is 1 / (1 + exp(-trend))."""
    return ModelAdvisor(Learned(Score(Linear([1.0, 0.0], 0.0)), names, 10.0, 30.0), policy or Policy(), KNOWN)


@pytest.fixture
def told() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)


def test_a_trade_is_kept_where_its_expected_value_is_enough() -> None:
    # a chance of three quarters is worth nothing: 7.5 - 7.5
    even = math.log(3.0)
    assert advisor().units(case((even + 0.01, 0.0))) == 1
    assert advisor().units(case((even - 0.01, 0.0))) == 0
    assert advisor(Policy(least=2.0)).units(case((even + 0.01, 0.0))) == 0


@given(st.floats(-100, 100), st.floats(-50, 50), st.floats(0.1, 100), st.integers(1, 20), st.booleans())
def test_a_policy_never_allows_more_than_the_rules(
    value: float, least: float, most: float, quantity: int, shrink: bool
) -> None:
    units = Policy(least, shrink).units(value, most, quantity)
    assert 0 <= units <= quantity
    assert (units == 0) is (value < least)


def test_shrinking_trades_fewer_units_the_smaller_the_expectation() -> None:
    found = [Policy(0.0, True).units(value, 10.0, 10) for value in (0.1, 2.0, 5.0, 9.9)]
    assert found == [1, 2, 5, 10]


def test_an_unknown_feature_leaves_the_rules_and_is_said_once(told: list[str]) -> None:
    one = advisor()
    assert one.units(case((math.nan, 0.0), quantity=3)) == 3
    assert one.units(case((math.nan, 0.0), quantity=3)) == 3
    assert told == ["model of condor is told no trend, first on 2018-03-05: rules only"]


def test_a_feature_this_program_does_not_have_leaves_the_rules(told: list[str]) -> None:
    assert advisor(names=("trend", "moon")).units(case((-9.0, 0.0), quantity=2)) == 2
    assert told == ["model: moon is no feature of this program: rules only"]


@pytest.mark.parametrize("day", [date(2017, 12, 29), date(2019, 1, 2)])
def test_outside_its_days_a_model_is_not_asked(day: date, told: list[str]) -> None:
    assert advisor().units(case((-9.0, 0.0), day=day)) == 1
    (line,) = told
    assert line == f"model of condor is for 2018-01-01 to 2018-12-31 only, first on {day}: rules only"


def test_each_day_has_its_own_advisor_and_others_none() -> None:
    asked = ByDay({DAY: advisor()})
    assert asked.units(case((-9.0, 0.0))) == 0
    assert asked.units(case((-9.0, 0.0), day=date(2018, 3, 6))) == 1


def test_a_recorder_keeps_cases_and_hands_the_question_on() -> None:
    alone, with_model = Recorder(), Recorder(advisor())
    assert alone.units(case((-9.0, 0.0), quantity=4)) == 4
    assert with_model.units(case((-9.0, 0.0), quantity=4)) == 0
    assert len(alone.cases) == len(with_model.cases) == 1
