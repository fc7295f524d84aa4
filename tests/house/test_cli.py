"""The command line as its user meets it: a process, its two outputs, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from engine.errors import ConfigError, DataError
from scripts import cli
from scripts.commands import setup


def mw(*arguments: str, cwd: Path, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MW__")}
    environment |= {"PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "100"} | variables
    return subprocess.run(
        [sys.executable, "-m", "scripts.cli", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_help_lists_every_command(root: Path, tmp_path: Path) -> None:
    for arguments in (["--help"], []):
        told = mw(*arguments, cwd=tmp_path, root=root)
        assert told.returncode == 0
        assert told.stderr == ""
        for command in ("backtest", "report", "show-config", "data", "chain"):
            assert command in told.stdout


def test_backtest_offers_every_option_of_the_issue(root: Path, tmp_path: Path) -> None:
    told = mw("backtest", "--help", cwd=tmp_path, root=root)
    assert told.returncode == 0
    for option in (
        "--bots --timerange --bars --quotes --profile --config --seed --premium --out --stock-loop -v".split()
    ):
        assert option in told.stdout, option


def test_show_config_works_from_any_folder_and_prints_yaml(root: Path, tmp_path: Path) -> None:
    told = mw("show-config", "--profile", "spx", cwd=tmp_path, root=root, MW__RISK__DAY_R="2")
    assert told.returncode == 0
    content = yaml.safe_load(told.stdout)
    assert content["risk"]["day_r"] == 2.0
    assert content["bots"]["condor"]["width"] == 5.0
    assert "# digest " in told.stdout


def test_show_config_names_the_variables_it_found_when_asked(root: Path, tmp_path: Path) -> None:
    told = mw("show-config", "-v", cwd=tmp_path, root=root, MW__RISK__DAY_R="2")
    assert "MW__RISK__DAY_R" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["show-config", "--profile", "spy"], ["'spy'", "Did you mean 'spx'?"]),
        (["show-config", "--config", "nowhere"], ["nowhere/strategy.yaml", "no such file"]),
        (["backtest", "--seed", "-3"], ["data.seed", "-3", "greater than or equal to 0"]),
        (["backtest", "--generator", "real"], ["--generator", "'real'", "conditioned"]),
        (["backtest", "--sed", "3"], ["--sed", "--seed"]),
        (["backtst"], ["backtst", "Did you mean 'backtest'?"]),
        (["chain"], ["symbol"]),
        (["backtest", "--bots", "condr"], ["'condr'", "Did you mean 'condor'?"]),
        (["backtest", "--symbol", "XSPX"], ["'XSPX'", "Did you mean 'XSP'?"]),
        (["backtest", "--generator", "simulatd"], ["'simulatd'", "Did you mean 'simulated'?"]),
        (["db", "check", "--venue", "papr"], ["'papr'", "Did you mean 'paper'?"]),
        (["completion", "bsh"], ["'bsh'", "Did you mean 'bash'?"]),
        (["ablate", "--bots", "putlit"], ["'putlit'", "Did you mean 'putlite'?"]),
        (["universe", "update", "--source", "delay"], ["'delay'", "Did you mean 'delayed'?"]),
        (["validate", "--only", "price"], ["'price'", "Did you mean 'prices'?"]),
        (
            ["data", "import", "x.csv", "--store", "s", "--symbol", "SPX", "--preset", "optiondx"],
            ["'optiondx'", "Did you mean 'optionsdx'?"],
        ),
    ],
)
def test_wrong_word_on_the_command_line_is_one_line_and_exit_1(
    arguments: list[str],
    parts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    for part in parts:
        assert part in told.err
    assert list(tmp_path.iterdir()) == []


def test_run_that_does_not_exist_is_one_line_and_exit_2(root: Path, tmp_path: Path) -> None:
    told = mw("report", "20180205-x", cwd=tmp_path, root=root)
    assert told.returncode == 2
    assert (
        told.stderr.strip()
        == "mw: run: got '20180205-x', expected a run's folder or the name of one in runs/"
    )


def test_reader_that_leaves_before_the_first_word_is_no_error(root: Path, tmp_path: Path) -> None:
    script = f"'{sys.executable}' -m scripts.cli show-config | (exec <&-; sleep 4); exit ${{PIPESTATUS[0]}}"
    told = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout.strip(), told.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            ConfigError("risk.day_cap: got -1,\n expected more"),
            1,
            "mw: risk.day_cap: got -1, expected more\n",
        ),
        (DataError("bars.csv: no column 'close'"), 2, "mw: bars.csv: no column 'close'\n"),
        (KeyboardInterrupt(), 130, "mw: stopped\n"),
        (
            FileNotFoundError(2, "No such file or directory", "bars.csv"),
            1,
            "mw: bars.csv: No such file or directory\n",
        ),
    ],
)
def test_error_inside_a_command_becomes_its_exit_code(
    error: BaseException,
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(setup, "start_log", fail)
    assert cli.main(["show-config"]) == code
    assert capsys.readouterr().err == text


def test_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(setup, "start_log", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["show-config"])
