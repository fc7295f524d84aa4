"""The governor's answers in columns are those it gives one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.intent import Denied
from engine.options.combo import Combo, covered, iron_condor, put_spread, short_put
from engine.reasons import CODE, PASSED, REASONS, Reason
from engine.risk.limits import Budget, Limits
from engine.risk.outlook import Outlook, reserves, trade_denials
from engine.risk.state import DayState
from engine.risk.view import MarketView
from tests.risk.makers import DAY, NAKED, SPREAD, SPY, XSP, governor, intent
from tests.risk.test_halts import DAYS, Tape, limits_drawn, tapes

NAMES = ("price", "day_high", "day_low", "session_open", "expected_move", "vix", "vix_previous")
ROOMY = replace(intent(), planned_loss=1.0, structural_loss=1.0, margin=1.0)


def outlook(views: list[MarketView], limits: Limits) -> Outlook:
    day = np.array([DAYS.index(seen.day) for seen in views], np.int32)
    lines = {name: np.array([getattr(seen, name) for seen in views]) for name in NAMES}
    order = ("price", "day_high", "day_low", "session_open", "expected_move", "vix", "vix_previous")
    return Outlook.of(limits, day, *(lines[name] for name in order))


@settings(max_examples=150, deadline=None)
@given(tapes(), limits_drawn)
def test_what_the_market_forbids_is_what_the_governor_says_of_a_small_trade(
    tape: Tape, limits: Limits
) -> None:
    views = [seen for seen, _, _ in tape]
    gov, state = governor(limits), DayState.fresh(DAYS[0])
    told = outlook(views, limits).denials(np.arange(len(views)), alone=True)
    for seen, code in zip(views, told.tolist(), strict=True):
        state, _ = gov.observe(state, seen)
        verdict = gov.judge(ROOMY, state, seen, 1e9)
        expected = CODE[verdict.reason] if isinstance(verdict, Denied) else PASSED
        assert code == expected


@settings(max_examples=100, deadline=None)
@given(tapes(), limits_drawn)
def test_where_another_symbol_may_have_latched_vix_only_sure_answers_are_given(
    tape: Tape, limits: Limits
) -> None:
    views = [seen for seen, _, _ in tape]
    held = outlook(views, limits)
    bars = np.arange(len(views))
    sure, open_ = held.denials(bars, alone=True), held.denials(bars, alone=False)
    differ = sure != open_
    assert set(open_[differ].tolist()) <= {PASSED}
    assert set(sure[differ].tolist()) <= {CODE[Reason.HALT_RANGE]}


COMBOS = [
    SPREAD,
    NAKED,
    iron_condor(XSP, DAY, 580, 585, 610, 612),
    covered(SPY, DAY, 200, 1, 605.0, 590.0),
    covered(SPY, DAY, 200, 1, 605.0),
]
money = st.sampled_from([0.0, 30.0, 50.0, 50.001, 99.995, 100.0, 100.01, 400.0, float("nan"), float("inf")])


@pytest.mark.parametrize("research", [False, True])
@pytest.mark.parametrize("combo", COMBOS, ids=str)
@settings(max_examples=60, deadline=None)
@given(st.lists(money, min_size=1, max_size=4), money)
def test_trades_too_big_are_those_the_governor_finds_too_big(
    research: bool, combo: Combo, losses: list[float], planned: float
) -> None:
    limits = Limits(day_cap=1e9, day_r=1e9, budgets={"own": Budget(40.0, 90.0, 1e9)})
    gov = governor(limits, research=research)
    for bot in ("condor", "own"):
        structural = np.array(losses)
        codes = trade_denials(gov, bot, planned, structural, combo.is_defined_risk)
        for code, loss in zip(codes.tolist(), losses, strict=True):
            wish = intent(bot=bot, combo=combo, planned_loss=planned, structural_loss=loss)
            denied = gov._trade(wish)
            assert (None if code == PASSED else REASONS[code]) == (denied and denied.reason)


@given(st.lists(money, min_size=1, max_size=5), st.sampled_from([20.0, 49.999]), st.booleans())
def test_reserves_are_those_of_an_opened_trade(losses: list[float], planned: float, defined: bool) -> None:
    gov, combo = governor(), SPREAD if defined else NAKED
    found = reserves(planned, np.array(losses), defined)
    for cents, loss in zip(found.tolist(), losses, strict=True):
        wish = intent(combo=combo, planned_loss=planned, structural_loss=loss)
        assert gov.opened(DayState.fresh(DAY), wish).open[0].structural == cents


@given(
    st.integers(560, 600), st.integers(1, 9), st.integers(1, 30), st.floats(-3.0, 3.0), st.floats(0.0, 9.0)
)
def test_losses_of_other_strikes_are_those_of_the_combos_themselves(
    low: int, width: int, apart: int, price: float, fee: float
) -> None:
    def made(shift: float) -> list[Combo]:
        put, call = low + width + shift, low + width + apart + shift
        return [
            put_spread(XSP, DAY, put, low + shift),
            iron_condor(XSP, DAY, low + shift, put, call, call + 2.0),
            covered(SPY, DAY, 200, 1, call, low + shift),
            short_put(XSP, DAY, put),
        ]

    for sample, other in zip(made(0.0), made(7.0), strict=True):
        found = sample.structural_losses(np.array([other.strikes]), np.array([price]), np.array([fee]))
        assert found.tolist() == [other.structural_loss(price, fee)]
