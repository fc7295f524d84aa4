"""What the governor lets pass, one case at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.errors import ConfigError, LedgerError, OrderError
from engine.intent import Approved, Denied, Intent
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.risk.events import Event, Kind
from engine.risk.governor import Governor
from engine.risk.limits import Budget, Limits
from engine.risk.state import DayState
from engine.risk.view import MarketView
from tests.risk.makers import COLLAR, DAY, NAKED, SHARES, calendar, governor, intent, view

FRESH = DayState.fresh(DAY)
CASH = 10_000.0


def judged(
    gov: Governor,
    wish: Intent | None = None,
    seen: MarketView | None = None,
    state: DayState = FRESH,
    funds: float = CASH,
) -> Reason | None:
    verdict = gov.judge(wish or intent(), state, seen or view(), funds)
    if isinstance(verdict, Approved):
        return None
    assert verdict.text, "a refusal names value and limit"
    return verdict.reason


def test_ordinary_trade_on_an_ordinary_day_is_approved() -> None:
    assert judged(governor()) is None


@pytest.mark.parametrize(
    ("minute", "expected"),
    [(629, Reason.OUTSIDE_WINDOW), (630, None), (810, None), (811, Reason.OUTSIDE_WINDOW)],
)
def test_window_includes_both_its_ends(minute: int, expected: Reason | None) -> None:
    assert judged(governor(), seen=view(minute)) is expected


def test_half_day_is_refused_by_default() -> None:
    assert judged(governor(), seen=view(half_day=True)) is Reason.HALF_DAY


@pytest.mark.parametrize(("minute", "expected"), [(744, None), (745, Reason.OUTSIDE_WINDOW)])
def test_half_day_window_ends_before_the_earlier_flattening(minute: int, expected: Reason | None) -> None:
    limits = Limits(half_days=True)
    assert limits.flat_minute(half_day=True) == 745
    assert judged(governor(limits), seen=view(minute, half_day=True)) is expected


def test_announcement_day_is_a_blackout() -> None:
    gov = governor(None, Event(DAY, Kind.CPI, "", "08:30", "bls"))
    assert judged(gov) is Reason.EVENT_BLACKOUT
    verdict = gov.judge(intent(), FRESH, view(), CASH)
    assert verdict == Denied(Reason.EVENT_BLACKOUT, "CPI 08:30, no entries on 2018-01-10")


def test_day_outside_the_calendar_is_refused() -> None:
    gov = Governor(Limits(), calendar(coverage={}))
    assert judged(gov) is Reason.CALENDAR_UNCOVERED
    assert str(DAY) in str(gov.judge(intent(), FRESH, view(), CASH))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (view(price=605.01), Reason.HALT_MOVE),
        (view(price=594.99), Reason.HALT_MOVE),
        (view(price=605.0), None),
        (view(vix=15.1, vix_previous=12.1), None),
        (view(vix=18.1, vix_previous=15.1), None),  # 3.0000000000000018 in floating point
        (view(vix=15.11, vix_previous=12.1), Reason.HALT_VIX),
        (view(day_high=603.0, day_low=599.0), None),
        (view(day_high=603.01, day_low=599.0), Reason.HALT_RANGE),
    ],
)
def test_wild_market_is_refused_beyond_the_limit_but_not_on_it(
    seen: MarketView, expected: Reason | None
) -> None:
    assert judged(governor(), seen=seen) is expected


@pytest.mark.parametrize(
    "missing",
    ["price", "session_open", "expected_move", "day_high", "day_low", "vix", "vix_previous"],
)
def test_trade_is_refused_while_a_halt_cannot_be_seen(missing: str) -> None:
    unseen: dict[str, Any] = {missing: float("nan")}
    assert judged(governor(), seen=view(**unseen)) is Reason.WARMING_UP


def test_unknown_vix_is_no_matter_when_its_halt_is_off() -> None:
    assert judged(governor(Limits(halt_vix=None)), seen=view(vix=float("nan"))) is None


@pytest.mark.parametrize("age", [31.0, float("nan")])
def test_stale_quotes_are_refused_until_they_are_fresh(age: float) -> None:
    gov = governor(Limits(stale_seconds=30.0))
    assert judged(gov, seen=view(age=age)) is Reason.NO_QUOTE
    state, halts = gov.observe(FRESH, view(age=age))
    assert [halt.reason for halt in halts] == [Reason.NO_QUOTE]
    assert judged(gov, state=state) is Reason.NO_QUOTE
    state, halts = gov.observe(state, view(701))
    assert judged(gov, seen=view(701), state=state) is None


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        (50.0, None),
        (50.01, Reason.PLANNED_LOSS_CAP),
        (0.0, Reason.PLANNED_LOSS_CAP),
        (float("nan"), Reason.PLANNED_LOSS_CAP),
        (float("inf"), Reason.PLANNED_LOSS_CAP),
    ],
)
def test_planned_loss_is_held_to_the_cent(planned: float, expected: Reason | None) -> None:
    assert judged(governor(), intent(planned_loss=planned)) is expected


@pytest.mark.parametrize(
    ("structural", "expected"),
    [
        (100.0, None),
        (99.999999999 + 1e-9, None),
        (100.004, Reason.STRUCTURAL_LOSS_CAP),
        (-5.0, Reason.STRUCTURAL_LOSS_CAP),
        (float("nan"), Reason.STRUCTURAL_LOSS_CAP),
        (float("inf"), Reason.STRUCTURAL_LOSS_CAP),
    ],
)
def test_structural_loss_is_held_to_the_cent(structural: float, expected: Reason | None) -> None:
    assert judged(governor(), intent(structural_loss=structural)) is expected


@pytest.mark.parametrize("combo", [NAKED, SHARES])
def test_undefined_risk_is_refused(combo: Combo) -> None:
    assert judged(governor(), intent(combo=combo), view(symbol=combo.symbol)) is Reason.UNDEFINED_RISK


def test_shares_with_a_put_are_defined_risk() -> None:
    assert judged(governor(), intent(combo=COLLAR), view(symbol="SPY")) is None


def test_research_lets_undefined_risk_pass_in_a_backtest_only() -> None:
    wish = intent(combo=NAKED, structural_loss=58_000.0, margin=5_000.0)
    assert judged(governor(research=True), wish) is None
    with pytest.raises(ConfigError, match="'paper'"):
        governor(research=True, venue="paper")


def test_research_still_holds_planned_loss_and_funds() -> None:
    gov = governor(research=True)
    wish = intent(combo=NAKED, structural_loss=58_000.0, margin=5_000.0)
    assert judged(gov, wish, funds=4_999.0) is Reason.MARGIN
    assert judged(gov, intent(combo=NAKED, planned_loss=51.0)) is Reason.PLANNED_LOSS_CAP


def test_second_combo_of_a_bot_is_refused_and_another_bot_is_not() -> None:
    gov = governor(Limits(day_cap=1_000.0))
    state = gov.opened(FRESH, intent())
    assert judged(gov, intent("condor-2"), state=state) is Reason.ONE_COMBO_PER_BOT
    assert judged(gov, intent("putlite-2", "putlite"), state=state) is None


def test_day_cap_counts_losses_and_open_structure() -> None:
    gov = governor()
    open_one = gov.opened(FRESH, intent())
    other = intent("putlite-2", "putlite", structural_loss=60.01)
    assert judged(gov, other, state=open_one) is Reason.DAY_CAP
    assert judged(gov, intent("p", "putlite", structural_loss=60.0), state=open_one) is None
    lost = gov.closed(open_one, intent(), -50.01)
    assert judged(gov, intent("p", structural_loss=100.0), state=lost) is Reason.DAY_CAP


def test_winning_trade_buys_no_more_risk() -> None:
    gov = governor()
    won = gov.closed(gov.opened(FRESH, intent()), intent(), 500.0)
    lost = gov.closed(gov.opened(won, intent("b")), intent("b"), -60.0)
    assert judged(gov, intent("c", structural_loss=90.01), state=lost) is Reason.DAY_CAP


def test_what_fills_a_days_limits_to_the_cent_is_let_pass() -> None:
    gov = governor(Limits(day_r=2.0))
    state = gov.closed(gov.opened(FRESH, intent()), intent(), -50.0)
    assert judged(gov, intent("b", structural_loss=100.0), state=state) is None  # 150 of 150, 2 R of 2
    assert gov.opened(state, intent("b")).trades == 2


def test_day_r_caps_planned_losses() -> None:
    gov = governor(Limits(day_cap=10_000.0, day_r=2.0))
    state = gov.opened(FRESH, intent())
    state = gov.closed(state, intent(), -50.01)
    assert judged(gov, intent("b"), state=state) is Reason.DAY_CAP


def test_own_budget_is_apart_from_the_shared_one() -> None:
    limits = Limits(budgets={"buywrite": Budget(150.0, 1500.0, 1500.0)})
    gov = governor(limits)
    wish = intent("b", "buywrite", COLLAR, planned_loss=150.0, structural_loss=1400.0, margin=5_000.0)
    assert judged(gov, wish, view(symbol="SPY")) is None
    state = gov.closed(gov.opened(FRESH, wish), wish, -1_400.0)
    assert judged(gov, state=state) is None
    assert judged(gov, wish, view(symbol="SPY"), state=state) is Reason.DAY_CAP


@pytest.mark.parametrize("funds", [89.99, 0.0, -1.0, float("nan")])
def test_trade_beyond_the_free_funds_is_refused(funds: float) -> None:
    assert judged(governor(), funds=funds) is Reason.MARGIN


def test_funds_must_hold_the_structural_loss_even_when_margin_is_less() -> None:
    assert judged(governor(), intent(margin=10.0), funds=89.0) is Reason.MARGIN


def test_cash_fraction_keeps_a_part_of_the_funds() -> None:
    assert judged(governor(Limits(cash_fraction=0.5)), funds=179.0) is Reason.MARGIN
    assert judged(governor(Limits(cash_fraction=0.5)), funds=180.0) is None


def test_nothing_to_open_and_foreign_view_are_order_errors() -> None:
    with pytest.raises(OrderError, match="quantity 0"):
        governor().judge(intent(quantity=0), FRESH, view(), CASH)
    with pytest.raises(OrderError, match="view of SPY"):
        governor().judge(intent(), FRESH, view(symbol="SPY"), CASH)


def test_closing_passes_through_halt_blackout_and_late_hour() -> None:
    gov = governor(None, Event(DAY, Kind.FOMC, "", "14:00", "fed"))
    wild = view(958, price=500.0, vix=80.0, half_day=True)
    state, _ = gov.observe(FRESH, wild)
    assert isinstance(gov.judge(intent(opening=False, quantity=0), state, wild, -1e9), Approved)


def test_closed_twice_or_without_a_number_is_a_ledger_error() -> None:
    gov = governor()
    state = gov.opened(FRESH, intent())
    with pytest.raises(LedgerError, match="nan"):
        gov.closed(state, intent(), float("nan"))
    state = gov.closed(state, intent(), -1.0)
    with pytest.raises(LedgerError, match="not open"):
        gov.closed(state, intent(), -1.0)


def test_same_order_cannot_be_opened_twice() -> None:
    gov = governor()
    with pytest.raises(LedgerError, match="opened twice"):
        gov.opened(gov.opened(FRESH, intent()), intent())


def test_position_is_closed_at_the_flat_minute() -> None:
    gov = governor()
    assert gov.must_close(FRESH, view(924), "condor") is None
    assert gov.must_close(FRESH, view(925), "condor") is Reason.FLAT_BY_CLOSE
    assert gov.must_close(FRESH, view(745, half_day=True), "condor") is Reason.FLAT_BY_CLOSE


@pytest.mark.parametrize(
    ("wild", "symbol", "expected"),
    [
        (view(price=606.0), "XSP", Reason.HALT_MOVE),
        (view(price=606.0), "SPY", None),
        (view(vix=16.0), "SPY", Reason.HALT_VIX),
    ],
)
def test_halt_closes_its_own_symbol_and_vix_closes_all(
    wild: MarketView, symbol: str, expected: Reason | None
) -> None:
    gov = governor()
    state, _ = gov.observe(FRESH, wild)
    assert gov.must_close(state, view(701, symbol=symbol), "condor") is expected


def test_halt_not_in_close_on_only_stops_entries() -> None:
    gov = governor(Limits(close_on=frozenset({Reason.HALT_DAY_LOSS})))
    state, halts = gov.observe(FRESH, view(price=606.0))
    assert [halt.reason for halt in halts] == [Reason.HALT_MOVE]
    assert gov.must_close(state, view(701), "condor") is None
    assert judged(gov, seen=view(701), state=state) is Reason.HALT_MOVE


def test_day_loss_halts_the_bots_of_that_budget() -> None:
    gov = governor(Limits(budgets={"buywrite": Budget()}))
    state = gov.closed(gov.opened(FRESH, intent()), intent(), -150.0)
    state, halts = gov.observe(state, view())
    assert [(halt.reason, halt.symbol) for halt in halts] == [(Reason.HALT_DAY_LOSS, "")]
    assert gov.must_close(state, view(701), "putlite") is Reason.HALT_DAY_LOSS
    assert gov.must_close(state, view(701), "buywrite") is None
    assert judged(gov, intent("p", "putlite", structural_loss=1.0), state=state) is Reason.HALT_DAY_LOSS


def test_new_day_forgets_halts_and_losses_but_not_open_trades() -> None:
    gov = governor()
    state = gov.opened(FRESH, intent())
    state = gov.closed(gov.opened(state, intent("p", "putlite")), intent("p", "putlite"), -60.0)
    state, _ = gov.observe(state, view(price=606.0))
    tomorrow = view(day=date(2018, 1, 11))
    state, halts = gov.observe(state, tomorrow)
    assert not halts
    assert state.halts == frozenset()
    assert state.realised == ()
    assert [trade.order_ref for trade in state.open] == ["condor-1"]


def test_clock_running_backwards_frees_nothing() -> None:
    gov = governor()
    state, _ = gov.observe(DayState.fresh(date(2018, 1, 11)), view(day=date(2018, 1, 11), price=606.0))
    assert judged(gov, state=state) is Reason.HALT_MOVE
    assert gov.must_close(state, view(), "condor") is Reason.HALT_MOVE


def test_halt_is_told_once_a_day() -> None:
    gov = governor()
    state, first = gov.observe(FRESH, view(price=606.0))
    _, again = gov.observe(state, view(701, price=607.0))
    assert [halt.text for halt in first] == [
        "XSP is +6.00 from the open, 1.50 expected moves, limit 1.25",
    ]
    assert again == ()
