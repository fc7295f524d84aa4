"""The gateway trades as the simulated broker does: same minute, same price, same legs, same fees."""

from __future__ import annotations

from typing import Any

import ib_insync as ibi
import pytest

from engine.broker.allocation import leg_cents
from engine.broker.fees import Execution, FeeSchedule
from engine.execution.fills import match
from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder
from engine.gateway.gateway import Gateway
from engine.intent import Intent, Order, Urgency
from engine.options.combo import Combo, put_spread
from engine.reasons import Reason
from tests.gateway.stage import CONFIG, DAYS, at, client, later, market, spread

# so that orders rest before they fill
HALF: dict[str, Any] = {"fill_fraction": 0.6, "slippage_ticks": 1, "steps": 4}


def simulated(combo: Combo, bar: int, units: int) -> tuple[list[float], int, float]:
    """Work an entry on the quotes alone: its limits minute by minute, the bar of its fill, the price."""
    made = market(**HALF)
    intent = Intent("P", 1, "putlite", "XSP", combo, units, True, Reason.ENTERED, made.tape.at(bar))
    order = Order("P/1", intent, combo, units, True, Urgency.EXIT, made.tape.at(bar))
    machine, limits = WorkingOrder(order, ExecutionSettings(**HALF)), []
    made.book.move(bar)
    machine.place(made.book.quote(combo), bar)
    while True:
        limits.append(machine.limit)
        bar += 1
        made.book.move(bar)
        quote = made.book.quote(combo)
        found = match(machine, quote)
        if found is not None:
            return limits, bar, found.price
        machine.requote(quote, bar)


@pytest.mark.parametrize("clock", ["10:00", "11:17", "12:45", "14:03"])
def test_an_order_worked_over_the_wire_fills_like_one_worked_on_the_quotes(clock: str) -> None:
    made = market(**HALF)
    with Gateway(made, start=at(DAYS[1], clock), speed=0.0, cash=100_000.0) as gw, client(gw) as ib:
        bag, _, _ = spread(ib)
        strikes = [strike(gw, leg.conId) for leg in bag.comboLegs]
        combo = put_spread(made.products["XSP"], DAYS[1], *strikes)
        bar = gw.call(lambda venue: venue.exchange.bar)
        limits, filled, price = gw.call(lambda venue: simulated(combo, bar, 5))
        gw.call(lambda venue: venue.exchange.go(bar))
        order = ibi.LimitOrder("BUY", 5, limits[0], tif="DAY")
        trade = ib.placeOrder(bag, order)
        for limit in limits:
            assert trade.orderStatus.status != "Filled"
            if order.lmtPrice != limit:
                order.lmtPrice = limit
                ib.placeOrder(bag, order)
            later(gw, ib)
        assert trade.orderStatus.status == "Filled" and len(limits) > 1
        assert gw.call(lambda venue: venue.exchange.bar) == filled
        assert trade.orderStatus.avgFillPrice == price
        legs_and_fees_agree(gw, combo, price)


def strike(gw: Gateway, number: int) -> float:
    listing = gw.call(lambda venue: venue.catalogue.get(number))
    assert listing is not None and listing.contract is not None
    return listing.contract.strike


def legs_and_fees_agree(gw: Gateway, combo: Combo, price: float) -> None:
    sides = gw.call(lambda venue: venue.market.book.legs(combo))
    cents = leg_cents(combo, sides, price)
    paid = {
        option.strike: sum_ / 100.0 / ratio / 100.0
        for (option, ratio), sum_ in zip(combo.options, cents, strict=True)
    }
    rows = [row for row in gw.executions() if row["secType"] == "OPT"]
    assert {row["strike"]: row["price"] for row in rows} == pytest.approx(paid)
    done = [Execution(option, 5 * ratio, paid[option.strike]) for option, ratio in combo.options]
    fees = FeeSchedule.load(CONFIG / "fees.yaml").order_fees(done, DAYS[1])
    assert sum(row["commission"] for row in rows) == pytest.approx(round(fees, 2))
