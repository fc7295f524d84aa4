"""Makes a fault happen: to the connections, to what clients are sent, to the account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from engine.gateway import expiry, state
from engine.gateway.faults import Fault
from engine.gateway.venue import Venue
from engine.options.contract import Right

LOST = (1100, "Connectivity between IB and Trader Workstation has been lost.")
BACK_LOST = (1101, "Connectivity between IB and TWS has been restored- data lost.")
BACK_KEPT = (1102, "Connectivity between IB and Trader Workstation has been restored - data maintained.")


class Door(Protocol):
    """The port, as far as trouble can shut and open it."""

    def shut(self) -> None: ...

    def reopen(self) -> None: ...


class Trouble:
    """Carries out the faults of a script.

    Parameters
    ----------
    venue : Venue
    door : Door
    """

    def __init__(self, venue: Venue, door: Door) -> None:
        self.venue, self.door = venue, door
        self.seen = venue.now

    def look(self, now: datetime) -> None:
        """End what is over and begin what is due."""
        for fault in self.venue.faults.ended(now):
            self._end(fault)
        for fault in self.venue.faults.due(now, self.seen):
            self.happen(fault, now)
        self.seen = now

    def happen(self, fault: Fault, now: datetime) -> None:
        """Carry out one fault."""
        venue, until = self.venue, now + timedelta(seconds=fault.seconds)
        match fault.do:
            case "drop":
                self._cut(fault)
                if fault.seconds:
                    self._shut(fault, until)
            case "restart":
                self._cut(fault)
                state.restore(venue, state.dump(venue))
                self._shut(fault, until)
            case "outage":
                venue.tell_all(*LOST)
                venue.faults.begin(fault, until)
            case "notice":
                venue.tell_all(fault.code, fault.text)
            case "roll_back":
                venue.orders.roll_back(fault.by)
            case "assign":
                symbols = [fault.symbol] if fault.symbol else list(venue.market.products)
                rights = (fault.kind,) if fault.kind else tuple(Right)
                venue.holdings_changed(expiry.assign(venue.account, symbols, rights))
            case _:  # silence, rate, freeze, cross: whoever they concern asks whether they last
                venue.faults.begin(fault, until)

    def _cut(self, fault: Fault) -> None:
        for client in list(self.venue.clients):
            if fault.client in (None, client.number):
                client.close()

    def _shut(self, fault: Fault, until: datetime) -> None:
        self.door.shut()
        self.venue.faults.begin(fault, until)

    def _end(self, fault: Fault) -> None:
        if fault.do in ("drop", "restart"):
            self.door.reopen()
        if fault.do == "outage":
            if fault.lost:
                for client in self.venue.clients:
                    client.forget()
            self.venue.tell_all(*(BACK_LOST if fault.lost else BACK_KEPT))
