"""Was this session run by the rules? One verdict a bot, from the journal alone; profit plays no part.

Every item has its evidence, whether it passed or not. What concerns the account as a whole (its
data, its broker's books, what was done by hand) concerns every bot that trades on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.gate import conduct, upkeep
from engine.gate.record import SessionRecord
from engine.gate.rules import Finding, Rules
from engine.gate.settings import Item

ITEMS: dict[Item, tuple[str, Callable[[SessionRecord, str, Rules], Finding]]] = {
    Item.DATA: ("Healthy data through the window", upkeep.data),
    Item.GOVERNED: ("Every order passed the governor", conduct.governed),
    Item.LIMITS: ("No limit passed", conduct.limits),
    Item.WINDOW: ("Nothing opened outside the window", conduct.window),
    Item.BLACKOUT: ("Nothing opened on a blocked day", conduct.blackout),
    Item.HALTS: ("Every halt acted on in time", conduct.halts),
    Item.FLAT: ("Flat in time", conduct.flat),
    Item.BROKER: ("Broker's books are the journal's", upkeep.broker),
    Item.FEES: ("Fees as the broker charged them", upkeep.fees),
    Item.OVERRIDE: ("Nothing done by hand", upkeep.override),
    Item.ERRORS: ("No error that nothing had foreseen", upkeep.errors),
    Item.CONFIG: ("One configuration throughout", upkeep.config),
    Item.CLOCK: ("A clock that only goes forward", upkeep.forward),
    Item.RECORD: ("A journal without holes", upkeep.whole),
}


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """One item: its question, whether it passed, and what was seen."""

    item: Item
    question: str
    passed: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class SessionVerdict:
    """The verdict on one bot's session."""

    bot: str
    items: tuple[ItemVerdict, ...]

    @property
    def failed(self) -> dict[str, str]:
        """The items that failed, with their evidence."""
        return {one.item.value: one.evidence for one in self.items if not one.passed}

    @property
    def compliant(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


def judge(record: SessionRecord, bot: str, rules: Rules) -> SessionVerdict:
    """Return the verdict on a bot's session; pure: equal rows, equal verdict."""
    told = []
    for item, (question, ask) in ITEMS.items():
        finding = ask(record, bot, rules)
        told.append(ItemVerdict(item, question, finding.passed, finding.text))
    return SessionVerdict(bot, tuple(told))
