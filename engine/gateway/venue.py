"""Everything a request works on: market, orders, account, clock, and who is connected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.gateway.account import Account
from engine.gateway.catalogue import Catalogue
from engine.gateway.client import Client
from engine.gateway.clock import GatewayClock
from engine.gateway.exchange import Exchange
from engine.gateway.faults import Fault, Faults
from engine.gateway.market import Market
from engine.gateway.orders import Orders
from engine.gateway.reports import open_order, order_status, wire_time
from engine.gateway.statements import Statements
from engine.gateway.tickets import Fill, Ticket

UNSOLICITED = -1
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a gateway is started with.

    Parameters
    ----------
    speed : float
        Simulated seconds in a second, 0.1 to 1000; 0 stands still until stepped by hand.
    seed : int
        Of what is drawn: execution numbers and the path inside a minute of 5-second bars.
    cash : float
        USD the account begins with.
    account : str
        Its name; ``DU`` begins that of a paper account.
    max_version : int
        The highest server version it speaks, 157 to 178 without 158.
    lines : int
        Market-data subscriptions a client may hold.
    rate : int
        Messages a client may send within a second of the machine's time.
    backlog : int
        Bytes a client may leave unread.
    pulse : float
        How often a second of the machine's time every bid and ask is sent again; 0 never.
    prompt : bool
        Deal at once what can trade on the quotes shown, as a real exchange does; otherwise on the next
        minute's, as a backtest does.
    skip_nights : bool
        Jump from five minutes after a close to five minutes before the next opening.
    """

    speed: float = 60.0
    seed: int = 7
    cash: float = 25_000.0
    account: str = "DU0000007"
    max_version: int = 178
    lines: int = 100
    rate: int = 100
    backlog: int = 16_000_000
    pulse: float = 0.0
    prompt: bool = False
    skip_nights: bool = True


@dataclass
class Venue:
    """The state of a gateway and how its clients hear of changes."""

    market: Market
    settings: GatewaySettings
    clock: GatewayClock
    faults: Faults = field(default_factory=Faults)
    exchange: Exchange = field(init=False)
    catalogue: Catalogue = field(init=False)
    account: Account = field(init=False)
    orders: Orders = field(init=False)
    statements: Statements = field(init=False)
    clients: list[Client] = field(default_factory=list)
    peaks: dict[int, int] = field(default_factory=dict)  # client to its most messages in a second
    changed: bool = True  # since the state was written last
    strike: Callable[[Fault], None] = field(default=lambda fault: None)  # set by the server

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.market, self.clock.now())
        self.catalogue = Catalogue(self.market)
        self.catalogue.rehearse()
        self.account = Account(self.settings.account, round(self.settings.cash * 100.0))
        self.account.new_day(self.exchange)
        self.statements = Statements(self.account, self.exchange)
        self.orders = Orders(
            self.exchange, self.catalogue, self.account, self, self.faults, self.settings.seed & 0xFFFFFFFF,
            self.clock.now if self.settings.prompt else None,
        )  # fmt: skip

    @property
    def now(self) -> datetime:
        """The gateway's own time."""
        return self.clock.now()

    def of(self, number: int) -> list[Client]:
        """Return the connection of a client id, when there is one."""
        return [client for client in self.clients if client.number == number]

    # what becomes of orders -----------------------------------------------------------------

    def order(self, ticket: Ticket) -> None:
        """Tell an order's client how it stands."""
        self.changed = True
        for client in self.reached(ticket.client):
            client.send("openOrder", open_order(ticket, self.account.name))
            client.send("orderStatus", order_status(ticket))

    def fills(self, ticket: Ticket, fills: Sequence[Fill]) -> None:
        """Tell an order's client what has traded, then how it stands, then what it cost."""
        self.changed = True
        fault = self.faults.on("filled", symbol=ticket.combo.symbol, client=ticket.client)
        if fault is not None:
            self.strike(fault)
        for client in self.reached(ticket.client) if fault is None or fault.do != "lost" else ():
            for fill in fills:
                send_execution(client, fill, UNSOLICITED)
            client.send("openOrder", open_order(ticket, self.account.name))
            client.send("orderStatus", order_status(ticket))
            for fill in fills:
                if fill.commission is not None:
                    client.send("commissionReport", fill.commission)
        self.holdings_changed({leg.instrument.symbol for leg in ticket.combo.legs})

    def error(self, client: int, number: int, code: int, text: str) -> None:
        """Tell a client of an error."""
        for one in self.of(client):
            one.error(number, code, text)

    def tell_all(self, code: int, text: str) -> None:
        """Tell every client of something that concerns no request."""
        for client in self.clients:
            client.error(UNSOLICITED, code, text)

    def reached(self, number: int) -> list[Client]:
        """Return the connection of a client id unless the gateway itself is cut off now."""
        return [] if self.cut_off else self.of(number)

    @property
    def cut_off(self) -> bool:
        """Whether the gateway has lost the exchange, so that it knows nothing new."""
        return self.faults.lasting("outage") is not None

    # the account ------------------------------------------------------------------------------

    def holdings_changed(self, symbols: Iterable[str]) -> None:
        """Tell whoever watches positions about those of some symbols."""
        self.changed = True
        if self.cut_off:
            return
        for client in self.clients:
            if client.positions:
                self.statements.positions(client, symbols)
        self.publish_account()

    def publish_account(self) -> None:
        """Send whoever watches the account how it stands now."""
        if not self.cut_off:
            for client in self.clients:
                self.statements.publish(client, self.now)


def send_execution(client: Client, fill: Fill, request: int) -> None:
    """Send one row of the execution report."""
    at = datetime.fromisoformat(fill.execution["at"])
    client.send("execDetails", fill.execution, reqId=request, time=wire_time(at, client.version))
