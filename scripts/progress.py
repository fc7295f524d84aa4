"""How far many runs are, with a time left that is measured and not hoped for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

T = TypeVar("T")
LEAST = 5  # results in this run before a time left is said
INSTANT = 0.02  # seconds: what came faster was not run but known
QUIET_SECONDS = 60.0  # between two lines where there is no terminal


def watched(console: Console, title: str, total: int, results: Iterable[T]) -> Iterator[T]:
    """Give results on, showing how many there are and how long the rest will take.

    The rate is that of this run: results known from an earlier one count as done and do not
    make it look fast. Until five results have come nothing is said of the time left.
    """
    known = ran = 0
    began = last = said = time.monotonic()
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
            if not ran and now - last < INSTANT:
                known, began = known + 1, now
            else:
                ran += 1
            last = now
            left = time_left(now - began, ran, total - known - ran)
            bar.update(task, completed=known + ran, left=left)
            if not console.is_terminal and now - said > QUIET_SECONDS:
                console.print(f"{title}: {known + ran} of {total}, {left or 'time left not known yet'}")
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
