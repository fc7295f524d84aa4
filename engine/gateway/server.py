"""The TCP side: handshakes, frames, dispatch, and the clock's minutes, in one event loop."""

from __future__ import annotations

import asyncio
import re
import struct
from datetime import datetime, timedelta

from loguru import logger

from engine.errors import DataError
from engine.gateway import requests_data
from engine.gateway.client import Client
from engine.gateway.codec import MIN_VERSION, decode, frame, unframe
from engine.gateway.exchange import session_hours
from engine.gateway.incoming import REQUESTS
from engine.gateway.requests import HANDLERS
from engine.gateway.venue import Venue

HOST = "127.0.0.1"
GREETING = b"API\0"
LONGEST = 1_000_000  # bytes of a frame
EVENING = timedelta(minutes=5)
MORNING = timedelta(minutes=5)
UNKNOWN_VERSION = 158  # one library writes by it and reads without it


class Server:
    """Serves a venue to its clients.

    Parameters
    ----------
    venue : Venue
    """

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.port = 0
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> None:
        """Open the port, 0 for any that is free."""
        self._server = await asyncio.start_server(self._meet, HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
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
        try:
            client = await self._greet(reader, writer)
            if client is not None:
                self.venue.clients.append(client)
                await self._talk(client, reader)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side has gone, or the server closes
        finally:
            self._talks.discard(task)
            if client in self.venue.clients:
                self.venue.clients.remove(client)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Client | None:
        if await reader.readexactly(4) != GREETING:
            return None
        told = re.fullmatch(r"v(\d+)(?:\.\.(\d+))?(?: .*)?", (await _body(reader)).decode(errors="replace"))
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
        writer.write(frame([str(version), f"{self.venue.now:%Y%m%d %H:%M:%S} EST"]))
        return Client(writer, version)

    async def _talk(self, client: Client, reader: asyncio.StreamReader) -> None:
        while not client.writer.is_closing():
            received = unframe(await _body(reader))
            if client.arrived() > self.venue.settings.rate:
                client.error(-1, 100, "Max rate of messages per second has been exceeded")
                client.violations += 1
                if client.violations >= 3:
                    return
                continue
            self._hear(client, received)
            await client.writer.drain()

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
            if not self._claim(client, asked["clientId"]):
                return
        elif not client.ready:
            client.error(-1, 504, "Not connected")
            return
        try:
            HANDLERS[layout.name](self.venue, client, asked)
        except Exception:  # noqa: BLE001  the boundary: one bad request must not end the gateway
            logger.exception("gateway: request {} failed", layout.name)
            client.error(asked.get("reqId") or -1, 321, f"Error validating request: {layout.name} failed")

    def _claim(self, client: Client, number: int) -> bool:
        if list(self.venue.of(number)):
            client.error(
                -1,
                326,
                "Unable to connect as the client id is already in use. Retry with a unique client id.",
            )
            client.close()
            return False
        client.number = number
        return True

    # the minutes --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Play minute after minute when its time has come."""
        while (due := self.next_due()) is not None:
            wait = self.venue.clock.wait(due)
            if wait > 0.0:
                await asyncio.sleep(min(wait, 0.5))
                continue
            self.minute(due)
            await asyncio.sleep(0)

    def next_due(self) -> datetime | None:
        """Return when the next minute ends; over a night the clock jumps where that is wanted."""
        venue = self.venue
        due = venue.exchange.due()
        if due is None or not venue.settings.skip_nights or venue.exchange.bar < 0:
            return due
        if venue.exchange.last_of_day and due.date() > venue.exchange.day:
            closed = session_hours(venue.exchange.day)[1]
            opens = session_hours(due.date())[0]
            if closed + EVENING <= venue.now < opens - MORNING:
                venue.clock.jump(opens - MORNING)
        return due

    def minute(self, at: datetime) -> None:
        """End a minute: orders trade on its quotes, then clients see quotes, then bars."""
        venue = self.venue
        before = venue.exchange.day if venue.exchange.bar >= 0 else None
        venue.exchange.step()
        if venue.exchange.day != before:
            venue.catalogue.new_day()
            venue.account.new_day(venue.exchange)
        venue.orders.step(at)
        if venue.exchange.last_of_day:
            venue.orders.end_day()
        requests_data.publish(venue)
        venue.publish_account()


async def _body(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    if size > LONGEST:
        raise ConnectionError(f"a frame of {size} bytes, expected at most {LONGEST}")
    return await reader.readexactly(size)
