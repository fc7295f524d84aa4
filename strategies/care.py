"""How a bot looks after a trade: working orders, levels, marks, leaving, and what a restart goes on from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np

from engine.desk import Desk, Levels
from engine.intent import Order, Urgency
from engine.journal.records import Fill, OrderEvent
from engine.live.pace import Pace
from engine.live.patience import MarkTimer, StopTimer
from engine.options.combo import Combo
from engine.options.quotebook import Quote
from engine.reasons import Reason
from engine.risk.governor import MarketView
from engine.risk.limits import Limits
from strategies.lane import Lane
from strategies.ticket import Stage, Ticket
from strategies.ticket_text import ticket_to_json

_ENDED = {"filled", "timed_out", "cancelled", "rejected", "stopped"}
_SETTLED = {"settled": Reason.SETTLED, "assigned": Reason.ASSIGNED}


class Care:
    """The part of a bot that manages and closes; an order's end brings the next step.

    A part of `strategies.base.Bot`, whose attributes and methods it uses.
    """

    p: Any  # the bot's parameters, as Backtrader has them
    _line: Any
    bot_name: str
    take_reason: Reason
    desk: Desk
    limits: Limits
    lanes: list[Lane]
    ticket: Ticket | None
    levels: Callable[[Ticket], tuple[Levels, ...]]
    room: Callable[[Ticket], float]
    _position: tuple[str, tuple[int, ...]]
    _pace: Pace | None
    _stop_timer: StopTimer
    _mark_timer: MarkTimer
    _told: bool
    _used: Callable[[date], bool]
    _held: Callable[[Ticket, int], None]

    def _send(self, ticket: Ticket, units: int, urgency: Urgency, at: datetime) -> None:
        def kept(order: Order, number: int) -> None:
            ticket.sending(order, number)
            self._keep(ticket, at)

        step, opening = ticket.proposal.steps[ticket.step], ticket.stage is Stage.OPENING
        self.desk.send(ticket.intent, step, units, opening, urgency, at, self, kept)

    def _keep(self, ticket: Ticket, at: datetime) -> None:
        """Make durable what a restart would go on from."""
        if self.desk.keeps:
            still_open = self.ticket is not None
            self.desk.keep(self.bot_name, ticket.intent, ticket_to_json(ticket), still_open, at)
            held = (ticket.intent.order_ref, tuple(ticket.held))
            if held != self._position and (any(ticket.held) or self._position[0] == held[0]):
                self.desk.journal.record(ticket.position(at))
                self._position = held

    def _manage(self, ticket: Ticket, view: MarketView, bar: int) -> None:
        why = self.desk.closing or self.desk.governor.must_close(self.desk.state, view, self.bot_name)
        if ticket.stage is Stage.OPENING:
            if why is None and view.minute >= self.limits.window_last:
                why = Reason.OUTSIDE_WINDOW
            if why is not None and ticket.why is Reason.ENTERED:
                ticket.why = why
                self.desk.cancel(ticket.working)
        elif ticket.stage is Stage.CLOSING:
            if why is not None and not ticket.urgent:
                ticket.urgent = True
                self.desk.cancel(ticket.working)
        elif ticket.intent.order_ref in self.desk.disputed:
            return  # selling what is not there any more would open the opposite
        elif why is not None:
            self._leave(ticket, why, Urgency.URGENT, view.at)
        else:
            self._check_levels(ticket, view)

    def _check_levels(self, ticket: Ticket, view: MarketView) -> None:
        marked = False
        for level in ticket.levels:
            quote = self._quote(level.combo)
            if quote is None:
                continue
            marked = True
            if quote.bid <= level.stop:
                if self._pace is not None and not self._lost(level.combo, quote.bid, level.stop):
                    continue  # a bid is missing: no evidence of a loss
                depth = (level.stop - quote.bid) / max(self.room(ticket), level.combo.product.tick.combo)
                if self._stop_timer.breached(view.at, depth):
                    self._leave(ticket, Reason.PLANNED_LOSS, Urgency.URGENT, view.at)
                    return
            elif level.stop > -np.inf:
                self._stop_timer.held()
            if quote.bid >= level.take:
                self._leave(ticket, self.take_reason, Urgency.EXIT, view.at)
                return
        if not self._marked(marked, view):
            self._leave(ticket, Reason.UNMARKED, Urgency.URGENT, view.at)
        elif view.minute >= self.p.common.time_stop:
            self._leave(ticket, Reason.TIME_STOP, Urgency.EXIT, view.at)

    def _lost(self, combo: Combo, bid: float, stop: float) -> bool:
        """Tell whether a combo is worth no more than its stop even if what nobody bids for brought its ask.

        What was sold needs no bid: it is bought back at its ask, however worthless the others think it.
        """
        for leg, (low, high) in zip(combo.legs, self.desk.book.legs(combo), strict=True):
            if leg.ratio > 0 and np.isnan(low):
                bid += leg.ratio * leg.instrument.multiplier / combo.multiplier * high
        return bid <= stop

    def _quote(self, combo: Combo) -> Quote | None:
        """Return a combo's quote if it can be believed."""
        if self._pace is not None and not self._pace.fresh(combo):
            return None
        return self.desk.book.quote(combo)

    def _marked(self, marked: bool, view: MarketView) -> bool:
        """Tell whether a trade has a price, or too short a time none, or shares it with a silent market."""
        if marked or self._pace is None or not self._pace.moving(view.symbol):
            self._mark_timer.seen()
            return True
        return not self._mark_timer.missing(view.at)

    def _leave(self, ticket: Ticket, why: Reason, urgency: Urgency, at: datetime) -> None:
        self._stop_timer.held()
        self._mark_timer.seen()
        ticket.stage, ticket.why, ticket.urgent = Stage.CLOSING, why, urgency is Urgency.URGENT
        ticket.step = max(step for step, units in enumerate(ticket.held) if units)
        self._send(ticket, ticket.held[ticket.step], urgency, at)

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        """Follow a working order; called by the broker on every change of its state."""
        ticket = self.ticket
        if ticket is None or not event.order_ref.startswith(ticket.intent.order_ref):
            return
        if not fills and event.state not in _ENDED and event.state not in _SETTLED:  # no step, a new limit
            return
        bar = len(self._line) - 1
        if event.state in _SETTLED:
            self._told = True
            ticket.settle(fills)
            ticket.why = _SETTLED[event.state]
            self._finish(ticket, event.at, bar)
            return
        if fills and ticket.stage is Stage.OPEN:  # the stop that rests at the broker
            ticket.stage, ticket.why, ticket.urgent = Stage.CLOSING, Reason.PROTECTIVE_STOP, True
        if fills:
            ticket.book(fills, units)
        if event.state in _ENDED:
            self._told = True
            ticket.working = ""
            self._next_step(ticket, event, bar)
        elif fills:
            self._keep(ticket, event.at)

    def _next_step(self, ticket: Ticket, event: OrderEvent, bar: int) -> None:
        """Go on after an order has ended, whichever way."""
        opening, complete = ticket.stage is Stage.OPENING, len(ticket.held) - 1
        if not opening:
            if any(ticket.held):
                urgency = Urgency.URGENT if ticket.urgent else Urgency.EXIT
                self._leave(ticket, ticket.why, urgency, event.at)
            else:
                self._finish(ticket, event.at, bar)
        elif event.state == "filled" and ticket.step < complete and ticket.why is Reason.ENTERED:
            ticket.step += 1
            self._send(ticket, ticket.intent.quantity, Urgency.ENTRY, event.at)
        elif ticket.held[complete]:
            ticket.stage, ticket.why = Stage.OPEN, Reason.ENTERED
            ticket.levels = self.levels(ticket)
            self._keep(ticket, event.at)
        elif any(ticket.held):
            why = ticket.why if ticket.why is not Reason.ENTERED else Reason(event.state)
            self._leave(ticket, why, Urgency.URGENT, event.at)
        else:
            self._abandon(ticket, event, bar)

    def _abandon(self, ticket: Ticket, event: OrderEvent, bar: int) -> None:
        lane = self.lanes[ticket.lane]
        reason = ticket.why if ticket.why is not Reason.ENTERED else Reason(event.state)
        if ticket.bar in lane.outcomes:  # not where another process decided
            _, text, credit = lane.outcomes[ticket.bar]
            lane.note(ticket.bar, reason, text, credit)
        self._end(ticket, 0.0, event.at, bar, filled=False)

    def _finish(self, ticket: Ticket, at: datetime, bar: int) -> None:
        spot = self.lanes[ticket.lane].data.lines.close[0]
        trade = ticket.trade(at, spot, self.desk.book.source(ticket.proposal.combo))
        self.desk.journal.trade(trade)
        self._end(ticket, trade.net, at, bar)

    def _end(self, ticket: Ticket, net: float, at: datetime, bar: int, filled: bool = True) -> None:
        self.desk.closed(ticket.intent, net, filled)
        self.ticket = None
        self._keep(ticket, at)
        if not self.p.whole:
            return
        self._held(ticket, bar)
        for lane in self.lanes:
            if self._used(self.desk.clock.day(bar)):
                lane.fill(bar - 1, self.desk.clock.last_bar_of_day(bar) + 1, Reason.ENTRIES_USED)
