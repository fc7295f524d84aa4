"""Prices, parity and exercise against recorded quotes; the command that runs the checks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
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


def zero_dte(day: str) -> pd.DataFrame:
    """Minutes of two strikes around 3700 whose forward is 3750 all day, as a recording holds them."""
    minutes = 34_200_000 + 60_000 * np.arange(390)
    sides = [("C", 3700.0, 55.0), ("C", 3800.0, 5.0), ("P", 3700.0, 5.0), ("P", 3800.0, 55.0)]
    parts = [
        pd.DataFrame({"ms": minutes, "bc": mid - 0.1, "ac": mid + 0.1, "right": right, "strike": strike})
        for right, strike, mid in sides
    ]
    return pd.concat(parts).assign(date=pd.Timestamp(day), expiry=pd.Timestamp(day), root="SPXW")


def test_parity_looks_at_whatever_day_the_files_hold(tmp_path: Path) -> None:
    day = {"date": ["2022-05-10"], "symbol": "SPX", "low": 3748.0, "high": 3752.0, "close": 3750.0}
    pd.DataFrame(day).to_parquet(tmp_path / parity.DAILY)
    zero_dte("2022-05-10").to_parquet(tmp_path / parity.MINUTES)
    (section,) = parity.checks(tmp_path)
    assert [row[0][:10] for row in section.rows] == ["2022-05-10"] * 5
    assert not section.misses
    zero_dte("2022-05-11").to_parquet(tmp_path / parity.MINUTES)
    with pytest.raises(DataError, match="no day of .* with SPXW calls and puts"):
        parity.checks(tmp_path)


def test_unfit_tables_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / parity.MINUTES
    for table, told in (
        (zero_dte("2022-05-10").drop(columns="ac"), "no column 'ac'; it has ms, bc"),
        (zero_dte("2022-05-10").iloc[:0], "the table is empty"),
    ):
        table.to_parquet(path)
        with pytest.raises(DataError, match=told):
            parity.checks(tmp_path)
    path.write_text("no table")
    with pytest.raises(DataError, match="cannot be read as a table"):
        parity.checks(tmp_path)


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
