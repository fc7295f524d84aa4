"""The life of a working order: schedules as tables, the machine against every sequence of events."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.errors import OrderError
from engine.execution.settings import ExecutionSettings
from engine.execution.working import FINAL, TRANSITIONS, OrderState, WorkingOrder, combo_tick
from engine.intent import Urgency
from engine.options.combo import Combo, put_spread, shares, single
from engine.options.contract import Right
from engine.options.quotebook import Quote
from tests.execution.market import DAY, NAN, SPREAD, SPX, SPY, intent, order

SETTINGS = ExecutionSettings()
# XSP put spread for a credit: bought at -0.20 at once, at -0.24 in the middle, sold at -0.28
QUOTE = Quote(-0.28, -0.20, 10, 0.1)


def follow(urgency: Urgency, buy: bool, minutes: int, settings: ExecutionSettings = SETTINGS) -> list[float]:
    """Return the limit of every minute while the quote stands still."""
    working = WorkingOrder(order(urgency=urgency, buy=buy), settings)
    working.place(QUOTE, 0)
    limits = [working.limit]
    for minute in range(1, minutes):
        working.requote(QUOTE, minute)
        limits.append(working.limit)
    return limits


@pytest.mark.parametrize(
    ("urgency", "buy", "settings", "limits"),
    [
        # four steps from mid to the natural price, then it stays there
        (Urgency.ENTRY, True, SETTINGS, [-0.24, -0.23, -0.22, -0.21, -0.20, -0.20]),
        # half steps are rounded to the tick in the market's favour
        (Urgency.ENTRY, True, ExecutionSettings(steps=3), [-0.24, -0.22, -0.21, -0.20]),
        (Urgency.ENTRY, True, ExecutionSettings(entry_fraction_start=0.5), [-0.22, -0.21, -0.21, -0.20]),
        (Urgency.ENTRY, True, ExecutionSettings(requote_minutes=2), [-0.24, -0.24, -0.23, -0.23, -0.22]),
        # an exit sells: down from mid in three steps
        (Urgency.EXIT, False, SETTINGS, [-0.24, -0.26, -0.27, -0.28, -0.28]),
        (Urgency.EXIT, False, ExecutionSettings(exit_steps=0), [-0.28, -0.28]),
        (Urgency.URGENT, False, SETTINGS, [-0.28, -0.28]),
        (Urgency.URGENT, True, SETTINGS, [-0.20, -0.20]),
        (Urgency.URGENT, False, ExecutionSettings(slippage_ticks=2), [-0.30, -0.30]),
    ],
)
def test_limit_concedes_by_schedule(
    urgency: Urgency, buy: bool, settings: ExecutionSettings, limits: list[float]
) -> None:
    assert follow(urgency, buy, len(limits), settings) == pytest.approx(limits)


def test_combo_of_spx_moves_in_nickels_against_the_order() -> None:
    spread = put_spread(SPX, DAY, 6000.0, 5995.0)
    working = WorkingOrder(order(spread), SETTINGS)
    working.place(Quote(-1.35, -1.20, 5, 0.1), 0)  # mid -1.275
    assert working.limit == pytest.approx(-1.25)


@pytest.mark.parametrize(
    ("combo", "price", "tick"),
    [
        (put_spread(SPX, DAY, 6000.0, 5995.0), -4.0, 0.05),
        (single(SPX, DAY, 6000.0, Right.PUT), 2.95, 0.05),
        (single(SPX, DAY, 6000.0, Right.PUT, -1), -3.0, 0.10),
        (SPREAD, -0.5, 0.01),
        (shares(SPY, 200), 600.0, 0.01),
    ],
)
def test_tick_follows_the_legs(combo: Combo, price: float, tick: float) -> None:
    assert combo_tick(combo, price) == tick


def test_urgent_order_follows_the_market_every_minute() -> None:
    working = WorkingOrder(order(urgency=Urgency.URGENT, buy=False), ExecutionSettings(requote_minutes=5))
    working.place(QUOTE, 0)
    assert working.requote(Quote(-0.40, -0.30, 1, 0.1), 1)
    assert working.limit == pytest.approx(-0.40)
    assert working.state is OrderState.CONCEDED


def test_entry_of_the_approved_combo_never_pays_more_than_approved() -> None:
    working = WorkingOrder(order(), SETTINGS)
    working.place(QUOTE, 0)
    for minute in range(1, 6):
        working.requote(Quote(-0.18, -0.10, 10, 0.1), minute)  # the credit has halved
        assert working.limit <= -0.20 + 1e-9
    assert working.limit == pytest.approx(-0.20)


def test_later_step_of_an_entry_follows_the_market() -> None:
    whole = put_spread(SPX, DAY, 6000.0, 5995.0)
    working = WorkingOrder(order(SPREAD, of=intent(whole)), SETTINGS)
    working.place(QUOTE, 0)
    working.requote(Quote(-0.18, -0.10, 10, 0.1), 4)
    assert working.limit == pytest.approx(-0.10)


def test_entry_may_fill_up_to_its_timeout_and_not_after() -> None:
    working = WorkingOrder(order(), SETTINGS)
    working.place(QUOTE, 100)
    assert not working.expires(105)
    assert working.expires(106)
    assert not working.overdue(106)
    assert working.overdue(107)


@pytest.mark.parametrize("urgency", [Urgency.EXIT, Urgency.URGENT])
def test_exit_never_times_out(urgency: Urgency) -> None:
    working = WorkingOrder(order(urgency=urgency, buy=False), SETTINGS)
    working.place(QUOTE, 0)
    assert not working.expires(10_000)
    assert not working.overdue(10_000)


@pytest.mark.parametrize("quote", [None, Quote(-0.28, NAN, 1, 0.1)])
def test_buying_without_an_ask_is_rejected_with_its_reason(quote: Quote | None) -> None:
    working = WorkingOrder(order(), SETTINGS)
    assert working.place(quote, 0) is OrderState.REJECTED
    assert working.reason == "no ask to buy at"


def test_selling_without_a_quote_waits_for_one() -> None:
    working = WorkingOrder(order(buy=False, urgency=Urgency.EXIT), SETTINGS)
    assert working.place(None, 0) is OrderState.WORKING
    assert math.isnan(working.limit)
    assert not working.requote(None, 1)
    assert working.requote(QUOTE, 2)
    assert working.limit == pytest.approx(-0.27)  # two minutes have passed: two of three steps


def test_selling_where_nothing_can_be_bought_starts_at_the_bid() -> None:
    working = WorkingOrder(order(buy=False, urgency=Urgency.EXIT), SETTINGS)
    working.place(Quote(-0.05, NAN, 1, 0.1), 0)
    assert working.limit == pytest.approx(-0.05)


def test_average_is_weighted_by_units() -> None:
    working = WorkingOrder(order(quantity=3), SETTINGS)
    working.place(QUOTE, 0)
    assert working.fill(1, -0.24) is OrderState.PARTLY_FILLED
    assert working.fill(2, -0.21) is OrderState.FILLED
    assert working.average == pytest.approx(-0.22)


@pytest.mark.parametrize("units", [0, -1, 4])
def test_filling_other_than_what_remains_is_refused(units: int) -> None:
    working = WorkingOrder(order(quantity=3), SETTINGS)
    working.place(QUOTE, 0)
    with pytest.raises(OrderError, match=f"{units} units filled, expected 1 to 3"):
        working.fill(units, -0.24)
    assert (working.state, working.filled) == (OrderState.WORKING, 0)


def test_order_for_nothing_is_refused() -> None:
    with pytest.raises(OrderError, match="quantity is 0, expected at least 1"):
        WorkingOrder(order(quantity=0), SETTINGS)


def test_final_states_lead_nowhere() -> None:
    assert all(not TRANSITIONS[state] for state in FINAL)
    assert set(TRANSITIONS) == set(OrderState)


@given(
    st.integers(-500, 500), st.integers(0, 60), st.integers(0, 60),
    st.sampled_from(list(Urgency)), st.booleans(), st.integers(1, 8),
)  # fmt: skip
def test_limit_of_a_still_market_moves_only_towards_the_natural_price(
    mid: int, half: int, minutes: int, urgency: Urgency, buy: bool, steps: int
) -> None:
    quote = Quote((mid - half) / 100, (mid + half) / 100, 5, 0.0)
    settings = ExecutionSettings(steps=steps, exit_steps=steps)
    working = WorkingOrder(order(urgency=urgency, buy=buy), settings)
    working.place(quote, 0)
    before = working.limit
    for minute in range(1, minutes + 1):
        working.requote(quote, minute)
        step = working.limit - before if buy else before - working.limit
        assert step >= -1e-9
        before = working.limit
    far = quote.ask if buy else quote.bid
    assert (working.limit <= far + 1e-9) if buy else (working.limit >= far - 1e-9)
    if minutes >= steps:
        assert working.limit == pytest.approx(far)


class OrderLife(RuleBasedStateMachine):
    """Every sequence of events a venue can send keeps the books of an order."""

    def __init__(self) -> None:
        super().__init__()
        self.working = WorkingOrder(order(quantity=5, urgency=Urgency.EXIT, buy=False), SETTINGS)
        self.minute = 0
        self.paid = 0.0
        self.ended: OrderState | None = None

    @precondition(lambda self: self.working.state is OrderState.NEW)
    @rule(priced=st.booleans())
    def place(self, priced: bool) -> None:
        self.working.place(QUOTE if priced else None, self.minute)
        assert self.working.state is OrderState.WORKING

    @rule(move=st.integers(-20, 20), minutes=st.integers(0, 3))
    def requote(self, move: int, minutes: int) -> None:
        if self.working.state is OrderState.NEW:
            return
        self.minute += minutes
        before = self.working.limit
        changed = self.working.requote(Quote(-0.28 + move / 100, -0.20 + move / 100, 1, 0.1), self.minute)
        assert changed == (self.working.limit != before and not math.isnan(self.working.limit))

    @rule(units=st.integers(1, 5))
    def fill(self, units: int) -> None:
        working = self.working
        may = working.state in (OrderState.WORKING, OrderState.CONCEDED, OrderState.PARTLY_FILLED)
        if may and units <= working.remaining:
            working.fill(units, -0.25)
            self.paid += units * -0.25
        else:
            with pytest.raises(OrderError):
                working.fill(units, -0.25)

    @rule(how=st.sampled_from(["cancel", "time_out", "reject"]))
    def end(self, how: str) -> None:
        working = self.working
        act = (lambda: working.reject("why")) if how == "reject" else getattr(working, how)
        if working.done or (working.state is OrderState.NEW and how == "time_out"):
            with pytest.raises(OrderError, match="cannot go from"):
                act()
        else:
            act()

    @invariant()
    def units_add_up(self) -> None:
        working = self.working
        assert working.filled + working.remaining == 5
        assert (working.state is OrderState.FILLED) == (working.remaining == 0)
        if working.filled:
            assert working.average * working.filled == pytest.approx(self.paid)

    @invariant()
    def an_ended_order_stays_ended(self) -> None:
        if self.ended is not None:
            assert self.working.state is self.ended
        elif self.working.done:
            self.ended = self.working.state


TestOrderLife = OrderLife.TestCase


@pytest.mark.parametrize(
    ("urgency", "buy", "concedes"),
    [
        (Urgency.ENTRY, True, False),  # what it was approved for is not known any more
        (Urgency.EXIT, False, True),
    ],
)
def test_resumed_order_goes_on_from_its_limit(urgency: Urgency, buy: bool, concedes: bool) -> None:
    working = WorkingOrder(order(urgency=urgency, buy=buy, quantity=3), SETTINGS)
    working.resume(-0.24, 5, 1, -0.24)
    assert (working.limit, working.filled, working.state) == (-0.24, 1, OrderState.PARTLY_FILLED)
    worse = Quote(-0.40, -0.10, 10, 0.1)
    for minute in range(6, 12):
        working.requote(worse, minute)
    assert (working.limit != -0.24) is concedes


def test_resumed_order_of_which_nothing_was_filled_is_at_work() -> None:
    working = WorkingOrder(order(), SETTINGS)
    working.resume(-0.24, 5, 0, NAN)
    assert (working.limit, working.filled, working.state) == (-0.24, 0, OrderState.WORKING)
