"""What a run leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cli import main
from tests.backtest.conftest import CONFIG

TABLES = {"trades", "decisions", "fills", "orders", "halts", "market", "benchmarks"}


@pytest.mark.parametrize("drawn", [False, True])
def test_a_run_without_report_leaves_tables_and_figures_alone(
    drawn: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--no-control",
        "--timerange",
        "20180102-20180131",
        "--config",
        str(CONFIG),
        "--out",
        str(tmp_path),
    ]
    assert main(["backtest", *words, "--report" if drawn else "--no-report"]) == 0
    (folder,) = tmp_path.iterdir()
    found = {path.name for path in folder.iterdir()}
    pictures = {"report.html", "report.png"} if drawn else set()
    assert found == {f"{name}.parquet" for name in TABLES} | {"summary.json"} | pictures
    assert json.loads((folder / "summary.json").read_text())["total"]["days"] == 21
    assert ("report.html" if drawn else "summary.json") in capsys.readouterr().out
