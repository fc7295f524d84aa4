"""What README and tutorial tell the reader to type is there, and the quick ones are typed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from scripts.cli import app

PAGES = ("README.md", "docs/tutorial.md")
MARKS = re.compile(r"`(mw [^`]+)`")
ENDS = re.compile(r"\s+#|\s+&&|;")


def lines_of(text: str) -> list[str]:
    """Return the command lines of a page: those in its blocks and those in its sentences."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    typed = [line.strip() for line in blocks.splitlines() if line.startswith("mw ")]
    said = MARKS.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return list(dict.fromkeys(ENDS.split(line)[0] for line in (*typed, *said)))


def told() -> list[tuple[str, str]]:
    root = Path(__file__).parents[2]
    return [(page, line) for page in PAGES for line in lines_of((root / page).read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "line"), told())
def test_command_line_of_a_page_is_one_the_program_knows(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{page}: {line}"
        command = command.commands[words.pop(0)]
    if words:  # a sentence may name a command without what it needs
        with command.make_context(line, words) as context:
            assert context.args == []


def test_pages_have_command_lines_to_check() -> None:
    assert {page for page, _ in told()} == set(PAGES)
    assert ("docs/tutorial.md", "mw rehearse --days 1 --speed max") in told()


def mw(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MW__")}
    environment |= {"PYTHONPATH": str(root), "COLUMNS": "80"}
    command = [sys.executable, "-m", "scripts.cli", *shlex.split(line)[1:]]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def test_quick_command_lines_of_the_tutorial_run_from_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    typed = {line for page, line in told() if page == "docs/tutorial.md"}
    first = "mw init ../desk --yes"
    short = "mw backtest --timerange 20180101-20181231 --journal"
    assert {first, "mw doctor", short, "mw report"} <= typed
    assert mw(first, tmp_path / "clone").returncode == 0
    desk = tmp_path / "desk"
    doctor = mw("mw doctor", desk)
    assert "put right" in doctor.stdout or "Ready." in doctor.stdout
    assert json.loads(mw("mw show-config --json", desk).stdout)["digest"]
    played = mw(f"{short.replace('1231', '0131')} --no-control", desk)
    assert played.returncode == 0, played.stderr
    assert "\x1b[" not in played.stdout  # no colour where nobody looks
    (folder,) = (desk / "runs").iterdir()
    assert (folder / "report.html").is_file()
    assert mw("mw report", desk).returncode == 0
    figures = json.loads(mw("mw report --json", desk).stdout)
    assert figures == json.loads((folder / "summary.json").read_text())
