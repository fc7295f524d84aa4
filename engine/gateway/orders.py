"""All orders of all clients: taken, changed, cancelled, matched once a minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from engine.execution.fills import Match, traded
from engine.gateway.account import Account
from engine.gateway.catalogue import Catalogue
from engine.gateway.checks import (
    MISMATCH,
    Refusal,
    check_alive,
    check_change,
    check_funds,
    check_prices,
    check_words,
    combo_of,
    defaults,
    expired,
    leg_trades,
    rejected,
)
from engine.gateway.codec import Values
from engine.gateway.exchange import Exchange
from engine.gateway.faults import Event, Fault, Faults
from engine.gateway.listing import Listing
from engine.gateway.market import Traded
from engine.gateway.reports import bag_row, commission_row, leg_row
from engine.gateway.tickets import CANCELLED, FILLED, INACTIVE, PRESUBMITTED, SUBMITTED, Fill, Key, Ticket
from engine.options.combo import Combo
from engine.sessions import utc


class Listener(Protocol):
    """Who is told what becomes of orders."""

    def order(self, ticket: Ticket) -> None:
        """An order is new, changed or ended."""

    def fills(self, ticket: Ticket, fills: Sequence[Fill]) -> None:
        """An order has traded."""

    def error(self, client: int, number: int, code: int, text: str) -> None:
        """A client's request or order is refused, or ended."""

    def strike(self, fault: Fault) -> None:
        """A fault hits more than an order."""


