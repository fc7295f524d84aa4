"""Backtest, doctor, gate and status on a narrow and on a wide terminal: no line is longer than it."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import pytest

from engine.live.files import Beat, Heartbeat, KillFile
from tests.house.screens import lines_of, on_terminal

MONTH = ["--bots", "condor", "--timerange", "20180102-20180131"]
SCREENS = {
    "doctor": (["doctor"], "python", 12),
    "gate": (["gate", "register"], "insufficient data", 15),
    "status": (["status", "--folder", "live"], "holds and halts", 5),
    "backtest": (["backtest", *MONTH, "--no-control", "--no-report"], "Decision minutes by outcome", 60),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a working folder in which a session runs and the kill file stands."""
    folder = tmp_path_factory.mktemp("screens")
    live = folder / "live"
    live.mkdir()
    text = "condor XSP: 1 of 2728/2730/2790/2792, halt_day_loss; putlite: nothing held, nothing halted"
    beat = Beat(os.getpid(), time.time(), "trading", True, "DU1234567", "paper", ("XSP", "SPY"), text)
    Heartbeat(live, "paper-c058dab5").write(beat)
    KillFile(live).set("a reason which the owner has given in more words than a narrow terminal holds")
    return folder


@cache
def shown(name: str, width: int, folder: Path, root: Path) -> str:
    """Return what a command writes to a terminal."""
    return on_terminal(SCREENS[name][0], width, folder, root)


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_longer_than_the_terminal(name: str, width: int, folder: Path, root: Path) -> None:
    _, said, least = SCREENS[name]
    lines = lines_of(shown(name, width, folder, root))
    assert [line for line in lines if len(line) > width] == []
    assert "…" not in "".join(lines)
    whole = " ".join(" ".join(lines).split())
    assert all(word in whole for word in said.split())
    assert len(lines) >= least


def test_progress_is_drawn_on_a_terminal_and_goes_away(folder: Path, root: Path) -> None:
    told = shown("backtest", 80, folder, root)
    assert "Preparing bars and quotes" in told
    assert "\x1b[2K" in told  # the line is taken away again


def test_nothing_is_coloured_in_a_pipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scripts.cli import main

    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    for words, _, _ in SCREENS.values():
        main(words)
        assert "\x1b" not in capsys.readouterr().out, words
