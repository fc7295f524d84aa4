"""Settings of execution: what is refused, and what is said about fills."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ConfigError
from engine.execution.settings import ExecutionSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entry_fraction_start", -0.1),
        ("entry_fraction_start", 1.1),
        ("fill_fraction", float("nan")),
        ("steps", 0),
        ("requote_minutes", 0),
        ("entry_timeout_minutes", 0),
        ("exit_steps", -1),
        ("slippage_ticks", -1),
        ("steps", 1.5),
    ],
)
def test_value_out_of_range_is_refused_with_name_and_value(name: str, value: float) -> None:
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=rf"execution\.{name} is {value}, expected") as caught:
        ExecutionSettings(**wrong)
    assert "\n" not in str(caught.value)


def test_defaults_are_stated_as_pessimistic() -> None:
    text = " ".join(ExecutionSettings().assumptions())
    assert "start at mid" in text
    assert "cancelled after 6 min" in text
    assert "The market is taken to trade at the natural price; an order whose limit allows that" in text


def test_slippage_and_fraction_are_stated_when_set() -> None:
    text = " ".join(ExecutionSettings(fill_fraction=0.5, slippage_ticks=2).assumptions())
    assert "50% of the way from mid to the natural price, 2 ticks worse" in text
