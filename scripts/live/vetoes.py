"""The vetoes a session looks for in its journal."""

from __future__ import annotations

from datetime import date, datetime

from loguru import logger

from engine.errors import JournalError
from engine.journal.queries import Reader
from engine.risk.vetoes import Veto


class Vetoes:
    """Read what ``mw serve`` has written; the last known vetoes stand while that fails."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._reader: Reader | None = None
        self._known: tuple[Veto, ...] = ()

    def at(self, now: datetime, day: date) -> tuple[Veto, ...]:
        """Return the vetoes of a day that hold now."""
        try:
            if self._reader is None:
                self._reader = Reader(self._place)
            rows = self._reader.vetoes(now, day)
        except JournalError as error:
            logger.warning("session: vetoes cannot be read ({}), those known stand", error)
            return self._known
        names = ("source", "text", "bot", "symbol", "until")
        found = tuple(Veto(**{name: row[name] for name in names}) for row in rows)
        for veto in set(found) - set(self._known):
            who = f"{veto.bot or 'all bots'} in {veto.symbol or 'all symbols'}"
            logger.info("session: {} vetoes {}: {}", veto.source, who, veto.text)
        self._known = found
        return found

    def close(self) -> None:
        """Let the journal go."""
        if self._reader is not None:
            self._reader.close()
