"""The official ibapi's tour of a gateway.

Run as ``python official.py PORT CLIENT`` it prints what it has seen as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from typing import Any

from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

PATIENCE = 20.0
NAMES = (
    "error nextValidId managedAccounts currentTime contractDetails contractDetailsEnd tickPrice tickSize "
    "tickGeneric tickOptionComputation marketDataType tickReqParams historicalData historicalDataEnd "
    "historicalDataUpdate realtimeBar securityDefinitionOptionParameter securityDefinitionOptionParameterEnd "
    "marketRule headTimestamp updateAccountValue updatePortfolio accountDownloadEnd accountSummary "
    "accountSummaryEnd position positionEnd pnl pnlSingle openOrder openOrderEnd orderStatus execDetails "
    "execDetailsEnd commissionReport completedOrder completedOrdersEnd connectionClosed"
).split()


class Client(EWrapper, EClient):  # type: ignore[misc]
    """Keeps the arguments of every callback."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.got: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def codes(self) -> set[int]:
        """Return the errors met, notices left out."""
        return {row[1] for row in self.got["error"] if not 2100 <= row[1] < 2200}

    def wait(self, what: str, holds: Any) -> None:
        """Wait until something holds of what was received."""
        begun = time.monotonic()
        while not holds(self.got):
            assert time.monotonic() - begun < PATIENCE, f"waited in vain for {what}: {self.got['error']}"
            time.sleep(0.01)

    def status(self, number: int) -> str:
        """Return an order's last status."""
        return next((row[1] for row in reversed(self.got["orderStatus"]) if row[0] == number), "")


def _keep(name: str) -> Any:
    def callback(self: Client, *values: Any) -> None:
        self.got[name].append(values)

    return callback


for _name in NAMES:
    setattr(Client, _name, _keep(_name))


def contract(kind: str, symbol: str, **more: Any) -> Contract:
    """Return a contract in USD."""
    made = Contract()
    made.symbol, made.secType, made.currency = symbol, kind, "USD"
    made.exchange = "CBOE" if kind == "IND" else "SMART"
    for name, value in more.items():
        setattr(made, name, value)
    return made


def order(action: str, kind: str, quantity: int, limit: float = 0.0, **more: Any) -> Order:
    """Return an order good for the day."""
    made = Order()
    made.action, made.orderType, made.totalQuantity, made.lmtPrice, made.tif = (
        action,
        kind,
        quantity,
        limit,
        "DAY",
    )
    made.eTradeOnly = made.firmQuoteOnly = False
    for name, value in more.items():
        setattr(made, name, value)
    return made


def facts(app: Client) -> tuple[Contract, Contract, Contract]:
    """Ask for contracts, the chain and price steps; return the share and a short and a long put."""
    app.reqContractDetails(1, contract("IND", "XSP"))
    app.reqContractDetails(2, contract("STK", "SPY"))
    app.wait("details", lambda got: len(got["contractDetailsEnd"]) == 2)
    under, share = (row[1].contract for row in got_details(app))
    app.reqSecDefOptParams(3, "XSP", "", "IND", under.conId)
    app.wait("chain", lambda got: got["securityDefinitionOptionParameterEnd"])
    chain = next(row for row in app.got["securityDefinitionOptionParameter"] if row[1] == "SMART")
    assert chain[3:5] == ("XSP", "100")
    app.reqMktData(4, under, "", False, False, [])
    app.wait("the index", lambda got: any(row[:2] == (4, 4) for row in got["tickPrice"]))
    spot = next(row[2] for row in app.got["tickPrice"] if row[:2] == (4, 4))
    expiry, strikes = min(chain[5]), sorted(k for k in chain[6] if k < spot - 2)[-2:]
    for number, strike in enumerate(reversed(strikes)):
        asked = contract("OPT", "XSP", lastTradeDateOrContractMonth=expiry, strike=strike, right="P")
        app.reqContractDetails(5 + number, asked)
    app.wait("options", lambda got: len(got["contractDetailsEnd"]) == 4)
    short, long = (row[1] for row in got_details(app)[2:])
    app.reqMarketRule(int(short.marketRuleIds.split(",")[0]))
    app.wait("the rule", lambda got: got["marketRule"])
    assert [row.increment for row in app.got["marketRule"][0][1]] == [0.01]
    return share, short.contract, long.contract


def got_details(app: Client) -> list[tuple[Any, ...]]:
    """Return the details received, by request."""
    return sorted(app.got["contractDetails"], key=lambda row: row[0])


