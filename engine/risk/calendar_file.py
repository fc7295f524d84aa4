"""The calendar file, read and doubted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.risk.events import AFTER_CLOSE, BEFORE_OPEN, Announcements, Event, Kind, Span, Status
from engine.sessions import FIRST_DAY, LAST_DAY

VERSION = 1
LONGEST_GAP = 80  # days between two releases of a required kind; shutdowns made 76
_LAST = LAST_DAY - timedelta(days=14)  # the next session must be known too
_KEYS = {"version", "about", "coverage", "no_earnings", "aliases", "sources", "events"}


def read_announcements(path: str | Path) -> Announcements:
    """Read and check a calendar file; docs/events.md describes its form.

    Raises
    ------
    ConfigError
        The file is missing or broken; the line names file, entry and value.
    """
    return _Reader(str(path)).announcements(Path(path))


class _Reader:
    """Turn the file into a calendar; every complaint starts with the file's name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, place: str, got: object, expected: str) -> ConfigError:
        return ConfigError(f"{self.name}: {place}: got {got!r}, expected {expected}")

    def announcements(self, path: Path) -> Announcements:
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
        unknown = sorted(raw.keys() - _KEYS)
        if unknown:
            raise self.fail("top level", unknown[0], f"one of {', '.join(sorted(_KEYS))}")
        sources, aliases = self.words(raw, "sources"), self.words(raw, "aliases")
        coverage = self.spans(self.table(raw, "coverage"))
        events = [self.event(i, entry, sources, coverage) for i, entry in enumerate(self.rows(raw, "events"))]
        self.check_twice(events)
        self.check_gaps(events, coverage)
        funds = [self.text("no_earnings", symbol) for symbol in self.rows(raw, "no_earnings")]
        return Announcements(tuple(events), coverage, frozenset(funds), aliases)

    def table(self, raw: dict[str, Any], key: str) -> dict[str, Any]:
        value = raw.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, value, "an object")
        return value

    def words(self, raw: dict[str, Any], key: str) -> dict[str, str]:
        return {name: self.text(f"{key}.{name}", value) for name, value in self.table(raw, key).items()}

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
            day = date.fromisoformat(self.text(place, value))
        except ValueError:
            raise self.fail(place, value, "a date YYYY-MM-DD") from None
        if not FIRST_DAY <= day <= _LAST:
            raise self.fail(place, value, f"a day from {FIRST_DAY} to {_LAST}")
        return day

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
            key = (event.day, event.kind, event.symbol)
            if key in seen:
                what = f"{event.day} {event.kind} {event.symbol}".rstrip()
                raise self.fail(f"events[{i}]", what, "an event not listed before")
            seen.add(key)

    def check_gaps(self, events: list[Event], coverage: dict[tuple[Kind, str], Span]) -> None:
        """Refuse a file that says it covers a stretch in which releases are plainly missing."""
        for kind in (Kind.CPI, Kind.FOMC, Kind.JOBS):
            span = coverage.get((kind, ""))
            if span is None:
                continue
            days = [span[0], *sorted(e.day for e in events if e.kind is kind), span[1]]
            for before, after in zip(days, days[1:], strict=False):
                if (after - before).days > LONGEST_GAP:
                    gap = f"no {kind} between {before} and {after}"
                    raise self.fail(f"coverage.{kind}", gap, f"one at least every {LONGEST_GAP} days")
