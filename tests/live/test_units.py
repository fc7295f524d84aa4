"""The service files: systemd takes them, and what they start is there."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "scripts" / "systemd"
CLONE, DESK = "%h/market-watch", "%h/desk"


def test_systemd_takes_the_service_and_its_timer(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    made = []
    for unit in UNITS.iterdir():
        made.append(tmp_path / unit.name)
        made[-1].write_text(unit.read_text().replace(CLONE, str(ROOT)).replace(DESK, str(ROOT)))
    done = subprocess.run(["systemd-analyze", "verify", *made], capture_output=True, text=True, timeout=60)
    mine = [line for line in done.stderr.splitlines() if "market-watch" in line]
    assert (done.returncode, mine) == (0, [])


def test_what_the_service_starts_is_there_and_starts() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / "market-watch-paper.service")
    command = unit["Service"]["ExecStart"].replace(CLONE, str(ROOT)).split()
    assert unit["Service"]["WorkingDirectory"] == DESK and unit["Service"]["KillMode"] == "process"
    if not (ROOT / ".venv" / "bin" / "mw").exists():
        pytest.skip("no environment of its own here (make test)")
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Trade the next session on the paper account" in done.stdout
