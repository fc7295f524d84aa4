"""What a book has answered for single bars, so that the next run over the same bars need not ask again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bars = NDArray[np.int64]
Columns = tuple[NDArray[Any], ...]
KEPT = 24  # questions; five years of one are about 2 MB


class Remembered:
    """Columns by question and bar, those of the questions last asked.

    Right only where an answer depends on nothing but the question and its bar; whoever asks puts
    everything else into the question.
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[Bars, Columns]] = {}

    def __call__(self, question: Hashable, bars: Bars, answer: Callable[[Bars], Columns]) -> Columns:
        """Return the columns of an answer, a row a bar; only bars not asked for before are computed.

        Parameters
        ----------
        question : hashable
        bars : ndarray of int, shape (n,)
            Rising.
        answer : callable
            From bars to columns of as many rows.
        """
        known, columns = self._held.pop(question, (bars[:0], ()))
        missing = np.setdiff1d(bars, known, assume_unique=True)
        if len(missing):
            fresh = answer(missing)
            both = np.concatenate([known, missing])
            order = np.argsort(both, kind="stable")
            joined = zip(columns, fresh, strict=True) if columns else ((one,) for one in fresh)
            known, columns = both[order], tuple(np.concatenate(parts)[order] for parts in joined)
        while len(self._held) >= KEPT:
            del self._held[next(iter(self._held))]
        self._held[question] = known, columns
        rows = np.searchsorted(known, bars)
        return tuple(column[rows] for column in columns)
