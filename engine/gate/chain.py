"""A chain of events in which an edited, lost or inserted one is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.errors import GateError
from engine.journal.records import GateEvent

START = ""


def digest(at: datetime, kind: str, payload: str, previous: str) -> str:
    """Return the hash of an event, which covers the hash of the one before it."""
    told = "\n".join((previous, at.astimezone(UTC).isoformat(timespec="microseconds"), kind, payload))
    return hashlib.sha256(told.encode()).hexdigest()


def linked(at: datetime, kind: str, payload: Mapping[str, Any], previous: str) -> GateEvent:
    """Return an event that follows the one with hash ``previous``."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return GateEvent(at, kind, text, previous, digest(at, kind, text, previous))


def verified(events: Iterable[GateEvent]) -> tuple[GateEvent, ...]:
    """Return the events, oldest first, once it is shown that nobody has changed them.

    Raises
    ------
    GateError
        Names the first event that is not what was written, does not follow the one before it,
        or is dated before it.
    """
    known = tuple(events)
    previous, last = START, None
    for number, event in enumerate(known, 1):
        name = f"gate event {number} ({event.kind} of {event.at:%Y-%m-%d %H:%M})"
        if event.previous != previous:
            raise GateError(
                f"{name} follows {event.previous[:8] or 'nothing'}, expected {previous[:8] or 'nothing'}: "
                "an event before it was changed, removed or put in"
            )
        if digest(event.at, event.kind, event.payload, event.previous) != event.hash:
            raise GateError(f"{name} is not what was written: its hash does not fit its content")
        if last is not None and event.at < last:
            raise GateError(f"{name} is dated before the one before it, {last:%Y-%m-%d %H:%M}")
        previous, last = event.hash, event.at
    return known
