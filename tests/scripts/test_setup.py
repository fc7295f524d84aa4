"""``mw init``, ``doctor``, ``show-config`` and ``completion``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.settings import CONFIG_DIR, Settings
from scripts import doctor
from scripts.cli import main
from scripts.init import make, with_value

TEXT = (CONFIG_DIR / "strategy.yaml").read_text(encoding="utf-8")
KEYS = {
    "account.cash": st.integers(1, 10**7),
    "risk.window_first": st.sampled_from(["10:45", "11:00"]),
    "risk.close_on": st.just(["halt_move", "halt_vix"]),
    "bots.condor.width": st.integers(1, 9),
    "bots.buywrite.collar": st.booleans(),
    "bots.putlite.symbols": st.just(["SPX", "XSP"]),
}


def at(values: dict[str, Any], key: str) -> object:
    for part in key.split("."):
        values = values[part]
    return values


@given(st.sampled_from(sorted(KEYS)), st.data())
def test_one_value_changes_and_every_other_line_stays(key: str, data: st.DataObject) -> None:
    value = data.draw(KEYS[key])
    changed = with_value(TEXT, key, value)

    assert at(yaml.safe_load(changed), key) == value
    before, after = TEXT.splitlines(), changed.splitlines()
    assert len(before) == len(after)
    differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(differing) <= 1
    assert all(a.partition("#")[2] == b.partition("#")[2] for a, b in differing)


@pytest.mark.parametrize("key", ["account.cush", "bots.condor.compression_max", "cash"])
def test_key_that_is_not_there_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        with_value(TEXT, key, 1)


def test_made_folder_is_read_from_within_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    folder = tmp_path / "mine"
    assert main(["init", str(folder), "--bots", "putlite,condor", "--cash", "25000", "--yes"]) == 0
    settings = Settings.load(folder / "config")
    assert settings.account.cash == 25_000
    assert (settings.bots.putlite.enabled, settings.bots.buywrite.enabled) == (True, False)
    assert "# what a backtest starts with" in (folder / "config" / "strategy.yaml").read_text()
    told = subprocess.run(
        [sys.executable, "-m", "scripts.cli", "show-config", "--json"],
        cwd=folder, capture_output=True, text=True, env=_environment(root), check=True,
    )  # fmt: skip
    found = json.loads(told.stdout)["settings"]["account.cash"]
    assert found == {"value": 25_000.0, "origin": "config/strategy.yaml"}


def test_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.txt").write_text("mine")
    assert main(["init", str(tmp_path), "--yes"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_settings_that_do_not_fit_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whole hundreds"):
        make(tmp_path / "mine", {"bots.buywrite.shares": 350})
    assert list(tmp_path.iterdir()) == []


def test_unknown_bot_is_named_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "mine"), "--bots", "condr", "--yes"]) == 1
    assert "Did you mean 'condor'?" in capsys.readouterr().err


def test_origin_of_every_value_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MW__RISK__DAY_R", "2")
    assert main(["show-config", "--profile", "spx", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["settings"]
    assert told["risk.day_r"] == {"value": 2.0, "origin": "environment"}
    assert told["bots.putlite.symbols"]["origin"].endswith("profiles/spx.yaml")
    assert told["common.decide_every"]["origin"].endswith("strategy.yaml")


def test_healthy_project_has_no_fail(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--json"]) == 0
    checks = {one["subject"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["settings"]["verdict"] == "PASS"
    assert checks["event calendar"]["verdict"] == "PASS"
    assert all(one["remedy"] for one in checks.values() if one["verdict"] != "PASS")


def spoiled(tmp_path: Path, name: str, text: str) -> Path:
    folder = tmp_path / "mine"
    assert main(["init", str(folder), "--yes"]) == 0
    (folder / "config" / name).write_text(text)
    return folder / "config"


@pytest.mark.parametrize(
    ("name", "text", "subject"),
    [
        ("strategy.yaml", "risk: {day_cap: -1}", "settings"),
        ("events.json", "{", "events"),
        ("universe.json", "[]", "universe"),
        ("fees.yaml", "options: 7", "fees"),
    ],
)
def test_broken_file_is_a_fail_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, subject: str
) -> None:
    config = spoiled(tmp_path, name, text)
    capsys.readouterr()
    assert main(["doctor", "--config", str(config), "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    failed = [one for one in checks if one["verdict"] == "FAIL"]
    assert [one["subject"] for one in failed] == [subject]
    assert failed[0]["remedy"]


def test_secrets_that_others_can_read_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MW_SERVE_TOKEN=x")
    (tmp_path / ".env").chmod(0o644)
    (check,) = doctor.secrets_file(Settings(), CONFIG_DIR)
    assert (check.verdict, check.remedy) == ("WARN", "chmod 600 .env")
    (tmp_path / ".env").chmod(0o600)
    assert list(doctor.secrets_file(Settings(), CONFIG_DIR)) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_the_shells(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_MW_COMPLETE" in capsys.readouterr().out


def test_bash_completes_a_commands_name(root: Path, tmp_path: Path) -> None:
    variables = {"_MW_COMPLETE": "complete_bash", "COMP_WORDS": "mw backt", "COMP_CWORD": "1"}
    told = subprocess.run(
        [sys.executable, "-m", "scripts.cli"],
        cwd=root,
        env=_environment(root) | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == ["backtest"]


def test_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "cmd"]) == 1
    assert "expected one of bash, zsh, fish" in capsys.readouterr().err


def _environment(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}
