"""Orders at the gateway: when and at what price they trade, what is refused, what is told."""

from __future__ import annotations

from typing import Any

import ib_insync as ibi
import pytest

from engine.execution.fills import executable
from engine.execution.settings import ExecutionSettings
from engine.gateway.faults import Fault
from engine.options.combo import put_spread
from tests.gateway.stage import DAYS, at, client, codes, gateway, later, market, near, spread, sync


def placed(ib: ibi.IB, contract: ibi.Contract, order: ibi.Order) -> ibi.Trade:
    trade = ib.placeOrder(contract, order)
    sync(ib)
    return trade


def test_an_order_of_this_minute_trades_on_the_next_ones_quotes_at_the_markets_price() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        trade = placed(ib, bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY"))
        assert trade.orderStatus.status == "Submitted" and not gw.executions()
        later(gw, ib)
        assert trade.orderStatus.status == "Filled"
        short, long = near(ib)
        made = market()
        bar = int((made.tape.stamp <= int(gw.now.timestamp() * 1e9)).sum()) - 1
        combo = put_spread(made.products["XSP"], DAYS[1], short.strike, long.strike)
        made.book.move(bar)
        quote = made.book.quote(combo)
        assert quote is not None
        assert trade.orderStatus.avgFillPrice == executable(quote, combo, True, ExecutionSettings())


def test_a_limit_that_is_not_reached_rests_until_it_is_changed() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, bid, ask = spread(ib)
        order = ibi.LimitOrder("BUY", 5, bid, tif="DAY")
        trade = placed(ib, bag, order)
        later(gw, ib, 3)
        assert trade.orderStatus.status == "Submitted"
        permanent = trade.orderStatus.permId
        order.lmtPrice = round(ask + 0.1, 2)
        placed(ib, bag, order)
        later(gw, ib)
        assert trade.orderStatus.status == "Filled" and trade.orderStatus.permId == permanent
        assert len([row for row in gw.executions() if row["secType"] == "BAG"]) == 1


def test_legs_add_up_to_the_combination_and_commissions_to_the_fee_schedule() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        placed(ib, bag, ibi.LimitOrder("BUY", 7, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        whole, short, long = gw.executions()
        assert (short["side"], long["side"]) == ("SLD", "BOT")
        assert long["price"] - short["price"] == pytest.approx(whole["price"], abs=1e-9)
        assert whole["commission"] is None
        fees = short["commission"] + long["commission"]
        account = {v.tag: v.value for v in ib.accountValues() if v.currency == "USD"}
        assert float(account["TotalCashValue"]) == pytest.approx(
            100_000.0 - whole["price"] * 700.0 - fees, abs=0.005
        )


def test_a_market_order_fills_and_a_sale_realises_its_result() -> None:
    with gateway() as gw, client(gw) as ib:
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        bought = placed(ib, spy, ibi.MarketOrder("BUY", 100, tif="DAY"))
        later(gw, ib)
        sold = placed(ib, spy, ibi.MarketOrder("SELL", 100, tif="DAY"))
        later(gw, ib)
        (opening,), (closing,) = bought.fills, sold.fills
        gain = 100 * (closing.execution.price - opening.execution.price)
        assert closing.commissionReport.realizedPNL == pytest.approx(
            gain - closing.commissionReport.commission, abs=1e-6
        )
        assert opening.commissionReport.realizedPNL == 0.0  # what the library makes of an unset number
        assert gw.positions() == {}


def test_a_stop_on_a_combination_sleeps_until_the_bid_is_at_it_then_takes_the_market() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, bid, ask = spread(ib)
        placed(ib, bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        asleep = placed(ib, bag, ibi.StopOrder("SELL", 5, round(bid - 0.4, 2), tif="GTC"))
        awake = placed(ib, bag, ibi.StopOrder("SELL", 5, -0.01, tif="GTC"))
        later(gw, ib)
        assert asleep.orderStatus.status == "PreSubmitted"
        assert awake.orderStatus.status == "Filled" and gw.positions() == {}


def test_a_stop_limit_wakes_but_does_not_sell_below_its_limit() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, bid, ask = spread(ib)
        placed(ib, bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        trade = placed(ib, bag, ibi.StopLimitOrder("SELL", 5, -0.01, -0.01, tif="GTC"))
        later(gw, ib)
        assert trade.orderStatus.status == "Submitted" and len(gw.positions()) == 2


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (ibi.LimitOrder("BUY", 5, -0.123, tif="DAY"), 110),
        (ibi.LimitOrder("BUY", 100_000, -0.01, tif="DAY"), 201),
        (ibi.LimitOrder("BUY", 0, -0.1, tif="DAY"), 434),
        (ibi.Order(action="BUY", totalQuantity=1, orderType="TRAIL", tif="DAY"), 387),
        (ibi.LimitOrder("BUY", 1, -0.1, tif="OPG"), 321),
        (ibi.LimitOrder("BUY", 1, -0.1, tif="DAY", transmit=False), 321),
        (ibi.LimitOrder("BUY", 1, -0.1, tif="DAY", ocaGroup="g"), 321),
        (ibi.LimitOrder("BUY", 1, -0.1, tif="DAY", account="U999"), 321),
        (ibi.LimitOrder("BUY", 1, -0.1, tif="DAY", conditions=[ibi.PriceCondition(conId=1)]), 321),
    ],
)
def test_what_a_gateway_refuses_it_refuses_with_its_number(order: ibi.Order, code: int) -> None:
    with gateway() as gw, client(gw) as ib:
        bag, _, _ = spread(ib)
        placed(ib, bag, order)
        assert codes(ib) == [code] and not gw.orders()


def test_spx_options_step_by_five_and_ten_cents_and_its_combinations_by_five() -> None:
    with gateway() as gw, client(gw) as ib:
        short, _ = near(ib, "SPX", 5.0)
        rows: Any = ib.reqMarketRule(rule(ib, short))  # the library says it gives one
        assert [(r.lowEdge, r.increment) for r in rows] == [(0, 0.05), (3, 0.1)]
        for price, fits in ((2.95, True), (3.05, False), (3.1, True), (0.02, False)):
            before = len(gw.orders())
            placed(ib, short, ibi.LimitOrder("BUY", 1, price, tif="DAY"))
            assert (len(gw.orders()) > before) is fits, price
        bag, _, _ = spread(ib, "SPX")
        placed(ib, bag, ibi.LimitOrder("BUY", 1, -3.05, tif="DAY"))
        assert codes(ib) == [110, 110]


def rule(ib: ibi.IB, contract: ibi.Contract) -> int:
    (details,) = ib.reqContractDetails(contract)
    return int(details.marketRuleIds.split(",")[0])


def test_what_if_tells_margin_and_commission_and_leaves_no_trace() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        told = ib.whatIfOrder(bag, ibi.LimitOrder("BUY", 3, ask, tif="DAY"))
        assert float(told.initMarginChange) == 300.0 and float(told.initMarginBefore) == 0.0
        assert 3.0 < told.commission < 6.0
        assert not gw.orders() and not gw.executions() and not gw.positions()


def test_a_cancelled_order_is_gone_and_cancelling_twice_or_nothing_is_an_error() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, bid, _ = spread(ib)
        trade = placed(ib, bag, ibi.LimitOrder("BUY", 5, bid, tif="DAY"))
        ib.cancelOrder(trade.order)
        sync(ib)
        assert trade.orderStatus.status == "Cancelled" and not gw.open_orders()
        ib.client.cancelOrder(trade.order.orderId, "")
        ib.client.cancelOrder(4711, "")
        sync(ib)
        assert codes(ib) == [202, 161, 10147]


def test_day_orders_end_with_the_day_and_others_live_on() -> None:
    with gateway(at(DAYS[1], "15:50")) as gw, client(gw) as ib:
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        day = placed(ib, spy, ibi.LimitOrder("BUY", 1, 1.0, tif="DAY"))
        kept = placed(ib, spy, ibi.LimitOrder("BUY", 1, 1.0, tif="GTC"))
        later(gw, ib, 20)
        assert (day.orderStatus.status, kept.orderStatus.status) == ("Cancelled", "Submitted")


def test_an_order_before_the_open_waits_and_trades_on_the_first_minute() -> None:
    with gateway(at(DAYS[1], "09:20")) as gw, client(gw) as ib:
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        ticker = ib.reqMktData(spy, "")
        trade = placed(ib, spy, ibi.MarketOrder("BUY", 1, tif="DAY"))
        assert trade.orderStatus.status == "PreSubmitted" and ticker.bid == -1
        later(gw, ib)
        assert trade.orderStatus.status == "Filled" and ticker.bid > 0


def test_an_expired_option_cannot_be_traded_and_its_orders_end_with_it() -> None:
    with gateway(at(DAYS[1], "15:58")) as gw, client(gw) as ib:
        short, _ = near(ib, below=-3.0)
        kept = placed(ib, short, ibi.LimitOrder("BUY", 1, 0.01, tif="GTC"))
        later(gw, ib, 2)
        assert kept.orderStatus.status == "Cancelled"
        placed(ib, short, ibi.LimitOrder("BUY", 1, 0.01, tif="GTC"))
        assert codes(ib) == [202, 201] and not gw.open_orders()


def test_an_order_cannot_be_changed_beyond_the_account_or_below_what_it_has_filled() -> None:
    partial = Fault(event="trade", do="partial", units=2)
    with gateway(cash=2_000.0, faults=[partial]) as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        order = ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY")
        placed(ib, bag, order)
        later(gw, ib)
        for units in (500, 2):
            order.totalQuantity = units
            ib.client.placeOrder(order.orderId, bag, order)
            sync(ib)
        assert codes(ib) == [201, 201] and [row["quantity"] for row in gw.open_orders()] == [5]


def test_orders_are_keyed_by_client_and_number_and_shown_to_their_own_client() -> None:
    with gateway() as gw, client(gw, 1) as one, client(gw, 2) as two:
        (spy,) = one.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        for ib in (one, two):
            ib.client.placeOrder(
                1000, spy, ibi.LimitOrder("BUY", 1, 1.0, tif="DAY", orderRef=f"C{ib.client.clientId}")
            )
            sync(ib)
        assert [t.order.orderRef for t in one.reqOpenOrders()] == ["C1"]
        assert sorted(o.order.orderRef for o in two.reqAllOpenOrders()) == ["C1", "C2"]
        two.client.cancelOrder(1000, "")
        sync(two)
        assert [row["orderRef"] for row in gw.open_orders()] == ["C1"]
        one.client.placeOrder(999, spy, ibi.LimitOrder("BUY", 1, 1.0, tif="DAY"))
        sync(one)
        assert codes(one) == [103]


def test_a_changed_combination_is_refused_and_the_order_stays_as_it_was() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, bid, _ = spread(ib)
        order = ibi.LimitOrder("BUY", 5, bid, tif="DAY")
        placed(ib, bag, order)
        bag.comboLegs.reverse()
        order.lmtPrice = round(bid - 0.01, 2)
        placed(ib, bag, order)
        assert codes(ib) == [105]
        assert [row["limit"] for row in gw.open_orders()] == [bid]


def test_executions_pass_a_filter_and_come_again_after_a_reconnection() -> None:
    with gateway() as gw:
        with client(gw, 1) as ib:
            bag, _, ask = spread(ib)
            placed(ib, bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY", orderRef="R/1"))
            (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
            placed(ib, spy, ibi.MarketOrder("BUY", 10, tif="DAY"))
            later(gw, ib)
        with client(gw, 1) as ib:
            fills = ib.fills()
            assert len(fills) == 4 and {f.execution.orderRef for f in fills} == {"R/1", ""}
            assert len(ib.reqExecutions(ibi.ExecutionFilter(symbol="SPY"))) == 1
            assert len(ib.reqExecutions(ibi.ExecutionFilter(secType="OPT"))) == 2
            assert len(ib.reqExecutions(ibi.ExecutionFilter(side="SELL"))) == 1
            assert not ib.reqExecutions(ibi.ExecutionFilter(time="20180302 15:00:00"))


def test_commissions_of_an_order_filled_in_parts_are_those_of_the_whole_order() -> None:
    with gateway(faults=[Fault(event="trade", do="partial", units=2, nth=1)]) as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        trade = placed(ib, bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (2, 3)
        later(gw, ib)
        assert trade.orderStatus.status == "Filled"
        paid = sum(row["commission"] or 0.0 for row in gw.executions())
        done = gw.call(lambda venue: next(iter(venue.orders.tickets.values())).done)
        assert paid == pytest.approx(market().fees(done, DAYS[1]), abs=0.005)
        assert gw.executions()[3]["cumQty"] == 5


def test_a_rejected_order_can_be_placed_again_with_the_same_number() -> None:
    with gateway() as gw, client(gw) as ib:
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        for price in (1.001, 1.0):
            ib.client.placeOrder(500, spy, ibi.LimitOrder("BUY", 1, price, tif="DAY"))
            sync(ib)
        assert codes(ib) == [110] and [row["limit"] for row in gw.open_orders()] == [1.0]
