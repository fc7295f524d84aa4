"""Alerts as a sink of the journal: told, never asked; trading does not notice them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loguru import logger

from engine.journal.alerts.channel import Channel
from engine.journal.alerts.messages import Message, Teller
from engine.journal.alerts.services import Service
from engine.journal.records import Event
from engine.journal.settings import SILENT, AlertSettings


class Alerts:
    """Tell the services what matters of a run; a sink of `Journal` that is always healthy.

    Parameters
    ----------
    settings : AlertSettings
    services : sequence of Service
    tell : callable
        Takes the line that says what was lost.
    """

    healthy = True

    def __init__(
        self,
        settings: AlertSettings,
        services: Sequence[Service],
        tell: Callable[[str], Any] = logger.warning,
    ) -> None:
        self._settings = settings
        self._teller = Teller()
        self._channels = [Channel(service, settings, tell) for service in services]

    def record(self, event: Event) -> None:
        """Queue what is to be said of an event."""
        message = self._teller.message(event)
        if message is not None:
            self._put(message)

    def say(self, kind: str, title: str, body: str = "") -> None:
        """Queue a message of a kind that is a key of the settings, ``failure`` say."""
        self._put(Message(kind, title, body))

    def _put(self, message: Message) -> None:
        told = getattr(self._settings, message.kind)
        if told == "off":
            return
        for channel in self._channels:
            channel.put(replace(message, silent=told == SILENT))

    def counts(self) -> Mapping[str, int]:
        """Return messages delivered, waiting, tried again and lost, all services together."""
        totals = {"delivered": 0, "waiting": 0, "retried": 0, "lost": 0}
        for channel in self._channels:
            for name, count in channel.counts().items():
                totals[name] += count
        return totals

    def close(self) -> None:
        """Send what waits for as long as the settings allow, and count the rest as lost."""
        deadline = time.monotonic() + self._settings.closing_seconds
        for channel in self._channels:
            channel.close(deadline)
