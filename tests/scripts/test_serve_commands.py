"""``mw dashboard``, ``serve`` and ``export`` as commands: what they find, what they refuse."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from engine.errors import JournalError
from engine.settings import Settings
from scripts.cli import main
from scripts.serve.start import journals, newest
from tests.board.makers import written
from tests.interrupts import started


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder, and stand in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MW_SERVE_TOKEN", raising=False)
    monkeypatch.delenv("MW_DATABASE_URL", raising=False)
    return tmp_path


def test_journals_of_the_folder_are_found_the_live_one_first(place: Path) -> None:
    for venue in ("backtest", "paper", "live"):
        written(str(place / "journal" / f"{venue}.db"), venue)
    found = journals(Settings(), {})
    assert list(found) == ["live", "paper", "backtest"]
    for day in ("20261125", "20261126"):
        written(str(place / "runs" / f"rehearsal-{day}-070000" / "journal.db"), "rehearsal")
    beside = journals(Settings(), {}, runs=place / "runs")
    assert list(beside) == ["live", "paper", "rehearsal", "backtest"]
    assert "rehearsal-20261126" in beside["rehearsal"]


def test_newest_session_is_served(place: Path) -> None:
    old, new = str(place / "old.db"), str(place / "new.db")
    written(old, "paper", newest=2, ended=True)
    written(new, "rehearsal", days=1)
    assert newest({"paper": old, "rehearsal": new}) == new


def test_journal_that_is_not_there_is_named(place: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        journals(Settings(), {}, str(place / "none.db"))


@pytest.mark.parametrize("token", ["", "short"])
def test_nothing_is_served_without_a_token(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], token: str
) -> None:
    monkeypatch.setenv("MW_SERVE_TOKEN", token)
    assert main(["serve"]) == 1
    told = capsys.readouterr().err
    assert f"MW_SERVE_TOKEN: has {len(token)} characters, expected at least 16" in told


def test_nothing_to_serve_says_what_to_run(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MW_SERVE_TOKEN", "x" * 20)
    assert main(["serve"]) == 1
    assert "run mw paper" in capsys.readouterr().err


def test_served_command_answers_and_ends_on_interrupt(place: Path, free_port: int) -> None:
    written(str(place / "journal" / "paper.db"))
    (place / ".env").write_text("MW_SERVE_TOKEN=a-token-from-the-file\n")
    running = started(["serve", "--port", str(free_port)], place)
    try:
        answer = eventually(f"http://127.0.0.1:{free_port}/status", "a-token-from-the-file")
        assert answer.json()["venue"] == "paper"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "a-token-from-the-file" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_dashboard_command_answers_and_ends_with_its_page(
    place: Path, free_port: int, how: signal.Signals
) -> None:
    written(str(place / "journal" / "paper.db"))
    running = started(["dashboard", "--port", str(free_port)], place)
    try:
        answer = eventually(f"http://127.0.0.1:{free_port}/_stcore/health", "")
        assert answer.status_code == 200
        running.send_signal(how)
        told, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0
    assert f"http://127.0.0.1:{free_port}" in told
    with socket.socket() as left:
        assert left.connect_ex(("127.0.0.1", free_port)) != 0


def test_port_that_is_taken_is_one_line(place: Path, root: Path, free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        command = [sys.executable, "-m", "scripts.cli", "dashboard", "--port", str(free_port)]
        ended = subprocess.run(
            command, capture_output=True, text=True, cwd=place, env=environment(root), timeout=90
        )
    assert ended.returncode == 1
    assert f"expected port {free_port} free" in ended.stderr


def test_pine_script_of_a_run_is_written_once(
    place: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "pine", "XSP"]) == 2
    assert "holds no run" in capsys.readouterr().err
    command = ["backtest", "--timerange", "20180102-20180131", "--bots", "putlite", "--no-control"]
    assert main(command) == 0
    assert main(["export", "pine", "XSP"]) == 0
    told = capsys.readouterr().out
    assert "XSP.pine" in told
    assert (place / "XSP.pine").read_text().startswith("//@version=6")
    assert main(["export", "pine", "XSP"]) == 1
    assert "exists already" in capsys.readouterr().err
    shutil.rmtree(place / "runs")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root)}


def eventually(address: str, token: str) -> httpx.Response:
    head = {"Authorization": f"Bearer {token}"} if token else {}
    for _ in range(600):
        try:
            return httpx.get(address, headers=head, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within a minute")
