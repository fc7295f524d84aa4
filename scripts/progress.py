"""How far many runs are, with a time left that is measured and not hoped for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

T = TypeVar("T")
LEAST = 5  # results in this run before a time left is said
LAST = 40  # results the rate is taken from: the first wait for processes and compilers
QUIET_SECONDS = 60.0  # between two lines where there is no terminal


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
    time left.
    """
    done = 0
    said = time.monotonic()
    came: deque[float] = deque([said], maxlen=LAST + 1)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total, left="")
        for result in results:
            now = time.monotonic()
            done += 1
            if not known(result):
                came.append(now)
            elif len(came) == 1:
                came[0] = now
            left = time_left(came[-1] - came[0], len(came) - 1, total - done)
            bar.update(task, completed=done, left=left)
            if not console.is_terminal and now - said > QUIET_SECONDS:
                console.print(f"{title}: {done} of {total}, {left or 'time left not known yet'}")
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
