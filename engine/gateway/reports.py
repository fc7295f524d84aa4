"""What a client is shown of orders and executions, as message fields."""

from __future__ import annotations

from datetime import datetime

from engine.execution.fills import Match
from engine.gateway.codec import UNSET, Values
from engine.gateway.listing import Listing
from engine.gateway.market import Traded
from engine.gateway.tickets import Ticket

BAG_NUMBER = 28812380  # the number every combination on SMART goes by
ZONE = "US/Eastern"
MARGINS = tuple(
    name + moment
    for name in ("initMargin", "maintMargin", "equityWithLoan")
    for moment in ("Before", "Change", "After")
)


def bag_contract(ticket: Ticket) -> Values:
    """Return the contract fields of a combination."""
    return {
        "conId": BAG_NUMBER,
        "symbol": ticket.combo.symbol,
        "secType": "BAG",
        "strike": 0.0,
        "right": "",
        "exchange": ticket.values["exchange"] or "SMART",
        "currency": "USD",
        "localSymbol": str(BAG_NUMBER),
        "tradingClass": "COMB",
    }


def contract(ticket: Ticket) -> Values:
    """Return the contract fields of what an order trades."""
    if ticket.bag:
        return bag_contract(ticket)
    return ticket.legs[0].fields(ticket.values["exchange"] or "SMART")


def combo_description(ticket: Ticket) -> str:
    """Return the legs as ``9408|-1,43645865|1``."""
    return ",".join(
        f"{listing.number}|{leg.ratio}" for listing, leg in zip(ticket.legs, ticket.combo.legs, strict=True)
    )


def open_order(ticket: Ticket, account: str) -> Values:
    """Return the fields of ``openOrder`` and, as far as they go, of ``completedOrder``."""
    shown = ticket.values | contract(ticket)
    shown["right"] = shown["right"] or "?"
    shown |= {
        "clientId": ticket.client,
        "permId": ticket.perm_id,
        "account": account,
        "limit": ticket.values["limit"] or 0.0,
        "aux": ticket.values["aux"] or 0.0,
        "exemptCode": -1,
        "comboDescription": combo_description(ticket) if ticket.bag else "",
        "legs": ticket.values.get("legs", ()),
        "dncPresent": 0,
        "status": ticket.status,
        "neutralOrderType": "None",
        "neutralConId": 0,
        "clearingIntent": "IB",
        "filledQuantity": ticket.filled,
        "conditions": (),
        "scaleIncrement": None,
        "adjustedOrderType": "None",
    } | dict.fromkeys(MARGINS, UNSET)
    if not ticket.bag:
        shown |= {"legs": (), "legPrices": (), "routing": ()}
    return shown


def order_status(ticket: Ticket) -> Values:
    """Return the fields of ``orderStatus``."""
    return {
        "orderId": ticket.order_id,
        "status": ticket.status,
        "filled": ticket.filled,
        "remaining": ticket.remaining,
        "avgFillPrice": round(ticket.average, 8),
        "permId": ticket.perm_id,
        "parentId": 0,
        "lastFillPrice": ticket.last_price,
        "clientId": ticket.client,
        "mktCapPrice": 0.0,
    }


def _execution(ticket: Ticket, name: str, at: datetime, account: str) -> Values:
    return {
        "orderId": ticket.order_id,
        "clientId": ticket.client,
        "permId": ticket.perm_id,
        "orderRef": ticket.values["orderRef"],
        "account": account,
        "execId": name,
        "at": at.isoformat(),
        "execExchange": "CBOE" if ticket.bag else "SMART",
        "liquidation": 0,
        "evMultiplier": 0.0,
        "lastLiquidity": 2,
    }


def bag_row(ticket: Ticket, found: Match, name: str, at: datetime, account: str) -> Values:
    """Return the execution of a combination as one: units at its net price."""
    return (
        _execution(ticket, name, at, account)
        | bag_contract(ticket)
        | {
            "side": "BOT" if ticket.buy else "SLD",
            "shares": found.units,
            "price": found.price,
            "cumQty": ticket.filled,
            "avgPrice": round(ticket.average, 8),
        }
    )


def leg_row(
    ticket: Ticket, found: Match, leg: Traded, listing: Listing, name: str, at: datetime, account: str
) -> Values:
    """Return the execution of one leg, or of an order for one instrument."""
    size = abs(leg.quantity)
    total = sum(abs(done.quantity) for done in ticket.done if done.instrument == leg.instrument)
    spent = sum(abs(done.quantity) * done.price for done in ticket.done if done.instrument == leg.instrument)
    return (
        _execution(ticket, name, at, account)
        | listing.fields(ticket.values["exchange"] or "SMART")
        | {
            "side": "BOT" if leg.quantity > 0 else "SLD",
            "shares": size,
            "price": round(leg.price, 8),
            "cumQty": total,
            "avgPrice": round(spent / total, 8),
        }
    )


def commission_row(name: str, fee: int, gain: float | None) -> Values:
    """Return the fields of ``commissionReport``; what was realised only where something was closed."""
    return {
        "execId": name,
        "commission": fee / 100.0,
        "currency": "USD",
        "realizedPNL": None if gain is None else round(gain, 6),
        "yield": None,
        "redemption": "",
    }


def wire_time(at: datetime, version: int) -> str:
    """Return an instant as executions and bars have it: with its zone from server version 174 on."""
    if version >= 174:
        return f"{at:%Y%m%d %H:%M:%S} {ZONE}"
    return f"{at:%Y%m%d  %H:%M:%S}"
