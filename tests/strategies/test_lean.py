"""The condor's lean: after a spike the side nobody overpays is sold further out, at the same risk."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bars import Bars
from engine.desk import Desk
from engine.errors import ConfigError
from engine.reasons import Reason
from engine.settings import CommonSettings, RegimeSettings, Settings
from engine.settings_bots import FURTHEST, CondorSettings
from tests.strategies.stage import CALM, CONFIG, Row, day, days, perform
from tests.strategies.test_bots_by_table import QUIET, reasons, sessions_before, two_days

SPIKE: tuple[Row, ...] = (("09:30", 0.16), ("10:05", 0.16), ("10:15", 0.22), ("16:00", 0.22))
TIMING = {"regime": {"spike": 0.15, "lean": 20}}
LEAN = {"lean_move": 0.5}
PUTS, EVEN, CALLS = (90.0, 60.0), (60.0, 60.0), (60.0, 90.0)  # traded a minute


def story(flow: tuple[float, float], iv: float | tuple[Row, ...] = SPIKE) -> Bars:
    """Return sessions of an even flow of options, and the day of the table with another."""
    dull = (("09:30", 600.0), ("16:00", 600.0))
    before = [day("XSP", on, dull, flow=EVEN) for on in sessions_before(CALM, 21)]
    return days(*before, day("XSP", CALM, QUIET, iv=iv, later_wiggle=0.00003, flow=flow))


def alone(bars: Bars, changes: dict[str, Any] | None = None, common: dict[str, Any] | None = None) -> Desk:
    return perform("condor", bars, changes, common=common)[0]


def strikes(desk: Desk) -> list[float]:
    """Return the day's only condor, lowest strike first."""
    (trade,) = desk.journal.trades
    assert trade.entry_time.date() == CALM
    return sorted(float(text) for text in re.findall(r"[+-]([\d.]+)[PC]", trade.legs))


@pytest.mark.parametrize(
    ("flow", "iv", "put", "call"),
    [
        (PUTS, SPIKE, "kept", "further"),
        (CALLS, SPIKE, "further", "kept"),
        (EVEN, SPIKE, "kept", "kept"),
        (PUTS, 0.17, "kept", "kept"),  # no spike
    ],
)
def test_side_nobody_overpays_is_sold_further_out(
    flow: tuple[float, float], iv: float | tuple[Row, ...], put: str, call: str
) -> None:
    plain, leaned = alone(story(flow, iv)), alone(story(flow, iv), LEAN, TIMING)

    before, now = strikes(plain), strikes(leaned)
    assert (now[1] < before[1], now[2] > before[2]) == (put == "further", call == "further")
    assert now[1] <= before[1] and now[2] >= before[2]
    assert (now[1] - now[0], now[3] - now[2]) == (1.0, 1.0)
    trade = leaned.journal.trades[0]
    assert 100 - 100 * trade.credit <= trade.structural_loss <= leaned.governor.limits.structural_loss


@pytest.mark.parametrize(("lean", "trades"), [(0.5, 1), (0.0, 0)])
def test_bars_one_at_a_time_as_live_lean_the_same_and_without_a_lean_it_stays_out(
    lean: float, trades: int
) -> None:
    known, single = (
        perform("condor", story(CALLS), {"lean_move": lean}, common=TIMING, one_by_one=one)[0]
        for one in (False, True)
    )

    for name in ("trades", "orders", "fills"):
        assert repr(getattr(known.journal, name)) == repr(getattr(single.journal, name)), name
    assert len(known.journal.trades) == trades
    assert [str(Reason.WRONG_SIDE) in reasons(desk) for desk in (known, single)] == [not trades] * 2


def test_what_is_left_of_the_credit_must_still_be_worth_its_costs() -> None:
    desk = alone(story(PUTS), LEAN, {**TIMING, "min_credit_to_cost": 6})

    assert desk.journal.trades == []
    assert str(Reason.CREDIT_BELOW_COST) in reasons(desk)


@pytest.fixture(scope="module")
def acted() -> tuple[Desk, Any]:
    return perform("condor", two_days(QUIET), LEAN, common=TIMING)


@given(
    move=st.floats(1.0, FURTHEST),
    share=st.floats(0.0, 1.0),
    peak=st.floats(0.0, 0.5),
    percentile=st.floats(0.0, 100.0),
    least=st.floats(0.0, 50.0),
    ahead=st.integers(60, 300),
)
def test_lean_only_ever_moves_the_side_not_overbought_away(
    acted: tuple[Desk, Any],
    move: float, share: float, peak: float, percentile: float, least: float, ahead: int,
) -> None:  # fmt: skip
    desk, bot = acted
    lean = share * (FURTHEST - move) * 0.999
    bot.config = CondorSettings(short_move=move, lean_move=lean)
    bot.p.common = CommonSettings(regime=RegimeSettings(spike=0.15, lean=least))
    rules = bot.rules()
    measures = SimpleNamespace(iv_spike=np.array([peak]), put_call_percentile=np.array([percentile]))
    picked = int(bot.pick(measures)[0]) if len(rules) > 1 else 0
    desk.book.move(len(bot.data) - ahead)
    chain = desk.book.chain("XSP", CALM)
    plain, leaned = chain.choose(bot.rule()), chain.choose(rules[picked])
    assert leaned.why is None
    away = percentile - 50.0
    over = abs(away) >= least and peak >= 0.15 and lean > 0.0
    step = 1.0
    for kept, before, now in (
        (not (over and away < 0.0), -plain.put, -leaned.put),
        (not (over and away > 0.0), plain.call, leaned.call),
    ):
        gone = now - before
        assert gone == 0.0 if kept else abs(gone - lean * plain.move) <= step
        assert gone >= 0.0
    assert (leaned.put - leaned.put_wing, leaned.call_wing - leaned.call) == (1.0, 1.0)


def test_more_expected_moves_than_a_condor_may_stand_away_are_refused() -> None:
    with pytest.raises(ConfigError, match="short_move 1.2 and lean_move 0.9 make 2.1 expected moves"):
        Settings.load(CONFIG, overrides={"bots": {"condor": {"lean_move": 0.9}}})
