"""The guard steps in for a cause and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.live.files import Beat
from engine.live.guard import AccountLook, Cause, GuardLimits, Watchman

LIMITS = GuardLimits(silent=60.0, lost=180.0, day_loss=500.0)
BEAT = Beat(4711, 1000.0, "trading", True, "DU1", "paper", ("XSP",))
FINE = AccountLook(100_000.0, 100_200.0)


def test_living_session_is_left_alone() -> None:
    assert Watchman(LIMITS).judge(BEAT, True, 1060.0, FINE) is None


@pytest.mark.parametrize("state", ["starting", "waiting", "trading", "closing"])
def test_dead_session_is_taken_over_at_once(state: str) -> None:
    found = Watchman(LIMITS).judge(replace(BEAT, state=state), False, 1000.1, None)
    assert found is not None
    assert found.cause is Cause.DIED
    assert "4711" in found.text


def test_ended_session_is_no_dead_one() -> None:
    assert Watchman(LIMITS).judge(replace(BEAT, state="ended"), False, 9999.0, FINE) is None


def test_session_that_ended_open_is_closed() -> None:
    man, left = Watchman(LIMITS), replace(BEAT, state="left_open", text="condor: open")
    assert man.judge(left, True, 1000.5, FINE) is None  # it is about to go
    found = man.judge(left, False, 1000.5, FINE)
    assert found is not None
    assert found.cause is Cause.LEFT_OPEN
    assert "condor: open" in found.text


def test_silent_session_hangs() -> None:
    found = Watchman(LIMITS).judge(BEAT, True, 1060.5, FINE)
    assert found is not None
    assert found.cause is Cause.HUNG


def test_connection_must_be_lost_for_its_time_in_one_piece() -> None:
    man, lost = Watchman(LIMITS), replace(BEAT, connected=False)
    assert man.judge(replace(lost, at=1000.0), True, 1000.0, None) is None
    assert man.judge(replace(lost, at=1179.0), True, 1179.0, None) is None
    assert man.judge(replace(BEAT, at=1180.0), True, 1180.0, None) is None  # back
    assert man.judge(replace(lost, at=1181.0), True, 1181.0, None) is None
    found = man.judge(replace(lost, at=1362.0), True, 1362.0, None)
    assert found is not None
    assert found.cause is Cause.DISCONNECTED


def test_account_that_lost_its_limit_is_closed() -> None:
    man = Watchman(LIMITS)
    assert man.judge(BEAT, True, 1001.0, AccountLook(99_500.0, 100_000.0)) is None
    found = man.judge(BEAT, True, 1001.0, AccountLook(99_499.0, 100_000.0))
    assert found is not None
    assert found.cause is Cause.DAY_LOSS


def test_unknown_value_and_no_limit_close_nothing() -> None:
    assert Watchman(LIMITS).judge(BEAT, True, 1001.0, AccountLook(float("nan"), 1.0)) is None
    free = Watchman(replace(LIMITS, day_loss=None))
    assert free.judge(BEAT, True, 1001.0, AccountLook(0.0, 100_000.0)) is None


def test_short_without_cover_must_last() -> None:
    man, naked = Watchman(LIMITS), replace(FINE, uncovered=("XSP 2026-10-05 600P",))
    assert man.judge(BEAT, True, 1001.0, naked) is None
    assert man.judge(BEAT, True, 1002.0, FINE) is None
    assert man.judge(replace(BEAT, at=1003.0), True, 1003.0, naked) is None
    found = man.judge(replace(BEAT, at=1064.0), True, 1064.0, naked)
    assert found is not None
    assert found.cause is Cause.NAKED
    assert "600P" in found.text


@given(st.floats(0, 60), st.floats(0, 500), st.sampled_from(["waiting", "trading", "closing"]))
def test_nothing_within_the_limits_is_a_cause(silent: float, lost: float, state: str) -> None:
    beat = replace(BEAT, state=state)
    assert Watchman(LIMITS).judge(beat, True, beat.at + silent, AccountLook(1e5, 1e5 + lost)) is None
