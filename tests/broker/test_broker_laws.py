"""Whatever is sent, cancelled and quoted: the account adds up and nothing outlives its expiry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.execution.settings import ExecutionSettings
from engine.intent import Intent, Urgency
from engine.options.combo import Combo, covered, iron_condor, put_spread, short_put
from engine.options.contract import Instrument, Product, Stock
from engine.reasons import Reason
from tests.broker.stage import CASH, NEXT_DAY, Stage, tape
from tests.execution.market import AT, DAY, NAN, SPY, XSP, Side, TableBook

DAYS = (DAY, NEXT_DAY)
EACH = 14
FINAL = {"filled", "timed_out", "cancelled", "rejected"}


def combos(of: Product, expiry: date) -> list[Combo]:
    found = [
        put_spread(of, expiry, 599, 597),
        iron_condor(of, expiry, 597, 599, 601, 603),
        short_put(of, expiry, 599, secured=False),
    ]
    return found + ([covered(of, expiry, 200, 1, 601.0, 597.0)] if of is SPY else [])


COMBOS = [combo for of in (XSP, SPY) for expiry in DAYS for combo in combos(of, expiry)]


def side(mid: int, half: int) -> tuple[float, float]:
    """Return bid and ask around a mid in cents; no bid where it would not be positive."""
    return (NAN if mid <= half else (mid - half) / 100, (mid + half) / 100)


class BrokerLaw(RuleBasedStateMachine):
    """Orders of every kind over two days of drawn quotes, against sums kept by the test."""

    @initialize(seed=st.integers(0, 10_000), dividend=st.booleans(), start=st.sampled_from([0.0, 1.0]))
    def open(self, seed: int, dividend: bool, start: float) -> None:
        draw, count = np.random.default_rng(seed), EACH * len(DAYS)
        path = (60_000 + draw.integers(-150, 150, count).cumsum()) / 100
        table: dict[Instrument, Side | Sequence[Side]] = {
            Stock(SPY): [(round(spot - 0.01, 2), round(spot + 0.01, 2)) for spot in path]
        }
        for leg in {leg.instrument: None for combo in COMBOS for leg in combo.legs}:
            if not isinstance(leg, Stock):
                mids = np.abs(draw.integers(0, 90) + draw.integers(-20, 20, count))
                table[leg] = [side(int(mid), int(draw.integers(1, 6))) for mid in mids]
        sizes = draw.integers(0, 5, count).tolist()
        book = TableBook(table, {"SPY": 600.0, "XSP": 600.0}, sizes)
        self.stage = Stage(
            book,
            tape({"SPY": path.tolist(), "XSP": path.tolist()}, DAYS),
            ExecutionSettings(entry_fraction_start=start),
            dividends=[("SPY", NEXT_DAY, 2.0)] if dividend else (),
        )
        self.intents: list[Intent] = []

    def ready(self) -> bool:
        return hasattr(self, "stage") and self.stage.bar < len(self.stage.tape) - 1

    @precondition(lambda self: self.ready())
    @rule(combo=st.sampled_from(COMBOS), quantity=st.integers(1, 4), urgency=st.sampled_from(list(Urgency)))
    def enter(self, combo: Combo, quantity: int, urgency: Urgency) -> None:
        number = len(self.intents) + 1
        whole = Intent(
            f"bot-{number}", number, "bot", combo.symbol, combo, quantity, True, Reason.ENTERED, AT
        )
        self.intents.append(whole)
        self.stage.send(combo, quantity, urgency=urgency, of=whole)

    @precondition(lambda self: self.ready() and self.intents)
    @rule(data=st.data(), quantity=st.integers(1, 4), urgency=st.sampled_from([Urgency.EXIT, Urgency.URGENT]))
    def leave(self, data: st.DataObject, quantity: int, urgency: Urgency) -> None:
        whole = data.draw(st.sampled_from(self.intents))
        self.stage.send(whole.combo, quantity, False, urgency, whole)

    @precondition(lambda self: self.ready() and self.stage.journal.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        refs = sorted({event.order_ref for event in self.stage.journal.orders if "/" in event.order_ref})
        if refs:
            self.stage.broker.cancel(data.draw(st.sampled_from(refs)))

    @rule(bars=st.integers(1, 5))
    def pass_time(self, bars: int) -> None:
        self.stage.play(min(bars, len(self.stage.tape) - 1 - self.stage.bar))

    @precondition(lambda self: self.ready() and self.stage.broker.busy)
    @rule()
    def sleep(self) -> None:
        """Jump to the bar the broker asks for, as the fast loop does."""
        on = self.stage
        on.jump(min(on.broker.wake(on.bar), len(on.tape) - 1))

    @invariant()
    def cash_is_what_the_fills_leave(self) -> None:
        if not hasattr(self, "stage"):
            return
        on = self.stage
        ledger = on.broker.books.ledger
        ledger.check()
        assert ledger.cash == on.cents()
        assert ledger.fees == round(sum(fill.fees for fill in on.journal.fills) * 100)
        assert math.isfinite(on.broker.equity)

    @invariant()
    def positions_are_what_the_fills_leave(self) -> None:
        if not hasattr(self, "stage"):
            return
        on = self.stage
        held: dict[tuple[int, str], int] = {}
        for fill in on.journal.fills:
            key = (fill.trade_id, fill.instrument)
            held[key] = held.get(key, 0) + fill.quantity
        booked = {
            (on.broker.books.trades[ref].intent.trade_id, str(instrument)): holding.quantity
            for (ref, instrument), holding in on.broker.books.ledger.holdings.items()
        }
        assert booked == {key: count for key, count in held.items() if count}

    @invariant()
    def an_ended_order_is_heard_of_no_more(self) -> None:
        if not hasattr(self, "stage"):
            return
        ended: set[str] = set()
        for event in self.stage.journal.orders:
            assert event.order_ref not in ended
            if event.state in FINAL:
                ended.add(event.order_ref)

    @invariant()
    def idle_broker_binds_nothing(self) -> None:
        if hasattr(self, "stage") and not self.stage.broker.busy:
            assert self.stage.broker.funds() == self.stage.broker.getcash()
            assert not self.stage.broker.books.ledger.holdings

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        on = self.stage
        on.finish()
        self.cash_is_what_the_fills_leave()
        on_last_bar = {order.machine.order.ref for order in on.broker._working}
        for ref, trade in on.broker.books.trades.items():
            assert not trade.legs, f"{ref} outlives its expiry"
        assert not on.broker.books.ledger.holdings
        assert on.broker.books.ledger.cost == 0
        profit = on.broker.books.ledger.realised - on.broker.books.ledger.fees
        assert on.broker.books.ledger.cash == round(CASH * 100) + profit
        assert on_last_bar <= {event.order_ref for event in on.journal.orders}


BrokerLaw.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestBrokerLaw = BrokerLaw.TestCase
