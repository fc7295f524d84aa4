"""A gateway on a small market, and the IBKR room connected to it over a real socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np

from engine.bars import Bars
from engine.broker.fees import Execution, FeeSchedule
from engine.execution.settings import ExecutionSettings
from engine.gateway.faults import Fault, Faults
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market
from engine.ibkr.broker import LiveBroker
from engine.ibkr.contracts import Contracts
from engine.ibkr.feed import Minutes
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent
from engine.options.combo import Combo, put_spread
from engine.options.contract import Product
from engine.reasons import Reason
from engine.sessions import NEW_YORK, stamps
from engine.settings_ibkr import IbkrSettings
from engine.standing import StandingLoop, StandingTime
from engine.universe import load_universe
from feeds.model import ModelQuotes
from scripts.gateway_market import gateway_market
from scripts.live.lockstep import Lockstep

CONFIG = Path(__file__).parents[2] / "config"
DAYS = (date(2018, 3, 1), date(2018, 3, 2))
TODAY = DAYS[1]
PRICES = {"XSP": 270.0, "SPY": 270.0}
FAST: dict[str, Any] = {
    "connect_seconds": 5.0, "request_seconds": 30.0, "backoff_first": 0.05, "backoff_most": 0.2,
    "commission_seconds": 1.0, "confirm_seconds": 0.3, "backfill_days": 1, "line_budget": 24,
    "messages_per_second": 49,
}  # fmt: skip
STANDING: dict[str, Any] = {"quote_age": 150.0}  # the simulated exchange quotes once a minute
PATIENCE = 40.0
LOCKSTEP = 240.0  # seconds of the gateway's clock that stand for one of patience
ENDED = frozenset({"filled", "timed_out", "cancelled", "rejected"})


def bars(symbol: str, sigma: float, seed: int = 3) -> Bars:
    """Return minutes of a walk with steps of ``sigma``."""
    stamp = stamps(DAYS)
    draw = np.random.default_rng(seed)
    close = PRICES[symbol] * np.exp(np.cumsum(draw.normal(0.0, sigma, len(stamp))))
    opened = np.concatenate([[close[0]], close[:-1]])
    lines = {
        "vix": np.full(len(stamp), 16.0),
        "put_volume": np.full(len(stamp), 40.0),
        "call_volume": np.full(len(stamp), 30.0),
    }
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars(symbol, stamp, opened, high, low, close, np.full(len(stamp), 1200.0), lines).check()


@cache
def products() -> dict[str, Product]:
    universe = load_universe(CONFIG / "universe.json")
    return {symbol: universe[symbol] for symbol in PRICES}


@cache
def fees() -> FeeSchedule:
    return FeeSchedule.load(CONFIG / "fees.yaml")


@cache
def market(sigma: float = 0.0002, **execution: Any) -> Market:
    """Return the market; the gateways of a test run take it in turns."""
    raw = {symbol: bars(symbol, sigma) for symbol in PRICES}
    book = ModelQuotes(raw, products())
    return gateway_market(book.with_lines(), book, products(), fees(), ExecutionSettings(**execution))


def at(clock: str, day: date = TODAY) -> datetime:
    """Return an instant, New York time."""
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), NEW_YORK)


def estimate(rows: Any, day: date) -> float:
    return fees().order_fees([Execution(*row) for row in rows], day)


def until(what: Callable[[], Any], patience: float = PATIENCE, turn: Callable[[], None] | None = None) -> Any:
    """Wait until something is true and return it; fail when it never is."""
    deadline = time.monotonic() + patience
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing came of {what} within {patience:g} s"
        if turn is not None:
            turn()
        time.sleep(0.005)


class Keeper:
    """An owner who keeps all he is told."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []
        self.fills: list[Fill] = []
        self.units: list[int] = []

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        self.events.append(event)
        self.fills += fills
        self.units.append(units)

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.events]


