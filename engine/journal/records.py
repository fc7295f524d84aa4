"""Events of a run, as immutable records; the journal is the list of them.

Times are aware. A number that is not known is NaN here and empty in a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from engine.reasons import Reason
from engine.record import record


@record
class Fill:
    """One leg of one execution. Prices USD per share, money in USD; ``quantity`` signed."""

    exec_id: str
    order_ref: str
    trade_id: int
    bot: str
    symbol: str
    at: datetime
    opening: bool
    instrument: str
    quantity: int
    price: float
    multiplier: int
    fees: float
    combo_price: float
    mid: float  # combo mid at the fill, to measure slippage
    source: str  # quote source


@record
class OrderEvent:
    """A state change of a working order."""

    order_ref: str
    bot: str
    symbol: str
    at: datetime
    state: str
    limit: float
    filled: int
    remaining: int
    reason: str = ""


@record
class HaltEvent:
    """A latched halt; ``symbol`` empty for a halt of everything."""

    day: date
    at: datetime
    symbol: str
    reason: Reason
    text: str


@record
class Trade:
    """One round trip of one combo, entry to flat. Money in USD for the whole quantity."""

    trade_id: int
    order_ref: str
    bot: str
    symbol: str
    structure: str
    legs: str
    expiry: date
    quantity: int
    entry_time: datetime
    exit_time: datetime
    credit: float  # per share, positive when received
    exit_price: float  # per share paid to close, positive when paid
    gross: float
    fees: float
    net: float
    planned_loss: float
    structural_loss: float
    exit_reason: Reason
    spot_entry: float
    spot_exit: float
    short_delta: float
    expected_move: float  # straddle at entry, USD per share of the underlying
    slippage: float  # USD given up against mid, entry and exit together
    source: str


class Owner(Protocol):
    """Who sends orders and is told what becomes of them."""

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What a bot saw and did at one decision minute of one symbol.

    ``measures`` holds every line the filters look at, ``rules`` the verdict of every rule by
    its reason, True where it lets the entry pass; ``credit`` USD per share of the combo. A later
    decision of the same bot, symbol and minute replaces this one: an entry may yet time out.
    """

    at: datetime
    bot: str
    symbol: str
    reason: Reason
    combo: str = ""
    credit: float = float("nan")
    measures: Mapping[str, float] = field(default_factory=dict)
    rules: Mapping[str, bool] = field(default_factory=dict)
    text: str = ""  # of a denial: the value and the limit


@dataclass(frozen=True, slots=True)
class FeeEvent:
    """What the broker charged for an execution, told after the fill, or a fee without one.

    ``amount`` USD, positive when paid; ``expected`` what the fill was booked with.
    """

    at: datetime
    exec_id: str
    order_ref: str
    bot: str
    amount: float
    expected: float = float("nan")
    text: str = ""


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """What is held of one trade from ``at`` on; ``quantity`` 0 when it is flat.

    ``legs`` maps an instrument's text to its signed number; ``credit`` USD per share received.
    """

    at: datetime
    order_ref: str
    trade_id: int
    bot: str
    symbol: str
    structure: str
    combo: str
    expiry: date
    quantity: int
    legs: Mapping[str, int]
    credit: float
    planned_loss: float
    structural_loss: float


@dataclass(frozen=True, slots=True)
class StateEvent:
    """The governor's `DayState` as JSON, after every change: what a restart resumes from."""

    at: datetime
    day: date
    state: str


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """A bot's open trade as JSON, after every change: what the bot resumes from.

    ``open`` False says that the trade has ended and nothing is to be resumed.
    """

    at: datetime
    bot: str
    symbol: str
    order_ref: str
    open: bool
    state: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the broker's books held against the journal's, and what was done about it.

    ``kind`` is when: ``start``, ``reconnect``, ``end``. ``clean`` True when nothing differed.
    """

    at: datetime
    kind: str
    clean: bool
    found: Mapping[str, Any]
    done: Mapping[str, Any]
    text: str = ""


@dataclass(frozen=True, slots=True)
class MarkEvent:
    """The account and what is open, at one instant; USD.

    ``combos`` has one mapping an open trade: order_ref, bot, symbol, structure, combo, quantity,
    credit, mark (USD per share to close), delta (shares that move alike), pnl (USD, before the
    exit's fees), r (pnl over the planned loss), and legs: a list of instrument, quantity, mark,
    delta of one. ``market`` has by symbol what is known of
    price, iv_rank, expected_move, range, crowding, vix. ``budget_left`` by budget, USD.
    """

    at: datetime
    day: date
    equity: float
    realised: float  # net of the day's closed trades
    open_pnl: float
    budget_left: Mapping[str, float] = field(default_factory=dict)
    combos: tuple[Mapping[str, Any], ...] = ()
    market: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DailyMark:
    """A session's result, once it is over; USD. ``text`` is the summary that was sent."""

    at: datetime
    day: date
    equity: float
    net: float
    gross: float
    fees: float
    slippage: float
    trades: int
    decisions: int
    halts: int
    compliant: bool | None = None  # None: nobody has judged it
    figures: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life; ``state`` is the session's, ``detail`` whatever it counts."""

    at: datetime
    pid: int
    version: str
    state: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """A trading session begins (``kind`` started), goes on after a restart (resumed) or ends (ended).

    ``how`` says how it ended: ``flat``, ``interrupted``, ``failed`` and the like.
    """

    at: datetime
    day: date
    kind: str
    venue: str
    how: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateEvent:
    """A step on the ramp from backtest to live; the gate makes payload and hash and checks them.

    ``previous`` is the hash of the event before, ``""`` for the first; a journal holds each only
    once, so that the chain cannot fork.
    """

    at: datetime
    kind: str
    payload: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Note:
    """A word from outside: ``kind`` note or veto. Never an order.

    ``bot`` and ``symbol`` empty mean all. A veto holds until ``until``. ``reference`` is the
    sender's own number of the message: a source's second message with it is not taken.
    """

    at: datetime
    source: str
    kind: str
    text: str
    bot: str = ""
    symbol: str = ""
    until: datetime | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SlippageShadow:
    """The combo's quotes around one fill of an order, USD per share of the combo as bought.

    ``model`` is what the backtest's fill model would have given at the same quotes.
    """

    at: datetime
    order_ref: str
    bot: str
    symbol: str
    buy: bool
    quantity: int
    price: float
    decision_at: datetime
    decision_bid: float
    decision_ask: float
    submitted_at: datetime
    submitted_bid: float
    submitted_ask: float
    fill_bid: float
    fill_ask: float
    model: float = float("nan")


Event = (
    Fill
    | OrderEvent
    | HaltEvent
    | Trade
    | Decision
    | FeeEvent
    | PositionEvent
    | StateEvent
    | TicketEvent
    | Reconciliation
    | MarkEvent
    | DailyMark
    | Heartbeat
    | SessionEvent
    | GateEvent
    | Note
    | SlippageShadow
)
