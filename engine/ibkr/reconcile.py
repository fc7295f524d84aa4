"""The journal's picture of the account against the broker's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.ibkr.link import Link


class Finding(StrEnum):
    """What a comparison can find."""

    UNKNOWN_POSITION = "unknown_position"  # held at the broker, not in the journal
    MISSING_POSITION = "missing_position"  # in the journal, not at the broker
    DIFFERENT_POSITION = "different_position"
    UNKNOWN_ORDER = "unknown_order"
    LOST_ORDER = "lost_order"  # working in the journal, not open at the broker
    ASSIGNMENT = "assignment"  # options gone and shares there in their place
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A working order at the broker."""

    ref: str
    perm_id: int
    client_id: int
    action: str
    kind: str
    quantity: int
    what: str


@dataclass(frozen=True, slots=True)
class BrokerPicture:
    """What the broker says: signed positions by instrument text, open orders, execution ids of the day."""

    positions: Mapping[str, int] = field(default_factory=dict)
    orders: tuple[OpenOrder, ...] = ()
    executions: frozenset[str] = frozenset()
    liquidated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JournalPicture:
    """What the journal says: signed positions by instrument text, references of working orders,
    execution ids."""

    positions: Mapping[str, int] = field(default_factory=dict)
    orders: frozenset[str] = frozenset()
    executions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the two do not agree on, and what to do about it."""

    what: Finding
    subject: str
    journal: int
    broker: int
    text: str
    blocks: bool  # new entries stop until it is settled


def reconcile(journal: JournalPicture, broker: BrokerPicture) -> tuple[Difference, ...]:
    """Return every difference; nothing when both agree. Pure."""
    raise NotImplementedError


def take_picture(link: Link, name: object) -> BrokerPicture:
    """Ask the broker for positions, open orders of all clients and executions; blocks."""
    raise NotImplementedError
