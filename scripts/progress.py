"""How far a command is, on a terminal; silent in a pipe and where it prints JSON."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from loguru import logger
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")
LEAST = 5  # results in this run before a time left is said
LAST = 40  # results the rate is taken from: the first wait for processes and compilers
QUIET_SECONDS = 60.0  # between two lines of the log
BAR = 20  # columns: title, bar and time fit a terminal of 80


class Told(Protocol):
    """Say how far it is: so many of all, in ``words`` or else in per cent."""

    def __call__(self, done: float, total: float, words: str | None = None) -> None:
        """Draw it."""


@contextmanager
def shown(console: Console, title: str) -> Iterator[Told]:
    """Show that something goes on, for how long it has, and how far it is where that is told.

    Nothing is drawn where the console is no terminal or is quiet, and nothing stays behind.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(BAR),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
    )
    hidden = console.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(title, total=None, words="")

        def told(done: float, total: float, words: str | None = None) -> None:
            far = f"{done / total:.0%}" if words is None and total else words or ""
            bar.update(task, completed=done, total=total, words=far)

        yield told


def watched(
    console: Console,
    title: str,
    total: int,
    results: Iterable[T],
    known: Callable[[T], bool] = lambda result: False,
) -> Iterator[T]:
    """Give results on, showing how many there are and how long the rest will take.

    The rate is that of the last results of this run: what is ``known`` from an earlier one
    counts as done and does not make it look fast. Until five have come nothing is said of the
    time left. The log has a line a minute.
    """
    done = 0
    said = time.monotonic()
    came: deque[float] = deque([said], maxlen=LAST + 1)
    with shown(console, title) as told:
        told(0, total, f"0/{total}")
        for result in results:
            now = time.monotonic()
            done += 1
            if not known(result):
                came.append(now)
            elif len(came) == 1:
                came[0] = now
            left = time_left(came[-1] - came[0], len(came) - 1, total - done)
            told(done, total, f"{done}/{total} {left}".rstrip())
            if now - said > QUIET_SECONDS:
                logger.info("{}: {} of {}, {}", title, done, total, left or "time left not known yet")
                said = now
            yield result


def time_left(spent: float, ran: int, remaining: int) -> str:
    """Return how long the remaining runs will take at the rate so far, nothing while that is unknown."""
    if ran < LEAST:
        return ""
    seconds = spent / ran * remaining
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"
