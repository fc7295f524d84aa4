"""Vetoes from outside: somebody says no for a while. Never an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.intent import Denied
from engine.reasons import Reason


@dataclass(frozen=True, slots=True)
class Veto:
    """No entry of ``bot`` in ``symbol`` until a time, aware; empty means all, None for good."""

    source: str
    text: str
    bot: str = ""
    symbol: str = ""
    until: datetime | None = None

    def holds(self, bot: str, symbol: str, at: datetime) -> bool:
        """Return whether this speaks against an entry."""
        meant = self.bot in ("", bot) and self.symbol in ("", symbol)
        return meant and (self.until is None or at < self.until)


def vetoed(vetoes: Sequence[Veto], bot: str, symbol: str, at: datetime) -> Denied | None:
    """Return the refusal of the first veto that holds, None when none does."""
    for veto in vetoes:
        if veto.holds(bot, symbol, at):
            until = f" until {veto.until.astimezone(at.tzinfo):%H:%M}" if veto.until else ""
            return Denied(Reason.VETOED, f"{veto.source}{until}: {veto.text}")
    return None
