"""Lock, kill file and heartbeat hold whatever happens to the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import SessionError
from engine.live.files import AccountLock, Beat, Heartbeat, KillFile

HOLD = """
import sys
from pathlib import Path
from engine.live.files import AccountLock
with AccountLock(Path(sys.argv[1]), "DU1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_second_session_of_an_account_is_told_who_holds_it(tmp_path: Path) -> None:
    child = holder(tmp_path)
    try:
        assert AccountLock(tmp_path, "DU1").holder() == child.pid
        with pytest.raises(SessionError, match=rf"pid {child.pid}") as told, AccountLock(tmp_path, "DU1"):
            pass
        assert "\n" not in str(told.value)
        with AccountLock(tmp_path, "DU2"), AccountLock(tmp_path, "DU1", "guard"):
            pass  # another account, another role
    finally:
        child.communicate("")


def test_lock_of_a_killed_process_stands_in_nobodys_way(tmp_path: Path) -> None:
    child = holder(tmp_path)
    child.send_signal(signal.SIGKILL)
    child.wait()
    lock = AccountLock(tmp_path, "DU1")
    assert lock.path.read_text() == str(child.pid)  # stale, and recognised as such
    assert lock.holder() is None
    with lock:
        assert AccountLock(tmp_path, "DU1").holder() == os.getpid()
    assert lock.holder() is None


def test_kill_file_says_why_and_goes_away(tmp_path: Path) -> None:
    kill = KillFile(tmp_path / "new")
    assert kill.reason() is None
    assert not kill.clear()
    kill.set("too wild")
    assert "too wild" in (kill.reason() or "")
    assert kill.clear()
    assert kill.reason() is None


def test_kill_file_made_by_touch_counts(tmp_path: Path) -> None:
    (tmp_path / "KILL").touch()
    assert KillFile(tmp_path).reason() == "no reason given"


def test_kill_file_that_cannot_be_read_counts(tmp_path: Path) -> None:
    (tmp_path / "KILL").write_bytes(b"\xff\xfe\xff")
    assert KillFile(tmp_path).reason() == "unreadable"


def test_heartbeat_is_read_back_and_a_broken_one_is_none(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path, "DU1")
    assert heart.read() is None
    beat = Beat(1, 2.5, "trading", True, "DU1", "paper", ("XSP", "SPY"), "flat")
    heart.write(beat)
    assert heart.read() == beat
    heart.path.write_text("{")
    assert heart.read() is None
