"""A session's log file: every line once, nothing held open afterwards, full files set aside."""

from __future__ import annotations

import os
from pathlib import Path

from loguru import logger

from engine.journal.logs import log_to_files


def open_files() -> list[str]:
    return os.listdir("/proc/self/fd")


def test_sessions_one_after_the_other_write_each_line_once_and_leave_no_file_open(tmp_path: Path) -> None:
    before = len(open_files())
    for day in range(3):
        with log_to_files(tmp_path, "paper", 10, 5):
            logger.info("day {} of three", day)
    logger.info("after the last")

    lines = (tmp_path / "paper.log").read_text().splitlines()
    assert [line.split(" INFO ")[1] for line in lines] == [f"day {day} of three" for day in range(3)]
    assert len(open_files()) == before


def test_full_file_is_set_aside_and_the_oldest_thrown_away(tmp_path: Path) -> None:
    with log_to_files(tmp_path, "paper", 0.001, 2):
        for number in range(100):
            logger.info("line {} {}", number, "x" * 80)

    kept = sorted(tmp_path.glob("paper*.log"))
    assert len(kept) == 3  # the one written to, and two beside it
    assert "line 99 " in (tmp_path / "paper.log").read_text()
    assert all("line 0 " not in path.read_text() for path in kept)
