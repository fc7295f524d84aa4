"""Event loops on standing time."""

from __future__ import annotations

from math import inf

from hypothesis import example, given
from hypothesis import strategies as st

from engine.standing import StandingLoop, StandingTime


@example(1.0)  # 1.000001 less a millionth is not quite 1
@given(st.floats(0.0, 1e6))
def test_timer_runs_when_its_time_has_come_and_is_not_due_again(when: float) -> None:
    standing = StandingTime()
    ran: list[float] = []
    loop = StandingLoop(standing)
    try:
        loop.call_at(when, ran.append, when)
        standing.passed = loop.next_timer()
        loop.call_soon(loop.stop)
        loop.run_forever()

        assert ran == [when]
        assert loop.next_timer() == inf
    finally:
        loop.close()


@given(st.floats(1.0, 1e6), st.floats(0.0, 1e-8))
def test_timer_that_has_not_run_stays_due(when: float, early: float) -> None:
    standing = StandingTime()
    loop = StandingLoop(standing)
    try:
        loop.call_at(when, loop.stop)
        due = loop.next_timer()
        standing.passed = due - early  # where another loop's timer has led

        assert loop.next_timer() == due
    finally:
        loop.close()


def test_cancelled_timer_is_not_due() -> None:
    loop = StandingLoop(StandingTime())
    try:
        loop.call_at(1.0, loop.stop).cancel()

        assert loop.next_timer() == inf
    finally:
        loop.close()
