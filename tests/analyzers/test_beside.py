"""Work beside is done when the block is left, and its errors are raised."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzers.beside import beside


def leave(path: Path, error: Exception | None = None) -> None:
    with path.open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    if error is not None:
        raise error


def test_work_is_done_in_another_process_when_the_block_is_left(tmp_path: Path) -> None:
    with beside(leave, tmp_path / "left"):
        here = os.getpid()
    (other,) = (tmp_path / "left").read_text().split()
    assert int(other) != here


def test_error_of_the_work_is_raised_here(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="disk is full"),
        beside(leave, tmp_path / "left", OSError("disk is full")),
    ):
        pass
    assert str(os.getpid()) in (tmp_path / "left").read_text().split()


def test_process_that_was_killed_is_made_up_for_here(tmp_path: Path) -> None:
    def die(path: Path, mine: int = os.getpid()) -> None:
        if os.getpid() != mine:
            os._exit(3)
        leave(path)

    with beside(die, tmp_path / "left"):
        pass
    assert (tmp_path / "left").read_text().split() == [str(os.getpid())]


def test_error_of_the_block_ends_the_work(tmp_path: Path) -> None:
    def wait(path: Path) -> None:
        os.read(reading, 1)  # nobody writes
        leave(path)

    reading, _ = os.pipe()
    with pytest.raises(KeyError), beside(wait, tmp_path / "left"):
        raise KeyError("block")
    assert not (tmp_path / "left").exists()
