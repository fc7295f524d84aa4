"""One connected client: what it has negotiated, asked for and is being sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.gateway.codec import Layout, Values, encode, frame
from engine.gateway.history import KeptBars
from engine.gateway.order_layouts import COMPLETED_ORDER, OPEN_ORDER
from engine.gateway.outgoing import MESSAGES
from engine.gateway.streams import Stream

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4  # kinds of market data
LAYOUTS: dict[str, Layout] = MESSAGES | {one.name: one for one in (OPEN_ORDER, COMPLETED_ORDER)}


@dataclass
class Traffic:
    """Bytes that have gone out to a connection and come in from it."""

    sent: int = 0
    received: int = 0


@dataclass(eq=False)
class Client:
    """A connection after its handshake.

    Parameters
    ----------
    writer : asyncio.StreamWriter
    version : int
        The server version both sides speak.
    traffic : Traffic
        Of this connection, so far.

    Attributes
    ----------
    number : int
        The client id, -1 before it has told one.
    arrivals : deque of float
        When its messages came, in seconds of the machine's clock.
    """

    writer: asyncio.StreamWriter
    version: int
    traffic: Traffic = field(default_factory=Traffic)
    number: int = -1
    data_type: int = LIVE
    arrivals: deque[float] = field(default_factory=deque)
    violations: int = 0
    streams: dict[int, Stream] = field(default_factory=dict)
    bars: dict[int, KeptBars] = field(default_factory=dict)
    live_bars: dict[int, KeptBars] = field(default_factory=dict)
    pnl: dict[int, int] = field(default_factory=dict)  # request to contract number, 0 the account's
    summaries: dict[int, tuple[str, ...]] = field(default_factory=dict)
    multi: set[int] = field(default_factory=set)
    account_updates: bool = False
    positions: bool = False
    _waiting: bytearray = field(default_factory=bytearray)

    @property
    def delayed(self) -> bool:
        """Whether it has asked for delayed data, which needs no subscription."""
        return self.data_type in (DELAYED, DELAYED_FROZEN)

    @property
    def ready(self) -> bool:
        """Whether it has told its id."""
        return self.number >= 0

    def send(self, name: str, values: Values | None = None, **more: Any) -> None:
        """Send one message."""
        self.write(encode(LAYOUTS[name], (values or {}) | more, self.version))

    def write(self, sent: Iterable[str]) -> None:
        """Send fields as they are; nothing once the connection is closing."""
        if not self.writer.is_closing():
            self._waiting += frame(list(sent))

    def flush(self, backlog: int) -> bool:
        """Let out what was sent since: after the state was written, so that nothing told is forgotten.

        A client that leaves more than ``backlog`` bytes unread is cut, and False returned.
        """
        if not self.writer.is_closing():
            self._let_out()
        self._waiting.clear()
        if self.writer.transport.get_write_buffer_size() <= backlog:
            return True
        self.writer.transport.abort()
        return False

    def error(self, number: int, code: int, text: str) -> None:
        """Send an error or a notice."""
        self.send("error", reqId=number, code=code, text=text, advanced="")

    def arrived(self, now: float) -> int:
        """Count a message that came at ``now``, seconds; return how many came within the last second."""
        self.arrivals.append(now)
        while now - self.arrivals[0] > 1.0:
            self.arrivals.popleft()
        return len(self.arrivals)

    def forget(self) -> None:
        """Lose all subscriptions to market data."""
        self.streams.clear()
        self.bars.clear()
        self.live_bars.clear()

    def close(self) -> None:
        """Cut the connection."""
        if not self.writer.is_closing():
            self._let_out()
        self._waiting.clear()
        self.writer.close()

    def _let_out(self) -> None:
        if self._waiting:
            self.traffic.sent += len(self._waiting)
            self.writer.write(bytes(self._waiting))
