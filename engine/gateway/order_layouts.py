"""The long layouts of an order: as it is placed, as it is shown open, as it is shown completed."""

from __future__ import annotations

from engine.gateway.codec import Many, fields, layout, many, since, until, when

CONTRACT12 = (
    "conId:i symbol secType expiry strike:f right multiplier exchange primaryExchange currency localSymbol "
    "tradingClass"
)
SHOWN = "conId:i symbol secType expiry strike:f right multiplier exchange currency localSymbol tradingClass"
LEG = "conId:i ratio:i action exchange openClose:i shortSaleSlot:i designatedLocation exemptCode:i"
_SCALE = (
    "scalePriceAdjustValue:f scalePriceAdjustInterval:i scaleProfitOffset:f scaleAutoReset:b "
    "scaleInitPosition:i scaleInitFillQty:i scaleRandomPercent:b"
)
_PEG = (
    "referenceContractId:i peggedDecrease:b peggedChangeAmount:f referenceChangeAmount:f referenceExchangeId"
)
_MARGINS = (
    "initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange "
    "equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter commission:f minCommission:f "
    "maxCommission:f commissionCurrency warningText"
)
_SHOWN_LEGS = (*many("legs", LEG), *many("legPrices", "price:f"), *many("routing", "tag value"))
_NEUTRAL = when("dncPresent", fields("dncConId:i dncDelta:f dncPrice:f"), value=1)
_ALGO = when("algoStrategy", many("algoParams", "tag value"))
_SIZES = since(
    170, "minTradeQty:i minCompeteSize:i competeAgainstBestOffset:f midOffsetAtWhole:f midOffsetAtHalf:f"
)

# Conditions are never shown: an order that carries some is refused when it is placed.
OPEN_ORDER = layout(
    5,
    "openOrder",
    f"orderId:i {SHOWN} action quantity:f orderType limit:f aux:f tif ocaGroup account openClose origin:i "
    "orderRef clientId:i permId:i outsideRth:b hidden:b discretionaryAmt:f goodAfterTime sharesAllocation "
    "faGroup faMethod faPercentage",
    until(177, "faProfile"),
    "modelCode goodTillDate rule80A percentOffset:f settlingFirm shortSaleSlot:i designatedLocation "
    "exemptCode:i auctionStrategy:i startingPrice:f stockRefPrice:f delta:f stockRangeLower:f "
    "stockRangeUpper:f displaySize:n blockOrder:b sweepToFill:b allOrNone:b minQty:i ocaType:i eTradeOnly:b "
    "firmQuoteOnly:b nbboPriceCap:f parentId:i triggerMethod:i volatility:f volatilityType:i "
    "neutralOrderType neutralAux:f",
    when(
        "neutralOrderType",
        fields(
            "neutralConId:i neutralFirm neutralAccount neutralIntent neutralOpenClose neutralShort:b "
            "neutralSlot:i neutralLocation"
        ),
    ),
    "continuousUpdate:b referencePriceType:i trailStopPrice:f trailingPercent:f basisPoints:f "
    "basisPointsType:i comboDescription",
    _SHOWN_LEGS,
    "scaleInit:n scaleSubs:n scaleIncrement:f",
    when("scaleIncrement", fields(_SCALE)),
    "hedgeType",
    when("hedgeType", fields("hedgeParam")),
    "optOut:b clearingAccount clearingIntent notHeld:b dncPresent:i",
    _NEUTRAL,
    "algoStrategy",
    _ALGO,
    f"solicited:b whatIf:b status {_MARGINS} randomizeSize:b randomizePrice:b",
    when("orderType", fields(_PEG), value="PEG BENCH"),
    many("conditions", "text"),
    "adjustedOrderType triggerPrice:u adjTrailStopPrice:u limitOffset:u adjustedStopPrice:u "
    "adjustedStopLimit:u adjustedTrailing:u adjustableUnit:i tierName tierValue tierShown cashQty:f "
    "dontAutoHedge:b isOms:b discretionaryUpTo:b usePriceMgmt:b",
    since(159, "duration:i"),
    since(160, "postToAts:i"),
    since(162, "autoCancelParent:b"),
    _SIZES,
)

