"""``mw feasible`` over a month of synthetic days."""

from __future__ import annotations

import re

import pytest

from scripts.cli import main


def test_month_is_told_with_losses_costs_and_break_even(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    code = main(["feasible", "--bots", "putlite", "--timerange", "20170601-20170731", "--budget", "40"])

    told = capsys.readouterr().out
    assert code == 0
    figures = {
        name.strip(): value.strip() for name, value in re.findall(r"│ (.+?) │ +(.+?) │", told) if name.strip()
    }
    assert float(figures["Sessions"]) == 42
    assert 0.0 < float(figures["Could trade"].split()[0]) <= 100.0
    assert float(figures["Planned loss of a trade, USD"]) == 40.0
    structural = float(figures["Structural loss, median, USD"])
    assert 70.0 < structural < 100.0
    assert float(figures["in planned losses, median"]) == pytest.approx(structural / 40.0, abs=0.01)
    assert 1.0 < float(figures["Implied over realised to break even"]) < 2.0
    assert "no evidence of an edge" in " ".join(told.split())


@pytest.mark.parametrize("budget", ["0", "-5", "nan"])
def test_budget_that_is_none_is_one_line(budget: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feasible", "--budget", budget]) == 1
    assert "expected USD above zero" in capsys.readouterr().err
