"""One client's tour of a gateway, for ib_insync and ib_async: everything a trading client uses.

Run as ``python tour.py LIBRARY PORT CLIENT`` it prints what it has seen as JSON; the gateway's
clock runs fast, so that waiting is short.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from typing import Any

PATIENCE = 20.0


def until(ib: Any, holds: Any, what: str) -> None:
    """Let the client work until something holds."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < PATIENCE, f"waited in vain for: {what}"
        ib.sleep(0.01)


class Complaints(logging.Handler):
    """What a library's decoder could not read."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.rows: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the decoder says."""
        if record.name.lower().endswith("decoder"):
            self.rows.append(record.getMessage())


def connect(lib: Any, port: int, number: int) -> Any:
    """Connect and note errors."""
    ib = lib.IB()
    ib.seen = []
    ib.errorEvent += lambda *error: ib.seen.append(error[1])
    ib.connect("127.0.0.1", port, clientId=number, timeout=10)
    return ib


def contracts(lib: Any, ib: Any) -> tuple[Any, Any, Any, Any]:
    """Qualify an index, a share, VIX and two puts of today's chain."""
    xsp, spy, vix = ib.qualifyContracts(
        lib.Index("XSP", "CBOE", "USD"), lib.Stock("SPY", "SMART", "USD"), lib.Index("VIX", "CBOE", "USD")
    )
    chain = next(c for c in ib.reqSecDefOptParams("XSP", "", "IND", xsp.conId) if c.exchange == "SMART")
    assert (
        chain.tradingClass == "XSP" and chain.multiplier == "100" and int(chain.underlyingConId) == xsp.conId
    )
    ticker = ib.reqMktData(xsp, "")
    until(ib, lambda: ticker.last > 0, "the index's last price")
    strikes = [strike for strike in chain.strikes if strike < ticker.last - 2][-2:]
    puts = [lib.Option("XSP", min(chain.expirations), k, "P", "SMART", tradingClass="XSP") for k in strikes]
    long, short = ib.qualifyContracts(*puts)
    (details,) = ib.reqContractDetails(short)
    assert details.contract.localSymbol.startswith("XSP   ") and details.underSymbol == "XSP"
    rule = ib.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
    assert [row.increment for row in rule] == [0.01]
    assert vix.conId != xsp.conId
    return xsp, spy, short, long


def data(lib: Any, ib: Any, xsp: Any, spy: Any, short: Any) -> None:
    """Stream quotes, greeks, delayed ticks, bars kept up to date, bars of five seconds."""
    option, share = ib.reqMktData(short, ""), ib.reqMktData(spy, "100,101,104,106")
    until(ib, lambda: option.modelGreeks is not None and option.ask > 0, "greeks")
    assert -1.0 < option.modelGreeks.delta < 0.0 and option.bid < option.ask
    until(ib, lambda: share.bid > 0 and share.putVolume > 0 and share.impliedVolatility > 0, "share ticks")
    kept = ib.reqHistoricalData(xsp, "", "1 D", "1 min", "TRADES", True, 2, True)
    before = len(kept)
    live = ib.reqRealTimeBars(spy, 5, "TRADES", True)
    until(ib, lambda: len(kept) > before and len(live) > 3, "new bars")
    step = kept[-2].date - kept[-3].date
    assert step.total_seconds() == 60.0
    assert live[-1].low <= live[-1].open_ <= live[-1].high
    days = ib.reqHistoricalData(spy, "", "1 M", "1 day", "TRADES", True, 1)
    assert len(days) == 2 and days[0].volume > days[1].volume > 0
    assert ib.reqHeadTimeStamp(spy, "TRADES", True, 2).year == 2018
    ib.cancelHistoricalData(kept)
    ib.cancelRealTimeBars(live)
    ib.cancelMktData(spy)
    ib.reqMarketDataType(3)
    delayed = ib.reqMktData(spy, "")
    until(ib, lambda: delayed.marketDataType == 3 and delayed.bid > 0, "delayed ticks")
    ib.reqMarketDataType(1)


def account(ib: Any) -> None:
    """Read values, summary, profit and loss."""
    (name,) = ib.managedAccounts()
    assert {"NetLiquidation", "AvailableFunds"} <= {value.tag for value in ib.accountValues(name)}
    assert float(next(v.value for v in ib.accountSummary(name) if v.tag == "NetLiquidation")) > 0
    pnl = ib.reqPnL(name)
    until(ib, lambda: pnl.dailyPnL == pnl.dailyPnL, "profit and loss")


