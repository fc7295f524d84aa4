"""The day's memory survives a restart, and a broken memory is never taken for an empty one."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.reasons import Reason
from engine.risk.state import DayState, OpenTrade
from tests.risk.makers import DAY

words = st.text(max_size=12)
amounts = st.integers(0, 10**9)
states = st.builds(
    DayState,
    day=st.dates(date(1990, 1, 1), date(2028, 12, 31)),
    realised=st.dictionaries(words, amounts, max_size=3).map(lambda held: tuple(sorted(held.items()))),
    open=st.lists(
        st.builds(OpenTrade, words, words, words, words, amounts, amounts),
        max_size=3,
        unique_by=lambda trade: trade.order_ref,
    ).map(tuple),
    halts=st.frozensets(st.tuples(words, st.sampled_from(Reason)), max_size=4),
    entries=st.dictionaries(words, amounts, max_size=3).map(lambda held: tuple(sorted(held.items()))),
    trades=amounts,
    revision=amounts,
)


@given(states)
def test_state_read_back_from_json_is_the_same(state: DayState) -> None:
    text = state.to_json()
    assert DayState.from_json(text) == state
    assert "\n" not in text
    assert DayState.from_json(text).to_json() == text


FULL = DayState(
    DAY,
    (("shared", 4000),),
    (OpenTrade("condor-1", "condor", "shared", "XSP", 9000, 5000),),
    frozenset({("XSP", Reason.HALT_MOVE)}),
    (("condor", 1),),
    7,
)


def broken(**changed: object) -> str:
    return json.dumps(json.loads(FULL.to_json()) | changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        FULL.to_json()[:-1],
        broken(version=2),
        broken(day="yesterday"),
        broken(day=None),
        broken(realised={"shared": 40.5}),
        broken(realised={"shared": -4000}),
        broken(realised={"shared": True}),
        broken(realised=[]),
        broken(open=[["condor-1", "condor", "shared", "XSP", 9000]]),
        broken(open=[["condor-1", "condor", "shared", "XSP", -9000, 5000]]),
        broken(open=[["condor-1", "condor", "shared", "XSP", "9000", 5000]]),
        broken(open="none"),
        broken(halts=[["XSP", "halt_everything"]]),
        broken(halts=[["XSP"]]),
        broken(entries={"condor": -1}),
        broken(trades=None),
    ],
)
def test_broken_state_is_one_line_and_no_empty_state(text: str) -> None:
    with pytest.raises(DataError) as caught:
        DayState.from_json(text)
    assert "\n" not in str(caught.value)


def test_roll_keeps_open_trades_and_forgets_the_rest() -> None:
    tomorrow = FULL.roll(date(2018, 1, 11))
    assert (tomorrow.day, tomorrow.open) == (date(2018, 1, 11), FULL.open)
    assert (tomorrow.realised, tomorrow.halts, tomorrow.entries) == ((), frozenset(), ())
    assert tomorrow.trades == 7  # references stay unique over the days
    assert FULL.roll(DAY) is FULL
    assert FULL.roll(date(2018, 1, 9)) is FULL


def test_entries_are_counted_a_bot_and_a_day() -> None:
    state = DayState.fresh(DAY).entered("condor").entered("putlite").entered("condor")
    assert state.entries == (("condor", 2), ("putlite", 1))
    assert [state.entries_of(bot, DAY) for bot in ("condor", "putlite", "buywrite")] == [2, 1, 0]
    assert state.entries_of("condor", DAY + timedelta(days=1)) == 0
    assert state.roll(DAY + timedelta(days=1)).entries == ()


@given(st.lists(st.sampled_from(["condor", "putlite", "buywrite"]), max_size=20))
def test_entries_are_as_many_as_were_counted_whatever_the_order(bots: list[str]) -> None:
    state = DayState.fresh(DAY)
    for bot in bots:
        state = state.entered(bot)
    assert sum(count for _, count in state.entries) == len(bots)
    assert all(state.entries_of(bot, DAY) == bots.count(bot) for bot in bots)
    assert [bot for bot, _ in state.entries] == sorted(set(bots))