COMPLETED_ORDER = layout(
    101,
    "completedOrder",
    f"{SHOWN} action quantity:f orderType limit:f aux:f tif ocaGroup account openClose origin:i orderRef "
    "permId:i outsideRth:b hidden:b discretionaryAmt:f goodAfterTime faGroup faMethod faPercentage",
    until(177, "faProfile"),
    "modelCode goodTillDate rule80A percentOffset:f settlingFirm shortSaleSlot:i designatedLocation "
    "exemptCode:i startingPrice:f stockRefPrice:f delta:f stockRangeLower:f stockRangeUpper:f displaySize:n "
    "sweepToFill:b allOrNone:b minQty:i ocaType:i triggerMethod:i volatility:f volatilityType:i "
    "neutralOrderType neutralAux:f",
    when(
        "neutralOrderType",
        fields("neutralConId:i neutralShort:b neutralSlot:i neutralLocation"),
    ),
    "continuousUpdate:b referencePriceType:i trailStopPrice:f trailingPercent:f comboDescription",
    _SHOWN_LEGS,
    "scaleInit:n scaleSubs:n scaleIncrement:f",
    when("scaleIncrement", fields(_SCALE)),
    "hedgeType",
    when("hedgeType", fields("hedgeParam")),
    "clearingAccount clearingIntent notHeld:b dncPresent:i",
    _NEUTRAL,
    "algoStrategy",
    _ALGO,
    "solicited:b status randomizeSize:b randomizePrice:b",
    when("orderType", fields(_PEG), value="PEG BENCH"),
    many("conditions", "text"),
    "adjTrailStopPrice:u limitOffset:u cashQty:f dontAutoHedge:b isOms:b autoCancelDate filledQuantity:f "
    "refFuturesConId:n autoCancelParent:b shareholder imbalanceOnly:b routeMarketable:b parentPermId "
    "completedTime completedStatus",
    _SIZES,
)

_PLACED_LEGS = (
    Many("legs", fields(LEG), "secType", "BAG"),
    Many("legPrices", fields("price:f"), "secType", "BAG"),
    Many("routing", fields("tag value"), "secType", "BAG"),
)
PLACE_ORDER = layout(
    3,
    "placeOrder",
    f"orderId:i {CONTRACT12} secIdType secId action quantity:f orderType limit:f aux:f tif ocaGroup account "
    "openClose origin:i orderRef transmit:b parentId:i blockOrder:b sweepToFill:b displaySize:i "
    "triggerMethod:i outsideRth:b hidden:b",
    _PLACED_LEGS,
    "sharesAllocation discretionaryAmt:f goodAfterTime goodTillDate faGroup faMethod faPercentage",
    until(177, "faProfile"),
    "modelCode shortSaleSlot:i designatedLocation exemptCode:i ocaType:i rule80A settlingFirm allOrNone:b "
    "minQty:i percentOffset:f eTradeOnly:b firmQuoteOnly:b nbboPriceCap:f auctionStrategy:i startingPrice:f "
    "stockRefPrice:f delta:f stockRangeLower:f stockRangeUpper:f overridePercentage:b volatility:f "
    "volatilityType:i neutralOrderType neutralAux:f",
    when(
        "neutralOrderType",
        fields(
            "neutralConId:i neutralFirm neutralAccount neutralIntent neutralOpenClose neutralShort:b "
            "neutralSlot:i neutralLocation"
        ),
    ),
    "continuousUpdate:b referencePriceType:i trailStopPrice:f trailingPercent:f scaleInit:i scaleSubs:i "
    "scaleIncrement:f",
    when("scaleIncrement", fields(_SCALE)),
    "scaleTable activeStart activeStop hedgeType",
    when("hedgeType", fields("hedgeParam")),
    "optOut:b clearingAccount clearingIntent notHeld:b dncPresent:b",
    when("dncPresent", fields("dncConId:i dncDelta:f dncPrice:f")),
    "algoStrategy",
    _ALGO,
    "algoId whatIf:b miscOptions solicited:b randomizeSize:b randomizePrice:b",
    when("orderType", fields(_PEG), value="PEG BENCH"),
    "nConditions:i",
    when(  # with conditions the rest cannot be told apart; such an order is refused
        "nConditions",
        fields(
            "adjustedOrderType triggerPrice:f limitOffset:f adjustedStopPrice:f adjustedStopLimit:f "
            "adjustedTrailing:f adjustableUnit:i extOperator tierName tierValue cashQty:f decisionMaker "
            "decisionAlgo executionTrader executionAlgo dontAutoHedge:b isOms:b discretionaryUpTo:b "
            "usePriceMgmt:b"
        ),
        since(158, "duration:i"),
        since(160, "postToAts:i"),
        since(162, "autoCancelParent:b"),
        since(166, "advancedOverride"),
        since(169, "manualOrderTime"),
        value=0,
    ),
)
