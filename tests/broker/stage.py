"""A short tape, a table book, an owner who keeps what he is told, and the broker between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.broker.option_broker import OptionBroker
from engine.execution.settings import ExecutionSettings
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent
from engine.options.combo import Combo
from engine.sessions import stamps
from engine.tape import Tape
from tests.execution.market import DAY, SPREAD, TableBook, intent

CASH = 150_000.0
NEXT_DAY = date(2026, 10, 6)


@cache
def fee_table() -> FeeSchedule:
    return FeeSchedule.load(Path(__file__).parents[2] / "config" / "fees.yaml")


def tape(
    prices: Mapping[str, Sequence[float]], days: Sequence[date] = (DAY,), opens: Sequence[float] | None = None
) -> Tape:
    """Return a tape whose days have as many first minutes as there are prices a day."""
    (count,) = {len(path) for path in prices.values()}
    each = count // len(days)
    stamp = np.concatenate([stamps([day])[:each] for day in days])
    bars = {}
    for symbol, path in prices.items():
        close = np.array(path, float)
        opened = close if opens is None else np.array(opens, float)
        high, low = np.maximum(close, opened), np.minimum(close, opened)
        bars[symbol] = Bars(symbol, stamp, opened, high, low, close, np.ones(count))
    return Tape(bars)


class Keeper:
    """An owner who keeps every event, and may answer one with a further order."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []
        self.fills: list[Fill] = []
        self.units: list[int] = []
        self.answer: Callable[[OrderEvent], None] | None = None

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        self.events.append(event)
        self.fills += fills
        self.units.append(units)
        if self.answer is not None:
            self.answer(event)

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.events]


class Stage:
    """Play a broker bar by bar, as a loop would."""

    def __init__(
        self,
        book: TableBook,
        over: Tape,
        settings: ExecutionSettings | None = None,
        cash: float = CASH,
        dividends: Sequence[tuple[str, date, float]] = (),
    ) -> None:
        self.tape, self.book, self.journal, self.owner = over, book, Journal(), Keeper()
        self.broker = OptionBroker(
            book, over, fee_table(), self.journal, settings or ExecutionSettings(), cash, dividends
        )
        self._length: list[None] = []
        self.broker.attach(self._length)
        self.sent = 0
        self.play()

    @property
    def bar(self) -> int:
        return len(self._length) - 1

    def play(self, bars: int = 1) -> None:
        """Let so many bars pass."""
        for _ in range(bars):
            self._length.append(None)
            self.broker.next()

    def jump(self, bar: int) -> None:
        """Go to a bar without visiting those between."""
        self._length.extend([None] * (bar - self.bar))
        self.broker.next()

    def finish(self) -> None:
        """Play the rest of the tape."""
        self.play(len(self.tape) - 1 - self.bar)

    def send(
        self,
        combo: Combo = SPREAD,
        quantity: int = 1,
        buy: bool = True,
        urgency: Urgency = Urgency.URGENT,
        of: Intent | None = None,
    ) -> Order:
        """Send an order on the current bar."""
        self.sent += 1
        of = of or intent(combo, quantity)
        one = Order(f"{of.order_ref}/{self.sent}", of, combo, quantity, buy, urgency, self.tape.at(self.bar))
        self.broker.submit(one, self.owner)
        return one

    def cents(self) -> int:
        """Return the cash that the journalled fills leave, in cents, worked out from them alone."""
        flows = sum(fill.price * fill.quantity * fill.multiplier + fill.fees for fill in self.journal.fills)
        return round(100 * (self.broker.startingcash - flows))
