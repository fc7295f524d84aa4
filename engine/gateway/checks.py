"""Why an order is not taken: what a real gateway refuses, in its words and with its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from engine.errors import OrderError
from engine.execution.working import combo_tick
from engine.gateway.account import Account
from engine.gateway.catalogue import Catalogue
from engine.gateway.codec import Values
from engine.gateway.exchange import Exchange
from engine.gateway.listing import INDEX, Listing
from engine.gateway.market import Traded
from engine.gateway.tickets import BAG, Ticket
from engine.options.combo import Combo
from engine.options.contract import Instrument, Leg
from engine.options.quotebook import Quote

ORDER_TYPES = ("LMT", "MKT", "STP", "STP LMT")
TIFS = ("DAY", "GTC", "")
MISMATCH = "Order being modified does not match original order."
_GRID = 1e-6


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """An error number and its text."""

    code: int
    text: str


def rejected(text: str) -> Refusal:
    """Return the refusal of an order that was understood."""
    return Refusal(201, f"Order rejected - reason:{text}")


def combo_of(values: Values, catalogue: Catalogue) -> tuple[Combo, tuple[Listing, ...]]:
    """Return what one unit of an order is, and its legs' listings.

    Raises
    ------
    Refusal
        No or more than one contract fits, or the legs make no combination.
    """
    try:
        if values["secType"] != BAG:
            listing = _one(catalogue.find(values))
            return Combo((Leg(_tradable(listing, catalogue), 1),), "single"), (listing,)
        legs, listings = [], []
        for row in values["legs"]:
            listing = _one(catalogue.find({"conId": row["conId"]}) if row["conId"] else [])
            instrument = _tradable(listing, catalogue)
            sign = {"BUY": 1, "SELL": -1}.get(row["action"])
            if sign is None:
                raise Refusal(321, f"Error validating request:-'bA' : cause - Invalid action {row['action']}")
            legs.append(Leg(instrument, sign * int(row["ratio"] or 0)))
            listings.append(listing)
        return Combo(tuple(legs), "bag"), tuple(listings)
    except OrderError as error:
        raise Refusal(321, f"Error validating request:-'bA' : cause - {error}") from None


def _one(found: list[Listing]) -> Listing:
    if len(found) == 1:
        return found[0]
    if found:
        raise Refusal(200, "The contract description specified for the request is ambiguous.")
    raise Refusal(200, "No security definition has been found for the request")


def _tradable(listing: Listing, catalogue: Catalogue) -> Instrument:
    if listing.kind == INDEX or listing.instrument is None:
        raise rejected("an index cannot be traded")
    if catalogue.product(listing.symbol) is None:
        raise rejected(f"{listing.symbol} is only quoted here")
    return listing.instrument


def check_words(values: Values) -> None:
    """Refuse an order whose words are not understood."""
    if values["action"] not in ("BUY", "SELL"):
        raise Refusal(321, f"Error validating request:-'bD' : cause - Invalid side: {values['action']}")
    quantity = values["quantity"]
    if quantity is None or quantity < 1 or quantity != int(quantity):
        raise Refusal(434, "The order size cannot be zero, and contracts and shares are whole.")
    if values["orderType"] not in ORDER_TYPES:
        raise Refusal(
            387, f"Unsupported order type for this exchange and security type: {values['orderType']}"
        )
    if values["tif"] not in TIFS:
        raise Refusal(321, f"Error validating request:-'bD' : cause - Invalid time in force: {values['tif']}")
    for field in ("nConditions", "neutralOrderType", "algoStrategy", "hedgeType", "ocaGroup", "parentId"):
        if values.get(field):
            raise Refusal(321, f"Error validating request:-'bD' : cause - {field} is not simulated")
    if not values["transmit"]:
        raise Refusal(321, "Error validating request:-'bD' : cause - transmit must be true")


def check_prices(values: Values, combo: Combo) -> None:
    """Refuse a price that is missing or lies off the grid of the contract's price steps."""
    kind = values["orderType"]
    for name, used in (("limit", kind in ("LMT", "STP LMT")), ("aux", kind in ("STP", "STP LMT"))):
        if not used:
            continue
        price = values[name]
        if price is None or not math.isfinite(price):
            raise Refusal(321, f"Error validating request:-'bD' : cause - {name} price is missing")
        if price <= 0.0 and len(combo.legs) == 1:
            raise Refusal(109, f"Price {price:g} is out of the range defined by the precautionary settings.")
        tick = combo_tick(combo, price)
        if abs(price / tick - round(price / tick)) > _GRID * max(abs(price / tick), 1.0):
            raise Refusal(110, "The price does not conform to the minimum price variation for this contract.")


def check_change(ticket: Ticket, values: Values, combo: Combo) -> None:
    """Refuse the change of an order into another one."""
    same = ("action", "secType", "orderType")
    if ticket.combo.legs != combo.legs or any(ticket.values[name] != values[name] for name in same):
        raise Refusal(105, MISMATCH)
    if values["quantity"] <= ticket.filled:
        raise rejected("the new size is not more than what has been filled")


def check_alive(combo: Combo, exchange: Exchange) -> None:
    """Refuse an order for what has expired."""
    if expired(combo, exchange):
        raise rejected("the contract has expired")


def expired(combo: Combo, exchange: Exchange) -> bool:
    """Tell whether an option of a combination has seen its last minute."""
    expiry = combo.expiry
    return expiry is not None and (expiry < exchange.day or (expiry == exchange.day and exchange.last_of_day))


def check_funds(values: Values, combo: Combo, account: Account, exchange: Exchange) -> None:
    """Refuse an order that would bind more than is available."""
    if values["account"] not in ("", account.name):
        raise Refusal(321, f"Error validating request:-'bD' : cause - Invalid account: {values['account']}")
    price = order_price(values, exchange.quote(combo))
    if price is None:
        return
    buy, units = values["action"] == "BUY", int(values["quantity"])
    before = account.funds(exchange)
    after = account.funds(exchange, leg_trades(combo, buy, units, price, exchange))
    if after.available < 0.0 and after.available < before.available:
        raise rejected(
            f"YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN "
            f"VALUE [{before.equity_with_loan:.2f} USD] MUST EXCEED THE INITIAL MARGIN "
            f"[{after.initial:.2f} USD]"
        )


def order_price(values: Values, quote: Quote | None) -> float | None:
    """Return what an order would trade at, USD per share; None where nothing tells."""
    if quote is None:
        return None
    price = quote.ask if values["action"] == "BUY" else quote.bid
    limit = values["limit"] if values["orderType"] in ("LMT", "STP LMT") else None
    if not math.isfinite(price):
        return limit
    return price


def leg_trades(combo: Combo, buy: bool, units: int, price: float, exchange: Exchange) -> list[Traded]:
    """Return the legs of an order as trades whose prices sum up to its own."""
    sign = 1 if buy else -1
    cents = exchange.market.split(combo, exchange.market.book.legs(combo), price)
    return [
        Traded(
            leg.instrument,
            sign * leg.ratio * units,
            paid / (100.0 * leg.ratio * leg.instrument.multiplier),
        )
        for leg, paid in zip(combo.legs, cents, strict=True)
    ]


def defaults(values: Values) -> dict[str, Any]:
    """Return the fields a gateway fills in by itself."""
    return {"tif": values["tif"] or "DAY"}
