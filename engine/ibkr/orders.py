"""How our orders look at TWS: sign, routing, price steps."""

from __future__ import annotations

from typing import Any

from engine.execution.working import against, combo_tick
from engine.ibkr.contracts import Contracts, Deal
from engine.ibkr.library import library
from engine.options.combo import Combo
from engine.options.contract import Contract

STOP_SUFFIX = "/stop"
STOP_BEYOND = 1.5  # planned losses: the bot's own stop is confirmed first, as in a backtest
STOP_WIDTH_SHARE = 0.95  # a stop beyond the combo's width would never trigger


def order_price(contracts: Contracts, combo: Combo, deal: Deal, buy: bool, price: float) -> float:
    """Return a combo's price as TWS wants it: of the BAG or instrument, on its price step.

    A BAG is bought at a negative price for a credit and sold at a negative one to pay.
    """
    told = price * deal.scale
    if len(combo.legs) > 1:
        tick = combo.product.tick.combo
    elif isinstance(combo.legs[0].instrument, Contract):
        tick = contracts.tick(combo.legs[0].instrument, told)
    else:
        tick = combo_tick(combo, told)
    bought = action(deal, buy) == "BUY"
    told = against(told, tick, bought)
    return told if len(combo.legs) > 1 else max(told, tick)


def action(deal: Deal, buy: bool) -> str:
    """Return BUY or SELL."""
    return "BUY" if (deal.side > 0) is buy else "SELL"


def limit_order(deal: Deal, buy: bool, units: int, price: float, ref: str, account: str) -> Any:
    """Return a day limit order over ``units`` of the combo.

    The time in force is explicit (a preset's would be told as error 10349); one net price, no
    price per leg, and guaranteed, which for four legs is the only way.
    """
    return _order(deal, buy, units, ref, account, orderType="LMT", lmtPrice=price)


def stop_order(deal: Deal, units: int, price: float, ref: str, account: str) -> Any:
    """Return the day stop order that gives ``units`` of a bought combo back at ``price`` or worse."""
    return _order(deal, False, units, ref, account, orderType="STP", auxPrice=price)


def _order(deal: Deal, buy: bool, units: int, ref: str, account: str, **kind: Any) -> Any:
    return library().Order(
        action=action(deal, buy),
        totalQuantity=units * deal.units,
        tif="DAY",
        orderRef=ref,
        account=account,
        transmit=True,
        **kind,
    )


def stop_level(combo: Combo, credit: float, multiple: float, planned: float = 0.0) -> float:
    """Return the price (USD per share of the combo as bought, negative) at which a stop gives it back.

    ``multiple`` credits, and beyond where the bot itself would leave at its ``planned`` loss, USD per
    share; but within the width: no spread is ever worth more than that.
    """
    tick = combo.product.tick.combo
    most = combo.width * STOP_WIDTH_SHARE if combo.width > 0.0 else float("inf")
    return against(-min(max(multiple * credit, credit + STOP_BEYOND * planned), most), tick, True)
