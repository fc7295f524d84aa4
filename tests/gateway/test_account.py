"""Laws of the simulated account, and what becomes of options at their end."""

from __future__ import annotations

import ib_insync as ibi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway import expiry
from engine.gateway.account import Account
from engine.gateway.exchange import Exchange
from engine.gateway.market import Traded
from engine.gateway.venue import Venue
from engine.options.contract import Contract, Right, Stock
from tests.gateway.stage import DAYS, at, client, gateway, later, market, near, spread, sync

TRADES = st.lists(
    st.tuples(st.integers(-5, 5).filter(bool), st.integers(1, 400), st.integers(0, 300)),
    min_size=1,
    max_size=12,
)


def option(strike: float = 268.0, right: Right = Right.PUT, symbol: str = "XSP", day: int = 1) -> Contract:
    return Contract(market().products[symbol], DAYS[day], strike, right)


def book(account: Account, what: Contract | Stock, count: int, price: float, fee: int = 0) -> float | None:
    cash = -round(count * price * what.multiplier * 100.0)
    return account.book(Traded(what, count, price), cash, fee)


@given(TRADES)
def test_cash_gains_and_holdings_agree_after_any_trades(trades: list[tuple[int, int, int]]) -> None:
    account, put, gained, fees = Account("DU1", 0), option(), 0.0, 0
    for count, ticks, fee in trades:
        gain = book(account, put, count, ticks / 100.0, fee)
        gained += 0.0 if gain is None else gain + fee / 100.0
        fees += fee
    held = account.holdings[put]
    assert held.count == sum(count for count, _, _ in trades)
    cost = held.count * held.price * put.multiplier
    assert account.cash / 100.0 == pytest.approx(gained - cost - fees / 100.0, abs=1e-6)
    if not held.count:
        assert held.price == 0.0


@given(st.integers(1, 9), st.integers(1, 9))
def test_turning_a_position_around_realises_the_old_one_and_prices_the_new_one(old: int, new: int) -> None:
    account, put = Account("DU1", 0), option()
    assert book(account, put, old, 1.0) is None
    assert book(account, put, -old - new, 1.5) == pytest.approx(50.0 * old)
    assert account.holdings[put].count == -new and account.holdings[put].price == 1.5


def test_a_spread_binds_its_width_and_shares_bind_half_their_value() -> None:
    exchange = Exchange(market(), at(DAYS[1], "10:00"))
    account, spy = Account("DU1", 10_000_00), Stock(market().products["SPY"])
    book(account, option(268.0), -2, 0.6)
    book(account, option(267.0), 2, 0.4)
    funds = account.funds(exchange)
    assert funds.initial == 200.0 and funds.cash == pytest.approx(10_040.0)
    more = account.funds(exchange, [Traded(spy, 10, exchange.spot("SPY"))])
    assert more.initial == pytest.approx(200.0 + 5.0 * exchange.spot("SPY"))
    assert more.net == pytest.approx(funds.net, abs=1.0)  # half the share's spread


def test_cash_settled_options_end_at_their_intrinsic_value_on_the_last_minute() -> None:
    with gateway(at(DAYS[1], "15:50")) as gw, client(gw) as ib:
        short, long = near(ib, "XSP", -3.0)  # in the money by about three
        legs = [ibi.ComboLeg(conId=short.conId, ratio=1, action="SELL", exchange="SMART")]
        legs.append(ibi.ComboLeg(conId=long.conId, ratio=1, action="BUY", exchange="SMART"))
        bag = ibi.Contract(symbol="XSP", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)
        ib.placeOrder(bag, ibi.MarketOrder("BUY", 1, tif="DAY"))
        later(gw, ib)
        rows, before = len(gw.executions()), cash(ib)
        later(gw, ib, 9)
        close = market().tape.close("XSP", 2 * 390 - 1)
        owed = sum(round(max(k.strike - close, 0.0), 2) * n for k, n in ((short, -1), (long, 1)))
        assert gw.positions() == {} and len(gw.executions()) == rows
        assert cash(ib) == pytest.approx(before + 100.0 * owed, abs=0.011)


def cash(ib: ibi.IB) -> float:
    sync(ib)
    return next(
        float(v.value) for v in ib.accountValues() if v.tag == "TotalCashValue" and v.currency == "USD"
    )


def test_a_short_put_on_shares_in_the_money_leaves_shares_at_its_strike() -> None:
    with gateway(at(DAYS[1], "15:50")) as gw, client(gw) as ib:
        short, _ = near(ib, "SPY", -3.0)
        ib.placeOrder(short, ibi.MarketOrder("SELL", 1, tif="DAY"))
        later(gw, ib, 10)
        assert gw.positions() == {"SPY": 100}
        assert [p.avgCost for p in ib.positions() if p.position] == [short.strike]


@given(st.floats(200.0, 340.0), st.sampled_from(Right), st.integers(-3, 3).filter(bool))
def test_settlement_conserves_value_to_the_cent(spot: float, right: Right, count: int) -> None:
    put, account = option(right=right), Account("DU1", 0)
    book(account, put, count, 1.0)
    before = account.cash
    expiry.deliver(account, put, count, expiry.intrinsic(put, spot))
    gap = spot - put.strike if right is Right.CALL else put.strike - spot
    assert account.cash - before == round(count * 100 * round(max(gap, 0.0), 2) * 100)
    assert not account.open_holdings()


def test_a_day_of_profit_and_loss_starts_anew_every_morning() -> None:
    with gateway(at(DAYS[1], "15:50")) as gw, client(gw) as ib:
        (name,) = ib.managedAccounts()
        told = ib.reqPnL(name)
        (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
        ib.placeOrder(spy, ibi.MarketOrder("BUY", 100, tif="DAY"))
        later(gw, ib)
        single = ib.reqPnLSingle(name, "", spy.conId)
        sync(ib)
        assert single.position == 100 and single.value == pytest.approx(100 * gw.call(spot), abs=1.0)
        later(gw, ib, 5)
        assert told.dailyPnL == pytest.approx(told.unrealizedPnL + told.realizedPnL - 1.0, abs=0.01)
        later(gw, ib, 5)
        opening = gw.call(lambda venue: venue.account.opening_equity)
        later(gw, ib, 3)
        assert told.dailyPnL == pytest.approx(gw.call(net) - opening, abs=0.01)


def spot(venue: Venue) -> float:
    return venue.exchange.spot("SPY")


def net(venue: Venue) -> float:
    return venue.account.funds(venue.exchange).net


def test_the_summary_tells_what_was_asked_for() -> None:
    with gateway(cash=25_000.0) as gw, client(gw) as ib:
        told = {row.tag: row.value for row in ib.accountSummary()}
        assert told["NetLiquidation"] == told["AvailableFunds"] == "25000.00"
        bag, _, ask = spread(ib)
        ib.placeOrder(bag, ibi.LimitOrder("BUY", 1, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        assert {row.tag: row.value for row in ib.accountSummary()}["InitMarginReq"] == "100.00"
