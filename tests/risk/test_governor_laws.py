"""Whatever is asked, in whatever order: the limits hold, halts latch, and closing is free."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.intent import Approved
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.risk.governor import Governor
from engine.risk.limits import Budget, Limits
from engine.risk.state import DayState
from engine.risk.view import MarketView
from engine.sessions import sessions_ahead
from tests.risk.makers import COLLAR, DAY, NAKED, SHARES, SPREAD, calendar, intent, view

BOTS = ("putlite", "condor", "buywrite")
HALTS = {Reason.HALT_MOVE, Reason.HALT_VIX, Reason.HALT_RANGE}
money = st.one_of(st.integers(-5, 400).map(float), st.floats(-5.0, 400.0), st.just(float("nan")))
combos = st.sampled_from([SPREAD, SPREAD, SPREAD, COLLAR, NAKED, SHARES])
limits_drawn = st.builds(
    Limits,
    planned_loss=st.floats(20.0, 80.0),
    structural_loss=st.floats(50.0, 200.0),
    day_cap=st.floats(60.0, 400.0),
    day_r=st.floats(1.0, 5.0),
    budgets=st.sampled_from([{}, {"buywrite": Budget(60.0, 150.0, 200.0)}]),
    half_days=st.booleans(),
)
views = st.builds(
    view,
    minute=st.integers(571, 960),
    price=st.sampled_from([600.0, 600.0, 600.0, 606.0]),
    vix=st.sampled_from([12.0, 12.0, 12.0, 15.5]),
    half_day=st.sampled_from([False, False, True]),
)


class Day(RuleBasedStateMachine):
    """Ask, fill, lose and win at random, and keep the books a second time, in USD."""

    @initialize(limits=limits_drawn)
    def open_the_account(self, limits: Limits) -> None:
        self.limits = limits
        self.governor = Governor(limits, calendar())
        self.state = DayState.fresh(DAY)
        self.day = DAY
        self.open: dict[str, tuple[str, float]] = {}  # order: bot, structural loss
        self.lost: dict[str, float] = {}
        self.latched: set[tuple[str, Reason]] = set()
        self.funds = 1_000.0
        self.count = 0

    def pot(self, bot: str) -> str:
        return bot if bot in self.limits.budgets else "shared"

    def at_risk(self, pot: str) -> float:
        held = sum(loss for bot, loss in self.open.values() if self.pot(bot) == pot)
        return self.lost.get(pot, 0.0) + held

    @rule(bot=st.sampled_from(BOTS), combo=combos, planned=money, structural=money, margin=money, seen=views)
    def ask(
        self, bot: str, combo: Combo, planned: float, structural: float, margin: float, seen: MarketView
    ) -> None:
        self.count += 1
        ref = f"{bot}-{self.count}"
        losses = {"planned_loss": planned, "structural_loss": structural, "margin": margin}
        wish = intent(ref, bot, combo, **losses)
        seen = replace(seen, day=self.day, symbol=wish.symbol)
        if not isinstance(self.governor.judge(wish, self.state, seen, self.funds), Approved):
            return
        self.state = self.governor.opened(self.state, wish)
        pot = self.pot(bot)
        budget = self.limits.budgets.get(bot) or Budget(
            self.limits.planned_loss, self.limits.structural_loss, self.limits.day_cap
        )
        self.open[ref] = (bot, structural)
        assert 0 < planned <= budget.planned_loss + 1e-6
        assert 0 < structural <= budget.structural_loss + 1e-6
        assert self.at_risk(pot) <= budget.day_cap + 1e-6
        assert max(margin, structural) <= self.funds
        assert combo in (SPREAD, COLLAR)
        assert [other for other, _ in self.open.values()].count(bot) == 1
        first, last = self.limits.window(seen.half_day)
        assert first <= seen.minute <= last
        assert self.limits.half_days or not seen.half_day
        assert seen.price == 600.0
        assert seen.vix == 12.0
        assert not any(symbol in ("", wish.symbol) for symbol, reason in self.latched if reason in HALTS)

    @precondition(lambda self: bool(getattr(self, "open", None)))
    @rule(data=st.data(), share=st.floats(-3.0, 1.0))
    def close(self, data: st.DataObject, share: float) -> None:
        """End a trade with a gain, or with at most its structural loss."""
        ref = data.draw(st.sampled_from(sorted(self.open)))
        bot, structural = self.open.pop(ref)
        net = -structural * share
        wish = intent(ref, bot, opening=False, quantity=0)
        late = view(960, self.day, wish.symbol, price=500.0, half_day=True)
        assert isinstance(self.governor.judge(wish, self.state, late, -1.0), Approved)
        self.state = self.governor.closed(self.state, wish, net)
        pot = self.pot(bot)
        self.lost[pot] = self.lost.get(pot, 0.0) + max(0.0, -net)

    @rule(seen=views, symbol=st.sampled_from(["XSP", "SPY"]))
    def observe(self, seen: MarketView, symbol: str) -> None:
        seen = replace(seen, day=self.day, symbol=symbol)
        self.state, halts = self.governor.observe(self.state, seen)
        told = {(halt.symbol, halt.reason) for halt in halts if halt.reason in HALTS}
        assert not told & self.latched, "a halt is told once a day"
        self.latched |= told
        if seen.price == 606.0:
            assert (symbol, Reason.HALT_MOVE) in self.latched
        if seen.vix == 15.5:
            assert ("", Reason.HALT_VIX) in self.latched
        for bot in BOTS:
            why = self.governor.must_close(self.state, seen, bot)
            flat = seen.minute >= self.limits.flat_minute(seen.half_day)
            if flat or any(scope in ("", symbol) for scope, _ in self.latched):
                assert why is not None

    @rule()
    def restart(self) -> None:
        self.state = DayState.from_json(self.state.to_json())

    @rule()
    def sleep(self) -> None:
        self.day = sessions_ahead(self.day, 1)
        self.state = self.state.roll(self.day)
        self.lost, self.latched = {}, set()

    @invariant()
    def no_day_costs_more_than_its_cap(self) -> None:
        for pot, lost in getattr(self, "lost", {}).items():
            _, budget = self.limits.budget(pot)
            assert lost <= budget.day_cap + 0.01 * self.count

    @invariant()
    def state_agrees_with_the_second_books(self) -> None:
        if not hasattr(self, "state"):
            return
        assert {trade.order_ref for trade in self.state.open} == set(self.open)
        for pot in ("shared", "buywrite"):
            kept = (self.state.loss(pot) + self.state.structural(pot)) / 100
            assert -1e-6 <= kept - self.at_risk(pot) <= 0.01 * self.count + 1e-6


TestDay = Day.TestCase
TestDay.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)


@settings(max_examples=100, deadline=None)
@given(limits_drawn, views, combos, money, st.floats(allow_nan=True, allow_infinity=True))
def test_closing_is_never_denied(
    limits: Limits, seen: MarketView, combo: Combo, amount: float, funds: float
) -> None:
    known = calendar(coverage={})
    wish = intent(combo=combo, opening=False, planned_loss=amount, structural_loss=amount, margin=amount)
    state = DayState.fresh(DAY).halted(
        *((scope, reason) for scope in ("", "XSP", "shared") for reason in HALTS)
    )
    assert isinstance(Governor(limits, known).judge(wish, state, seen, funds), Approved)


@settings(max_examples=100, deadline=None)
@given(limits_drawn, views, st.floats(50.0, 200.0))
def test_judging_changes_nothing_and_answers_the_same_twice(
    limits: Limits, seen: MarketView, structural: float
) -> None:
    gov, state = Governor(limits, calendar()), DayState.fresh(DAY)
    before, wish = state.to_json(), intent(structural_loss=structural)
    first = gov.judge(wish, state, seen, 500.0)
    assert gov.judge(wish, state, seen, 500.0) == first
    assert state.to_json() == before