def trade(lib: Any, ib: Any, spy: Any, short: Any, long: Any) -> None:
    """Place, change, fill, cancel; be refused."""
    legs = [lib.ComboLeg(conId=short.conId, ratio=1, action="SELL", exchange="SMART")]
    legs.append(lib.ComboLeg(conId=long.conId, ratio=1, action="BUY", exchange="SMART"))
    bag = lib.Contract(symbol="XSP", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)
    quote = ib.reqMktData(bag, "")
    until(ib, lambda: quote.ask == quote.ask and quote.ask < 0, "the combination's quote")
    what = ib.whatIfOrder(bag, lib.LimitOrder("BUY", 5, -0.05, tif="DAY"))
    assert float(what.initMarginChange) == 500.0 and what.commission > 0
    order = lib.LimitOrder("BUY", 5, -0.9, tif="DAY", orderRef="T1/1")
    trade = ib.placeOrder(bag, order)
    until(ib, lambda: trade.orderStatus.status == "Submitted", "a working order")
    assert [t.order.orderRef for t in ib.reqOpenOrders()] == ["T1/1"]
    order.lmtPrice = -0.01
    ib.placeOrder(bag, order)
    until(ib, lambda: trade.orderStatus.status == "Filled", "the fill")
    until(ib, lambda: len([f for f in trade.fills if f.commissionReport.execId]) == 2, "commissions")
    assert [fill.contract.secType for fill in trade.fills] == ["BAG", "OPT", "OPT"]
    assert trade.filled() == 5 and trade.fills[0].execution.orderRef == "T1/1"
    assert trade.fills[0].execution.time.year == 2018
    until(ib, lambda: sorted(p.position for p in ib.positions()) == [-5, 5], "positions")
    assert len(ib.reqExecutions(lib.ExecutionFilter(symbol="XSP"))) == 3

    resting = ib.placeOrder(bag, lib.StopOrder("SELL", 5, -0.95, tif="GTC"))
    until(ib, lambda: resting.orderStatus.status == "PreSubmitted", "a sleeping stop")
    ib.cancelOrder(resting.order)
    until(ib, lambda: resting.orderStatus.status == "Cancelled", "the cancellation")
    share = ib.placeOrder(spy, lib.MarketOrder("BUY", 10, tif="DAY"))
    until(ib, lambda: share.orderStatus.status == "Filled", "a share order")
    ib.placeOrder(bag, lib.LimitOrder("SELL", 5, -0.123, tif="DAY"))
    until(ib, lambda: 110 in ib.seen, "error 110")
    big = ib.placeOrder(bag, lib.LimitOrder("BUY", 5000, -0.01, tif="DAY"))
    until(ib, lambda: 201 in ib.seen and big.isDone(), "error 201")
    ib.client.cancelOrder(99_999_999, "")
    until(ib, lambda: 10147 in ib.seen, "error 10147")
    one = ib.placeOrder(spy, lib.LimitOrder("BUY", 1, 1.0, tif="GTC"))
    until(ib, lambda: one.orderStatus.status == "Submitted", "another order")
    ib.reqGlobalCancel()
    until(ib, lambda: one.orderStatus.status == "Cancelled", "the global cancellation")
    closing = ib.placeOrder(bag, lib.MarketOrder("SELL", 5, tif="DAY"))
    until(ib, lambda: closing.orderStatus.status == "Filled", "the closing trade")
    until(ib, lambda: [p.position for p in ib.positions()] == [10], "the share left")
    assert len(ib.reqCompletedOrders(False)) >= 4


def tour(lib: Any, port: int, number: int) -> dict[str, Any]:
    """Make the whole tour; return the negotiated version and the errors met."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    ib = connect(lib, port, number)
    try:
        assert ib.reqCurrentTime().year == 2018
        xsp, spy, short, long = contracts(lib, ib)
        data(lib, ib, xsp, spy, short)
        account(ib)
        trade(lib, ib, spy, short, long)
        assert ib.qualifyContracts(lib.Stock("NOTHING", "SMART", "USD")) in ([], [None])
        assert not complaints.rows, complaints.rows
        return {
            "version": ib.client.serverVersion(),
            "errors": sorted({c for c in ib.seen if not 2100 <= c < 2200}),
        }
    finally:
        logging.getLogger().removeHandler(complaints)
        ib.disconnect()


if __name__ == "__main__":
    print(json.dumps(tour(importlib.import_module(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
