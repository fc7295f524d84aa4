"""Every command that prints a table prints it as JSON too, and then nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from scripts.cli import app, main
from scripts.live.connect import run as connect_test
from scripts.live.reconcile import run as reconcile
from scripts.live.rehearse import stage
from tests.live.stage import request

# They print a line or two, write files, or go on until they are ended.
WITHOUT_TABLE = {
    "alerts test",
    "completion",
    "dashboard",
    "data synth",
    "data synth-quotes",
    "db backup",
    "db export",
    "db upgrade",
    "export pine",
    "flatten",
    "gate override",
    "gateway",
    "guard",
    "init",
    "kill",
    "live",
    "paper",
    "record",
    "rehearse",
    "serve",
    "unkill",
}
MONTH = ("--bots", "condor", "--timerange", "20180102-20180131")
SEARCH = """
bots: [condor]
timerange: 20180102-20180330
search: grid
keys:
  bots.condor.short_move: [1.2, 1.4]
walkforward: {mode: rolling, train: 20, test: 10, embargo: 1}
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Give every command by its words; a group is one where it does something alone."""
    groups: list[tuple[str, Any]] = [("", get_command(app))]
    while groups:
        name, group = groups.pop()
        for word, one in group.commands.items():
            whole = f"{name} {word}".strip()
            if hasattr(one, "commands"):
                groups.append((whole, one))
            if not hasattr(one, "commands") or one.invoke_without_command:
                yield whole, one


def test_command_has_json_unless_it_prints_no_table() -> None:
    found = dict(commands())
    assert set(found) >= WITHOUT_TABLE
    for name, command in found.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--json" in options) is (name not in WITHOUT_TABLE), name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "search.yaml").write_text(SEARCH)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("show-config",),
        ("doctor",),
        ("status",),
        ("gate", "register"),
        ("gate", "simulate", "--histories", "1", "--sharpe", "0", "--jobs", "1"),
        ("chain", "SPX", "--at", "2018-02-05 13:00"),
        ("feasible", *MONTH),
        ("lookahead", *MONTH, "--cuts", "1", "--no-stock-loop"),
        ("sweep", "search.yaml", "--jobs", "1"),
    ],
    ids=" ".join,
)
def test_command_prints_json_and_nothing_beside_it(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) in (0, 1)  # 1: the doctor has found something
    told = capsys.readouterr()
    assert json.loads(told.out)
    assert told.err == ""


def test_backtest_tells_the_figures_of_its_summary_as_report_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *MONTH, "--no-control", "--no-report", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert main(["report", run["folder"], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert run["total"] == report["total"]


def test_walkforward_tells_its_windows_beside_its_tables(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["walkforward", "search.yaml", "--jobs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["report"]).is_file()
    assert told["figures"]["windows"]
    assert [section["title"] for section in told["sections"]]


def test_reconcile_and_connect_test_tell_a_program_what_they_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage(request(tmp_path, speed=60.0, first=612)) as (_, plan):
        capsys.readouterr()
        assert reconcile(plan, None, None, as_json=True) == ()
        assert json.loads(capsys.readouterr().out) == []
        code = connect_test(plan, as_json=True)
        told = json.loads(capsys.readouterr().out)
    assert {"connection", "account", "clock"} <= {one["name"] for one in told}
    assert code == (0 if all(one["passed"] for one in told) else 3)
