"""The queue before one service: bounded, rate-limited, patient, and honest about what it lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from loguru import logger

from engine.journal.alerts.messages import Message
from engine.journal.alerts.services import Outcome, Service
from engine.journal.settings import AlertSettings

MINUTE = 60.0


class Channel:
    """Send messages to one service from a thread of its own.

    A message that fails is tried again after 1, 2, 4 ... seconds, or as long as the service
    asked; after ``retries`` tries it is lost. A full queue loses the new message. What was lost is
    counted, told in the log, and said in the next message that gets through.

    Parameters
    ----------
    service : Service
    settings : AlertSettings
    tell : callable
        Takes the line that says what was lost.
    """

    def __init__(
        self, service: Service, settings: AlertSettings, tell: Callable[[str], Any] = logger.warning
    ) -> None:
        self.name = service.name
        self._service, self._settings, self._tell = service, settings, tell
        self._queue: deque[Message] = deque()
        self._sent: deque[float] = deque()
        self._change = threading.Condition()
        self._closing = False
        self._unsaid = 0
        self.delivered = self.lost = self.retried = 0
        self._thread = threading.Thread(target=self._work, name=f"alerts-{self.name}", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Queue a message; never waits."""
        with self._change:
            if self._closing or len(self._queue) >= self._settings.queue:
                self._lose("the queue is full" if not self._closing else "the session is over")
                return
            self._queue.append(message)
            self._change.notify_all()

    def counts(self) -> Mapping[str, int]:
        """Return messages delivered, waiting, tried again, lost."""
        with self._change:
            waiting = len(self._queue)
        return {"delivered": self.delivered, "waiting": waiting, "retried": self.retried, "lost": self.lost}

    def close(self, deadline: float) -> None:
        """Send what waits until ``deadline`` on the monotonic clock; the rest is lost."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._change:
            left = len(self._queue)
            self._queue.clear()
            self._change.notify_all()
        if left:
            self._lose("the session is over", left)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                message = self._queue[0]
            told = self._deliver(message)
            with self._change:
                if not self._queue:  # given up meanwhile, and counted there
                    return
                self._queue.popleft()
                if told is None:
                    self.delivered += 1
                    self._unsaid = 0
                else:
                    self._lose(told)

    def _deliver(self, message: Message) -> str | None:
        """Try until the message is delivered; return why it was not."""
        settings, wait = self._settings, self._settings.first_wait_seconds
        outcome = Outcome(False)
        for attempt in range(settings.retries):
            self._keep_rate()
            outcome = self._service.send(self._with_lost(message))
            if outcome.delivered:
                return None
            if attempt + 1 < settings.retries:
                self.retried += 1
                logger.debug("alerts: {}: {}, trying again", self.name, outcome.why)
                if not self._pause(min(max(wait, outcome.wait), settings.longest_wait_seconds)):
                    break
                wait *= 2
        return outcome.why

    def _with_lost(self, message: Message) -> Message:
        if not self._unsaid:
            return message
        body = f"{message.body}\n({self._unsaid} alerts before this one were lost)"
        return Message(message.kind, message.title, body, message.silent)

    def _keep_rate(self) -> None:
        """Wait until one more message stays within the rate."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        if len(self._sent) >= self._settings.per_minute:
            self._pause(self._sent[0] + MINUTE - now)
        self._sent.append(time.monotonic())

    def _pause(self, seconds: float) -> bool:
        """Wait; return False when the message was given up meanwhile."""
        with self._change:
            return not self._change.wait_for(lambda: not self._queue, seconds)

    def _lose(self, why: str, count: int = 1) -> None:
        self.lost += count
        self._unsaid += count
        self._tell(f"alerts: {self.name}: {count} lost ({why}), {self.lost} so far")
