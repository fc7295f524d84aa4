"""Days on which nothing is opened: releases, central bank, OPEC, earnings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.intent import Denied
from engine.reasons import Reason
from engine.sessions import is_session, sessions_ahead

VERSION = 1
LONGEST_GAP = 80  # days between two releases of a required kind; shutdowns made 76
AFTER_CLOSE, BEFORE_OPEN = "AMC", "BMO"


class Kind(StrEnum):
    """What is announced."""

    CPI = "CPI"
    FOMC = "FOMC"
    JOBS = "JOBS"
    OPEC = "OPEC"
    EARNINGS = "EARNINGS"


class Status(StrEnum):
    """How sure a date is, and whether it was known beforehand."""

    FIRM = "firm"
    TENTATIVE = "tentative"
    UNSCHEDULED = "unscheduled"  # nobody knew the day before: kept for the record, never a blackout


@dataclass(frozen=True, slots=True)
class Event:
    """One announcement; ``symbol`` empty means everything is concerned."""

    date: date
    kind: Kind
    symbol: str
    time: str
    source: str
    status: Status = Status.FIRM
    note: str = ""

    def days(self) -> tuple[date, ...]:
        """Return the sessions on which the announcement keeps us out.

        An announcement on a day without trading concerns the next session. Earnings after
        the close, or at an unknown time, concern the next session too.
        """
        first = _session_from(self.date)
        if self.kind is not Kind.EARNINGS or self.time == BEFORE_OPEN or first != self.date:
            return (first,)
        return first, sessions_ahead(first, 1)


Span = tuple[date, date]


class EventCalendar:
    """Announcements and the days for which they are known.

    Parameters
    ----------
    events : iterable of Event
    coverage : mapping of (kind, symbol) to (first day, last day)
        The symbol is empty except for earnings.
    required : iterable of Kind
        Kinds without whose coverage nothing is opened.
    no_earnings : iterable of str
        Indices and funds.
    aliases : mapping of str to str
        Symbols announced under another name.
    """

    def __init__(
        self,
        events: Iterable[Event],
        coverage: Mapping[tuple[Kind, str], Span],
        required: Iterable[Kind] = (Kind.CPI, Kind.FOMC, Kind.JOBS),
        no_earnings: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.events = tuple(sorted(events, key=lambda e: (e.date, e.kind, e.symbol)))
        self.coverage = dict(coverage)
        self.required = frozenset(required)
        self.no_earnings = frozenset(no_earnings)
        self.aliases = dict(aliases or {})
        self._blocked: dict[tuple[str, date], Event] | None = None

    @classmethod
    def load(cls, path: str | Path, required: Iterable[str] | None = None) -> EventCalendar:
        """Read and check a calendar file.

        Parameters
        ----------
        path : str or Path
            See docs/events.md for the form.
        required : iterable of str, optional
            Kinds that must cover a day, instead of the file's own list; adding "OPEC" or
            "EARNINGS" refuses days of which their dates are not known.

        Raises
        ------
        ConfigError
            The file is missing or broken; the line names file, entry and value.
        """
        return _Reader(str(path)).calendar(Path(path), required)

    def verdict(self, symbol: str, day: date) -> Denied | None:
        """Return why nothing is opened in ``symbol`` on ``day``, None when nothing speaks against it."""
        name = self.aliases.get(symbol, symbol)
        for kind in Kind:
            if kind in self.required and not self._covers(kind, name, day):
                return Denied(Reason.CALENDAR_UNCOVERED, self._uncovered(kind, name, day))
        blocked = self._days()
        event = blocked.get(("", day)) or blocked.get((name, day))
        if event is None:
            return None
        what = f"{event.symbol} {event.kind}".strip()
        when = "" if event.date == day else f" of {event.date}"
        unsure = " (tentative date)" if event.status is Status.TENTATIVE else ""
        return Denied(
            Reason.EVENT_BLACKOUT, f"{what}{when} {event.time}".rstrip() + f"{unsure}, no entries on {day}"
        )

    def _covers(self, kind: Kind, symbol: str, day: date) -> bool:
        if kind is Kind.EARNINGS:
            if symbol in self.no_earnings:
                return True
            span = self.coverage.get((kind, symbol))
        else:
            span = self.coverage.get((kind, ""))
        return span is not None and span[0] <= day <= span[1]

    def _uncovered(self, kind: Kind, symbol: str, day: date) -> str:
        own = symbol if kind is Kind.EARNINGS else ""
        span = self.coverage.get((kind, own))
        known = "not known at all" if span is None else f"known from {span[0]} to {span[1]}"
        return f"{day}: {f'{own} {kind}'.strip()} dates are {known}, so the day may hold one"

    def _days(self) -> dict[tuple[str, date], Event]:
        if self._blocked is None:
            self._blocked = {}
            for event in self.events:
                if event.status is not Status.UNSCHEDULED:
                    for day in event.days():
                        self._blocked.setdefault((event.symbol, day), event)
        return self._blocked


def _session_from(day: date) -> date:
    while not is_session(day):
        day += timedelta(days=1)
    return day


class _Reader:
    """Turn the file into a calendar; every complaint starts with the file's name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, place: str, got: object, expected: str) -> ConfigError:
        return ConfigError(f"{self.name}: {place}: got {got!r}, expected {expected}")

    def calendar(self, path: Path, required: Iterable[str] | None) -> EventCalendar:
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"{self.name}: cannot be read ({error.strerror}), expected the event calendar"
            ) from None
        except ValueError as error:
            raise ConfigError(f"{self.name}: is no JSON ({error}), expected the event calendar") from None
        if not isinstance(raw, dict) or raw.get("version") != VERSION:
            got = raw.get("version") if isinstance(raw, dict) else raw
            raise self.fail("version", got, f"{VERSION}")
        sources = self.table(raw, "sources")
        coverage = self.spans(self.table(raw, "coverage"))
        kinds = tuple(raw.get("required", ())) if required is None else tuple(required)
        wanted = [self.kind("required", kind) for kind in kinds]
        events = [self.event(i, entry, sources, coverage) for i, entry in enumerate(self.rows(raw, "events"))]
        self.check_twice(events)
        self.check_gaps(events, coverage)
        strings = [self.text("no_earnings", symbol) for symbol in self.rows(raw, "no_earnings")]
        return EventCalendar(events, coverage, wanted, strings, self.table(raw, "aliases"))

    def table(self, raw: dict[str, Any], key: str) -> dict[str, Any]:
        value = raw.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, value, "an object")
        return value

    def rows(self, raw: dict[str, Any], key: str) -> list[Any]:
        value = raw.get(key, [])
        if not isinstance(value, list):
            raise self.fail(key, value, "a list")
        return value

    def text(self, place: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.fail(place, value, "a word")
        return value

    def day(self, place: str, value: object) -> date:
        try:
            return date.fromisoformat(self.text(place, value))
        except ValueError:
            raise self.fail(place, value, "a date YYYY-MM-DD") from None

    def kind(self, place: str, value: object) -> Kind:
        try:
            return Kind(self.text(place, value))
        except ValueError:
            raise self.fail(place, value, f"one of {', '.join(Kind)}") from None

    def spans(self, raw: dict[str, Any]) -> dict[tuple[Kind, str], Span]:
        found: dict[tuple[Kind, str], Span] = {}
        for key, value in raw.items():
            kind = self.kind("coverage", key)
            if kind is Kind.EARNINGS:
                if not isinstance(value, dict):
                    raise self.fail("coverage.EARNINGS", value, "an object of symbol to [from, to]")
                for symbol, span in value.items():
                    found[kind, symbol] = self.span(f"coverage.EARNINGS.{symbol}", span)
            else:
                found[kind, ""] = self.span(f"coverage.{kind}", value)
        return found

    def span(self, place: str, value: object) -> Span:
        if not isinstance(value, list) or len(value) != 2:
            raise self.fail(place, value, "[from, to]")
        first, last = self.day(place, value[0]), self.day(place, value[1])
        if first > last:
            raise self.fail(place, value, "from before to")
        return first, last

    def event(
        self, i: int, raw: object, sources: dict[str, Any], coverage: dict[tuple[Kind, str], Span]
    ) -> Event:
        place = f"events[{i}]"
        if not isinstance(raw, dict):
            raise self.fail(place, raw, "an object")
        unknown = sorted(raw.keys() - {"date", "kind", "symbol", "time", "source", "status", "note"})
        if unknown:
            raise self.fail(f"{place}.{unknown[0]}", raw[unknown[0]], "no such field")
        day, kind = self.day(f"{place}.date", raw.get("date")), self.kind(f"{place}.kind", raw.get("kind"))
        symbol = self.text(f"{place}.symbol", raw["symbol"]) if "symbol" in raw else ""
        if (kind is Kind.EARNINGS) != bool(symbol):
            expected = "a symbol for EARNINGS, none for the others"
            raise self.fail(f"{place}.symbol", symbol or None, expected)
        source = self.text(f"{place}.source", raw.get("source"))
        if source not in sources:
            raise self.fail(f"{place}.source", source, f"one of {', '.join(sources)}")
        status = raw.get("status", Status.FIRM.value)
        if status not in list(Status):
            raise self.fail(f"{place}.status", status, f"one of {', '.join(Status)}")
        span = coverage.get((kind, symbol))
        if span is None or not span[0] <= day <= span[1]:
            raise self.fail(
                f"{place}.date", str(day), f"a day inside the coverage of {kind} {symbol}".rstrip()
            )
        time = self.time(f"{place}.time", raw["time"], kind) if "time" in raw else ""
        return Event(day, kind, symbol, time, source, Status(status), str(raw.get("note", "")))

    def time(self, place: str, value: object, kind: Kind) -> str:
        text = self.text(place, value)
        if kind is Kind.EARNINGS:
            if text not in (AFTER_CLOSE, BEFORE_OPEN):
                raise self.fail(place, value, f"{AFTER_CLOSE} or {BEFORE_OPEN}")
        elif not (len(text) == 5 and text[2] == ":" and (text[:2] + text[3:]).isdecimal()):
            raise self.fail(place, value, "a New York time HH:MM")
        elif not (text[:2] < "24" and text[3:] < "60"):
            raise self.fail(place, value, "a New York time from 00:00 to 23:59")
        return text

    def check_twice(self, events: list[Event]) -> None:
        seen: set[tuple[date, Kind, str]] = set()
        for i, event in enumerate(events):
            key = (event.date, event.kind, event.symbol)
            if key in seen:
                what = f"{event.date} {event.kind} {event.symbol}".rstrip()
                raise self.fail(f"events[{i}]", what, "an event not listed before")
            seen.add(key)

    def check_gaps(self, events: list[Event], coverage: dict[tuple[Kind, str], Span]) -> None:
        """Refuse a file that says it covers a stretch in which releases are plainly missing."""
        for kind in (Kind.CPI, Kind.FOMC, Kind.JOBS):
            span = coverage.get((kind, ""))
            if span is None:
                continue
            days = [span[0], *sorted(e.date for e in events if e.kind is kind), span[1]]
            for before, after in zip(days, days[1:], strict=False):
                if (after - before).days > LONGEST_GAP:
                    gap = f"no {kind} between {before} and {after}"
                    raise self.fail(f"coverage.{kind}", gap, f"one at least every {LONGEST_GAP} days")