class Orders:
    """The orders of a gateway.

    An order that came while minute t was the last finished one trades on minute t + 1's
    quotes at the earliest, as in the backtest; cancellations and changes count at once. With
    ``prompt``, which tells the time, what can trade on minute t's quotes trades at once.
    """

    def __init__(
        self,
        exchange: Exchange,
        catalogue: Catalogue,
        account: Account,
        listener: Listener,
        faults: Faults,
        series: int,
        prompt: Callable[[], datetime] | None = None,
    ) -> None:
        self.exchange, self.catalogue, self.account = exchange, catalogue, account
        self.listener, self.faults = listener, faults
        self.series, self._prompt = series, prompt
        self.tickets: dict[Key, Ticket] = {}
        self.fills: list[Fill] = []
        self.next_perm = 1_000_000_000 + series % 1_000_000 * 1000
        self.next_exec = 1
        self.next_ids: dict[int, int] = {}

    # what clients ask --------------------------------------------------------------------

    def next_id(self, client: int) -> int:
        """Return the next order number that is valid for a client."""
        return self.next_ids.get(client, 1)

    def roll_back(self, by: int) -> None:
        """Forget that the last order numbers of every client were used."""
        self.next_ids = {client: max(number - by, 1) for client, number in self.next_ids.items()}

    def place(self, client: int, values: Values) -> None:
        """Take a new order, or change a working one."""
        number = values["orderId"]
        try:
            check_words(values)
            combo, legs = combo_of(values, self.catalogue)
            check_prices(values, combo)
            known = self.tickets.get((client, number))
            if known is not None:
                self._change(known, values, combo)
                return
            if number < self.next_id(client):
                raise Refusal(103, "Duplicate order id")
            check_alive(combo, self.exchange)
            check_funds(values, combo, self.account, self.exchange)
            fault = self._fault("order", client, combo)
            if fault is not None and fault.do == "refuse":
                raise Refusal(fault.code or 201, fault.text or "Order rejected - reason:fault")
        except Refusal as refusal:
            self.listener.error(client, number, refusal.code, refusal.text)
            return
        self.next_ids[client] = number + 1
        asleep = values["orderType"].startswith("STP") or not self.exchange.open
        status = PRESUBMITTED if asleep else SUBMITTED
        ticket = Ticket(
            client, number, self.next_perm, values | defaults(values), combo, legs, self.exchange.bar, status
        )
        self.next_perm += 1
        self.tickets[ticket.key] = ticket
        if fault is not None and fault.do == "inactive":
            self.listener.error(client, number, 201, fault.text or "Order rejected - reason:fault")
            self.end(ticket, INACTIVE)
            return
        self.listener.order(ticket)
        self._after(fault, ticket)
        self._deal(ticket)

    def _deal(self, ticket: Ticket) -> None:
        """Let an order trade on the quotes of now, where the exchange is prompt."""
        if self._prompt is not None and ticket.open and self.exchange.open:
            self._match(ticket, self._prompt())

    def _change(self, ticket: Ticket, values: Values, combo: Combo) -> None:
        if not ticket.open:
            raise Refusal(104, "Cannot modify a filled order.")
        fault = self._fault("change", ticket.client, combo)
        if fault is not None and fault.do == "refuse":
            raise Refusal(fault.code or 105, fault.text or MISMATCH)
        check_change(ticket, values, combo)
        rest = values | {"quantity": values["quantity"] - ticket.filled}
        check_funds(rest, combo, self.account, self.exchange)
        ticket.values = values | defaults(values)
        ticket.bar = self.exchange.bar
        self.listener.order(ticket)
        self._after(fault, ticket)
        self._deal(ticket)

    def _fault(self, event: Event, client: int, combo: Combo) -> Fault | None:
        return self.faults.on(event, client=client, symbol=combo.symbol)

    def _after(self, fault: Fault | None, ticket: Ticket) -> None:
        """Do what a fault adds to an order that was taken all the same."""
        if fault is not None and fault.do == "notice":
            self.listener.error(ticket.client, ticket.order_id, fault.code, fault.text)
        elif fault is not None:
            self.listener.strike(fault)

    def what_if(self, values: Values) -> tuple[Combo, tuple[Listing, ...], list[Traded]]:
        """Return an order's combo, its legs and the trades it would lead to; `Refusal` where it is none."""
        check_words(values)
        combo, legs = combo_of(values, self.catalogue)
        check_prices(values, combo)
        quote, buy = self.exchange.quote(combo), values["action"] == "BUY"
        if quote is None:
            raise rejected("no market data to work out the margin")
        price = values["limit"] if values["orderType"] == "LMT" else quote.ask if buy else quote.bid
        return combo, legs, leg_trades(combo, buy, int(values["quantity"]), price, self.exchange)

    def cancel(self, client: int, number: int) -> None:
        """End an order on request."""
        ticket = self.tickets.get((client, number))
        if ticket is None:
            text = f"OrderId {number} that needs to be cancelled is not found."
            self.listener.error(client, number, 10147, text)
        elif not ticket.open:
            text = (
                f"Cancel attempted when order is not in a cancellable state. Order permId = {ticket.perm_id}"
            )
            self.listener.error(client, number, 161, text)
        else:
            self._cancel(ticket, self._fault("cancel", client, ticket.combo))

    def _cancel(self, ticket: Ticket, fault: Fault | None) -> None:
        client, number = ticket.key
        match fault.do if fault is not None else "":
            case "refuse":
                assert fault is not None
                text = fault.text or "Cancel attempted when order is not in a cancellable state."
                self.listener.error(client, number, fault.code or 161, text)
            case "ignore":
                return
            case "inactive":
                self.end(ticket, INACTIVE)
            case other:
                ticket.haunts = other == "late_fill"
                self.end(ticket, CANCELLED)
                self.listener.error(client, number, 202, "Order Canceled - reason:")
                if other == "drop" and fault is not None:
                    self.listener.strike(fault)

    def cancel_all(self) -> None:
        """End every working order of every client."""
        for ticket in self.open_tickets():
            self.end(ticket, CANCELLED)
            self.listener.error(ticket.client, ticket.order_id, 202, "Order Canceled - reason:")

    def end(self, ticket: Ticket, status: str) -> None:
        """Put an order to its end."""
        ticket.status = status
        ticket.ended = utc(self.exchange.market.tape.stamp[max(self.exchange.bar, 0)])
        self.listener.order(ticket)

    def open_tickets(self, client: int | None = None) -> list[Ticket]:
        """Return the working orders, of one client or of all."""
        return [t for t in self.tickets.values() if t.open and client in (None, t.client)]

    # the minute ---------------------------------------------------------------------------

    def step(self, at: datetime) -> None:
        """Match all working orders against the quotes of the minute that has just ended."""
        for ticket in [t for t in self.tickets.values() if t.open or t.haunts]:
            if ticket.bar < self.exchange.bar:
                self._match(ticket, at)

    def _match(self, ticket: Ticket, at: datetime) -> None:
        quote, settings = self.exchange.quote(ticket.combo), self.exchange.market.execution
        ticket.wake(quote)
        if ticket.awake and ticket.status == PRESUBMITTED:
            ticket.status = SUBMITTED
            self.listener.order(ticket)
        limit = (math.inf if ticket.buy else -math.inf) if ticket.haunts else ticket.limit
        found = traded(quote, ticket.combo, ticket.buy, limit, ticket.remaining, settings)
        if found is None:
            return
        fault = self._fault("trade", ticket.client, ticket.combo)
        if fault is not None and fault.do == "hold":
            return
        if fault is not None:
            found = Match(min(found.units, fault.units), found.price)
        ticket.haunts = False
        self.fill(ticket, found, at)

    def end_day(self) -> None:
        """End what was good for the day only, and orders for what has expired."""
        for ticket in self.tickets.values():
            ticket.haunts = False
        for ticket in self.open_tickets():
            if ticket.values["tif"] == "DAY" or expired(ticket.combo, self.exchange):
                self.end(ticket, CANCELLED)
                self.listener.error(ticket.client, ticket.order_id, 202, "Order Canceled - reason:")

    def fill(self, ticket: Ticket, found: Match, at: datetime) -> None:
        """Book that a part of an order, or all of it, has traded."""
        done = leg_trades(ticket.combo, ticket.buy, found.units, found.price, self.exchange)
        ticket.filled += found.units
        ticket.value += found.units * found.price
        ticket.last_price = found.price
        ticket.done += done
        ticket.status = FILLED if not ticket.remaining else ticket.status
        ticket.ended = at if not ticket.remaining else None
        fills = self._book(ticket, found, done, at)
        self.fills += fills
        self.listener.fills(ticket, fills)

    def _book(self, ticket: Ticket, found: Match, done: list[Traded], at: datetime) -> list[Fill]:
        stem = f"{self.series:08x}.{self.next_exec:08x}"
        self.next_exec += 1
        rows, place = [], 1
        if ticket.bag:
            row = bag_row(ticket, found, f"{stem}.01.01", at, self.account.name)
            rows.append(Fill(row, None, ticket.combo.symbol))
            place = 2
        fees = self._fees(ticket, done)
        for number, (leg, listing, fee) in enumerate(zip(done, ticket.legs, fees, strict=True)):
            name = f"{stem}.{place + number:02d}.01"
            cash = -round(leg.quantity * leg.price * leg.instrument.multiplier * 100.0)
            gain = self.account.book(leg, cash, fee)
            row = leg_row(ticket, found, leg, listing, name, at, self.account.name)
            rows.append(Fill(row, commission_row(name, fee, gain), ticket.combo.symbol))
        return rows

    def _fees(self, ticket: Ticket, done: list[Traded]) -> list[int]:
        """Return every leg's commission in cents: together what the order has come to owe now."""
        charge, day = self.exchange.market.fees, self.exchange.day
        total = round(charge(ticket.done, day) * 100.0)
        owed, ticket.charged = total - ticket.charged, total
        own = [max(charge([leg], day), 0.0) for leg in done]
        whole = sum(own) or 1.0
        parts = [int(owed * share / whole) for share in own]
        parts[-1] += owed - sum(parts)
        return parts
