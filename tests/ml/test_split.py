"""The walk-forward never lets a day stand on two sides, nor near the other one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.ml.split import walk_forward
from engine.sessions import session_dates

SESSIONS = session_dates(date(2015, 1, 2), date(2018, 12, 31))


@given(st.integers(120, len(SESSIONS)), st.integers(2, 6), st.integers(0, 8))
def test_past_calibration_and_test_follow_each_other_with_an_embargo_between(
    count: int, folds: int, embargo: int
) -> None:
    sessions = SESSIONS[:count]
    number = {day: place for place, day in enumerate(sessions)}

    *steps, last = walk_forward(sessions, folds, embargo)

    assert len(steps) == folds
    for step in steps:
        sides = (step.train, step.calibrate, step.test)
        assert all(side == tuple(sorted(side)) and side for side in sides)
        for earlier, later in zip(sides, sides[1:], strict=False):
            assert number[later[0]] - number[earlier[-1]] == embargo + 1
    for one, two in zip(steps, steps[1:], strict=False):
        assert number[two.test[0]] == number[one.test[-1]] + 1, "tests follow each other without a gap"
        assert set(one.train) < set(two.train)
    assert steps[-1].test[-1] == last.calibrate[-1] == sessions[-1]
    assert last.test == ()
    assert number[last.calibrate[0]] - number[last.train[-1]] == embargo + 1


def test_too_few_sessions_are_refused() -> None:
    with pytest.raises(DataError, match="got 40 sessions, expected 49 or more for 5 folds"):
        walk_forward(SESSIONS[:40], 5, 5)
