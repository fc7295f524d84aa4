"""Stocks without options here: quoted like the others, and not for sale."""

from __future__ import annotations

from dataclasses import replace

import ib_insync as ibi
import pytest

from engine.broker.fees import FeeSchedule
from engine.gateway.gateway import Gateway
from engine.gateway.market import Watched
from engine.universe import load_universe
from scripts.gateway_market import gateway_market
from tests.gateway.stage import CONFIG, DAYS, at, bars, client, codes, later, market, sync


def test_a_watched_stock_sends_its_own_bars_and_takes_no_order() -> None:
    held, product = bars("SPY", seed=9), load_universe(CONFIG / "universe.json")["AAPL"]
    stocks = {"AAPL": Watched(product, held, lambda price: 0.01)}
    with (
        Gateway(replace(market(), stocks=stocks), start=at(DAYS[1], "10:00"), speed=0.0) as gw,
        client(gw) as ib,
    ):
        (stock,) = ib.qualifyContracts(ibi.Stock("AAPL", "SMART", "USD"))
        ticker = ib.reqMktData(stock, "100,101,104,106")
        later(gw, ib)
        bar = 390 + 30
        assert (ticker.open, ticker.last) == pytest.approx((held.open[390], held.close[bar]))
        assert (ticker.bid, ticker.ask) == pytest.approx((held.close[bar] - 0.01, held.close[bar] + 0.01))
        assert ticker.close == pytest.approx(held.close[389])
        ib.placeOrder(stock, ibi.LimitOrder("BUY", 10, round(ticker.ask, 2), tif="DAY"))
        sync(ib)
        assert codes(ib) == [201] and gw.positions() == {}
        told = ib.reqHistoricalData(stock, "", "1 D", "1 min", "TRADES", True)
        assert told[-1].close == pytest.approx(held.close[bar])
        assert ib.reqSecDefOptParams("AAPL", "", "STK", stock.conId) == []


def test_a_stock_that_is_traded_keeps_its_options() -> None:
    made, product = market(), load_universe(CONFIG / "universe.json")["SPY"]
    fees = FeeSchedule.load(CONFIG / "fees.yaml")
    stocks = {"SPY": Watched(product, bars("SPY", seed=9), lambda price: 0.01)}
    again = gateway_market(made.tape.bars, made.book, made.products, fees, made.execution, stocks)
    assert again.stocks == {} and again.bars("SPY") is made.tape.bars["SPY"]
