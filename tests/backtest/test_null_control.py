"""The twin without premium that stands beside every synthetic backtest."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from scripts.cli import main
from scripts.null_control import NullControl, without_premium
from scripts.session import play, prepare
from tests.backtest.conftest import CONFIG, request

MONTHS = "20180102-20180329"


def test_control_is_the_run_with_premium_nought(tmp_path: Path) -> None:
    setup = prepare(request(tmp_path, profile="spx", timerange=MONTHS))
    fair = play(prepare(request(tmp_path, profile="spx", timerange=MONTHS, premium=0.0)))[0].journal.trades
    beside = NullControl(setup)
    told = beside.figures()
    beside.stop()
    assert told == without_premium(setup)
    assert len(fair) > 10
    for bot, held in told.items():
        nets = [trade.net for trade in fair if trade.bot == bot]
        assert held == {"trades": len(nets), "net": pytest.approx(sum(nets))}


def test_control_that_dies_leaves_the_run_without_one(tmp_path: Path) -> None:
    beside = NullControl(prepare(request(tmp_path, timerange="20180102-20180131")))
    assert beside._process.pid is not None
    os.kill(beside._process.pid, signal.SIGKILL)
    assert beside.figures() is None
    beside.stop()


@pytest.mark.parametrize(
    ("argument", "words"), [("--control", "a trade without premium"), ("--no-control", "Not measured")]
)
def test_report_prints_the_break_even_premium(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argument: str, words: str
) -> None:
    arguments = ["--profile", "spx", "--timerange", MONTHS, "--out", str(tmp_path), "--config", str(CONFIG)]
    assert main(["backtest", argument, *arguments]) == 0
    (folder,) = tmp_path.iterdir()
    told = json.loads((folder / "summary.json").read_text())["run"]["null_control"]
    assert (told is not None) == (argument == "--control")
    printed = " ".join(capsys.readouterr().out.split())
    assert words in printed
    assert words in " ".join((folder / "report.html").read_text().split())
