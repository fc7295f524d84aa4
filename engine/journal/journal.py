"""The journal of one run: every decision, order, fill, halt and trade, in the order they happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.journal.records import Event, Fill, HaltEvent, OrderEvent, Trade
from engine.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd


class Sink(Protocol):
    """Where events go beside memory: a database, a log, an alert.

    ``record`` never raises for what goes wrong outside the program (a full disk, a lost
    connection): it says so and turns ``healthy`` False.
    """

    @property
    def healthy(self) -> bool: ...

    def record(self, event: Event) -> None: ...

    def counts(self) -> Mapping[str, int]:
        """Return what became of the events so far, by a word for each fate."""
        ...


class Journal:
    """Keep the events of a run in memory, and hand each to the sinks.

    Decisions of a backtest are columns, not objects: a bot decides a few hundred thousand
    times in five years, so each bot hands in a function that builds its table once, at the end.

    Parameters
    ----------
    sinks : sequence of Sink
        None in a backtest.

    Attributes
    ----------
    kept : frozenset of str
        Execution ids and references of trades that an earlier process has given to the sinks:
        told again after a crash, they are not given twice.
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self.sinks = tuple(sinks)
        self.kept: frozenset[str] = frozenset()
        self.trades: list[Trade] = []
        self.fills: list[Fill] = []
        self.orders: list[OrderEvent] = []
        self.halts: list[HaltEvent] = []
        self._decisions: dict[str, Callable[[], pd.DataFrame]] = {}
        self._reasons: dict[str, Callable[[], dict[Reason, int]]] = {}
        self._rules: dict[str, Callable[[], pd.DataFrame]] = {}

    def fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        if fill.exec_id not in self.kept:
            self.record(fill)

    def order(self, event: OrderEvent) -> None:
        self.orders.append(event)
        self.record(event)

    def halt(self, event: HaltEvent) -> None:
        self.halts.append(event)
        self.record(event)

    def trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        if trade.order_ref not in self.kept:
            self.record(trade)

    def record(self, event: Event) -> None:
        """Hand an event to the sinks; the kinds without a list here live only there."""
        for sink in self.sinks:
            sink.record(event)

    @property
    def healthy(self) -> bool:
        """False once a sink has failed: what happens next could not be kept."""
        return all(sink.healthy for sink in self.sinks)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return what every sink counts, by the sink's kind."""
        return {type(sink).__name__.lower(): dict(sink.counts()) for sink in self.sinks}

    def keep_decisions(
        self,
        bot: str,
        table: Callable[[], pd.DataFrame],
        reasons: Callable[[], dict[Reason, int]],
        rules: Callable[[], pd.DataFrame],
    ) -> None:
        """Register what builds a bot's decision table, what counts its reasons without it, and its rules."""
        self._decisions[bot], self._reasons[bot], self._rules[bot] = table, reasons, rules

    @property
    def bots(self) -> tuple[str, ...]:
        """The bots whose decisions are kept."""
        return tuple(self._decisions)

    def rules(self, bot: str) -> pd.DataFrame:
        """Return a column a rule, True where it let the entry pass; the rows are those of `decisions`."""
        return self._rules[bot]()

    def reasons(self, bot: str) -> dict[Reason, int]:
        """Return how many of a bot's decision minutes came to which reason, the commonest first."""
        counts = self._reasons[bot]() if bot in self._reasons else {}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def decisions(self, bot: str | None = None) -> pd.DataFrame:
        """Return the decision table of one bot, or of all, one row a decision minute and symbol."""
        import pandas as pd

        names = [bot] if bot is not None else list(self._decisions)
        tables = [self._decisions[name]() for name in names if name in self._decisions]
        if not tables:
            return pd.DataFrame({"time": [], "bot": [], "symbol": [], "reason": []})
        return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
