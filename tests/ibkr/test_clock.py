"""The gateway's time from answers in whole seconds."""

from __future__ import annotations

import math
import time

from hypothesis import given
from hypothesis import strategies as st

from engine.ibkr.clock import GatewayClock


@given(
    st.sampled_from([1.0, 60.0, 1000.0]),
    st.floats(1e9, 2e9),
    st.lists(st.tuples(st.floats(0.001, 5.0), st.floats(0.0001, 0.05)), min_size=1, max_size=20),
)
def test_the_true_time_lies_within_the_uncertainty_told(
    speed: float, start: float, askings: list[tuple[float, float]]
) -> None:
    clock, mono = GatewayClock(speed), 100.0

    def true(at: float) -> float:
        return start + (at - 100.0) * speed

    for pause, travel in askings:
        mono += pause
        clock.read(mono, mono + travel, math.floor(true(mono + travel / 2)))
        mono += travel
    told = clock._origin + mono * speed
    assert abs(told - true(mono)) <= clock.uncertainty + 1e-3


def test_more_answers_never_widen_the_bounds() -> None:
    clock, widths = GatewayClock(60.0), []
    for number in range(10):
        asked = 10.0 + 0.013 * number
        clock.read(asked, asked + 0.001, math.floor(1e9 + asked * 60.0))
        widths.append(clock.uncertainty)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.5


def test_a_clock_that_was_set_is_believed_anew() -> None:
    clock = GatewayClock()
    now = time.monotonic()
    clock.read(now, now, 1_000_000.0)
    clock.read(now + 1, now + 1, 2_000_000.0)
    assert abs(clock._origin + now + 1 - 2_000_000.5) < 1.0


def test_before_any_answer_the_wall_stands_in_and_says_so() -> None:
    clock = GatewayClock()
    assert not clock.known and math.isinf(clock.uncertainty) and abs(clock.skew) < 0.1
