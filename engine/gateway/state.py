"""The gateway's memory across its own restarts: one JSON file, replaced as a whole."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import DataError
from engine.gateway.account import Holding
from engine.gateway.listing import instrument_of, listed
from engine.gateway.market import Traded
from engine.gateway.tickets import Fill, Ticket
from engine.gateway.venue import Venue
from engine.options.combo import Combo
from engine.options.contract import Leg
from engine.sessions import replace_file

VERSION = 1
Told = dict[str, Any]


def dump(venue: Venue) -> Told:
    """Return everything a gateway must not forget, as JSON takes it."""
    orders, account = venue.orders, venue.account
    return {
        "version": VERSION,
        "at": venue.now.isoformat(),
        "account": account.name,
        "cash": account.cash,
        "opening_equity": account.opening_equity,
        "holdings": [
            [listed(i).local_symbol, held.count, held.price, held.realized]
            for i, held in account.holdings.items()
        ],
        "tickets": [_ticket(ticket) for ticket in orders.tickets.values()],
        "fills": [[fill.execution, fill.commission, fill.symbol] for fill in orders.fills],
        "next_perm": orders.next_perm,
        "next_exec": orders.next_exec,
        "next_ids": list(orders.next_ids.items()),
    }


def restore(venue: Venue, told: Told) -> None:
    """Put a venue into the state that was dumped."""
    products = venue.market.products.values()
    orders, account = venue.orders, venue.account
    account.name, account.cash = told["account"], told["cash"]
    account.opening_equity = told["opening_equity"]
    account.holdings = {
        instrument_of(name, products): Holding(count, price, realized)
        for name, count, price, realized in told["holdings"]
    }
    orders.tickets = {}
    for row in told["tickets"]:
        ticket = _restored(row, venue)
        orders.tickets[ticket.key] = ticket
    orders.fills = [Fill(*row) for row in told["fills"]]
    orders.next_perm, orders.next_exec = told["next_perm"], told["next_exec"]
    orders.next_ids = {int(client): number for client, number in told["next_ids"]}


def _ticket(ticket: Ticket) -> Told:
    return {
        "key": ticket.key,
        "perm_id": ticket.perm_id,
        "values": ticket.values,
        "structure": ticket.combo.structure,
        "legs": [[listed(leg.instrument).local_symbol, leg.ratio] for leg in ticket.combo.legs],
        "bar": ticket.bar,
        "status": ticket.status,
        "filled": ticket.filled,
        "value": ticket.value,
        "last_price": ticket.last_price,
        "triggered": ticket.triggered,
        "done": [[listed(one.instrument).local_symbol, one.quantity, one.price] for one in ticket.done],
        "charged": ticket.charged,
        "ended": ticket.ended and ticket.ended.isoformat(),
        "haunts": ticket.haunts,
    }


def _restored(row: Told, venue: Venue) -> Ticket:
    products = venue.market.products.values()
    legs = tuple(Leg(instrument_of(name, products), ratio) for name, ratio in row["legs"])
    listings = tuple(venue.catalogue.add(listed(leg.instrument)) for leg in legs)
    client, number = row["key"]
    return Ticket(
        client,
        number,
        row["perm_id"],
        row["values"],
        Combo(legs, row["structure"]),
        listings,
        min(row["bar"], venue.exchange.bar),
        row["status"],
        row["filled"],
        row["value"],
        row["last_price"],
        row["triggered"],
        [Traded(instrument_of(name, products), n, price) for name, n, price in row["done"]],
        row["charged"],
        datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        row["haunts"],
    )


def read(path: Path) -> Told | None:
    """Return the state in a file, None where there is none.

    Raises
    ------
    DataError
        The file is no state of a gateway.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as the state of a gateway: {error}") from None
    if not isinstance(told, dict) or told.get("version") != VERSION:
        raise DataError(f"{path}: expected the state of a gateway, version {VERSION}")
    return told


def write(path: Path, told: Told) -> None:
    """Replace a file by a state, so that a reader, or a restart, never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(told, out)
        out.flush()
        os.fsync(out.fileno())
    replace_file(path, Path(part))
