"""A bot from another package: installed, set, run, shown, without a change of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path("docs") / "examples" / "callfade"


@pytest.fixture
def site(tmp_path: Path, root: Path) -> Path:
    """Return a folder that holds the example as an installer would lay it out."""
    folder = tmp_path / "site"
    folder.mkdir()
    project = tomllib.loads((root / EXAMPLE / "pyproject.toml").read_text())
    for module in project["tool"]["setuptools"]["py-modules"]:
        shutil.copy(root / EXAMPLE / f"{module}.py", folder)
    about = folder / "market_watch_callfade-0.1.0.dist-info"
    about.mkdir()
    told = project["project"]
    about.joinpath("METADATA").write_text(f"Name: {told['name']}\nVersion: {told['version']}\n")
    lines = []
    for group, points in told["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    about.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def mw(root: Path, site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(root), str(site)])
    return subprocess.run(
        [sys.executable, "-m", "scripts.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_fourth_bot_trades_and_stands_in_the_report(root: Path, site: Path, tmp_path: Path) -> None:
    span = ["--timerange", "20180201-20180331", "--no-control"]
    told = mw(root, site, tmp_path, "backtest", "--bots", "callfade", "--verify", *span)
    assert told.returncode == 0, told.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary["bots"]) == ["callfade"]
    assert summary["bots"]["callfade"]["trades"] >= 1
    assert "callfade" in (folder / "report.html").read_text()


def test_its_settings_are_like_all_others(root: Path, site: Path, tmp_path: Path) -> None:
    told = mw(root, site, tmp_path, "show-config", "--json")
    assert json.loads(told.stdout)["settings"]["bots.callfade.trend_min"] == {
        "value": 1.5,
        "origin": "default",
    }
    os.environ["MW__BOTS__CALLFADE__TREND_MINI"] = "2"
    try:
        wrong = mw(root, site, tmp_path, "show-config")
    finally:
        del os.environ["MW__BOTS__CALLFADE__TREND_MINI"]
    assert wrong.returncode == 1
    assert "Did you mean 'trend_min'?" in wrong.stderr


def test_it_does_not_run_unless_asked_for(root: Path, site: Path, tmp_path: Path) -> None:
    span = ["--timerange", "20180201-20180209", "--no-control", "--no-report"]
    told = mw(root, site, tmp_path, "backtest", *span)
    assert told.returncode == 0, told.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert "callfade" not in json.loads((folder / "summary.json").read_text())["bots"]


def test_broken_plugin_is_one_line(root: Path, site: Path, tmp_path: Path) -> None:
    (site / "callfade_settings.py").write_text("import nothing_of_that_name\n")
    told = mw(root, site, tmp_path, "show-config")
    assert told.returncode == 1
    assert told.stderr.startswith("mw: plugin callfade_settings:CallFadeSettings: cannot be imported")
    assert len(told.stderr.splitlines()) == 1


def test_plugin_cannot_take_the_name_of_a_bot_of_the_house(root: Path, site: Path, tmp_path: Path) -> None:
    points = next(site.glob("*.dist-info")) / "entry_points.txt"
    points.write_text(points.read_text().replace("callfade = ", "condor = "))
    told = mw(root, site, tmp_path, "show-config")
    assert told.returncode == 1
    assert "expected a name of its own" in told.stderr
