"""Prices, parity and exercise against recorded quotes; the command that runs the checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import DataError
from scripts.cli import main
from scripts.validate import american, parity, prices
from scripts.validate.run import modules
from scripts.validate.table import Check, Section, Verdict

ROOMS = {"prices": prices, "american": american, "parity": parity}


@pytest.mark.realdata
@pytest.mark.parametrize("name", list(ROOMS))
def test_every_figure_meets_its_target(real_data: Path, name: str) -> None:
    if not (real_data / prices.CHAIN).is_file():
        pytest.skip(f"{prices.CHAIN} is absent")
    sections = ROOMS[name].checks(real_data)
    rows = [
        row
        for section in sections
        for row, verdict in zip(section.rows, section.verdicts, strict=True)
        if verdict is Verdict.MISSES
    ]
    assert not rows
    assert sum(len(section.rows) for section in sections) >= 5


@pytest.mark.parametrize("name", list(ROOMS))
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file; expected the recorded file"):
        ROOMS[name].checks(tmp_path)


@pytest.mark.realdata
def test_command_prints_figures_for_programs(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (real_data / prices.CHAIN).is_file():
        pytest.skip(f"{prices.CHAIN} is absent")
    assert main(["validate", "--data", str(real_data), "--only", "prices", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told[0]["rows"][0]["verdict"] == "holds"


def test_wrong_name_and_missing_folder_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "--data", str(tmp_path), "--only", "price"]) == 1
    assert "Did you mean 'prices'?" in capsys.readouterr().err
    assert main(["validate", "--data", str(tmp_path / "nowhere")]) == 2
    assert "expected the folder of the recorded files" in capsys.readouterr().err


def test_checks_hold_miss_or_show() -> None:
    assert Check.within("a", 0.5, 0.0, 1.0).verdict is Verdict.HOLDS
    assert Check.within("a", 1.5, None, 1.0).verdict is Verdict.MISSES
    assert Check.within("a", float("nan"), 0.0, 1.0).verdict is Verdict.MISSES
    assert Check.within("a", 1.5).verdict is Verdict.SHOWN
    page = Section.of("T", "text", [Check.within("a|b", 0.5, 0.0, 1.0, note="n")]).markdown()
    assert "| a\\|b | 0.5000 | 0 to 1 | holds | n |" in page


def test_every_module_named_is_there_or_left_out() -> None:
    assert set(ROOMS) < set(modules())
