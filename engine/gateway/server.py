"""The TCP side: handshakes, frames, dispatch."""

from __future__ import annotations

import asyncio
import re
import struct
from pathlib import Path

from loguru import logger

from engine.errors import DataError
from engine.gateway import state
from engine.gateway.client import Client, Traffic
from engine.gateway.codec import MIN_VERSION, Values, decode, frame, unframe
from engine.gateway.incoming import REQUESTS
from engine.gateway.player import Player
from engine.gateway.requests import HANDLERS
from engine.gateway.trouble import Trouble
from engine.gateway.venue import Venue

HOST = "127.0.0.1"
GREETING = b"API\0"
LONGEST = 1_000_000  # bytes of a frame
TOO_OFTEN = 3  # messages over the limit end a connection
NEEDS_EXCHANGE = frozenset({"placeOrder", "cancelOrder", "globalCancel"})
NOT_SUBSCRIBED = "Requested market data is not subscribed."
IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
UNKNOWN_VERSION = 158  # one library writes by it and reads without it


class Server:
    """Serves a venue to its clients.

    Parameters
    ----------
    venue : Venue
    file : Path, optional
        Where its state is kept.
    """

    def __init__(self, venue: Venue, file: Path | None = None) -> None:
        self.venue = venue
        self.port = 0
        self.trouble = Trouble(venue, self)
        self.player = Player(venue, self.trouble, self.commit)
        self._file = file
        venue.strike = lambda fault: self.trouble.happen(fault, venue.now)
        self._server: asyncio.Server | None = None
        self.traffic: dict[int, Traffic] = {}  # of every connection, by the other side's port
        self._talks: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None

    async def listen(self, port: int) -> None:
        """Open the port, 0 for any that is free."""
        self._server = await asyncio.start_server(self._meet, HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Close the port, so that nobody can connect."""
        if self._server is not None:
            self._server.close()

    def reopen(self) -> None:
        """Open the same port again."""
        self._opening = asyncio.get_running_loop().create_task(self.listen(self.port))

    async def settled(self) -> None:
        """Wait until the port is open again, where it is being opened."""
        if self._opening is not None:
            await self._opening
            self._opening = None

    def commit(self) -> None:
        """Write the state where it has changed, then let clients hear of it."""
        if self._file is not None and self.venue.changed:
            state.write(self._file, state.dump(self.venue))
        self.venue.changed = False
        for client in self.venue.clients:
            if not client.flush(self.venue.settings.backlog):
                logger.warning("gateway: client {} does not read what it is sent: cut", client.number)

    async def close(self) -> None:
        """Close the port and every connection; the state is written once more."""
        if self._server is not None:
            self._server.close()
        self.venue.changed = True
        self.commit()
        for client in list(self.venue.clients):
            client.close()
        for task in list(self._talks):
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    # one connection ------------------------------------------------------------------------

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        client: Client | None = None
        port = writer.get_extra_info("peername")[1]
        traffic = self.traffic[port] = Traffic()
        try:
            client = await self._greet(reader, writer, traffic)
            if client is not None:
                self.venue.clients.append(client)
                await self._talk(client, reader)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side has gone, or the server closes
        except Exception:  # noqa: BLE001  the boundary: one connection must not end the others
            logger.exception("gateway: a connection failed")
        finally:
            self._talks.discard(task)
            if client in self.venue.clients:
                self.venue.clients.remove(client)
            del self.traffic[port]
            writer.close()

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, traffic: Traffic
    ) -> Client | None:
        if await reader.readexactly(4) != GREETING:
            return None
        traffic.received += len(GREETING)
        told = re.fullmatch(
            r"v(\d+)(?:\.\.(\d+))?(?: .*)?", (await _body(reader, traffic)).decode(errors="replace")
        )
        if told is None:
            return None
        least, most = int(told[1]), int(told[2] or told[1])
        version = min(self.venue.settings.max_version, most)
        if version < max(least, MIN_VERSION):
            logger.warning(
                "gateway: a client speaks versions {} to {}, expected some from {} on",
                least,
                most,
                MIN_VERSION,
            )
            return None
        version = version - 1 if version == UNKNOWN_VERSION else version
        hello = frame([str(version), f"{self.venue.now:%Y%m%d %H:%M:%S} EST"])
        traffic.sent += len(hello)
        writer.write(hello)
        return Client(writer, version, traffic)

    async def _talk(self, client: Client, reader: asyncio.StreamReader) -> None:
        while not client.writer.is_closing():
            received = unframe(await _body(reader, client.traffic))
            rate, peaks = client.arrived(asyncio.get_running_loop().time()), self.venue.peaks
            peaks[client.number] = max(peaks.get(client.number, 0), rate)
            if rate > self._allowed():
                client.error(-1, 100, "Max rate of messages per second has been exceeded")
                client.violations += 1
                if client.violations >= TOO_OFTEN:
                    client.close()
            else:
                self._hear(client, received)
            self.commit()
            await client.writer.drain()

    def _allowed(self) -> int:
        fault = self.venue.faults.lasting("rate")
        return self.venue.settings.rate if fault is None else fault.limit

    def _hear(self, client: Client, received: list[str]) -> None:
        number = int(received[0]) if received[0].isdigit() else -1
        layout = REQUESTS.get(number)
        if layout is None:
            client.error(
                -1, 321, f"Error validating request:-'ae' : cause - request {received[0]} is not served"
            )
            return
        try:
            asked, _ = decode(layout, received, client.version)
        except DataError as error:
            request = received[2] if len(received) > 2 and received[2].isdigit() else "-1"
            client.error(int(request), 320, f"Error reading request. {error}")
            return
        if layout.name == "startApi":
            if not self._claim(client, asked["clientId"] or 0):
                return
        elif not client.ready:
            client.error(-1, 504, "Not connected")
            return
        if self._spoiled(client, layout.name, asked):
            return
        try:
            HANDLERS[layout.name](self.venue, client, asked)
        except Exception:  # noqa: BLE001  the boundary: one bad request must not end the gateway
            logger.exception("gateway: request {} failed", layout.name)
            client.error(_number(asked), 321, f"Error validating request: {layout.name} failed")

    def _spoiled(self, client: Client, name: str, asked: Values) -> bool:
        """Tell whether a fault takes the place of an answer."""
        faults, number = self.venue.faults, _number(asked)
        facts = {
            "request": name,
            "symbol": asked.get("symbol"),
            "kind": asked.get("secType"),
            "client": client.number,
        }
        if self.venue.cut_off and name in NEEDS_EXCHANGE:
            client.error(number, 504, "Not connected")
            return True
        lasting = faults.lasting("silence")
        if lasting is not None and lasting.fits(facts):
            return True
        fault = faults.on("request", **facts)
        if fault is None or (name == "marketData" and fault.do == "refuse" and client.delayed):
            return False
        if fault.do == "refuse":
            client.error(number, fault.code or 354, fault.text or NOT_SUBSCRIBED)
        elif fault.do == "drop" or fault.seconds:
            self.trouble.happen(fault, self.venue.now)
        return True

    def _claim(self, client: Client, number: int) -> bool:
        fault = self.venue.faults.on("connect", client=number)
        if self.venue.of(number) or (fault is not None and fault.do == "taken"):
            client.error(-1, 326, IN_USE)
            client.close()
            return False
        client.number = number
        if fault is not None:
            self.trouble.happen(fault, self.venue.now)
        return not client.writer.is_closing()


def _number(asked: Values) -> int:
    """Return the number a request or an order goes by, -1 for one without."""
    number = asked.get("reqId", asked.get("orderId"))
    return -1 if number is None else int(number)


async def _body(reader: asyncio.StreamReader, traffic: Traffic) -> bytes:
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    if size > LONGEST:
        raise ConnectionError(f"a frame of {size} bytes, expected at most {LONGEST}")
    body = await reader.readexactly(size)
    traffic.received += 4 + size
    return body
