"""Figures as people read them."""

from __future__ import annotations

import dataclasses
import math

import pytest

from analyzers.analysis import analyze
from analyzers.report.words import break_even_text, is_loss, share, usd, verdict, warning
from analyzers.result import RunResult
from tests.analyzers.makers import DAYS, run, trade


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234.50"), (-0.004, "0.00"), (-7.0, "−7.00"), (math.nan, "–"), (math.inf, "–"), (None, "–")],
)
def test_amounts_have_a_sign_of_their_own_and_a_dash_for_none(value: float | None, text: str) -> None:
    assert usd(value) == text


def test_shares_are_percent() -> None:
    assert (share(0.1234), share(-0.5, 0), share(math.nan)) == ("12.3 %", "−50 %", "–")


@pytest.mark.parametrize(
    ("text", "loss"), [("−7.00", True), ("−1.2 %", True), ("−5 USD", True), ("−5 to 4", False), ("–", False)]
)
def test_only_a_single_number_below_zero_is_a_loss(text: str, loss: bool) -> None:
    assert is_loss(text) is loss


def losing(values: tuple[float, ...]) -> RunResult:
    return run([trade(n, day, values[n % len(values)]) for n, day in enumerate(DAYS)])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((10.0, 12.0, 9.0), "made 10.33 USD after costs; its 95 % interval lies above zero"),
        ((-10.0, -12.0, -9.0), "lost 10.33 USD after costs; its 95 % interval lies below zero"),
        ((30.0, -31.0), "cannot be told from zero"),
    ],
)
def test_verdict_says_what_the_interval_says(values: tuple[float, ...], said: str) -> None:
    assert said in verdict(analyze(losing(values)).total)


def test_verdict_of_thin_data_is_that_it_is_thin() -> None:
    assert verdict(analyze(run([trade(1, DAYS[0], 9.0)])).total).startswith("Insufficient data: 1 trade does")
    assert verdict(analyze(run([])).total).startswith("No trades")


def test_break_even_is_measured_only_against_a_control() -> None:
    held = losing((2.0, 2.0))
    (bot,) = analyze(held).bots
    control = dataclasses.replace(held, null_control={bot: {"trades": 10, "net": -60.0}})
    worse = dataclasses.replace(held, null_control={bot: {"trades": 10, "net": 60.0}})
    dear = dataclasses.replace(losing((-3.0, -3.0)), null_control={bot: {"trades": 10, "net": -60.0}})

    assert break_even_text(held, analyze(held)).startswith("Not measured in this run")
    assert analyze(control).break_even == {bot: pytest.approx(0.06)}
    assert f"{bot} 6.0 % (a trade without premium: −6.00 USD)" in break_even_text(control, analyze(control))
    assert f"{bot} none found" in break_even_text(worse, analyze(worse))
    assert "16.0 %, extrapolated" in break_even_text(dear, analyze(dear))


@pytest.mark.parametrize(
    ("inputs", "synthetic", "said"),
    [
        ({}, True, "no evidence of an edge"),
        ({"bars": "spy.parquet"}, False, "model quotes"),
        ({"quotes": "store"}, False, "simulated fills"),
        ({"quotes": "store", "mix": "yes"}, False, "which trades were made on which"),
    ],
)
def test_warning_names_what_the_result_stands_on(inputs: dict[str, str], synthetic: bool, said: str) -> None:
    assert said in warning(dataclasses.replace(losing((1.0,)), inputs=inputs, synthetic=synthetic))
