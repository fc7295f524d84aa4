"""What a gateway says: the layouts of all messages from server to client.

Field orders of TWS API 9.81 to 10.x, server versions 157 to 178, checked against the
decoders of ib_insync 0.9.86, ib_async 2.1.0 and ibapi 9.81.1 and against recorded frames.
"""

from __future__ import annotations

from engine.gateway.codec import Layout, layout, many, since, until

CONTRACT = "conId:i symbol secType expiry strike:f right multiplier"
TAIL = "currency localSymbol tradingClass"

_ALL = (
    layout(1, "tickPrice", "=6 reqId:i tick:i price:f size:f mask:i"),
    layout(2, "tickSize", "=6 reqId:i tick:i size:f"),
    layout(
        3,
        "orderStatus",
        "orderId:i status filled:f remaining:f avgFillPrice:f permId:i parentId:i lastFillPrice:f "
        "clientId:i whyHeld mktCapPrice:f",
    ),
    layout(4, "error", "=2 reqId:i code:i text", since(166, "advanced")),
    layout(6, "accountValue", "=2 key value currency account"),
    layout(
        7,
        "portfolioValue",
        f"=8 {CONTRACT} primaryExchange {TAIL} position:f marketPrice:f marketValue:f averageCost:f "
        "unrealizedPNL:f realizedPNL:f account",
    ),
    layout(8, "accountTime", "=1 time"),
    layout(9, "nextValidId", "=1 orderId:i"),
    layout(
        10,
        "contractDetails",
        until(164, "=8"),
        "reqId:i symbol secType expiry strike:f right exchange currency localSymbol marketName tradingClass "
        "conId:i minTick:f",
        until(164, "=100"),
        "multiplier orderTypes validExchanges priceMagnifier:i underConId:i longName primaryExchange "
        "contractMonth industry category subcategory timeZoneId tradingHours liquidHours evRule "
        "evMultiplier:f",
        many("secIds", "tag value"),
        "aggGroup:n underSymbol underSecType marketRuleIds realExpirationDate stockType",
        until(164, since(163, "suggestedSizeIncrement:f")),
        since(164, "minSize:f sizeIncrement:f suggestedSizeIncrement:f"),
    ),
    layout(
        11,
        "execDetails",
        f"reqId:i orderId:i {CONTRACT} exchange {TAIL} execId time account execExchange side shares:f "
        "price:f permId:i clientId:i liquidation:i cumQty:f avgPrice:f orderRef evRule evMultiplier:f "
        "modelCode lastLiquidity:i",
        since(178, "pendingPriceRevision:b"),
    ),
    layout(15, "managedAccounts", "=1 accounts"),
    layout(
        17,
        "historicalData",
        "reqId:i start end",
        many("bars", "date open:f high:f low:f close:f volume:f average:f count:i"),
    ),
    layout(
        21,
        "optionComputation",
        "reqId:i tick:i attribute:i impliedVol:f delta:f price:f pvDividend:f gamma:f vega:f theta:f "
        "underlying:f",
    ),
    layout(45, "tickGeneric", "=6 reqId:i tick:i value:f"),
    layout(46, "tickString", "=6 reqId:i tick:i value"),
    layout(49, "currentTime", "=1 time:i"),
    layout(50, "realtimeBar", "=3 reqId:i time:i open:f high:f low:f close:f volume:f average:f count:i"),
    layout(52, "contractDetailsEnd", "=1 reqId:i"),
    layout(53, "openOrderEnd", "=1"),
    layout(54, "accountDownloadEnd", "=1 account"),
    layout(55, "execDetailsEnd", "=1 reqId:i"),
    layout(57, "snapshotEnd", "=1 reqId:i"),
    layout(58, "marketDataType", "=1 reqId:i kind:i"),
    layout(59, "commissionReport", "=1 execId commission:f currency realizedPNL:u yield:u redemption"),
    layout(61, "position", f"=3 account {CONTRACT} exchange {TAIL} position:f averageCost:f"),
    layout(62, "positionEnd", "=1"),
    layout(63, "accountSummary", "=1 reqId:i account tag value currency"),
    layout(64, "accountSummaryEnd", "=1 reqId:i"),
    layout(73, "accountUpdateMulti", "=1 reqId:i account modelCode key value currency"),
    layout(74, "accountUpdateMultiEnd", "=1 reqId:i"),
    layout(
        75,
        "optionParameters",
        "reqId:i exchange underConId:i tradingClass multiplier",
        many("expirations", "expiry"),
        many("strikes", "strike:f"),
    ),
    layout(76, "optionParametersEnd", "reqId:i"),
    layout(81, "tickReqParams", "reqId:i minTick:f bboExchange permissions:i"),
    layout(88, "headTimestamp", "reqId:i time"),
    layout(
        90,
        "historicalUpdate",
        "reqId:i count:i date open:f close:f high:f low:f average:f volume:f",
    ),
    layout(93, "marketRule", "ruleId:i", many("increments", "lowEdge:f increment:f")),
    layout(94, "pnl", "reqId:i daily:u unrealized:u realized:u"),
    layout(95, "pnlSingle", "reqId:i position:f daily:u unrealized:u realized:u value:u"),
    layout(102, "completedOrdersEnd"),
)
MESSAGES: dict[str, Layout] = {message.name: message for message in _ALL}
