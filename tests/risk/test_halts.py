"""The halts over whole lines are the halts seen bar by bar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.reasons import Reason
from engine.risk.halts import halt_code, halt_codes
from engine.risk.limits import Limits
from engine.risk.state import DayState
from engine.risk.view import MarketView
from engine.sessions import session_dates
from tests.risk.makers import DAY, governor, view

DAYS = session_dates(DAY, DAY.replace(month=2))
BITS = {Reason.HALT_MOVE: 1, Reason.HALT_VIX: 2, Reason.HALT_RANGE: 4}
quantities = st.one_of(st.floats(590.0, 610.0), st.just(float("nan")))
points = st.integers(900, 1900).map(lambda n: n / 100)
switches = st.sampled_from([None, 0.5, 1.0, 1.25])

Tape = list[tuple[MarketView, float, float]]  # view, the bar's own high, its own low


@st.composite
def tapes(draw: st.DrawFn) -> Tape:
    """Views of a few short days, in order."""
    seen = []
    for day in DAYS[: draw(st.integers(1, 4))]:
        move = draw(st.one_of(st.floats(0.5, 8.0), st.just(float("nan"))))
        before = draw(points)
        top, bottom = -np.inf, np.inf
        for minute in range(640, 640 + draw(st.integers(1, 8))):
            price = draw(st.floats(590.0, 610.0))
            high, low = price + draw(st.floats(0.0, 3.0)), price - draw(st.floats(0.0, 3.0))
            top, bottom = max(top, high), min(bottom, low)
            now = draw(st.one_of(points, st.just(float("nan"))))
            one = view(
                minute,
                day,
                price=price,
                day_high=top,
                day_low=bottom,
                expected_move=move,
                vix=now,
                vix_previous=before,
            )
            seen.append((one, high, low))
    return seen


limits_drawn = st.builds(
    Limits, halt_move=switches, halt_range=switches, halt_vix=st.sampled_from([None, 1.0, 3.0])
)


@settings(max_examples=150, deadline=None)
@given(tapes(), limits_drawn, st.booleans())
def test_halts_of_whole_lines_equal_those_observed_bar_by_bar(
    tape: Tape, limits: Limits, own_extremes: bool
) -> None:
    gov, state = governor(limits), DayState.fresh(DAYS[0])
    expected: list[int] = []
    first: dict[tuple[date, Reason], int] = {}
    for bar, (seen, _, _) in enumerate(tape):
        state, events = gov.observe(state, seen)
        expected.append(sum(BITS[reason] for _, reason in state.halts))
        for event in events:
            first[event.day, event.reason] = bar
    views = [seen for seen, _, _ in tape]
    day = np.array([DAYS.index(seen.day) for seen in views], np.int32)

    def line(name: str) -> NDArray[np.float64]:
        return np.array([getattr(seen, name) for seen in views])

    codes, latched, first_bars = halt_codes(
        day,
        line("price"),
        np.array([high for _, high, _ in tape]) if own_extremes else line("day_high"),
        np.array([low for _, _, low in tape]) if own_extremes else line("day_low"),
        line("session_open"),
        line("expected_move"),
        line("vix"),
        line("vix_previous"),
        limits,
    )
    assert codes.tolist() == [halt_code(seen, limits) for seen in views]
    assert latched.tolist() == expected
    for row, when in enumerate(dict.fromkeys(seen.day for seen in views)):
        for column, reason in enumerate(BITS):
            assert first_bars[row, column] == first.get((when, reason), -1)


@settings(max_examples=100, deadline=None)
@given(tapes())
def test_halts_latch_for_the_day_and_only_for_the_day(tape: Tape) -> None:
    gov, state = governor(), DayState.fresh(DAYS[0])
    before: DayState = state
    for seen, _, _ in tape:
        state, _ = gov.observe(state, seen)
        if before.day == seen.day:
            assert before.halts <= state.halts
        else:
            assert {reason for _, reason in state.halts} == {
                reason for reason, bit in BITS.items() if halt_code(seen, gov.limits) & bit
            }
        before = state


def test_unknown_measures_set_no_halt() -> None:
    nothing = float("nan")
    blind = view(price=900.0, expected_move=nothing, vix=nothing)
    assert halt_code(blind, Limits()) == 0
    assert halt_code(replace(blind, expected_move=0.0), Limits()) == 0


def test_no_bars_have_no_halts() -> None:
    empty = np.empty(0)
    codes, latched, first = halt_codes(np.empty(0, np.int32), *(empty,) * 7, Limits())
    assert codes.shape == latched.shape == (0,)
    assert first.shape == (0, 3)
