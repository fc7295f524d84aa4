"""Days on which nothing is opened: releases, central bank, OPEC, earnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from engine.errors import ConfigError
from engine.intent import Denied
from engine.reasons import Reason
from engine.risk.calendar_file import read_announcements
from engine.risk.events import REQUIRED, Announcements, Event, Kind, Status
from engine.settings_files import did_you_mean

__all__ = ["EventCalendar", "Kind"]


class EventCalendar:
    """Announcements and the days for which they are known.

    Parameters
    ----------
    known : Announcements
    required : iterable of str
        Kinds whose dates must be known for the day, or nothing is opened; EARNINGS asks
        for those of the symbol itself (``risk.calendar_required``).
    harvest : bool
        Let sessions be traded that open after the announcement is out; a bot's own filter then
        waits for implied volatility to fall (``common.regime.harvest``).

    Raises
    ------
    ConfigError
        ``required`` names an unknown kind.
    """

    def __init__(
        self, known: Announcements, required: Iterable[str] = REQUIRED, harvest: bool = False
    ) -> None:
        self.known, self.harvest = known, harvest
        wrong = [kind for kind in required if kind not in list(Kind)]
        if wrong:
            hint = did_you_mean(wrong[0], list(Kind))
            raise ConfigError(f"calendar_required: got {wrong[0]!r}, expected one of {', '.join(Kind)}{hint}")
        self.required = frozenset(Kind(kind) for kind in required)
        self._blocked: dict[tuple[str, date], Event] | None = None
        self._verdicts: dict[tuple[str, date], Denied | None] = {}

    @classmethod
    def load(
        cls, path: str | Path, required: Iterable[str] = REQUIRED, harvest: bool = False
    ) -> EventCalendar:
        """Read and check a calendar file.

        Raises
        ------
        ConfigError
            The file is missing or broken; the line names file, entry and value.
        """
        return cls(read_announcements(path), tuple(required), harvest)

    def verdict(self, symbol: str, day: date) -> Denied | None:
        """Return why nothing is opened in ``symbol`` on ``day``, None when nothing speaks against it."""
        key = symbol, day
        if key not in self._verdicts:
            self._verdicts[key] = self._verdict(symbol, day)
        return self._verdicts[key]

    def _verdict(self, symbol: str, day: date) -> Denied | None:
        name = self.known.aliases.get(symbol, symbol)
        for kind in Kind:
            if kind in self.required and not self._covers(kind, name, day):
                return Denied(Reason.CALENDAR_UNCOVERED, self._uncovered(kind, name, day))
        blocked = self._days()
        event = blocked.get(("", day)) or blocked.get((name, day))
        if event is None:
            return None
        what = f"{event.symbol} {event.kind}".strip()
        when = "" if event.day == day else f" of {event.day}"
        unsure = " (tentative date)" if event.status is Status.TENTATIVE else ""
        return Denied(
            Reason.EVENT_BLACKOUT, f"{what}{when} {event.time}".rstrip() + f"{unsure}, no entries on {day}"
        )

    def releases(self, symbol: str) -> tuple[int, ...]:
        """Return when scheduled announcements that concern a symbol are out, UTC nanoseconds, rising."""
        name = self.known.aliases.get(symbol, symbol)
        scheduled = [event for event in self.known.events if event.status is not Status.UNSCHEDULED]
        return tuple(sorted({event.released() for event in scheduled if event.symbol in ("", name)}))

    def without_events(self) -> EventCalendar:
        """Return a calendar on which nothing happens, the coverage as it is."""
        return EventCalendar(replace(self.known, events=()), self.required, self.harvest)

    def _covers(self, kind: Kind, symbol: str, day: date) -> bool:
        if kind is Kind.EARNINGS:
            if symbol in self.known.no_earnings:
                return True
            span = self.known.coverage.get((kind, symbol))
        else:
            span = self.known.coverage.get((kind, ""))
        return span is not None and span[0] <= day <= span[1]

    def _uncovered(self, kind: Kind, symbol: str, day: date) -> str:
        own = symbol if kind is Kind.EARNINGS else ""
        span = self.known.coverage.get((kind, own))
        known = "not known at all" if span is None else f"known from {span[0]} to {span[1]}"
        return f"{day}: {f'{own} {kind}'.strip()} dates are {known}, so the day may hold one"

    def _days(self) -> dict[tuple[str, date], Event]:
        if self._blocked is None:
            self._blocked = {}
            for event in self.known.events:
                if event.status is not Status.UNSCHEDULED:
                    for day in event.days():
                        if self.harvest and event.out_before(day):
                            continue
                        self._blocked.setdefault((event.symbol, day), event)
        return self._blocked
