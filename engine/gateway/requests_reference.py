"""Requests for facts: contracts, chains, price steps, time, order numbers."""

from __future__ import annotations

from engine.gateway.client import Client
from engine.gateway.codec import Values
from engine.gateway.listing import OPTION
from engine.gateway.reports import wire_time
from engine.gateway.tickets import BAG
from engine.gateway.venue import FARMS, Venue
from engine.sessions import utc

NO_DEFINITION = "No security definition has been found for the request"


def start_api(venue: Venue, client: Client, asked: Values) -> None:
    """Answer a client's first message; its number was claimed before."""
    client.send("managedAccounts", accounts=venue.account.name)
    client.send("nextValidId", orderId=venue.orders.next_id(client.number))
    for code, text in FARMS:
        client.error(-1, code, text)


def contract_details(venue: Venue, client: Client, asked: Values) -> None:
    """Send every contract that fits a description."""
    request = asked["reqId"]
    if asked["secType"] == BAG:
        text = "Error validating request:-'bP' : cause - Please enter a valid security type"
        client.error(request, 321, text)
        return
    found = venue.catalogue.find(asked)
    if not found:
        client.error(request, 200, NO_DEFINITION)
        return
    for listing in found:
        client.send("contractDetails", venue.catalogue.details(listing), reqId=request)
    client.send("contractDetailsEnd", reqId=request)


def option_parameters(venue: Venue, client: Client, asked: Values) -> None:
    """Send expiries and strikes of an underlying's options."""
    request, symbol = asked["reqId"], asked["symbol"]
    product = venue.catalogue.product(symbol)
    if product is not None:
        expiries = venue.catalogue.expiries(symbol)
        strikes = sorted({price for day in expiries for price in venue.catalogue.strikes(symbol, day)})
        under = venue.catalogue.find({"secType": asked["secType"], "symbol": symbol})
        for exchange in ("SMART", "CBOE") if under and expiries else ():
            client.send(
                "optionParameters",
                reqId=request,
                exchange=exchange,
                underConId=under[0].number,
                tradingClass=product.trading_class,
                multiplier=str(product.multiplier),
                expirations=[{"expiry": f"{day:%Y%m%d}"} for day in expiries],
                strikes=[{"strike": price} for price in strikes],
            )
    client.send("optionParametersEnd", reqId=request)


def market_rule(venue: Venue, client: Client, asked: Values) -> None:
    """Send the price steps of a rule."""
    increments = venue.catalogue.rule(asked["ruleId"] or 0)
    if increments is None:
        client.error(-1, 321, f"Error validating request:-'cp' : cause - no market rule {asked['ruleId']}")
        return
    client.send("marketRule", ruleId=asked["ruleId"], increments=increments)


def current_time(venue: Venue, client: Client, asked: Values) -> None:
    """Send the gateway's own time."""
    client.send("currentTime", time=int(venue.now.timestamp()))


def next_id(venue: Venue, client: Client, asked: Values) -> None:
    """Send the next order number."""
    client.send("nextValidId", orderId=venue.orders.next_id(client.number))


def managed_accounts(venue: Venue, client: Client, asked: Values) -> None:
    """Send the names of the accounts."""
    client.send("managedAccounts", accounts=venue.account.name)


def head_timestamp(venue: Venue, client: Client, asked: Values) -> None:
    """Send the instant at which the data of a contract begin."""
    found = venue.catalogue.find(asked)
    if len(found) != 1 or found[0].kind == OPTION:
        client.error(asked["reqId"], 162, "Historical Market Data Service error message:No head time stamp")
        return
    first = int(venue.market.tape.stamp[0]) - 60_000_000_000
    text = str(first // 1_000_000_000) if asked["formatDate"] == 2 else wire_time(utc(first), client.version)
    client.send("headTimestamp", reqId=asked["reqId"], time=text)


def nothing(venue: Venue, client: Client, asked: Values) -> None:
    """Take note of what needs no answer."""


REFERENCE = {
    "startApi": start_api,
    "contractDetails": contract_details,
    "optionParameters": option_parameters,
    "marketRule": market_rule,
    "currentTime": current_time,
    "nextId": next_id,
    "managedAccounts": managed_accounts,
    "headTimestamp": head_timestamp,
    "cancelHeadTimestamp": nothing,
    "logLevel": nothing,
    "autoOpenOrders": nothing,
}
