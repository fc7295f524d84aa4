"""Everything that goes wrong by script, as the real ib_insync sees it, beside the gateway's own truth."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import ib_insync as ibi
import pytest

from engine.errors import ConfigError
from engine.gateway.faults import Fault, Faults
from engine.gateway.gateway import Gateway
from engine.options.contract import Stock
from tests.gateway.stage import DAYS, at, client, codes, gateway, later, lost, near, spread, sync


def faulty(*faults: dict[str, Any], clock: str = "10:00", **settings: Any) -> Gateway:
    return gateway(at(DAYS[1], clock), faults=[Fault(**one) for one in faults], **settings)


def bought(ib: ibi.IB, units: int = 5) -> tuple[ibi.Trade, ibi.Contract, float]:
    """Place a spread that trades on the next minute."""
    bag, bid, ask = spread(ib)
    trade = ib.placeOrder(bag, ibi.LimitOrder("BUY", units, round(ask + 0.1, 2), tif="DAY", orderRef="F/1"))
    sync(ib)
    return trade, bag, bid


def test_a_dropped_connection_loses_nothing_that_a_new_one_cannot_ask_for() -> None:
    with faulty({"event": "filled", "do": "drop"}) as gw:
        with client(gw) as ib:
            trade, _, _ = bought(ib)
            gw.step()
            assert lost(ib) and trade.orderStatus.status == "Submitted"
        with client(gw) as ib:
            assert len(ib.fills()) == 3 and len(ib.positions()) == 2
        assert gw.happened == ["drop on filled"]


def test_a_dropped_connection_can_keep_the_port_shut_for_a_while() -> None:
    with faulty({"at": "10:05", "do": "drop", "seconds": 120}) as gw:
        with client(gw) as ib:
            gw.step(5)
            assert lost(ib)
        with pytest.raises(ConnectionRefusedError):
            ibi.IB().connect("127.0.0.1", gw.port, clientId=1, timeout=2)
        gw.step(2)
        with client(gw) as ib:
            sync(ib)


def test_an_outage_hides_fills_until_they_are_asked_for_and_keeps_subscriptions() -> None:
    with faulty({"at": "10:01", "do": "outage", "seconds": 60}) as gw, client(gw) as ib:
        trade, bag, _ = bought(ib)
        ticker = ib.reqMktData(bag, "")
        later(gw, ib)
        assert codes(ib) == [1100] and trade.orderStatus.status == "Submitted"
        assert len(gw.executions()) == 3
        refused = ib.placeOrder(bag, ibi.LimitOrder("SELL", 5, -0.9, tif="DAY"))
        sync(ib)
        assert codes(ib)[-1] == 504 and refused.orderStatus.status == "Cancelled"
        before = ticker.time
        later(gw, ib)
        assert codes(ib)[-1] == 1102 and ticker.time != before
        assert len(ib.reqExecutions()) == 3


def test_an_outage_can_lose_the_subscriptions() -> None:
    with faulty({"at": "10:01", "do": "outage", "seconds": 60, "lost": True}) as gw, client(gw) as ib:
        _, bag, _ = bought(ib)
        ticker = ib.reqMktData(bag, "")
        later(gw, ib, 2)
        before = ticker.time
        later(gw, ib, 5)
        assert codes(ib) == [1100, 1101] and ticker.time == before


def test_a_request_can_go_unanswered_once_or_for_a_time() -> None:
    with (
        faulty(
            {"event": "request", "request": "executions", "do": "silence", "nth": 2},
            {"at": "10:02", "request": "positions", "do": "silence", "seconds": 60},
        ) as gw,
        client(gw) as ib,
    ):
        ib.RequestTimeout = 0.3
        with pytest.raises(TimeoutError):  # the connection itself asked first, and was answered
            ib.reqExecutions()
        assert gw.happened == ["silence on request"]
        assert ib.reqExecutions() == [] and len(gw.happened) == 1
        gw.step(2)
        with pytest.raises(TimeoutError):
            ib.reqPositions()
        gw.step(2)
        assert ib.reqPositions() == []


def test_a_notice_that_is_no_failure_marks_the_order_cancelled_here_while_it_works_there() -> None:
    text = "Order TIF was set to DAY based on order preset."
    with faulty({"event": "order", "do": "notice", "code": 10349, "text": text}) as gw, client(gw) as ib:
        trade, _, _ = bought(ib)
        assert trade.orderStatus.status == "Cancelled"  # what the library makes of it
        assert [row["status"] for row in gw.open_orders()] == ["Submitted"]
        later(gw, ib)
        assert trade.orderStatus.status == "Filled"


def test_a_change_can_be_refused_as_one_of_another_order() -> None:
    with faulty({"event": "change", "do": "refuse", "code": 105}) as gw, client(gw) as ib:
        bag, bid, _ = spread(ib)
        order = ibi.LimitOrder("BUY", 5, bid, tif="DAY")
        ib.placeOrder(bag, order)
        order.lmtPrice = round(bid + 0.01, 2)
        ib.placeOrder(bag, order)
        sync(ib)
        assert codes(ib) == [105] and [row["limit"] for row in gw.open_orders()] == [bid]


def test_a_fill_can_follow_its_cancellation() -> None:
    with faulty({"event": "cancel", "do": "late_fill"}) as gw, client(gw) as ib:
        bag, bid, _ = spread(ib)
        trade = ib.placeOrder(bag, ibi.LimitOrder("BUY", 5, bid, tif="DAY"))
        sync(ib)
        ib.cancelOrder(trade.order)
        sync(ib)
        assert trade.orderStatus.status == "Cancelled" and not gw.open_orders()
        later(gw, ib)
        assert len(gw.executions()) == 3 and len(ib.positions()) == 2
        later(gw, ib)
        assert len(gw.executions()) == 3


def test_a_fill_nobody_is_told_of_is_in_the_report_all_the_same() -> None:
    with faulty({"event": "filled", "do": "lost"}) as gw, client(gw) as ib:
        trade, _, _ = bought(ib)
        later(gw, ib)
        assert trade.orderStatus.status == "Submitted" and not trade.fills
        assert len(ib.reqExecutions()) == 3


def test_a_cancellation_can_end_inactive_be_refused_or_go_unheard() -> None:
    with (
        faulty(
            {"event": "cancel", "do": "ignore", "nth": 1},
            {"event": "cancel", "do": "refuse", "nth": 2, "code": 10148, "text": "cannot be cancelled"},
            {"event": "cancel", "do": "inactive", "nth": 3},
        ) as gw,
        client(gw) as ib,
    ):
        bag, bid, _ = spread(ib)
        trade = ib.placeOrder(bag, ibi.LimitOrder("BUY", 5, bid, tif="DAY"))
        sync(ib)
        for left in (1, 1, 0):
            ib.client.cancelOrder(trade.order.orderId, "")
            sync(ib)
            assert len(gw.open_orders()) == left
        assert trade.orderStatus.status == "Inactive" and codes(ib) == [10148]


def test_an_order_can_be_refused_or_end_inactive_at_once() -> None:
    with (
        faulty(
            {"event": "order", "do": "refuse", "code": 201, "text": "Order rejected - reason:no"},
            {"event": "order", "do": "inactive", "nth": 2},
        ) as gw,
        client(gw) as ib,
    ):
        first, bag, _ = bought(ib)
        second = ib.placeOrder(bag, ibi.LimitOrder("BUY", 5, -0.01, tif="DAY"))
        sync(ib)
        assert codes(ib) == [201, 201]
        assert first.orderStatus.status == "Cancelled" and second.orderStatus.status == "Inactive"
        later(gw, ib, 2)
        assert not gw.executions()


def test_partial_fills_and_minutes_without_a_fill() -> None:
    with (
        faulty(
            {"event": "trade", "do": "partial", "units": 2, "nth": 1},
            {"event": "trade", "do": "hold", "nth": 2},
        ) as gw,
        client(gw) as ib,
    ):
        trade, _, _ = bought(ib)
        filled = []
        for _ in range(3):
            later(gw, ib)
            filled.append(trade.orderStatus.filled)
        assert filled == [2, 2, 5]


def test_a_client_id_can_be_taken_by_someone_else() -> None:
    with faulty({"event": "connect", "client": 9, "do": "taken"}) as gw:
        ib, seen = ibi.IB(), []
        ib.errorEvent += lambda *error: seen.append(error[1])
        with pytest.raises(Exception):  # noqa: B017  the library: TimeoutError or ConnectionError
            ib.connect("127.0.0.1", gw.port, clientId=9, timeout=1)
        assert 326 in seen
        with client(gw, 9) as second:
            sync(second)


def test_two_clients_cannot_share_an_id() -> None:
    with gateway() as gw, client(gw, 3) as ib:
        other, seen = ibi.IB(), []
        other.errorEvent += lambda *error: seen.append(error[1])
        with pytest.raises(Exception):  # noqa: B017  the library: TimeoutError or ConnectionError
            other.connect("127.0.0.1", gw.port, clientId=3, timeout=1)
        assert 326 in seen
        sync(ib)


def test_option_data_can_lack_a_subscription() -> None:
    with faulty({"event": "request", "request": "marketData", "kind": "OPT", "nth": 0, "do": "refuse"}) as gw:
        with client(gw) as ib:
            short, long = near(ib)
            tickers = [ib.reqMktData(one, "") for one in (short, long)]
            sync(ib)
            assert codes(ib) == [354, 354] and all(ticker.bid != ticker.bid for ticker in tickers)
            ib.reqMarketDataType(3)
            ticker = ib.reqMktData(short, "")
            sync(ib)
            assert codes(ib) == [354, 354] and ticker.marketDataType == 3 and ticker.ask > 0


def test_too_many_messages_are_refused_with_100_and_end_the_connection() -> None:
    with faulty({"at": "10:01", "do": "rate", "limit": 5, "seconds": 3600}) as gw, client(gw) as ib:
        gw.step()
        with suppress(ConnectionError):
            for _ in range(12):
                ib.client.reqCurrentTime()
                ib.sleep(0.005)  # what the gateway says is read before the connection is gone
        assert lost(ib) and codes(ib).count(100) == 3


def test_the_next_order_number_can_roll_back() -> None:
    with faulty({"event": "connect", "nth": 2, "do": "roll_back", "by": 1000}) as gw:
        with client(gw) as ib:
            trade, _, _ = bought(ib)
            assert trade.order.orderId > 1
        with client(gw) as ib:
            assert gw.call(lambda venue: venue.orders.next_id(1)) == 1
            assert ib.openTrades()[0].order.orderId == trade.order.orderId


def test_a_daily_restart_keeps_orders_positions_and_numbers() -> None:
    with faulty({"at": "10:05", "do": "restart", "seconds": 60}) as gw:
        with client(gw) as ib:
            bought(ib)
            later(gw, ib)
            _, bag, bid = bought(ib, 2)[0], spread(ib)[0], spread(ib)[1]
            resting = ib.placeOrder(bag, ibi.LimitOrder("BUY", 1, bid, tif="GTC", orderRef="F/2"))
            sync(ib)
            before = (gw.positions(), gw.executions(), resting.orderStatus.permId)
            gw.step(4)
            assert lost(ib)
        gw.step()
        with client(gw) as ib:
            (trade,) = [t for t in ib.openTrades() if t.order.orderRef == "F/2"]
            assert trade.orderStatus.permId == before[2]
            assert gw.executions()[:3] == before[1][:3]
            assert set(before[0]) <= set(gw.positions())


def test_shares_are_there_in_the_morning_after_an_assignment_and_nothing_said_so() -> None:
    with faulty({"at": "02:30", "symbol": "SPY", "do": "assign"}, clock="15:50") as gw, client(gw) as ib:
        short, _ = near(ib, "SPY", -3.0)
        tomorrow = ib.reqContractDetails(
            ibi.Option("SPY", f"{DAYS[2]:%Y%m%d}", short.strike, "P", "SMART", tradingClass="SPY")
        )[0].contract
        assert tomorrow is not None
        ib.placeOrder(tomorrow, ibi.MarketOrder("SELL", 1, tif="DAY"))
        later(gw, ib)
        executions = len(gw.executions())
        later(gw, ib, 12)
        assert gw.positions() == {"SPY": 100} and len(gw.executions()) == executions
        assert [(p.contract.symbol, p.position) for p in ib.positions() if p.position] == [("SPY", 100)]


def test_quotes_can_freeze_and_cross_for_a_while() -> None:
    with (
        faulty(
            {"at": "10:02", "do": "freeze", "seconds": 120},
            {"at": "10:06", "do": "cross", "symbol": "XSP", "seconds": 60},
        ) as gw,
        client(gw) as ib,
    ):
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        short, _ = near(ib)
        share, option = ib.reqMktData(spy, ""), ib.reqMktData(short, "")
        seen = []
        for _ in range(8):
            later(gw, ib)
            seen.append((share.bid, option.bid < option.ask))
        assert seen[1][0] == seen[2][0] == seen[0][0] != seen[3][0]
        assert [orderly for _, orderly in seen] == [True] * 5 + [False] + [True] * 2


def test_a_notice_to_all_comes_at_its_time() -> None:
    with (
        faulty({"at": "10:03", "do": "notice", "code": 2103, "text": "farm is broken"}) as gw,
        client(gw) as ib,
    ):
        later(gw, ib, 2)
        assert 2103 not in [code for _, code, _ in ib.errors]
        later(gw, ib)
        assert 2103 in [code for _, code, _ in ib.errors]


def test_a_running_clock_meets_its_faults_too() -> None:
    with faulty({"at": "10:00:30", "do": "notice", "code": 2103, "text": "farm"}, speed=600.0) as gw:
        for _ in range(300):
            if gw.happened:
                break
            time.sleep(0.01)
        assert gw.happened == ["notice at 10:00:30"]


def test_shares_that_nobody_assigned_stay_options() -> None:
    with faulty({"at": "10:05", "do": "assign"}) as gw, client(gw) as ib:
        bought(ib)
        later(gw, ib, 6)
        held = gw.call(lambda venue: [i for i, _ in venue.account.open_holdings()])
        assert len(held) == 2 and not any(isinstance(i, Stock) for i in held)


SCRIPT = """
faults:
  - {at: 10:45, do: outage, seconds: 90, lost: true}
  - {at: 09:45:30, do: freeze, symbol: XSP, seconds: 20}
  - {at: 2018-03-05 11:00:00, do: drop}
  - {event: order, nth: 2, do: refuse, code: 201, text: "Order rejected"}
"""


def test_a_script_is_read_with_its_times(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text(SCRIPT)
    script = Faults.load(tmp_path / "faults.yaml")
    morning = at(DAYS[2], "09:30")
    assert script.next(morning) == at(DAYS[2], "09:45").replace(second=30)
    assert [fault.do for fault in script.due(at(DAYS[2], "11:00"), morning)] == ["outage", "freeze", "drop"]
    assert script.on("order") is None and script.on("order") is not None and script.on("order") is None


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("{do: drop}", "faults.0: expected either 'at' a time or an 'event'"),
        ("{at: 10:45, do: taken}", "do: got 'taken', expected at a time one of drop, notice"),
        ("{event: order, do: late_fill}", "do: got 'late_fill', expected on order one of refuse"),
        ("{at: noon, do: drop}", "faults.0.at: got 'noon', expected a time such as 10:45"),
        ("{at: 10:45, do: drop, colour: red}", "faults.0.colour: Extra inputs are not permitted"),
    ],
)
def test_an_unreadable_script_is_one_line(tmp_path: Path, row: str, text: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults:\n  - {row}\n")
    with pytest.raises(ConfigError) as told:
        Faults.load(path)
    assert text in str(told.value) and "\n" not in str(told.value)
