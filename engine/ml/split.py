"""Walk-forward by date: train on the past, calibrate on what came later, test on what came after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.errors import DataError


@dataclass(frozen=True, slots=True)
class Split:
    """Sessions of one step; ``test`` is empty for the model that is kept."""

    train: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: tuple[date, ...]


def walk_forward(sessions: Sequence[date], folds: int, embargo: int) -> list[Split]:
    """Return the steps of an expanding walk-forward, and last the one without a test.

    The sessions fall into ``folds + 2`` equal parts. Step i trains on parts 0 to i, calibrates
    on part i + 1 and tests on part i + 2. All cases of a day stand on one side, and ``embargo``
    sessions are left out before each change of side: a trade ends on its day, so nothing else
    needs purging.

    Parameters
    ----------
    sessions : sequence of date
        Rising.
    folds, embargo : int

    Raises
    ------
    DataError
        A part would have no sessions left.
    """
    parts = folds + 2
    least = parts * (embargo + 2)
    if len(sessions) < least:
        raise DataError(
            f"training: got {len(sessions)} sessions, expected {least} or more for {folds} folds with "
            f"{embargo} sessions between"
        )
    edges = [len(sessions) * number // parts for number in range(parts + 1)]

    def span(first: int, last: int, cut: int) -> tuple[date, ...]:
        return tuple(sessions[edges[first] : edges[last] - cut])

    steps = [
        Split(span(0, i + 1, embargo), span(i + 1, i + 2, embargo), span(i + 2, i + 3, 0))
        for i in range(folds)
    ]
    return [*steps, Split(span(0, parts - 1, embargo), span(parts - 1, parts, 0), ())]
