"""A smooth limit on messages: never more than so many in any second, orders before requests.

IBKR cuts a client off after more than 50 messages in a second (error 100). The libraries let whole
bursts through at the edge of their window, which the server sees as nearly twice their limit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_FIRST = ("3\0", "4\0", "58\0")  # place, cancel, cancel all
BURST_SHARE = 0.25
ROUNDING = 1e-6  # of a token: more than comes in a nanosecond, by which a timer may be early


class Limiter:
    """Hand messages on at a steady rate after a small burst.

    A bucket of ``burst`` tokens fills at ``per_second - burst`` a second, so that no second,
    wherever it begins, sees more than ``per_second`` messages.

    Parameters
    ----------
    send : callable
        Takes one message.
    per_second : int
    """

    def __init__(self, send: Callable[[str], None], per_second: int) -> None:
        self._send = send
        self.burst = max(int(per_second * BURST_SHARE), 1)
        self.rate = max(per_second - self.burst, 1)
        self._orders: deque[str] = deque()
        self._others: deque[str] = deque()
        self._tokens = float(self.burst)
        self._filled = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Messages that wait for their turn."""
        return len(self._orders) + len(self._others)

    def push(self, message: str) -> None:
        """Send a message now, or as soon as the limit allows; call it in the loop's thread."""
        (self._orders if message.startswith(_FIRST) else self._others).append(message)
        self._drain()

    def clear(self) -> None:
        """Forget what waits: the connection it was meant for is gone."""
        self._orders.clear()
        self._others.clear()

    def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tokens = min(self._tokens + (now - self._filled) * self.rate, float(self.burst))
        self._filled = now
        while self.waiting and self._tokens >= 1.0 - ROUNDING:
            self._tokens = max(self._tokens - 1.0, 0.0)
            self._send((self._orders or self._others).popleft())
        if self.waiting and self._timer is None:
            self._timer = loop.call_later((1.0 - self._tokens) / self.rate, self._again)

    def _again(self) -> None:
        self._timer = None
        self._drain()