class Rig:
    """The whole client side without Cerebro: `turn` does what one of its cycles does.

    Its time is the wall's at the gateway's speed or, with ``clock``, in lockstep with the gateway.
    """

    def __init__(
        self, gateway: Gateway, symbols: tuple[str, ...], clock: Lockstep | None = None, **settings: Any
    ) -> None:
        self.gateway, self.symbols, self.clock = gateway, symbols, clock
        self.speed = gateway.call(lambda venue: venue.settings.speed) or 1.0
        own = FAST | (STANDING if clock is not None else {})
        self.settings = IbkrSettings(port=gateway.port, **(own | settings))
        self.execution = ExecutionSettings()
        self.link = Link(self.settings, True, self.speed, clock)
        self.journal, self.owner = Journal(), Keeper()
        self.sent = 0

    def start(self) -> Rig:
        self.link.start()
        mine = {symbol: products()[symbol] for symbol in self.symbols}
        self.contracts = Contracts(self.link, products())
        self.contracts.prepare(self.symbols)
        self.book = LiveQuotes(self.link, self.contracts, mine, self.settings)
        self.minutes = Minutes(self.link, self.contracts, self.book, self.symbols, self.settings)
        self.broker = LiveBroker(
            self.link, self.contracts, self.book, self.minutes.tape, self.journal, self.settings,
            self.execution, estimate,
        )  # fmt: skip
        self.book.start(self.symbols)
        for symbol in self.symbols:
            self.book.watch(symbol, 0)
        self.minutes.start()
        return self

    def turn(self) -> None:
        """Take every bar that is there, then let the broker work."""
        while self.minutes.waiting(len(self.minutes.tape)):
            self.minutes.row(len(self.minutes.tape), 0.0)
        self.broker.next()

    def until(self, what: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Take turns until something is true and return it."""
        if self.clock is None:
            return until(what, patience, self.turn)
        deadline = self.clock.seconds() + LOCKSTEP * patience
        while not (found := what()):
            assert self.clock.seconds() < deadline, f"nothing came of {what} within {patience:g} s"
            self.turn()
            self._rest(self.clock)
        return found

    def _rest(self, clock: Lockstep) -> None:
        """Let time pass as a session's main loop does between two turns."""
        if not self.link.stirred.is_set():
            clock.idle(self.link.stirred, 0.5)
        self.link.stirred.clear()

    def run(self, seconds: float) -> None:
        """Take turns for so many seconds of the gateway's clock."""
        end = self.link.clock.now() + seconds
        while self.link.clock.now() < end:
            self.turn()
            if self.clock is None:
                time.sleep(0.002)
            else:
                self._rest(self.clock)

    def spread(self, symbol: str = "XSP", below: float = 0.5) -> Combo:
        """Return a put spread of today a little out of the money, once it is quoted on both sides."""
        product = products()[symbol]
        short = float(np.floor(self.book.spot(symbol) - below))
        combo = put_spread(product, TODAY, short, short - 1.0)
        self.until(lambda: self.book.two_sided(combo))
        return combo

    def enter(self, quantity: int = 1, urgency: Urgency = Urgency.URGENT, below: float = 0.5) -> Intent:
        """Send the entry of a spread."""
        intent = self.intent(self.spread(below=below), quantity)
        self.broker.submit(self.order(intent, urgency=urgency), self.owner)
        return intent

    def leave(self, intent: Intent, number: int = 2, units: int | None = None) -> None:
        """Send its exit."""
        self.broker.submit(self.order(intent, number, buy=False, units=units), self.owner)

    def ended(self, count: int = 1) -> bool:
        """Tell whether so many orders have ended."""
        return sum(state in ENDED for state in self.owner.states) >= count

    def agrees(self) -> None:
        """Check that the journal holds the gateway's own executions of legs, each once, to the cent."""
        told = {
            row["execId"]: (
                row["shares"] * (1 if row["side"] == "BOT" else -1),
                row["price"],
                row["commission"],
            )
            for row in self.gateway.executions()
            if row["secType"] != "BAG"
        }
        kept = {fill.exec_id: (fill.quantity, fill.price, fill.fees) for fill in self.journal.fills}
        assert len(kept) == len(self.journal.fills)
        assert kept == told

    def intent(self, combo: Combo, quantity: int = 1, planned: float = 50.0) -> Intent:
        self.sent += 1
        return Intent(
            f"putlite-20180302-{self.sent}", self.sent, "putlite", combo.symbol, combo, quantity, True,
            Reason.ENTERED, self.broker.at, planned, 100.0, 100.0,
        )  # fmt: skip

    def order(self, of: Intent, number: int = 1, buy: bool = True, urgency: Urgency = Urgency.URGENT,
              units: int | None = None) -> Order:  # fmt: skip
        ref = f"{of.order_ref}/{number}"
        return Order(ref, of, of.combo, units or of.quantity, buy, urgency, self.broker.at)


@contextmanager
def rig(
    speed: float = 240.0,
    start: str = "10:00",
    faults: tuple[dict[str, Any], ...] = (),
    symbols: tuple[str, ...] = ("XSP",),
    gateway: dict[str, Any] | None = None,
    sigma: float = 0.0002,
    **settings: Any,
) -> Iterator[Rig]:
    """Connect to a gateway; at an infinite speed in lockstep with it, the same on a busy machine."""
    script = Faults([Fault.model_validate(fault) for fault in faults])
    given: dict[str, Any] = {"speed": 0.0 if isinf(speed) else speed, "cash": 100_000.0, "seed": 5}
    given |= gateway or {}
    if faults:
        given["faults"] = script
    standing = StandingTime()
    loop = StandingLoop(standing) if isinf(speed) else None
    with Gateway(market(sigma), start=at(start), loop=loop, **given) as served:
        clock = Lockstep(served, standing, loop) if loop is not None else None
        made = Rig(served, symbols, clock, **settings)
        try:
            yield made.start()
        finally:
            made.link.stop()
