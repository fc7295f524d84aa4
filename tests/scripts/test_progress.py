"""The time left: of this run's own last results, never of those known before."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from loguru import logger
from rich.console import Console

from scripts import progress
from scripts.progress import shown, time_left, watched


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("scripts.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    return now


def told(
    clock: list[float], steps: list[float], known: Callable[[int], bool] = lambda result: False
) -> list[str]:
    def results() -> Iterator[int]:
        for number, seconds in enumerate(steps):
            clock[0] += seconds
            yield number

    stream, lines = io.StringIO(), []
    sink = logger.add(lambda line: lines.append(line.strip()), level="INFO", format="{message}")
    list(watched(Console(file=stream, width=200), "Variants", 200, results(), known))
    logger.remove(sink)
    assert stream.getvalue() == ""
    return lines


def test_rate_is_that_of_the_last_results_not_of_the_first_wait(clock: list[float]) -> None:
    lines = told(clock, [300.0] + [1.0] * 100)
    assert lines[-1] == "Variants: 101 of 200, about 2 min left"


def test_known_results_count_as_done_and_do_not_hurry_the_rate(clock: list[float]) -> None:
    lines = told(clock, [0.001] * 100 + [2.0] * 10, known=lambda number: number < 100)
    assert lines[99] == "Variants: 100 of 200, time left not known yet"
    assert lines[-1] == "Variants: 110 of 200, about 3 min left"


def test_nothing_is_said_before_five_results(clock: list[float]) -> None:
    lines = told(clock, [1.0] * 6)
    assert all(line.endswith("time left not known yet") for line in lines[:4])
    assert "left not known" not in lines[4]


@pytest.mark.parametrize(
    ("spent", "ran", "remaining", "words"),
    [(10.0, 4, 90, ""), (10.0, 5, 10, "about 20 s left"), (3600.0, 10, 20, "about 2.0 h left")],
)
def test_time_left_in_words(spent: float, ran: int, remaining: int, words: str) -> None:
    assert time_left(spent, ran, remaining) == words


def drawn(terminal: bool, quiet: bool) -> str:
    stream = io.StringIO()
    with shown(Console(file=stream, force_terminal=terminal, quiet=quiet, width=80), "Preparing") as told:
        told(1, 4)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("terminal", "quiet", "seen"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_progress_is_drawn_on_a_terminal_only_and_not_beside_json(
    terminal: bool, quiet: bool, seen: bool
) -> None:
    text = drawn(terminal, quiet)
    assert ("Preparing" in text and "25%" in text) is seen
    assert seen or text == ""
