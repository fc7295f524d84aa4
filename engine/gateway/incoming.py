"""What clients ask: the layouts of all messages a gateway understands."""

from __future__ import annotations

from engine.gateway.codec import Layout, Many, fields, layout, since
from engine.gateway.order_layouts import CONTRACT12, PLACE_ORDER

_LEGS = (Many("legs", fields("conId:i ratio:i action exchange"), "secType", "BAG"),)

_ALL = (
    PLACE_ORDER,
    layout(
        1,
        "marketData",
        f"version reqId:i {CONTRACT12}",
        _LEGS,
        "dncPresent:b genericTicks snapshot:b regulatory:b options",
    ),
    layout(2, "cancelMarketData", "version reqId:i"),
    layout(4, "cancelOrder", "version orderId:i", since(169, "manualTime")),
    layout(5, "openOrders", "version"),
    layout(6, "accountUpdates", "version subscribe:b account"),
    layout(7, "executions", "version reqId:i clientId:i account time symbol secType exchange side"),
    layout(8, "nextId", "version count:i"),
    layout(
        9,
        "contractDetails",
        f"version reqId:i {CONTRACT12} includeExpired:b secIdType secId",
        since(176, "issuerId"),
    ),
    layout(14, "logLevel", "version level:i"),
    layout(15, "autoOpenOrders", "version bind:b"),
    layout(16, "allOpenOrders", "version"),
    layout(17, "managedAccounts", "version"),
    layout(
        20,
        "historicalData",
        f"reqId:i {CONTRACT12} includeExpired:b end barSize duration regular:b show formatDate:i",
        _LEGS,
        "keepUpToDate:b options",
    ),
    layout(25, "cancelHistoricalData", "version reqId:i"),
    layout(49, "currentTime", "version"),
    layout(50, "realtimeBars", f"version reqId:i {CONTRACT12} barSize:i show regular:b options"),
    layout(51, "cancelRealtimeBars", "version reqId:i"),
    layout(58, "globalCancel", "version"),
    layout(59, "marketDataType", "version kind:i"),
    layout(61, "positions", "version"),
    layout(62, "accountSummary", "version reqId:i group tags"),
    layout(63, "cancelAccountSummary", "version reqId:i"),
    layout(64, "cancelPositions", "version"),
    layout(71, "startApi", "version clientId:i capabilities"),
    layout(76, "accountUpdatesMulti", "version reqId:i account modelCode ledger:b"),
    layout(77, "cancelAccountUpdatesMulti", "version reqId:i"),
    layout(78, "optionParameters", "reqId:i symbol exchange secType conId:i"),
    layout(87, "headTimestamp", f"reqId:i {CONTRACT12} includeExpired:b regular:b show formatDate:i"),
    layout(90, "cancelHeadTimestamp", "reqId:i"),
    layout(91, "marketRule", "ruleId:i"),
    layout(92, "pnl", "reqId:i account modelCode"),
    layout(93, "cancelPnl", "reqId:i"),
    layout(94, "pnlSingle", "reqId:i account modelCode conId:i"),
    layout(95, "cancelPnlSingle", "reqId:i"),
    layout(99, "completedOrders", "apiOnly:b"),
)
REQUESTS: dict[int, Layout] = {message.number: message for message in _ALL}
