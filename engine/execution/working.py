"""The life of one order as an explicit state machine, driven by quotes and a minute counter.

The machine knows no broker: the simulated broker asks ``engine.execution.fills`` what
would have traded, another one hears it from its venue, and both tell ``fill``.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.errors import OrderError
from engine.execution.ladder import LONGEST, ladder1
from engine.execution.settings import ExecutionSettings
from engine.intent import Order, Urgency
from engine.options.combo import Combo
from engine.options.contract import Contract
from engine.options.quotebook import Quote
from engine.options.ticks import DUST, per_dollar, tick_size


class OrderState(StrEnum):
    """What happened last to an order; the last four end it."""

    NEW = "new"
    WORKING = "working"
    CONCEDED = "conceded"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    __hash__ = str.__hash__  # an enumeration's own is written in Python


FINAL = frozenset({OrderState.FILLED, OrderState.TIMED_OUT, OrderState.CANCELLED, OrderState.REJECTED})
_LIVE = frozenset({OrderState.CONCEDED, OrderState.PARTLY_FILLED}) | FINAL
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.NEW: frozenset({OrderState.WORKING, OrderState.REJECTED, OrderState.CANCELLED}),
    OrderState.WORKING: _LIVE,
    OrderState.CONCEDED: _LIVE,
    OrderState.PARTLY_FILLED: _LIVE,
    **{state: frozenset() for state in FINAL},
}
STOCK_TICK = 0.01
Floats = NDArray[np.float64]
_per_dollar = cache(per_dollar)
_LIMITS = np.empty((LONGEST, 2))  # written anew with every question


def fixed_tick(combo: Combo) -> float:
    """Return the price step of an order for ``combo``, 0 where it depends on the price: of one option."""
    if len(combo.legs) > 1:
        return combo.product.tick.combo
    return 0.0 if isinstance(combo.legs[0].instrument, Contract) else STOCK_TICK


def combo_tick(combo: Combo, price: float) -> float:
    """Return the price step of an order for ``combo`` near ``price``, USD per share."""
    return fixed_tick(combo) or tick_size(price, combo.product.tick)


def against(price: float, tick: float, buy: bool) -> float:
    """Return ``price`` on the grid of ``tick``, rounded against the order: up to buy, down to sell."""
    if not math.isfinite(price):
        return price
    per = _per_dollar(tick)
    # as `up1` and `down1`: numpy, or a call into compiled code, costs more than one rounding
    ticks = price * per - DUST if buy else price * per + DUST
    return math.copysign(math.ceil(ticks) if buy else math.floor(ticks), ticks) / per


def natural(quote: Quote, buy: bool) -> float:
    """Return what trading at once costs (``buy``) or brings; NaN where it cannot be bought."""
    return quote.ask if buy else quote.bid


def between(quote: Quote, buy: bool, fraction: float) -> float:
    """Return the price ``fraction`` of the way from mid (0) to natural (1), USD per share.

    A combo without an ask has no mid either: selling it then starts at its bid.
    """
    far = natural(quote, buy)
    if fraction >= 1.0 or not math.isfinite(quote.ask):
        return far
    return quote.mid + fraction * (far - quote.mid)


class WorkingOrder:
    """One order between its submission and its end.

    Parameters
    ----------
    order : Order
    settings : ExecutionSettings

    Attributes
    ----------
    state : OrderState
    limit : float
        USD per share, on the combo's tick; NaN while there was nothing to price it with.
    filled, remaining : int
        Units.
    average : float
        Average price of what was filled, USD per share; NaN before the first fill.
    reason : str
        Why the order was rejected or cancelled.
    """

    __slots__ = (
        "order", "settings", "state", "limit", "filled", "remaining", "reason",
        "_value", "_started", "_priced", "_worst", "_tick",
    )  # fmt: skip

    def __init__(self, order: Order, settings: ExecutionSettings) -> None:
        if order.quantity < 1:
            raise OrderError(f"{order.ref}: quantity is {order.quantity}, expected at least 1")
        self.order = order
        self.settings = settings
        self.state = OrderState.NEW
        self.limit = math.nan
        self.filled = 0
        self.remaining = order.quantity
        self.reason = ""
        self._value = 0.0
        self._started = 0
        self._priced = 0
        self._worst = math.nan
        self._tick = fixed_tick(order.combo)

    @property
    def done(self) -> bool:
        """Whether the order has ended."""
        return self.state in FINAL

    @property
    def average(self) -> float:
        return self._value / self.filled if self.filled else math.nan

    def fraction(self, elapsed: int) -> float:
        """Return how far from mid (0) to natural (1) the limit stands after ``elapsed`` minutes."""
        settings, urgency = self.settings, self.order.urgency
        if urgency is Urgency.URGENT:
            return 1.0
        start, steps = 0.0, settings.exit_steps
        if urgency is Urgency.ENTRY:
            start, steps = settings.entry_fraction_start, settings.steps
        step = elapsed // settings.requote_minutes
        return 1.0 if step >= steps else start + (1.0 - start) * step / steps

    def place(self, quote: Quote | None, minute: int) -> OrderState:
        """Set the first limit from the quotes of the minute the order was sent on.

        Buying what has no price is rejected; selling it waits for a price, because an
        exit must not get lost.
        """
        self._started = self._priced = minute
        if self.order.buy and (quote is None or not math.isfinite(quote.ask)):
            return self.reject("no ask to buy at")
        self._move(OrderState.WORKING)
        if quote is not None:
            # An approval is for the price it was given at: the loss a single-order entry
            # can make was counted there. Later steps of an entry must follow the market.
            if self.order.urgency is Urgency.ENTRY and self.order.combo == self.order.intent.combo:
                self._worst = self._target(quote)
            self._price(quote, 0)
        return self.state

    def resume(self, limit: float, minute: int, filled: int, average: float) -> None:
        """Go on with an order of an earlier process: placed at ``minute``, at ``limit`` last.

        What it was approved for is not known any more, so an entry concedes no further.
        """
        self._move(OrderState.WORKING)
        self._started = self._priced = minute
        self.limit = self._worst = limit
        if not (self.order.urgency is Urgency.ENTRY and self.order.combo == self.order.intent.combo):
            self._worst = math.nan
        if filled:
            self.fill(filled, average)

    def requote(self, quote: Quote | None, minute: int) -> bool:
        """Set the limit anew when its time has come; True when it changed.

        Urgent orders follow the market every minute, the others every ``requote_minutes``.
        """
        due = minute - self._priced >= self.settings.requote_minutes
        due = due or self.order.urgency is Urgency.URGENT or not math.isfinite(self.limit)
        if not due or quote is None or self.done:
            return False
        if not math.isfinite(natural(quote, self.order.buy)):
            return False
        before, self._priced = self.limit, minute
        self._price(quote, minute - self._started)
        if self.limit == before:
            return False
        self._move(OrderState.CONCEDED)
        return True

    def foresee(
        self, bid: Floats, ask: Floats, stamp: NDArray[np.int64], rule: Floats
    ) -> tuple[int, int, list[tuple[int, float]]]:
        """Return what becomes of an order, not urgent, on coming bars as far as only its limit changes.

        Nothing is changed by asking. Returns the number of bars before the first on which it may
        trade or end, the minute it will have been priced in last, and the limits by number of bar.

        Parameters
        ----------
        bid, ask : ndarray
            Of the combo on the coming bars, at most ``LONGEST``, each of a size that can be traded.
        stamp : ndarray of int64
            Ends of the bars, UTC nanoseconds.
        rule : ndarray
            `rule_of` these settings and the order's kind.
        """
        tick = self.order.combo.product.tick
        steps = np.array((self._tick, tick.threshold, tick.below, tick.above))
        place, priced, count = ladder1(
            bid, ask, stamp, self.order.buy, self.limit, self._worst, self._started, self._priced,
            rule, steps, _LIMITS,
        )  # fmt: skip
        found = [(int(bar), limit) for bar, limit in _LIMITS[:count].tolist()] if count else []
        return place, priced, found

    def conceded(self, limit: float) -> None:
        """Take a limit that was foreseen."""
        self.limit = limit
        self._move(OrderState.CONCEDED)

    def seen(self, minute: int) -> None:
        """Go on behind what was foreseen, having been priced last in ``minute``."""
        self._priced = minute

    def overdue(self, minute: int) -> bool:
        """Tell whether the timeout lies before ``minute``: nothing may fill any more."""
        return self._times_out and minute - self._started > self.settings.entry_timeout_minutes

    def expires(self, minute: int) -> bool:
        """Tell whether ``minute`` is the last on which the order may fill."""
        return self._times_out and minute - self._started >= self.settings.entry_timeout_minutes

    def fill(self, units: int, price: float) -> OrderState:
        """Book an execution of ``units`` at ``price``.

        Raises
        ------
        OrderError
            When more is filled than remains, or the order has ended.
        """
        if not 1 <= units <= self.remaining:
            raise OrderError(f"{self.order.ref}: {units} units filled, expected 1 to {self.remaining}")
        last = units == self.remaining
        self._move(OrderState.FILLED if last else OrderState.PARTLY_FILLED)
        self.filled += units
        self.remaining -= units
        self._value += units * price
        return self.state

    def time_out(self) -> OrderState:
        """End the order because its time is over; what was filled stays."""
        return self._end(OrderState.TIMED_OUT, "")

    def cancel(self, reason: str = "") -> OrderState:
        """End the order on request; what was filled stays."""
        return self._end(OrderState.CANCELLED, reason)

    def reject(self, reason: str) -> OrderState:
        """End the order because the venue will not have it."""
        return self._end(OrderState.REJECTED, reason)

    @property
    def _times_out(self) -> bool:
        return self.order.urgency is Urgency.ENTRY

    def _end(self, state: OrderState, reason: str) -> OrderState:
        self._move(state)
        self.reason = reason
        return state

    def _move(self, state: OrderState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise OrderError(f"{self.order.ref}: cannot go from {self.state} to {state}")
        self.state = state

    def _target(self, quote: Quote) -> float:
        """Return the price at which the order is marketable, with the slippage allowed for."""
        far = natural(quote, self.order.buy)
        slip = self.settings.slippage_ticks * self._step(far)
        return self._on_tick(far + slip if self.order.buy else far - slip)

    def _price(self, quote: Quote, elapsed: int) -> None:
        buy, fraction = self.order.buy, self.fraction(elapsed)
        far = fraction >= 1.0
        limit = self._target(quote) if far else self._on_tick(between(quote, buy, fraction))
        worse = limit > self._worst if buy else limit < self._worst  # never where none is set: NaN
        self.limit = self._worst if worse else limit

    def _on_tick(self, price: float) -> float:
        return against(price, self._step(price), self.order.buy)

    def _step(self, price: float) -> float:
        return self._tick or tick_size(price, self.order.combo.product.tick)
