"""A process that dies at any moment: the next one takes up what the journal and the gateway know."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from engine.ibkr.work import Phase
from engine.intent import Intent, Order, Urgency
from engine.options.combo import Combo
from tests.ibkr.rig import ENDED, Rig, rig


def successor(dead: Rig, intents: dict[str, Intent], sent: dict[str, Order]) -> Rig:
    """Break the connection off and start another process on what the journal of the first one holds."""
    dead.link.stop()
    next_one = Rig(dead.gateway, dead.symbols)
    next_one.journal, next_one.sent = dead.journal, dead.sent
    next_one.start()
    broker = next_one.broker
    broker.knows(fill.exec_id for fill in dead.journal.fills)
    units, paid = booked(dead, sent)
    for ref, intent in intents.items():
        held = {combo: count for combo, count in units[ref].items() if count}
        if held:
            broker.restore(intent, next_one.owner, held, {combo: paid[ref][combo] for combo in held})
    for ref, order in sent.items():
        events = [event for event in dead.journal.orders if event.order_ref == ref]
        if not events or events[-1].state in ENDED:
            continue
        fills = [fill for fill in dead.journal.fills if fill.order_ref == ref]
        done = events[-1].filled
        price = fills[-1].combo_price if fills else float("nan")
        broker.adopt(order, next_one.owner, events[-1].limit, done, price)
    return next_one


def booked(
    dead: Rig, sent: dict[str, Order]
) -> tuple[dict[str, Counter[Combo]], dict[str, dict[Combo, float]]]:
    """Return units held and paid by intent, from the fills in the journal."""
    units: dict[str, Counter[Combo]] = {}
    paid: dict[str, dict[Combo, float]] = {}
    for ref, order in sent.items():
        intent, combo = order.intent.order_ref, order.combo
        mine = units.setdefault(intent, Counter())
        cost = paid.setdefault(intent, {})
        leg = combo.legs[0]
        for fill in dead.journal.fills:
            if fill.order_ref == ref and fill.instrument == str(leg.instrument):
                count = fill.quantity // leg.ratio
                mine[combo] += count
                cost[combo] = cost.get(combo, 0.0) + count * fill.combo_price
    return units, paid


def wind_up(one: Rig, intents: dict[str, Intent], sent: dict[str, Order]) -> None:
    """Leave whatever is held, as the bots do."""
    number = 50

    def settled() -> bool:
        return all(work.at.phase is not Phase.SUSPECT for work in one.broker.works)

    one.until(settled)
    while one.broker.trades:
        one.turn()
        for ref, trade in list(one.broker.trades.items()):
            combo = intents[ref].combo
            count = trade.units.get(combo, 0)
            if count and not trade.orders:
                number += 1
                order = one.order(intents[ref], number, buy=False, units=count)
                sent[order.ref] = order
                one.broker.submit(order, one.owner)
            for work in list(one.broker.works):
                if work.machine.order.buy:
                    one.broker.cancel(work.ref)


def check(one: Rig) -> None:
    one.until(lambda: not one.gateway.open_orders())
    assert one.gateway.positions() == {}
    one.agrees()
    refs = Counter(row["orderRef"] for row in one.gateway.orders())
    assert max(refs.values(), default=1) == 1


SEEDS = 4  # in the suite; the others with make soak, and whole sessions with make soak-kill
MOMENTS = {
    "nothing sent": 0.0, "an order just sent": 0.02, "an order at work": 0.15, "about to fill": 0.3,
    "filled, the stop going out": 0.45, "held under its stop": 0.8,
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_entry_interrupted(moment: str) -> None:
    with rig(speed=240.0) as one:
        intent = one.intent(one.spread(), 2)
        order = one.order(intent)
        one.broker.submit(order, one.owner)
        run(one, MOMENTS[moment])
        intents, sent = {intent.order_ref: intent}, {order.ref: order}
        after = successor(one, intents, sent)
        try:
            wind_up(after, intents, sent)
            check(after)
        finally:
            after.link.stop()


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.1, 0.3])
def test_an_exit_interrupted(moment: float) -> None:
    with rig(speed=240.0) as one:
        intent = one.intent(one.spread(), 2)
        entry, leave = one.order(intent), one.order(intent, 2, buy=False)
        one.broker.submit(entry, one.owner)
        one.until(lambda: one.ended())
        run(one, 0.2)
        one.broker.submit(leave, one.owner)
        run(one, moment)
        intents, sent = {intent.order_ref: intent}, {entry.ref: entry, leave.ref: leave}
        after = successor(one, intents, sent)
        try:
            wind_up(after, intents, sent)
            check(after)
        finally:
            after.link.stop()


def run(one: Rig, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one.turn()
        time.sleep(0.002)


def test_a_stop_of_the_first_process_is_taken_up_and_not_doubled() -> None:
    with rig(speed=120.0) as one:
        intent = one.intent(one.spread(), 1)
        order = one.order(intent)
        one.broker.submit(order, one.owner)
        one.until(lambda: [row for row in one.gateway.open_orders() if row["orderType"] == "STP"])
        intents, sent = {intent.order_ref: intent}, {order.ref: order}
        after = successor(one, intents, sent)
        try:
            run(after, 1.0)
            stops = [row for row in after.gateway.orders() if row["orderType"] == "STP"]
            assert len(stops) == 1 and stops[0]["status"] == "PreSubmitted"
            wind_up(after, intents, sent)
            check(after)
        finally:
            after.link.stop()


def test_an_entry_taken_up_keeps_its_limit_and_its_time() -> None:
    hold = {"do": "hold", "event": "trade", "nth": 0}
    with rig(speed=240.0, faults=(hold,)) as one:
        intent = one.intent(one.spread(), 1)
        order = one.order(intent, urgency=Urgency.ENTRY)
        one.broker.submit(order, one.owner)
        one.until(lambda: one.gateway.open_orders())
        limit = one.owner.events[-1].limit if one.owner.events else one.journal.orders[-1].limit
        after = successor(one, {intent.order_ref: intent}, {order.ref: order})
        try:
            after.until(lambda: after.ended())
            assert after.owner.states[-1] == "timed_out"
            assert all(event.limit <= limit + 1e-9 for event in after.owner.events)
            late = after.owner.events[-1].at - order.at
            assert late.total_seconds() < 60 * 12
            check(after)
        finally:
            after.link.stop()


@pytest.mark.wall
def test_units_of_a_partial_fill_are_not_booked_twice() -> None:
    part = {"do": "partial", "event": "trade", "units": 1}
    rest = [{"do": "hold", "event": "trade", "nth": n} for n in range(2, 5)]
    with rig(speed=240.0, faults=(part, *rest)) as one:
        intent = one.intent(one.spread(), 3)
        order = one.order(intent)
        one.broker.submit(order, one.owner)
        one.until(lambda: one.owner.states == ["partly_filled"])
        intents, sent = {intent.order_ref: intent}, {order.ref: order}
        after = successor(one, intents, sent)
        try:
            after.until(lambda: "filled" in after.owner.states)
            assert sum(after.owner.units) == 2
            wind_up(after, intents, sent)
            check(after)
        finally:
            after.link.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [seed if seed < SEEDS else pytest.param(seed, marks=pytest.mark.wall) for seed in range(20)]
)
def test_any_moment(seed: int) -> None:
    draw = random.Random(seed)
    with rig(speed=240.0) as one:
        intents: dict[str, Intent] = {}
        sent: dict[str, Order] = {}
        live = one
        for _ in range(3):
            step(live, draw, intents, sent)
            live = successor(live, intents, sent)
        try:
            wind_up(live, intents, sent)
            check(live)
        finally:
            live.link.stop()


def step(one: Rig, draw: random.Random, intents: dict[str, Intent], sent: dict[str, Order]) -> None:
    """Do what a bot might, and be interrupted."""
    if not one.broker.trades:
        intent = one.intent(one.spread(), draw.randint(1, 3))
        order = one.order(intent, urgency=draw.choice([Urgency.ENTRY, Urgency.URGENT]))
        intents[intent.order_ref], sent[order.ref] = intent, order
        one.broker.submit(order, one.owner)
    else:
        for ref, trade in one.broker.trades.items():
            count = trade.units.get(intents[ref].combo, 0)
            if count and not trade.orders:
                order = one.order(intents[ref], 10 + len(sent), buy=False, units=count)
                sent[order.ref] = order
                one.broker.submit(order, one.owner)
    run(one, draw.uniform(0.0, 1.0))
