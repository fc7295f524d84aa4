"""The gateway as a program sees it: started, asked for the truth, stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from loguru import logger

from engine.errors import ConfigError
from engine.gateway.clock import GatewayClock
from engine.gateway.codec import MAX_VERSION, MIN_VERSION, Values
from engine.gateway.exchange import session_hours
from engine.gateway.faults import Fault, Faults
from engine.gateway.listing import listed
from engine.gateway.market import Market
from engine.gateway.reports import order_status
from engine.gateway.server import UNKNOWN_VERSION, Server
from engine.gateway.state import read, restore
from engine.gateway.venue import GatewaySettings, Venue

T = TypeVar("T")
PATIENCE = 60.0  # seconds of the machine's time, which may be busy


class Gateway:
    """A TWS-protocol gateway on this machine, in a thread of its own.

    ``with Gateway(market, speed=60, seed=7, port=0) as gateway: gateway.port``

    Parameters
    ----------
    market : Market
        Its quote book belongs to the gateway from now on.
    port : int
        0 takes any free port.
    start : datetime, optional
        Aware; where the clock begins, by default five minutes before the tape's first session.
    faults : Faults or sequence of Fault
        What goes wrong.
    state : Path, optional
        A file that keeps its state; where there is one, it goes on from there.
    loop : asyncio event loop, optional
        To run in; of its time is the second in which a client may send so many messages.
    **settings
        Fields of `GatewaySettings`.

    Raises
    ------
    ConfigError
        A setting out of range, or a port that is taken.
    """

    def __init__(
        self,
        market: Market,
        port: int = 0,
        start: datetime | None = None,
        faults: Sequence[Fault] | Faults = (),
        state: Path | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        **settings: Any,
    ) -> None:
        chosen = GatewaySettings(**settings)
        versions = f"{MIN_VERSION} to {MAX_VERSION} without {UNKNOWN_VERSION}"
        if not MIN_VERSION <= chosen.max_version <= MAX_VERSION or chosen.max_version == UNKNOWN_VERSION:
            raise ConfigError(f"max_version is {chosen.max_version}, expected {versions}")
        begin = start or session_hours(market.tape.dates[0])[0] - timedelta(minutes=5)
        told = read(state) if state is not None else None
        if told is not None:
            begin = max(begin, datetime.fromisoformat(told["at"]))
        script = faults if isinstance(faults, Faults) else Faults(faults)
        self._asked_port, self._begin = port, begin
        self._venue = Venue(market, chosen, GatewayClock(begin, chosen.speed), script)
        if told is not None:
            restore(self._venue, told)
        self._server = Server(self._venue, state)
        self._loop = loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="gateway", daemon=True)
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._failure: BaseException | None = None

    # life --------------------------------------------------------------------------------

    def start(self) -> Self:
        """Open the port and let the clock run."""
        self._venue.clock.jump(self._begin)  # it has run since it was made
        self._thread.start()
        self._ready.wait(PATIENCE)
        if self._failure is not None:
            raise ConfigError(f"port {self._asked_port}: the gateway cannot listen there: {self._failure}")
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it has closed by itself meanwhile
                self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._server.listen(self._asked_port))
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        player = self._server.player
        running = (player.run(), player.beat()) if self._venue.clock.speed else (player.beat(),)
        plays = [self._loop.create_task(play) for play in running]
        for play in plays:
            play.add_done_callback(self._ended)
        self._ready.set()
        self._loop.run_until_complete(self._over.wait())
        for play in plays:
            play.cancel()
        self._loop.run_until_complete(self._server.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _ended(self, play: asyncio.Task[None]) -> None:
        """Close the gateway whose clock cannot go on: a market that stands still would not be noticed."""
        if not play.cancelled() and play.exception() is not None:
            logger.opt(exception=play.exception()).error("gateway: the clock has stopped")
            self._over.set()

    def call(self, what: Callable[[Venue], T]) -> T:
        """Run something on the gateway's own thread and return what it returns."""

        async def run() -> T:
            told = what(self._venue)
            await self._server.settled()
            return told

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    # the truth -----------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def now(self) -> datetime:
        """Its own time."""
        return self._venue.now

    @property
    def happened(self) -> list[str]:
        """The faults so far, in the order they happened."""
        return list(self._venue.faults.happened)

    def executions(self) -> list[Values]:
        """Return every execution of this run, combinations and legs, with ``commission`` where one is due."""
        return self.call(
            lambda venue: [
                fill.execution | {"commission": fill.commission and fill.commission["commission"]}
                for fill in venue.orders.fills
            ]
        )

    def positions(self) -> dict[str, int]:
        """Return what is held now: local symbol to signed count."""
        return self.call(
            lambda venue: {listed(i).local_symbol: held.count for i, held in venue.account.open_holdings()}
        )

    def open_orders(self) -> list[Values]:
        """Return the working orders: all placed fields and how each stands."""
        return self.call(
            lambda venue: [ticket.values | order_status(ticket) for ticket in venue.orders.open_tickets()]
        )

    def orders(self) -> list[Values]:
        """Return all orders ever taken: all placed fields and how each stands."""
        return self.call(
            lambda venue: [ticket.values | order_status(ticket) for ticket in venue.orders.tickets.values()]
        )

    def peak_rate(self, client: int) -> int:
        """Return the most messages a client id has sent within any second, over all its connections."""
        return self.call(lambda venue: venue.peaks.get(client, 0))

    def traffic(self) -> dict[int, tuple[int, int]]:
        """Return the bytes sent and received of every connection, by the other side's port."""
        return {port: (one.sent, one.received) for port, one in list(self._server.traffic.items())}

    def due(self) -> datetime | None:
        """Return the next instant at which anything happens, None when the tape is over."""
        return self.call(lambda venue: self._server.player.next_due())

    def go(self, until: datetime) -> None:
        """Move to an instant; for a gateway whose clock stands (speed 0)."""
        self.call(lambda venue: self._server.player.go(until))

    def stand(self, at: datetime) -> None:
        """Stand at an instant before the next `due`, from any thread; at speed 0."""
        self._venue.clock.jump(at)

    def step(self, minutes: int = 1) -> None:
        """End so many minutes now; for a gateway whose clock stands (speed 0)."""

        def run(venue: Venue) -> None:
            for _ in range(minutes):
                if not self._server.player.step():
                    return

        self.call(run)
