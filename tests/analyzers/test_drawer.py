"""Reports are drawn by a process that was started long before, and here where it is gone."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from analyzers.analysis import analyze
from analyzers.drawer import Drawer
from tests.analyzers.makers import DAYS, run, trade

REPORTS = ["report.html", "report.png"]


def drawn(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.stat().st_size > 10_000)


def test_drawer_that_was_killed_is_made_up_for_here(tmp_path: Path) -> None:
    result = run([trade(1, DAYS[2], 9.0)])
    drawer = Drawer()
    assert drawer._process is not None and drawer._process.pid is not None
    os.kill(drawer._process.pid, signal.SIGKILL)
    drawer._process.join()

    drawer.draw(result, analyze(result), None, tmp_path)
    drawer.finish()

    assert drawn(tmp_path) == REPORTS


def test_drawer_that_is_stopped_has_ended_and_left_nothing(tmp_path: Path) -> None:
    result = run([trade(1, DAYS[2], 9.0)])
    drawer = Drawer()
    assert drawer._process is not None and drawer._process.pid is not None
    process = drawer._process.pid
    drawer.draw(result, analyze(result), None, tmp_path)

    drawer.stop()

    assert not Path(f"/proc/{process}").exists()
    time.sleep(0.5)  # long enough for a picture that nobody stopped
    assert drawn(tmp_path) == []
