"""One place for all lines: whoever moves it moves every line at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from backtrader.linebuffer import LineBuffer


class Cursor:
    """The bar on which the lines stand, and how many bars they have seen.

    Parameters
    ----------
    apart : sequence of backtrader lines
        Lines that keep a place of their own and have to be put there.
    """

    __slots__ = ("_apart", "bar", "length")

    def __init__(self, apart: list[Any]) -> None:
        self._apart = apart
        self.go(-1)

    def go(self, bar: int) -> None:
        """Stand on a bar."""
        self.bar, self.length = bar, bar + 1
        for line in self._apart:
            line._idx, line.lencount = bar, bar + 1


class _Placed(LineBuffer):  # type: ignore[misc]
    """A line whose place is a cursor's."""

    _idx = property(attrgetter("_cursor.bar"))
    lencount = property(attrgetter("_cursor.length"))

    def __getitem__(self, ago: int) -> Any:
        return self.array[self._cursor.bar + ago]

    def __len__(self) -> int:
        return self._cursor.length  # type: ignore[no-any-return]


@contextmanager
def placed(lines: Iterable[Any]) -> Iterator[Cursor]:
    """Let lines, computed whole, stand where the cursor stands; each has its own place again afterwards.

    A run has some eighty lines, of which a visit to a bar reads a few: putting each in its place
    at every visit would cost more than many a strategy does there.
    """
    shared: list[Any] = []
    apart: list[Any] = []
    for line in lines:  # an operation on lines is a line of a class of its own
        (shared if type(line) is LineBuffer else apart).append(line)
    cursor = Cursor(apart)
    for line in shared:
        line._cursor, line.__class__ = cursor, _Placed
    try:
        yield cursor
    finally:
        for line in shared:
            line.__class__ = LineBuffer
            line._idx, line.lencount = cursor.bar, cursor.length
            del line._cursor
