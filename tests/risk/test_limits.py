"""Limits that contradict each other never start."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ConfigError
from engine.reasons import Reason
from engine.risk.limits import Budget, Limits, cents


def test_defaults_are_the_small_account() -> None:
    limits = Limits()
    name, budget = limits.budget("condor")
    assert (name, budget) == ("shared", Budget(50.0, 100.0, 150.0))
    assert (limits.window_first, limits.window_last, limits.flat_by) == (630, 810, 925)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"planned_loss": 0.0}, "planned_loss: got 0.0"),
        ({"structural_loss": -1.0}, "structural_loss: got -1.0"),
        ({"day_cap": float("nan")}, "day_cap: got nan"),
        ({"day_r": float("inf")}, "day_r: got inf"),
        ({"day_r": True}, "day_r: got True"),
        ({"planned_loss": "50"}, "planned_loss: got '50'"),
        ({"cash_fraction": 1.01}, "cash_fraction: got 1.01"),
        ({"halt_move": 0.0}, "halt_move: got 0.0"),
        ({"halt_vix": float("nan")}, "halt_vix: got nan"),
        ({"stale_seconds": -1.0}, "stale_seconds: got -1.0"),
        ({"window_first": 570}, "window_first: got 570"),
        ({"flat_by": 961}, "flat_by: got 961"),
        ({"window_last": 10.5}, "window_last: got 10.5"),
        ({"window_first": 811}, "first <= last < flat_by"),
        ({"window_last": 925}, "first <= last < flat_by"),
        ({"close_on": frozenset({Reason.TREND})}, "close_on: got"),
        ({"budgets": {"condor": 50.0}}, "budgets.condor: got 50.0"),
        ({"budgets": {"shared": Budget()}}, "may not be named 'shared'"),
    ],
)
def test_impossible_limit_is_one_line_naming_key_and_value(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Limits(**changed)
    assert named in str(caught.value)
    assert "expected" in str(caught.value) or "may not" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["planned_loss", "structural_loss", "day_cap"])
def test_budget_without_a_positive_amount_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Budget(**{name: 0.0})


@pytest.mark.parametrize(
    ("usd", "expected"),
    [(1.0, 100), (1.001, 101), (0.1 + 0.2, 30), (99.99999999999, 10_000), (float("nan"), None)],
)
def test_amount_at_risk_is_rounded_up_but_not_for_noise(usd: float, expected: int | None) -> None:
    assert cents(usd) == expected
