"""The journal of one run: every decision, order, fill, halt and trade, in the order they happened."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from engine.journal.records import Fill, HaltEvent, OrderEvent, Trade
from engine.reasons import Reason


class Journal:
    """Keep the events of a run in memory.

    Decisions are columns, not objects: a bot decides a few hundred thousand times in
    five years, so each bot hands in a function that builds its table once, at the end.
    """

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.fills: list[Fill] = []
        self.orders: list[OrderEvent] = []
        self.halts: list[HaltEvent] = []
        self._decisions: dict[str, Callable[[], pd.DataFrame]] = {}
        self._reasons: dict[str, Callable[[], dict[Reason, int]]] = {}

    def fill(self, fill: Fill) -> None:
        self.fills.append(fill)

    def order(self, event: OrderEvent) -> None:
        self.orders.append(event)

    def halt(self, event: HaltEvent) -> None:
        self.halts.append(event)

    def trade(self, trade: Trade) -> None:
        self.trades.append(trade)

    def keep_decisions(
        self, bot: str, table: Callable[[], pd.DataFrame], reasons: Callable[[], dict[Reason, int]]
    ) -> None:
        """Register what builds a bot's decision table, and what counts its reasons without it."""
        self._decisions[bot], self._reasons[bot] = table, reasons

    def reasons(self, bot: str) -> dict[Reason, int]:
        """Return how many of a bot's decision minutes came to which reason, the commonest first."""
        counts = self._reasons[bot]() if bot in self._reasons else {}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def decisions(self, bot: str | None = None) -> pd.DataFrame:
        """Return the decision table of one bot, or of all, one row a decision minute and symbol."""
        names = [bot] if bot is not None else list(self._decisions)
        tables = [self._decisions[name]() for name in names if name in self._decisions]
        if not tables:
            return pd.DataFrame({"time": [], "bot": [], "symbol": [], "reason": []})
        return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
