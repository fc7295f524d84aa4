"""What is said of an event, and under which setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.journal import records
from engine.journal.records import Event


@dataclass(frozen=True, slots=True)
class Message:
    """One alert; ``kind`` is a key of `AlertSettings`."""

    kind: str
    title: str
    body: str
    silent: bool = False


Pair = tuple[str, str, str]


def _session(event: records.SessionEvent) -> Pair:
    how = f": {event.how}" if event.how else ""
    return "session", f"{event.venue}: session {event.kind}", f"{event.day}{how}"


def _entry(event: records.PositionEvent) -> Pair:
    body = (
        f"{event.quantity} x {event.combo}, credit {event.credit:.2f}; "
        f"plans to lose {event.planned_loss:.0f}, can lose {event.structural_loss:.0f} USD"
    )
    return "entry", f"{event.bot} entered {event.symbol}", body


def _exit(event: records.Trade) -> Pair:
    share = f" ({event.net / event.planned_loss:+.2f} R)" if event.planned_loss else ""
    body = f"{event.legs}: {event.exit_reason}, net {event.net:+.2f} USD{share}"
    return "exit", f"{event.bot} left {event.symbol}", body


def _halt(event: records.HaltEvent) -> Pair:
    return "halt", f"halt: {event.reason}", f"{event.symbol or 'everything'}: {event.text}"


def _order(event: records.OrderEvent) -> Pair | None:
    if event.state != "rejected":
        return None
    return "rejected", f"{event.bot}: order rejected", f"{event.order_ref} {event.symbol}: {event.reason}"


def _reconciliation(event: records.Reconciliation) -> Pair | None:
    if event.clean:
        return None
    return "reconciliation", f"books differ at {event.kind}", event.text or f"{dict(event.found)}"


def _summary(event: records.DailyMark) -> Pair:
    return "summary", f"{event.day}: {event.net:+.2f} USD, {event.trades} trades", event.text


def _gate(event: records.GateEvent) -> Pair:
    return "gate", f"gate: {event.kind}", event.payload[:500]


def _note(event: records.Note) -> Pair:
    return "note", f"{event.kind} from {event.source}", event.text


def _fill(event: records.Fill) -> Pair:
    body = f"{event.quantity:+d} {event.instrument} at {event.price:.2f}"
    return "fill", f"{event.bot}: fill", body


def _decision(event: records.Decision) -> Pair:
    return "decision", f"{event.bot} on {event.symbol}: {event.reason}", f"{event.combo} {event.text}".strip()


_SAY: dict[type[Any], Callable[[Any], Pair | None]] = {
    records.SessionEvent: _session,
    records.PositionEvent: _entry,
    records.Trade: _exit,
    records.HaltEvent: _halt,
    records.OrderEvent: _order,
    records.Reconciliation: _reconciliation,
    records.DailyMark: _summary,
    records.GateEvent: _gate,
    records.Note: _note,
    records.Fill: _fill,
    records.Decision: _decision,
}


class Teller:
    """Turn events into messages; of a position only its beginning is one."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def message(self, event: Event) -> Message | None:
        """Return what is to be said of an event, None when nothing is."""
        if isinstance(event, records.PositionEvent) and not self._begins(event):
            return None
        say = _SAY.get(type(event))
        found = None if say is None else say(event)
        return None if found is None else Message(*found)

    def _begins(self, event: records.PositionEvent) -> bool:
        known = event.order_ref in self._held
        if event.quantity:
            self._held.add(event.order_ref)
        else:
            self._held.discard(event.order_ref)
        return bool(event.quantity) and not known
