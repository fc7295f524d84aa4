"""All that the journal holds of one session, as one immutable value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from engine.journal.records import (
    Decision,
    FeeEvent,
    Fill,
    HaltEvent,
    Heartbeat,
    OrderEvent,
    Reconciliation,
    SlippageShadow,
    StateEvent,
    Trade,
)

Bots = Mapping[str, tuple[str, ...]]
"""Symbols by bot."""


@dataclass(frozen=True, slots=True)
class RunSpan:
    """One process of the session: a restart makes a second one.

    ``how`` says how it ended, ``""`` while it has not; ``config`` is the digest of its settings,
    ``commit`` that of its code; ``errors`` are those nothing had foreseen.
    """

    name: str
    started: datetime
    ended: datetime | None
    how: str
    config: str
    commit: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionRecord:
    """One session of one account, with all its bots.

    Parameters
    ----------
    day : date
    venue, account : str
    bots : mapping of str to tuple of str
        Symbols by bot that were to trade.
    runs : tuple of RunSpan
        In the order they began.
    decisions, orders, fills, fees, halts, trades, states, reconciliations, heartbeats, shadows
        The journal's events of the day, in the order they were written.
    interventions : tuple of str
        What somebody did by hand: a typed override, a claim, a flatten.
    gaps : tuple of str
        Where the journal's numbering has holes, or an event is missing that must be there.
    """

    day: date
    venue: str
    account: str
    bots: Bots
    runs: tuple[RunSpan, ...]
    decisions: tuple[Decision, ...] = ()
    orders: tuple[OrderEvent, ...] = ()
    fills: tuple[Fill, ...] = ()
    fees: tuple[FeeEvent, ...] = ()
    halts: tuple[HaltEvent, ...] = ()
    trades: tuple[Trade, ...] = ()
    states: tuple[StateEvent, ...] = ()
    reconciliations: tuple[Reconciliation, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    shadows: tuple[SlippageShadow, ...] = ()
    interventions: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the sha256 of all rows: other rows, other digest."""
        told = json.dumps(asdict(self), sort_keys=True, default=_plain)
        return hashlib.sha256(told.encode()).hexdigest()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def intent_of(order_ref: str) -> str:
    """Return the reference of the intent an order belongs to."""
    return order_ref.partition("/")[0]


def approvals(states: Iterable[StateEvent]) -> dict[str, tuple[datetime, Mapping[str, Any]]]:
    """Return when the governor first booked each intent, and the state it did so in, by reference."""
    found: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    for event in states:
        state = json.loads(event.state)
        for trade in state["open"]:
            found.setdefault(trade[0], (event.at, state))
    return found


def holdings(fills: Iterable[Fill], bot: str) -> dict[str, list[tuple[datetime, int]]]:
    """Return by intent what a bot held after each of its executions: when, and contracts and shares in all.

    From the executions alone, each leg counted by itself: 0 is flat whatever the journal thought.
    """
    held: dict[str, dict[str, int]] = {}
    found: dict[str, list[tuple[datetime, int]]] = {}
    for fill in sorted(fills, key=lambda fill: fill.at):
        if fill.bot != bot:
            continue
        ref = intent_of(fill.order_ref)
        legs = held.setdefault(ref, {})
        legs[fill.instrument] = legs.get(fill.instrument, 0) + fill.quantity
        found.setdefault(ref, []).append((fill.at, sum(abs(count) for count in legs.values())))
    return found
