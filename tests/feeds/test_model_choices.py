"""Strikes chosen on many bars at once are those every single chain would have given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.options.choice import By, Choice, Choices, StrikeRule
from engine.options.combo import Combo, iron_condor, put_spread, single
from engine.options.contract import Right
from engine.options.expected_move import Convention
from tests.feeds.quoted import DAYS, at, book, universe, walk

BARS = walk()
QUOTES = book(BARS)
SPX = universe()["SPX"]
side = st.one_of(
    st.tuples(st.just(By.DELTA), st.floats(0.01, 0.6)), st.tuples(st.just(By.MOVE), st.floats(0.0, 8.0))
)
rules = st.builds(
    StrikeRule,
    put=side,
    call=st.none() | side,
    put_width=st.sampled_from([0.0, 5.0, 7.0, 50.0]),
    call_width=st.sampled_from([0.0, 10.0]),
    convention=st.sampled_from([Convention.RATIO, Convention.STRADDLE]),
    ratio=st.floats(0.1, 2.0),
)
bars = st.lists(
    st.integers(at(BARS, 1, 571), at(BARS, 5, 780)), min_size=1, max_size=6, unique=True
).map(sorted)  # fmt: skip


def singly(bar: int, days: int, rule: StrikeRule) -> Choice:
    QUOTES.move(bar)
    expiry = QUOTES.expiry("SPX", days)
    assert expiry is not None
    return QUOTES.chain("SPX", expiry).choose(rule)


def at_once(bars: list[int], days: int, rule: StrikeRule) -> Choices:
    found = QUOTES.choices("SPX", days, np.array(bars), rule)
    assert found is not None
    return found


@settings(max_examples=120)
@given(rule=rules, bars=bars, days=st.integers(0, 2))
def test_many_bars_at_once_give_what_each_chain_gives(rule: StrikeRule, bars: list[int], days: int) -> None:
    found = at_once(bars, days, rule)
    for row, bar in enumerate(bars):
        alone = singly(bar, days, rule)
        assert repr(found[row]) == repr(alone)
        assert found.expiry[row].item() == QUOTES.expiry("SPX", days)


@settings(max_examples=60)
@given(bars=bars, moves=st.floats(0.2, 3.0), width=st.sampled_from([5.0, 10.0]))
def test_asks_are_those_of_every_combo_by_itself(bars: list[int], moves: float, width: float) -> None:
    rule = StrikeRule((By.MOVE, moves), (By.MOVE, moves), width, width)
    found = at_once(bars, 0, rule)
    good = found.take(np.flatnonzero(found.code == 0))
    if not len(good.bars):
        return
    asks = QUOTES.asks(condor(good, 0), good)
    assert asks is not None
    for row, bar in enumerate(good.bars.tolist()):
        QUOTES.move(bar)
        quote = QUOTES.quote(condor(good, row))
        assert quote is not None
        assert asks[row] == quote.ask or (np.isnan(asks[row]) and np.isnan(quote.ask))


def condor(found: Choices, row: int) -> Combo:
    choice = found[row]
    expiry = found.expiry[row].item()
    return iron_condor(SPX, expiry, choice.put_wing, choice.put, choice.call, choice.call_wing)


def test_strikes_are_out_of_the_money_and_by_rule() -> None:
    bar = at(BARS, 2, 660)
    choice = singly(bar, 0, StrikeRule((By.DELTA, 0.2), (By.MOVE, 1.0), 5.0, 10.0))
    spot = QUOTES.spot("SPX")
    assert choice.why is None
    assert choice.put <= spot <= choice.call
    assert choice.put_wing == choice.put - 5.0 and choice.call_wing == choice.call + 10.0
    assert abs(abs(choice.put_delta) - 0.2) < 0.05
    assert 0.0 <= choice.call - (spot + choice.move) < SPX.strike_step


def test_a_combo_with_a_strike_of_its_own_is_not_priced_at_once() -> None:
    bar = at(BARS, 2, 660)
    found = at_once([bar], 0, StrikeRule((By.DELTA, 0.2), put_width=5.0))
    choice = found[0]
    assert QUOTES.asks(put_spread(SPX, DAYS[2], choice.put, choice.put_wing), found) is not None
    assert QUOTES.asks(put_spread(SPX, DAYS[2], choice.put, choice.put_wing - 5.0), found) is None
    assert QUOTES.asks(single(SPX, DAYS[3], choice.put, Right.PUT), found) is None


def test_moves_of_one_standard_deviation_are_left_to_whole_chains() -> None:
    rule = StrikeRule((By.MOVE, 1.0), convention=Convention.SIGMA)
    bar = at(BARS, 2, 660)
    assert QUOTES.choices("SPX", 0, np.array([bar]), rule) is None
    choice = singly(bar, 0, rule)
    assert choice.why is None and choice.put < QUOTES.spot("SPX")


def test_a_rule_without_sides_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected at least one"):
        StrikeRule()
