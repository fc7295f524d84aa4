"""``mw gate`` from the command line, on a real journal of its own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.gate.facts import Backtest
from engine.gate.settings import GateSettings
from engine.gate.view import read_gate
from engine.research.statistics import sharpe
from engine.settings import Settings
from scripts.cli import main
from scripts.gate_power import PowerRequest, World, drawn_days, edge, history, power, ratios_of
from scripts.origin import STRATEGY_FILES
from scripts.search.ledger import Ledger
from tests.analyzers.makers import CONFIG, DAYS
from tests.scripts.made import TRADES, saved

GATE = GateSettings.load(CONFIG)


Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_before_anything_is_known_it_says_how_to_begin(home: Path, capsys: Captured) -> None:
    assert main(["gate"]) == 2
    assert "mw: gate: journal/gate.db is not there yet; mw gate register begins it" in capsys.readouterr().err


def test_registered_bots_are_shown_with_what_is_missing(home: Path, capsys: Captured) -> None:
    assert main(["gate", "register"]) == 0

    told = capsys.readouterr().out
    for bot in ("putlite", "buywrite", "condor"):
        assert f"{bot}: research" in told
    assert "none recorded: mw backtest, then mw gate record-backtest" in told
    assert "What it cannot: that the Sharpe ratio is above 1" in " ".join(told.split())
    assert main(["gate", "register"]) == 0  # nothing has changed
    assert len(list(read_gate("journal/gate.db", CONFIG).history())) == 3


def test_unknown_bot_is_one_line(home: Path, capsys: Captured) -> None:
    main(["gate", "register", "--bot", "condor"])
    capsys.readouterr()

    assert main(["gate", "--bot", "kondor"]) == 2
    assert (
        capsys.readouterr().err == "mw: --bot: got 'kondor', the gate knows condor. Did you mean 'condor'?\n"
    )


def test_report_and_history_are_written_and_told(home: Path, capsys: Captured) -> None:
    main(["gate", "register"])

    assert main(["gate", "--report"]) == 0
    assert main(["gate", "--history"]) == 0

    assert "configuration" in capsys.readouterr().out
    (folder,) = (home / "runs").iterdir()
    page = (folder / "gate.html").read_text()
    assert "putlite: research" in page and "http" not in page.replace("http-equiv", "")
    assert (folder / "gate.png").read_bytes().startswith(b"\x89PNG")
    assert [bot["bot"] for bot in json.loads((folder / "gate.json").read_text())["bots"]] == [
        "putlite",
        "buywrite",
        "condor",
    ]


def test_backtest_is_recorded_with_the_trials_of_all_searches(home: Path, capsys: Captured) -> None:
    folder = saved(home / "runs")
    Ledger(home / "runs", "widths").add("a", [0.5, 1.5], 40)
    Ledger(home / "runs", "hours").add("b", [0.1], 7)

    assert main(["gate", "record-backtest", str(folder), "--bot", "condor"]) == 0

    found = read_gate("journal/gate.db", CONFIG).standing("condor").backtest
    assert found is not None
    assert (found.trials, found.trades, found.sessions, found.recorded) == (48, len(DAYS), len(DAYS), False)
    assert found.costs == 1.5 and found.low is not None
    # half of fees and slippage more, every trade: 5 and 4 USD
    assert found.expectancy == pytest.approx(sum(trade.net for trade in TRADES) / len(TRADES) - 4.5)
    assert "trials: 48" in capsys.readouterr().out


def test_backtest_counts_only_the_family_asked_for(home: Path) -> None:
    folder = saved(home / "runs")
    Ledger(home / "runs", "widths").add("a", [0.5, 1.5], 40)
    Ledger(home / "runs", "hours").add("b", [0.1], 7)

    assert main(["gate", "record-backtest", str(folder), "--family", "hours"]) == 0
    assert main(["gate", "record-backtest", str(folder), "--family", "minutes"]) == 2

    found = read_gate("journal/gate.db", CONFIG).standing("condor").backtest
    assert found is not None and found.trials == 8


def test_backtest_of_other_settings_is_refused(home: Path, capsys: Captured) -> None:
    other = Settings.load(CONFIG, overrides={"risk": {"halt_vix": 4.0}})
    folder = saved(home / "runs", settings=other.model_dump(mode="json"))

    assert main(["gate", "record-backtest", str(folder)]) == 2
    assert "condor had other settings then: risk.halt_vix: 4.0 -> 3.0" in capsys.readouterr().err


def test_backtest_of_other_strategy_files_is_refused(home: Path, capsys: Captured) -> None:
    folder = saved(home / "runs", inputs={STRATEGY_FILES: "strategies/condor.py=0000"})

    assert main(["gate", "record-backtest", str(folder)]) == 2
    assert "had another content then, or it was not kept" in capsys.readouterr().err


def test_every_recorded_backtest_of_a_bot_is_a_trial_of_the_next(home: Path) -> None:
    for name in ("one", "two"):
        assert main(["gate", "record-backtest", str(saved(home / "runs", name=name)), "--trials", "3"]) == 0

    told = [
        entry.fact
        for entry in read_gate("journal/gate.db", CONFIG).history("condor")
        if isinstance(entry.fact, Backtest)
    ]
    assert [fact.trials for fact in told] == [4, 5]


def test_override_asks_for_the_words(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    main(["gate", "register"])
    day = "2025-11-25"
    words = f"I trade condor live on {day} although the gate refuses"
    for typed, code in ((words[:-1], 2), (words, 0)):
        monkeypatch.setattr("typer.prompt", lambda *_, typed=typed, **__: typed)
        assert main(["gate", "override", "condor", "--day", day]) == code

    held = read_gate("journal/gate.db", CONFIG).standing("condor")
    assert [one.day for one in held.overrides] == [date(2025, 11, 25)]
    main(["gate", "--bot", "condor"])
    assert "Overrides by hand: 2025-11-25" in capsys.readouterr().out


# what the gate can tell apart ------------------------------------------------------------------


def test_edge_makes_the_sharpe_ratio_asked_for() -> None:
    world = World()
    days = drawn_days(2.0, world, (400_000,), np.random.default_rng(1))

    ratio, error = sharpe(pd.Series(days), 1.0)

    assert ratio == pytest.approx(2.0, abs=4 * error)
    assert edge(0.0, world) == 0.0
    assert (days != 0.0).mean() == pytest.approx(world.traded, abs=0.005)


def test_history_of_a_true_edge_walks_the_whole_ramp_and_a_null_one_does_not() -> None:
    true, null = history(4.0, World(breach=0.0), GATE, 3), history(0.0, World(breach=0.0), GATE, 3)

    assert true.research and true.small is not None and true.scaled is not None
    assert 20 <= true.small < true.scaled
    assert not null.research


def test_histories_are_the_same_for_the_same_seed() -> None:
    request = PowerRequest(2, (0.0, 3.0), 5, 1, CONFIG)

    assert power(request) == power(request)


def test_sharpe_ratios_that_are_none_are_refused(capsys: Captured) -> None:
    assert main(["gate", "simulate", "--sharpe", "one"]) == 1
    assert "--sharpe: got 'one', expected numbers like 0,1,2,3" in capsys.readouterr().err
    assert ratios_of("0,1.5") == (0.0, 1.5)


# live -------------------------------------------------------------------------------------------


def test_live_is_refused_before_anything_connects(home: Path, capsys: Captured) -> None:
    assert main(["live", "--now", "--bots", "condor"]) == 2

    told = capsys.readouterr().err
    assert "mw: condor is at research, live needs small; missing: Years of backtest" in told
    assert told.count("\n") == 1
    assert [type(entry.fact).__name__ for entry in read_gate("journal/gate.db", CONFIG).history()] == [
        "Registered"
    ]