def data(app: Client, share: Contract, short: Contract) -> None:
    """Stream quotes, greeks, bars."""
    app.reqMktData(20, short, "", False, False, [])
    app.reqMktData(21, share, "100,106", False, False, [])
    app.wait("greeks", lambda got: any(row[:2] == (20, 13) for row in got["tickOptionComputation"]))
    app.wait("volume", lambda got: any(row[:2] == (21, 30) for row in got["tickSize"]))
    app.wait("volatility", lambda got: any(row[:2] == (21, 24) for row in got["tickGeneric"]))
    app.reqHistoricalData(22, share, "", "1 D", "1 min", "TRADES", 1, 2, True, [])
    app.reqRealTimeBars(23, share, 5, "TRADES", True, [])
    app.reqHeadTimeStamp(24, share, "TRADES", 1, 2)
    app.wait("bars", lambda got: len(got["historicalData"]) > 20 and len(got["historicalDataUpdate"]) > 2)
    app.wait("five seconds", lambda got: len(got["realtimeBar"]) > 2 and got["headTimestamp"])
    for cancel, number in ((app.cancelMktData, 20), (app.cancelMktData, 21), (app.cancelHistoricalData, 22)):
        cancel(number)
    app.cancelRealTimeBars(23)
    app.reqMarketDataType(3)
    app.reqMktData(25, share, "", False, False, [])
    app.wait("delayed ticks", lambda got: any(row[:2] == (25, 66) for row in got["tickPrice"]))
    app.reqMarketDataType(1)


def account(app: Client) -> None:
    """Ask for values, summary, positions, profit and loss."""
    (name,) = app.got["managedAccounts"][0]
    app.reqAccountUpdates(True, name)
    app.reqAccountSummary(30, "All", "NetLiquidation,AvailableFunds")
    app.reqPositions()
    app.reqPnL(31, name, "")
    app.wait("values", lambda got: got["accountDownloadEnd"] and len(got["accountSummary"]) >= 2)
    app.wait("sums", lambda got: got["accountSummaryEnd"] and got["positionEnd"] and got["pnl"])


def trade(app: Client, share: Contract, short: Contract, long: Contract) -> None:
    """Place, change, fill, cancel; be refused."""
    legs = []
    for listed, action in ((short, "SELL"), (long, "BUY")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = listed.conId, 1, action, "SMART"
        legs.append(leg)
    bag = contract("BAG", "XSP", comboLegs=legs)
    first = app.got["nextValidId"][-1][0]
    app.placeOrder(first, bag, order("BUY", "LMT", 5, -0.05, whatIf=True))
    app.wait("what if", lambda got: got["openOrder"])
    assert float(app.got["openOrder"][0][3].initMarginChange) == 500.0
    first += 1
    app.placeOrder(first, bag, order("BUY", "LMT", 5, -0.9, orderRef="O1/1"))
    app.wait("a working order", lambda got: app.status(first) == "Submitted")
    app.reqOpenOrders()
    app.wait("open orders", lambda got: got["openOrderEnd"])
    shown = app.got["openOrder"][-1]
    assert shown[1].comboLegsDescrip == f"{short.conId}|-1,{long.conId}|1" and shown[2].orderRef == "O1/1"
    app.placeOrder(first, bag, order("BUY", "LMT", 5, -0.01, orderRef="O1/1"))
    app.wait("the fill", lambda got: app.status(first) == "Filled")
    app.wait("commissions", lambda got: len(got["commissionReport"]) == 2)
    assert [row[1].secType for row in app.got["execDetails"]] == ["BAG", "OPT", "OPT"]
    app.wait("positions", lambda got: sorted(row[2] for row in got["position"])[-1:] == [5])
    app.reqExecutions(40, ExecutionFilter())
    app.wait("executions", lambda got: got["execDetailsEnd"])
    assert len(app.got["execDetails"]) == 6
    app.placeOrder(first + 1, share, order("BUY", "MKT", 10))
    app.wait("a share order", lambda got: app.status(first + 1) == "Filled")
    app.placeOrder(first + 2, bag, order("SELL", "STP", 5, auxPrice=-0.95))
    app.wait("a sleeping stop", lambda got: app.status(first + 2) == "PreSubmitted")
    app.cancelOrder(first + 2)
    app.wait("the cancellation", lambda got: app.status(first + 2) == "Cancelled" and 202 in app.codes())
    app.placeOrder(first + 3, bag, order("SELL", "LMT", 5, -0.123))
    app.placeOrder(first + 4, bag, order("BUY", "LMT", 5000, -0.01))
    app.cancelOrder(99_999_999)
    app.placeOrder(first + 5, bag, order("SELL", "MKT", 5))
    app.wait("refusals", lambda got: {110, 201, 10147} <= app.codes())
    app.wait("the closing trade", lambda got: app.status(first + 5) == "Filled")
    app.reqGlobalCancel()
    app.reqCompletedOrders(False)
    app.wait("completed orders", lambda got: got["completedOrdersEnd"])
    assert len(app.got["completedOrder"]) == 4


def tour(port: int, number: int) -> dict[str, Any]:
    """Make the whole tour; return the negotiated version and the errors met."""
    app = Client()
    app.connect("127.0.0.1", port, number)
    threading.Thread(target=app.run, daemon=True).start()
    app.wait("the connection", lambda got: got["nextValidId"] and got["managedAccounts"])
    app.reqCurrentTime()
    share, short, long = facts(app)
    data(app, share, short)
    account(app)
    trade(app, share, short, long)
    told = {"version": app.serverVersion(), "errors": sorted(app.codes())}
    app.disconnect()
    return told


if __name__ == "__main__":
    print(json.dumps(tour(int(sys.argv[1]), int(sys.argv[2]))))
