"""The screen's numbers are the broker's: fees to the cent, prices handed down to legs, orders' lives."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker.allocation import leg_cents
from engine.broker.fees import Execution, FeeSchedule
from engine.broker.ledger import cents
from engine.execution.fills import match
from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder
from engine.intent import Intent, Order, Urgency
from engine.options.combo import iron_condor
from engine.options.quotebook import Quote
from engine.reasons import Reason
from engine.sessions import NEW_YORK
from engine.universe import load_universe
from feeds.screen.fees import fee_table, leg_cents1, order_fees1
from feeds.screen.fills import enter1, execution_numbers, leave1
from tests.execution.market import worked_somehow

CONFIG = Path(__file__).parents[2] / "config"
FEES = FeeSchedule.load(CONFIG / "fees.yaml")
UNIVERSE = load_universe(CONFIG / "universe.json")
DAYS = [date(2014, 1, 3), date(2018, 6, 1), date(2021, 3, 1), date(2026, 1, 5)]
CONDOR = iron_condor(UNIVERSE["XSP"], date(2018, 6, 1), 490.0, 491.0, 510.0, 511.0)
SIGNS = np.array([float(leg.ratio) for leg in CONDOR.legs])
price = st.integers(0, 400).map(lambda ticks: ticks / 100.0)


@given(
    prices=st.lists(price, min_size=4, max_size=4),
    units=st.integers(1, 50),
    row=st.integers(0, 3),
    buy=st.booleans(),
    symbol=st.sampled_from(["XSP", "SPX"]),
)
def test_fees_of_an_order_are_the_schedules(
    prices: list[float], units: int, row: int, buy: bool, symbol: str
) -> None:
    combo = iron_condor(UNIVERSE[symbol], DAYS[row], 490.0, 495.0, 510.0, 515.0)
    side = 1 if buy else -1
    done = [
        Execution(leg.instrument, side * leg.ratio * units, p)
        for leg, p in zip(combo.legs, prices, strict=True)
    ]
    rates, tiers, place = fee_table(FEES, UNIVERSE[symbol].trading_class, DAYS)
    sold = np.array([one.quantity < 0 for one in done])
    told = order_fees1(np.array(prices), sold, float(units), rates[place[row]], tiers[place[row]])
    assert told == cents(FEES.order_fees(done, DAYS[row]))


@given(
    sides=st.lists(st.tuples(price, st.integers(1, 20)), min_size=4, max_size=4),
    bare=st.lists(st.booleans(), min_size=4, max_size=4),
    ticks=st.integers(-300, 50),
)
def test_price_is_handed_down_to_the_legs_as_the_broker_does(
    sides: list[tuple[float, int]], bare: list[bool], ticks: int
) -> None:
    quotes = [
        (float("nan") if none else bid, bid + spread / 100.0)
        for (bid, spread), none in zip(sides, bare, strict=True)
    ]
    out = np.empty(4)
    low, high = (np.array([quote[side] for quote in quotes]) for side in (0, 1))
    leg_cents1(ticks / 100.0, low, high, SIGNS, 100.0, out)
    assert tuple(out.astype(int)) == leg_cents(CONDOR, quotes, ticks / 100.0)


path = st.lists(st.tuples(st.integers(-90, -30), st.integers(1, 12)), min_size=2, max_size=25)


def worked(
    quotes: list[Quote], how: ExecutionSettings, buy: bool, urgent: bool = False
) -> int | tuple[int, float]:
    """Return place and price of the fill the broker's own machine and matching come to."""
    at = datetime(2018, 6, 1, 10, 0, tzinfo=NEW_YORK)
    intent = Intent("x", 1, "condor", "XSP", CONDOR, 1, True, Reason.ENTERED, at, 50.0, 60.0, 60.0)
    urgency = Urgency.ENTRY if buy else Urgency.URGENT if urgent else Urgency.EXIT
    machine = WorkingOrder(Order("x/1", intent, CONDOR, 1, buy, urgency, at), how)
    machine.place(quotes[0], 600)
    for bar, quote in enumerate(quotes[1:], 1):
        minute = 600 + bar
        if machine.overdue(minute):
            return -1
        found = match(machine, quote)
        if found is not None:
            return bar, found.price
        if machine.expires(minute):
            return -1
        machine.requote(quote, minute)
    return -1


@settings(max_examples=200)
@given(path=path, how=worked_somehow, buy=st.booleans(), urgent=st.booleans())
def test_order_lives_as_the_brokers_machine(
    path: list[tuple[int, int]], how: ExecutionSettings, buy: bool, urgent: bool
) -> None:
    bid = np.array([low / 100.0 for low, _ in path])
    ask = np.array([(low + spread) / 100.0 for low, spread in path])
    quotes = [Quote(low, high, 50, 0.0) for low, high in zip(bid.tolist(), ask.tolist(), strict=True)]
    numbers = execution_numbers(how, 0.01)
    minute, calm = 600 + np.arange(len(path)), np.zeros(len(path), bool)
    if buy:
        told = enter1(bid, ask, minute, calm, numbers)
    else:
        told = leave1(bid, ask, minute, calm, 0, urgent, numbers)
    assert (told[0] if told[0] < 0 else told) == worked(quotes, how, buy, urgent)


def test_order_that_must_end_is_cancelled_a_bar_later_and_an_exit_hurries() -> None:
    how = execution_numbers(ExecutionSettings(entry_timeout_minutes=8, exit_steps=9, steps=9), 0.01)
    bid, ask = np.linspace(-0.6, -0.7, 8), np.linspace(-0.5, -0.3, 8)
    minute = 600 + np.arange(8)
    halt = minute == 602
    assert enter1(bid, ask, minute, halt, how)[0] == -1
    still = np.full(8, -0.6), np.full(8, -0.5)
    calm = leave1(*still, minute, np.zeros(8, bool), 0, False, how)[0]
    hurried = leave1(*still, minute, halt, 0, False, how)
    assert calm == -1
    assert hurried == pytest.approx((4, -0.6))  # asked at 602, cancelled and sent anew at 603
