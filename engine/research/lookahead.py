"""Whether anything that was known before a cut changes when the future after it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Seen:
    """One series of what a run knew.

    Parameters
    ----------
    kind : str
        ``decision``, ``event``, ``indicator``, ``feature`` or ``quote``.
    name : str
        Unique among its kind.
    stamp : ndarray of int64, shape (n,)
        When each value was known, UTC nanoseconds, never falling.
    value : ndarray, shape (n,)
        Floats or text.
    """

    kind: str
    name: str
    stamp: NDArray[np.int64]
    value: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A series that is not the same before the cut: how many values, and the last of them.

    ``before`` and ``after`` are the values with the true and with the other future; ``stamp``
    says when they were known, UTC nanoseconds.
    """

    kind: str
    name: str
    count: int
    stamp: int
    before: str
    after: str


def changes(true: Iterable[Seen], other: Iterable[Seen], until: int) -> list[Change]:
    """Return what differs in two runs that share the past up to ``until`` (included).

    Values are equal bit by bit, or both NaN. A series of one run only counts as changed.

    Parameters
    ----------
    true, other : iterable of Seen
        Of the run over the whole data, and of that over another future.
    until : int
        UTC nanoseconds.
    """
    left, right = ({(one.kind, one.name): one for one in run} for run in (true, other))
    found = [_change(left.get(key), right.get(key), until) for key in dict.fromkeys([*left, *right])]
    return [change for change in found if change is not None]


def _change(true: Seen | None, other: Seen | None, until: int) -> Change | None:
    told = true or other
    assert told is not None
    one, two = _past(true, until), _past(other, until)
    stamps = np.union1d(one[0], two[0])
    wrong = [
        (int(stamp), before, after)
        for stamp in (_suspects(one, two) if len(one[0]) == len(two[0]) else stamps)
        if (before := _at(one, stamp)) != (after := _at(two, stamp))
    ]
    if not wrong:
        return None
    stamp, before, after = wrong[-1]
    return Change(told.kind, told.name, len(wrong), stamp, before, after)


def _past(seen: Seen | None, until: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    if seen is None:
        return np.empty(0, np.int64), np.empty(0)
    stop = int(np.searchsorted(seen.stamp, until, side="right"))
    return seen.stamp[:stop], seen.value[:stop]


def _suspects(
    one: tuple[NDArray[np.int64], NDArray[Any]], two: tuple[NDArray[np.int64], NDArray[Any]]
) -> NDArray[np.int64]:
    """Return the stamps where equally long series differ, found without a look at every value."""
    same = one[1] == two[1]
    if one[1].dtype.kind == two[1].dtype.kind == "f":
        same |= np.isnan(one[1]) & np.isnan(two[1])
    return np.unique(np.concatenate([side[0][~same | (one[0] != two[0])] for side in (one, two)]))


def _at(held: tuple[NDArray[np.int64], NDArray[Any]], stamp: Any) -> str:
    first, end = np.searchsorted(held[0], stamp), np.searchsorted(held[0], stamp, side="right")
    return ", ".join(f"{value}" for value in held[1][first:end].tolist()) or "nothing"
