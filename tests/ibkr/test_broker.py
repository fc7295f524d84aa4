"""The broker against the gateway, over a real socket."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import OrderError
from engine.ibkr.orders import stop_level
from engine.intent import Urgency
from engine.options.combo import put_spread
from tests.ibkr.rig import TODAY, Rig, products, rig


def flat(one: Rig) -> None:
    """Wait until nothing is held or works on either side, then compare the books."""
    one.until(lambda: not one.broker.trades)
    assert one.gateway.positions() == {} and one.gateway.open_orders() == []
    one.agrees()


def test_a_spread_goes_in_and_out_as_one_order_and_the_books_agree() -> None:
    with rig() as one:
        intent = one.enter(2)
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == "filled" and one.owner.units[-1] == 2
        assert set(one.gateway.positions().values()) == {-2, 2}
        one.leave(intent)
        one.until(lambda: one.ended(2))
        assert one.owner.states.count("filled") == 2
        flat(one)
        (entry, *_) = [row for row in one.gateway.orders() if row["orderRef"].endswith("/1")]
        assert entry["secType"] == "BAG" and entry["tif"] == "DAY" and entry["action"] == "BUY"
        assert entry["limit"] < 0.0 and not entry["routing"]


def test_fills_carry_the_gateways_fees_and_leg_prices_that_make_up_the_net_price() -> None:
    with rig() as one:
        one.enter()
        one.until(lambda: one.ended())
        fills = one.owner.fills
        assert len(fills) == 2 and all(fill.fees > 0.0 for fill in fills)
        net = sum(fill.price * fill.quantity for fill in fills)
        assert net == pytest.approx(fills[0].combo_price)
        one.agrees()


def test_an_entry_concedes_minute_by_minute_and_is_changed_in_place() -> None:
    with rig(speed=240.0) as one:
        intent = one.enter(urgency=Urgency.ENTRY)
        one.until(lambda: one.ended())
        (entry,) = [row for row in one.gateway.orders() if row["orderRef"] == f"{intent.order_ref}/1"]
        limits = [event.limit for event in one.owner.events]
        assert limits == sorted(limits)
        # whether it fills is the market's to say: one order, in any case, that went up to its natural price
        assert "conceded" in one.owner.states and one.owner.states[-1] in ("filled", "timed_out")
        assert entry["limit"] == pytest.approx(limits[-1])


def test_an_entry_nobody_takes_times_out_and_leaves_nothing() -> None:
    hold = {"do": "hold", "event": "trade", "nth": 0}
    with rig(speed=480.0, faults=(hold,)) as one:
        one.enter(urgency=Urgency.ENTRY)
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == "timed_out"
        flat(one)


def test_a_cancelled_order_ends_only_when_the_gateway_has_ended_it() -> None:
    hold = {"do": "hold", "event": "trade", "nth": 0}
    with rig(faults=(hold,)) as one:
        intent = one.enter()
        one.until(lambda: one.gateway.open_orders())
        one.broker.cancel(f"{intent.order_ref}/1")
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == "cancelled"
        flat(one)


def test_a_partial_fill_is_booked_and_the_rest_follows() -> None:
    part = {"do": "partial", "event": "trade", "units": 1}
    with rig(faults=(part,)) as one:
        intent = one.enter(3)
        one.until(lambda: one.ended())
        assert "partly_filled" in one.owner.states and sum(one.owner.units) == 3
        one.leave(intent)
        one.until(lambda: one.ended(2))
        flat(one)


def test_an_order_beyond_the_funds_is_rejected_before_it_is_sent() -> None:
    with rig(gateway={"cash": 50.0}) as one:
        one.enter()
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == "rejected" and "margin" in one.owner.events[-1].reason
        assert one.gateway.orders() == []


def test_entries_are_refused_while_something_halts_them_and_exits_are_not() -> None:
    with rig() as one:
        intent = one.enter()
        one.until(lambda: one.ended())
        one.broker.halt_entries("test", "a reason")
        one.enter()
        one.until(lambda: one.ended(2))
        assert one.owner.states[-1] == "rejected" and one.owner.events[-1].reason == "a reason"
        one.leave(intent)
        one.until(lambda: one.ended(3))
        flat(one)


def test_a_sale_of_what_is_not_held_is_rejected() -> None:
    with rig() as one:
        intent = one.intent(one.spread())
        one.leave(intent, 1)
        one.until(lambda: one.ended())
        assert one.owner.states == ["rejected"] and one.gateway.orders() == []


def test_a_reference_used_twice_is_an_error() -> None:
    with rig() as one:
        intent = one.enter()
        with pytest.raises(OrderError, match="twice"):
            one.broker.submit(one.order(intent), one.owner)
        with pytest.raises(OrderError, match="never sent"):
            one.broker.cancel("nothing/1")
        with pytest.raises(OrderError, match="through the desk"):
            one.broker.buy()


def test_a_stop_rests_while_the_spread_is_held_and_goes_before_the_exit() -> None:
    with rig(faults=({"do": "partial", "event": "trade", "units": 1},)) as one:
        intent = one.enter(2)
        one.until(lambda: one.ended())
        (stop,) = one.until(lambda: [row for row in one.gateway.open_orders() if row["quantity"] == 2])
        assert stop["orderType"] == "STP" and stop["action"] == "SELL" and stop["aux"] < 0.0
        placed = [row for row in one.gateway.orders() if row["orderType"] == "STP"]
        assert len(placed) == 1  # changed in place when the second unit came
        one.leave(intent)
        one.until(lambda: one.ended(2))
        flat(one)


def test_a_stop_that_triggers_closes_the_trade_and_its_owner_hears_stopped() -> None:
    with rig(speed=480.0, protective_multiple=1.0) as one:
        intent = one.intent(one.spread(below=0.0), planned=0.0)
        one.broker.submit(one.order(intent), one.owner)
        one.until(lambda: one.ended())
        one.until(lambda: "stopped" in one.owner.states, 30.0)
        flat(one)
        assert one.owner.states.count("stopped") == 1


@pytest.mark.parametrize(
    ("credit", "planned", "level"),
    [(0.13, 0.5, -0.88), (0.3, 0.1, -0.9), (0.13, 0.0, -0.39), (0.4, 0.5, -0.95)],
)
def test_the_stop_at_the_broker_rests_beyond_the_bots_own_and_within_the_width(
    credit: float, planned: float, level: float
) -> None:
    combo = put_spread(products()["XSP"], TODAY, 270.0, 269.0)
    assert stop_level(combo, credit, 3.0, planned) == pytest.approx(level)


def test_no_stop_rests_when_none_is_wanted() -> None:
    with rig(protective_multiple=0.0) as one:
        intent = one.enter()
        one.until(lambda: one.ended())
        one.leave(intent)
        one.until(lambda: one.ended(2))
        assert all(row["orderType"] == "LMT" for row in one.gateway.orders())


def test_single_options_and_shares_trade_as_themselves() -> None:
    from engine.options.combo import shares, single
    from engine.options.contract import Right

    with rig(symbols=("SPY",), line_budget=40) as one:
        spot = one.book.spot("SPY")
        call = single(products()["SPY"], TODAY, float(int(spot) + 1), Right.CALL, -1)
        lot = shares(products()["SPY"], 100)
        for number, combo in enumerate((lot, call), 1):
            one.until(partial(one.book.two_sided, combo))
            intent = one.intent(combo)
            one.broker.submit(one.order(intent), one.owner)
            one.until(partial(one.ended, number))
            assert one.owner.states[-1] == "filled"
        kinds = {(row["secType"], row["action"], row["quantity"]) for row in one.gateway.orders()}
        assert {("STK", "BUY", 100), ("OPT", "SELL", 1)} <= kinds
        assert one.broker.account.shares("SPY")[0] == 100
        one.agrees()


def test_the_account_is_known_from_the_first_cycle_on_without_waiting_for_news() -> None:
    with rig(speed=1.0) as one:
        one.until(lambda: one.broker.funds() > 0.0, 3.0)
        assert one.broker.getvalue() == one.broker.getcash() == 100_000.0
