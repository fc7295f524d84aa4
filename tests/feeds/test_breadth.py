"""Breadth is the share of the universe above its open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from feeds.breadth import breadth
from tests.feeds.quoted import walk


def test_breadth_counts_those_above_their_sessions_open_and_half_of_those_at_it() -> None:
    one, other = walk(seed=1), walk(seed=2)
    still = replace(one, close=one.open[one.grid.first][one.grid.day])

    found = breadth([one, other, still])

    for at in (5, 500, 1500):
        above = sum(bars.close[at] > bars.open[bars.grid.first[bars.grid.day[at]]] for bars in (one, other))
        assert found[at] == (above + 0.5) / 3
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert np.isfinite(found).all()
