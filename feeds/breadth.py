"""How much of the universe goes the market's way."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.breadth import standing


def breadth(members: Iterable[Bars]) -> NDArray[np.float64]:
    """Return the share of underlyings above their session's open, a value a bar, 0 to 1.

    An underlying at its open counts half. Bars may be given one after another; they are let
    go as soon as they are counted.

    Parameters
    ----------
    members : iterable of Bars
        On the same stamps; at least one.
    """
    total, count = np.zeros(0), 0
    for bars in members:
        grid = bars.grid
        one = standing(bars.close, bars.open[grid.first][grid.day])
        total, count = one if not count else total + one, count + 1
    return total / count
