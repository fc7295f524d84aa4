"""Requests about orders: place, cancel, what is open, what is done, what has traded."""

from __future__ import annotations

from datetime import datetime

from engine.gateway.checks import Refusal
from engine.gateway.client import Client
from engine.gateway.codec import Values
from engine.gateway.reports import open_order, order_status, wire_time
from engine.gateway.tickets import PRESUBMITTED, Fill, Ticket
from engine.gateway.venue import Venue, send_execution
from engine.sessions import NEW_YORK


def place_order(venue: Venue, client: Client, asked: Values) -> None:
    """Take an order, change one, or say what it would bind."""
    if asked["whatIf"]:
        what_if(venue, client, asked)
    else:
        venue.orders.place(client.number, asked)


def what_if(venue: Venue, client: Client, asked: Values) -> None:
    """Send an order back with the margin and commission it would bring."""
    number = asked["orderId"]
    try:
        combo, legs, trades = venue.orders.what_if(asked)
    except Refusal as refusal:
        client.error(number, refusal.code, refusal.text)
        return
    before, after = venue.account.funds(venue.exchange), venue.account.funds(venue.exchange, trades)
    ticket = Ticket(client.number, number, 0, asked | {"tif": asked["tif"] or "DAY"}, combo, legs, 0)
    ticket.status = PRESUBMITTED
    commission = round(venue.market.fees(trades, venue.exchange.day), 4)
    sums = {
        "Before": (before.initial, before.initial, before.equity_with_loan),
        "Change": (
            after.initial - before.initial,
            after.initial - before.initial,
            after.equity_with_loan - before.equity_with_loan,
        ),
        "After": (after.initial, after.initial, after.equity_with_loan),
    }
    shown = open_order(ticket, venue.account.name)
    for moment, values in sums.items():
        for name, value in zip(("initMargin", "maintMargin", "equityWithLoan"), values, strict=True):
            shown[name + moment] = f"{value:.2f}"
    shown |= {"commission": commission, "commissionCurrency": "USD", "whatIf": True}
    client.send("openOrder", shown)


def cancel_order(venue: Venue, client: Client, asked: Values) -> None:
    """End an order."""
    venue.orders.cancel(client.number, asked["orderId"])


def global_cancel(venue: Venue, client: Client, asked: Values) -> None:
    """End every order of every client."""
    venue.orders.cancel_all()


def _send_open(venue: Venue, client: Client, number: int | None) -> None:
    for ticket in venue.orders.open_tickets(number):
        client.send("openOrder", open_order(ticket, venue.account.name))
        client.send("orderStatus", order_status(ticket))
    client.send("openOrderEnd")


def open_orders(venue: Venue, client: Client, asked: Values) -> None:
    """Send the client's own working orders."""
    _send_open(venue, client, client.number)


def all_open_orders(venue: Venue, client: Client, asked: Values) -> None:
    """Send the working orders of all clients."""
    _send_open(venue, client, None)


def completed_orders(venue: Venue, client: Client, asked: Values) -> None:
    """Send the orders that have ended today."""
    for ticket in venue.orders.tickets.values():
        if ticket.open:
            continue
        shown = open_order(ticket, venue.account.name) | {
            "completedTime": wire_time(ticket.ended or venue.now, client.version),
            "completedStatus": f"{ticket.status} Size: {ticket.filled}" if ticket.filled else ticket.status,
        }
        client.send("completedOrder", shown)
    client.send("completedOrdersEnd")


def executions(venue: Venue, client: Client, asked: Values) -> None:
    """Send today's executions that pass a filter, with their commissions, then the end."""
    request = asked["reqId"]
    for fill in venue.orders.fills:
        if not _passes(fill, asked, venue.now):
            continue
        send_execution(client, fill, request)
        if fill.commission is not None:
            client.send("commissionReport", fill.commission)
    client.send("execDetailsEnd", reqId=request)


def _passes(fill: Fill, asked: Values, now: datetime) -> bool:
    row = fill.execution
    at = datetime.fromisoformat(row["at"]).astimezone(NEW_YORK)
    since = _since(asked["time"])
    wanted = {
        "clientId": asked["clientId"] or None,
        "account": asked["account"] or None,
        "symbol": asked["symbol"] or None,
        "secType": asked["secType"] or None,
        "execExchange": asked["exchange"] or None,
        "side": {"BUY": "BOT", "SELL": "SLD"}.get(asked["side"], asked["side"] or None),
    }
    if at.date() != now.date() or (since is not None and at < since):
        return False
    return all(value is None or row[name] == value for name, value in wanted.items())


def _since(text: str) -> datetime | None:
    words = text.replace("-", " ", 1).split()
    try:
        return datetime.strptime(" ".join(words[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=NEW_YORK)
    except ValueError:
        return None


ORDERS = {
    "placeOrder": place_order,
    "cancelOrder": cancel_order,
    "globalCancel": global_cancel,
    "openOrders": open_orders,
    "allOpenOrders": all_open_orders,
    "completedOrders": completed_orders,
    "executions": executions,
}
