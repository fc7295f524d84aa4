"""A round trip through every fault: nothing doubled, nothing left, the books equal the gateway's."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from engine.intent import Urgency
from tests.ibkr.rig import ENDED, Rig, at, rig

SPEED = 240.0


def trip(one: Rig, units: int = 2, linger: str = "") -> None:
    """Enter, leave as often as it takes, as a bot does, and check everything at the end.

    ``linger`` is the time, New York, to which the position is held.
    """
    intent = one.enter(units, Urgency.URGENT)
    one.until(lambda: one.ended(), 40.0)
    if linger:
        one.until(lambda: one.gateway.now >= at(linger))
    number = 1
    while one.broker.trades:
        trade = one.broker.trades.get(intent.order_ref)
        held = trade.units.get(intent.combo, 0) if trade is not None else 0
        if held > 0 and trade is not None and not trade.orders:
            number += 1
            before = sum(state in ENDED for state in one.owner.states)
            one.leave(intent, number, held)
            one.until(partial(one.ended, before + 1), 40.0)
        else:
            one.turn()
    check(one)


def check(one: Rig) -> None:
    def quiet() -> bool:  # a late fill is there before the order that undoes it
        held = one.broker.trades or one.gateway.open_orders() or one.gateway.positions()
        return one.link.up and not held

    one.until(quiet)
    one.agrees()
    refs = Counter(row["orderRef"] for row in one.gateway.orders())
    assert not [ref for ref, count in refs.items() if count > 1 and not _retried(one, ref)]
    assert one.gateway.peak_rate(17) <= 49
    assert one.broker.strays == {}


def _retried(one: Rig, ref: str) -> bool:
    """Tell whether all but one order of a reference were refused at once."""
    rows = [row for row in one.gateway.orders() if row["orderRef"] == ref]
    return len([row for row in rows if row["status"] != "Inactive"]) <= 1


FAULTS: dict[str, dict[str, Any]] = {
    "connection drops as an order comes": {"do": "drop", "event": "order"},
    "connection drops as a change comes": {"do": "drop", "event": "change"},
    "connection drops as the stop is cancelled": {"do": "drop", "event": "cancel"},
    "connection drops as an order fills": {"do": "drop", "event": "filled"},
    "the gateway is away for a minute as an order fills": {"do": "drop", "event": "filled", "seconds": 60},
    "an outage begins as an order fills": {"do": "outage", "event": "filled", "seconds": 90},
    "subscriptions are lost in an outage": {"do": "outage", "event": "filled", "seconds": 90, "lost": True},
    "a fill is never told": {"do": "lost", "event": "filled"},
    "a preset sets the time in force": {"do": "notice", "event": "order", "code": 10349, "text": "TIF DAY"},
    "a warning comes with a change": {"do": "notice", "event": "change", "code": 399, "text": "warning"},
    "a change does not fit the combo": {"do": "refuse", "event": "change", "code": 105},
    "an order is rejected": {"do": "refuse", "event": "order", "code": 201},
    "the second order is rejected": {"do": "refuse", "event": "order", "nth": 2, "code": 201},
    "the exit is rejected": {"do": "refuse", "event": "order", "nth": 3, "code": 201},
    "an order goes inactive": {"do": "inactive", "event": "order"},
    "the exit goes inactive": {"do": "inactive", "event": "order", "nth": 3},
    "the stop cannot be cancelled at first": {"do": "refuse", "event": "cancel", "code": 161},
    "a cancellation is ignored": {"do": "ignore", "event": "cancel"},
    "the stop fills although it was cancelled": {"do": "late_fill", "event": "cancel"},
    "a cancellation ends inactive": {"do": "inactive", "event": "cancel"},
    "only one unit fills": {"do": "partial", "event": "trade", "units": 1},
    "nothing fills for a while": {"do": "hold", "event": "trade", "nth": 2},
    "orders are not answered": {"do": "silence", "event": "request", "request": "placeOrder", "seconds": 60},
    "a survey is not answered": {"do": "silence", "event": "request", "request": "openOrders"},
    "the next id is rolled back": {"do": "roll_back", "at": "10:08", "by": 50},
    "the gateway restarts": {"do": "restart", "at": "10:08", "seconds": 60},
    "quotes freeze": {"do": "freeze", "at": "10:08", "seconds": 240},
    "quotes are crossed": {"do": "cross", "at": "10:08", "seconds": 180},
    "the gateway throttles": {"do": "rate", "at": "10:08", "seconds": 120, "limit": 3},
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_round_trip_survives(name: str) -> None:
    fault = FAULTS[name]
    # an entry that is not served for a while has to follow the market
    slow = [{"do": "hold", "event": "trade", "nth": number} for number in range(1, 7)]
    faults = (fault, *slow) if fault.get("event") in ("change", "request") else (fault,)
    linger = "10:14" if "at" in fault else ""
    with rig(speed=SPEED, faults=faults, request_seconds=2.0) as one:
        trip(one, linger=linger)
        happened = one.gateway.call(lambda venue: list(venue.faults.happened))
        assert any(told.startswith(fault["do"]) for told in happened), "the fault never happened"


@pytest.mark.parametrize(("speed", "confirm", "undone"), [(60.0, 0.05, True), (480.0, 0.5, False)])
def test_an_entry_that_fills_after_its_cancellation_leaves_nothing(
    speed: float, confirm: float, undone: bool
) -> None:
    """The late fill comes after the order was given up and is undone, or before and is the entry's."""
    hold = [{"do": "hold", "event": "trade", "nth": number} for number in range(1, 3)]
    late = {"do": "late_fill", "event": "cancel"}
    with rig(speed=speed, faults=(late, *hold), confirm_seconds=confirm) as one:
        intent = one.enter(2)
        one.until(lambda: one.gateway.open_orders())
        one.broker.cancel(f"{intent.order_ref}/1")
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == ("cancelled" if undone else "filled")
        if not undone:
            one.leave(intent)
        one.until(lambda: any(row["side"] == "BOT" for row in one.gateway.executions()))
        one.until(lambda: not one.gateway.positions())
        check(one)
        assert any("undo" in row["orderRef"] for row in one.gateway.orders()) is undone
