"""A small server that speaks enough of the TWS protocol to be asked for history by ib_insync."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

VERSION = 176
NEXT_ID, ERROR, ACCOUNTS, HISTORY = 9, 4, 15, 17
START_API, ASK_HISTORY = 71, 20

Answered = list[tuple[object, ...]] | tuple[int, str] | str
Answer = Callable[["Asked", int], Answered]


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    request: int
    symbol: str
    kind: str
    exchange: str
    end: str
    bar: str
    duration: str
    regular: str
    what: str


@dataclass
class Gateway:
    """Answers ``answer(asked, number)``: rows, an error ``(code, text)``, "hang" or "drop"."""

    answer: Answer
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Gateway:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        assert ready.wait(5.0)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._client, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            assert await reader.readexactly(4) == b"API\0"
            await _frame(reader)
            _send(writer, VERSION, "20240102 09:00:00 EST")
            while True:
                fields = (await _frame(reader)).decode().split("\0")
                if int(fields[0]) == START_API:
                    _send(writer, NEXT_ID, 1, 1)
                    _send(writer, ACCOUNTS, 1, "DU1")
                elif int(fields[0]) == ASK_HISTORY and not self._history(writer, fields):
                    writer.close()
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _history(self, writer: asyncio.StreamWriter, fields: list[str]) -> bool:
        # 20, request, 12 of the contract, expired, end, bar, duration, regular, what, format, ...
        asked = Asked(int(fields[1]), fields[3], fields[4], fields[9], *fields[15:20])
        self.asked.append(asked)
        found = self.answer(asked, len(self.asked))
        if isinstance(found, str):
            return found == "hang"
        if isinstance(found, tuple):
            _send(writer, ERROR, 2, asked.request, found[0], found[1], "")
            return True
        flat = [value for row in found for value in row]
        _send(writer, HISTORY, asked.request, "", "", len(found), *flat)
        return True


def session_of(asked: Asked) -> datetime:
    """Return the close of the session asked for, UTC."""
    return datetime.strptime(asked.end, "%Y%m%d %H:%M:%S UTC").replace(tzinfo=UTC)


def minutes(asked: Asked, count: int = 390, price: float = 100.0) -> list[tuple[object, ...]]:
    """Return the last ``count`` minutes before the close as the wire has them: stamped at their start."""
    close = int(session_of(asked).timestamp())
    return [
        (close - 60 * (count - n), price, price + 1, price - 1, price + 0.5, 10 * n, price, 5)
        for n in range(count)
    ]


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(size)


def _send(writer: asyncio.StreamWriter, *fields: object) -> None:
    text: Iterable[str] = (f"{value}\0" for value in fields)
    body = "".join(text).encode()
    writer.write(struct.pack(">I", len(body)) + body)
