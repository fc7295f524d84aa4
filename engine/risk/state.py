"""What the governor remembers of a day: immutable, and the same after a restart."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from engine.errors import DataError, LedgerError
from engine.reasons import Reason
from engine.record import record

Halt = tuple[str, Reason]
"""Scope and reason: the scope is a symbol, ``""`` for the whole market, or a budget's name."""

VERSION = 1


@record
class OpenTrade:
    """A trade the governor has let pass and that is not flat yet; money in cents."""

    order_ref: str
    bot: str
    budget: str
    symbol: str
    structural: int
    planned: int


@record
class DayState:
    """One trading day in the governor's eyes.

    ``realised`` holds per budget the losses taken today in cents, as positive numbers.
    Gains do not buy losses back: a good morning does not widen the afternoon's limit.
    ``entries`` counts per bot the trades decided and ended today, unfilled ones left out;
    ``trades`` numbers the approvals of all days, so that no reference is used twice.
    ``revision`` counts what was kept: of two kept states the higher is the later.
    """

    day: date
    realised: tuple[tuple[str, int], ...] = ()
    open: tuple[OpenTrade, ...] = ()
    halts: frozenset[Halt] = frozenset()
    entries: tuple[tuple[str, int], ...] = ()
    trades: int = 0
    revision: int = 0

    @classmethod
    def fresh(cls, day: date) -> DayState:
        """Return the state of a day on which nothing has happened."""
        return cls(day=day)

    def roll(self, day: date) -> DayState:
        """Return the state for ``day``: a later day forgets losses, halts and entries, not open trades.

        An earlier day changes nothing: a clock that runs backwards must not free the day's cap.
        """
        if day <= self.day:
            return self
        return DayState(day, (), self.open, frozenset(), (), self.trades, self.revision)

    def opened(self, trade: OpenTrade) -> DayState:
        """Return the state with one more open trade.

        Raises
        ------
        LedgerError
            The order reference is open already.
        """
        if self.find(trade.order_ref) is not None:
            raise LedgerError(f"{trade.order_ref} opened twice; expected a new order reference")
        return self._with(open=(*self.open, trade), trades=self.trades + 1)

    def closed(self, order_ref: str, net: int) -> DayState:
        """Return the state after a trade ended with ``net`` cents, fees included.

        Raises
        ------
        LedgerError
            The order reference is not open: its loss would count twice.
        """
        trade = self.find(order_ref)
        if trade is None:
            raise LedgerError(
                f"{order_ref} closed, but not open; open are {[t.order_ref for t in self.open]}"
            )
        loss = max(0, -net)
        realised = dict(self.realised)
        if loss:
            realised[trade.budget] = realised.get(trade.budget, 0) + loss
        rest = tuple(t for t in self.open if t.order_ref != order_ref)
        return self._with(realised=tuple(sorted(realised.items())), open=rest)

    def entered(self, bot: str) -> DayState:
        """Return the state with one more entry of a bot counted."""
        entries = dict(self.entries)
        entries[bot] = entries.get(bot, 0) + 1
        return self._with(entries=tuple(sorted(entries.items())))

    def _with(
        self,
        realised: tuple[tuple[str, int], ...] | None = None,
        open: tuple[OpenTrade, ...] | None = None,  # noqa: A002 - the field's name
        halts: frozenset[Halt] | None = None,
        entries: tuple[tuple[str, int], ...] | None = None,
        trades: int | None = None,
    ) -> DayState:
        """Return the state with some fields changed, in a third of the time `replace` takes."""
        return DayState(
            self.day,
            self.realised if realised is None else realised,
            self.open if open is None else open,
            self.halts if halts is None else halts,
            self.entries if entries is None else entries,
            self.trades if trades is None else trades,
            self.revision,
        )

    def entries_of(self, bot: str, day: date) -> int:
        """Return how many entries a bot has had on a day: none on any but the state's own."""
        if self.entries and day == self.day:
            return next((count for name, count in self.entries if name == bot), 0)
        return 0

    def halted(self, *halts: Halt) -> DayState:
        """Return the state with halts latched."""
        return self._with(halts=self.halts | set(halts))

    def cleared(self, halt: Halt) -> DayState:
        """Return the state without one halt."""
        return self._with(halts=self.halts - {halt})

    def find(self, order_ref: str) -> OpenTrade | None:
        """Return an open trade by its order reference."""
        return next((trade for trade in self.open if trade.order_ref == order_ref), None)

    def loss(self, budget: str) -> int:
        """Return the losses a budget has taken today, cents."""
        return next((value for name, value in self.realised if name == budget), 0)

    def structural(self, budget: str) -> int:
        """Return what the open trades of a budget can lose at most, cents."""
        return sum(trade.structural for trade in self.open if trade.budget == budget)

    def to_json(self) -> str:
        """Return the state as one line of JSON that `from_json` turns back exactly."""
        return json.dumps(
            {
                "version": VERSION,
                "day": self.day.isoformat(),
                "realised": dict(self.realised),
                "open": [
                    [t.order_ref, t.bot, t.budget, t.symbol, t.structural, t.planned] for t in self.open
                ],
                "halts": sorted([scope, reason.value] for scope, reason in self.halts),
                "entries": dict(self.entries),
                "trades": self.trades,
                "revision": self.revision,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> DayState:
        """Return the state kept by `to_json`.

        Raises
        ------
        DataError
            The text is no such state; a broken state is never replaced by an empty one.
        """
        try:
            raw = json.loads(text)
            if raw["version"] != VERSION:
                raise DataError(f"risk state: got version {raw['version']!r}, expected {VERSION}")
            return cls(
                day=date.fromisoformat(raw["day"]),
                realised=tuple(sorted((str(name), _int(value)) for name, value in raw["realised"].items())),
                open=tuple(_trade(row) for row in raw["open"]),
                halts=frozenset((str(scope), Reason(reason)) for scope, reason in raw["halts"]),
                entries=tuple(sorted((str(name), _int(value)) for name, value in raw["entries"].items())),
                trades=_int(raw["trades"]),
                revision=_int(raw["revision"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"risk state: got {text[:60]!r}, expected the JSON of a day's state ({error})"
            ) from None


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number of cents")
    if value < 0:
        raise ValueError(f"{value} cents is negative, which would widen a limit")
    return value


def _trade(row: list[Any]) -> OpenTrade:
    order_ref, bot, budget, symbol, structural, planned = row
    return OpenTrade(str(order_ref), str(bot), str(budget), str(symbol), _int(structural), _int(planned))
