"""What the three bots have in common: look, open, manage, close."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import backtrader as bt
import pandas as pd

from engine.desk import Desk, Levels
from engine.execution.working import Urgency
from engine.indicators.regime import VixChange
from engine.indicators.session import DayLines
from engine.intent import Denied, Intent
from engine.journal.records import Fill, OrderEvent
from engine.options.chain import Chain
from engine.reasons import Reason
from engine.risk.governor import MarketView
from strategies.lane import Check, Lane
from strategies.ticket import Proposal, Stage, Ticket

NEVER = 1 << 60
_ENDED = {"filled", "timed_out", "cancelled", "rejected"}


class Bot(bt.Strategy):
    """A rules-based seller of defined-risk premium on one or several underlyings.

    A bot says what it measures (``measures``), when it may act (``filters``) and what it
    would trade (``propose``). Everything else, from asking the governor to being flat
    before the close, is the same for all and stands here.

    Parameters
    ----------
    desk : engine.desk.Desk
    config : settings of this bot (``bots.<name>`` in ``strategy.yaml``)
    common : settings of all bots (``common``)
    products : mapping of symbol to Product
    """

    params = (("desk", None), ("config", None), ("common", None), ("products", None))
    bot_name = ""

    def __init__(self) -> None:
        self.desk: Desk = self.p.desk
        self.config = self.p.config
        self.ticket: Ticket | None = None
        self.entries: dict[Any, int] = {}
        self.lanes: list[Lane] = []
        self.days: list[tuple[Any, Any]] = []
        common = self.p.common
        for symbol in self.config.symbols:
            data = self.getdatabyname(symbol)
            self.days.append((DayLines(data), VixChange(data)))
            self.lanes.append(
                Lane(
                    self.bot_name,
                    symbol,
                    data,
                    {"left": data.lines.left, **self.measures(data)},
                    self._checks,
                    (common.window_first, common.window_last),
                    common.decide_every,
                )
            )
        self.desk.journal.keep_decisions(self.bot_name, self._decision_table)
        self._prepared = False

    # what a bot is -----------------------------------------------------------------

    def measures(self, data: Any) -> dict[str, Any]:
        """Return the lines the filters look at, by the name they have in the decision table."""
        raise NotImplementedError

    def filters(self, m: SimpleNamespace) -> list[Check]:
        """Return ``(reason, passes)`` pairs, elementwise over the measures."""
        raise NotImplementedError

    def propose(self, lane: Lane, chain: Chain) -> Proposal | Reason:
        """Return the combo to trade on this chain, or why there is none."""
        raise NotImplementedError

    def levels(self, ticket: Ticket) -> tuple[Levels, ...]:
        """Return the prices at which to leave: the share of the credit kept, the planned loss."""
        combo, intent = ticket.proposal.combo, ticket.intent
        credit = ticket.credit
        room = (intent.planned_loss - 2 * ticket.fees) / (combo.multiplier * intent.quantity)
        return (Levels(combo, -(1.0 - self.config.profit_target) * credit, -(credit + max(room, 0.0))),)

    # the loop ----------------------------------------------------------------------

    def next(self) -> None:
        bar = len(self.data) - 1
        self._prepare()
        for number in range(len(self.lanes)):
            self.desk.observe(self._view(number, bar))
        if self.ticket is not None:
            self._manage(self.ticket, bar)
            return
        for number, lane in enumerate(self.lanes):
            if self.ticket is None and lane.verdict(bar) is None:
                self._look(number, lane, bar)

    def _prepare(self) -> None:
        if not self._prepared:
            self._prepared = True
            for lane in self.lanes:
                lane.prepare()

    def _checks(self, m: SimpleNamespace) -> list[Check]:
        common = self.p.common
        full = m.minute + m.left == common.full_close
        return [(Reason.HALF_DAY, full), *self.filters(m)]

    def _view(self, number: int, bar: int) -> MarketView:
        lane, (days, vix) = self.lanes[number], self.days[number]
        data = lane.data
        return MarketView(
            at=self.desk.clock.at(bar),
            day=self.desk.clock.day(bar),
            minute=int(data.lines.minute[0]),
            symbol=lane.symbol,
            price=data.close[0],
            session_open=days.lines.session_open[0],
            previous_close=days.lines.previous_close[0],
            expected_move=days.lines.expected_move[0],
            vix=data.lines.vix[0],
            vix_previous=data.lines.vix[0] - vix.lines.change[0],
            day_high=days.lines.day_high[0],
            day_low=days.lines.day_low[0],
            half_day=int(data.lines.minute[0] + data.lines.left[0]) != self.p.common.full_close,
        )

    # entry -------------------------------------------------------------------------

    def _look(self, number: int, lane: Lane, bar: int) -> None:
        config, desk = self.config, self.desk
        day = desk.clock.day(bar)
        if self.entries.get(day, 0) >= config.entries_per_day:
            lane.note(bar, Reason.ENTRIES_USED)
            return
        expiry = desk.book.expiry(lane.symbol, config.expiry_days)
        if expiry is None:
            lane.note(bar, Reason.NO_EXPIRY)
            return
        proposal = self.propose(lane, desk.book.chain(lane.symbol, expiry))
        if isinstance(proposal, Reason):
            lane.note(bar, proposal)
            return
        text, quote = str(proposal.combo), desk.book.quote(proposal.combo)
        if quote is None:
            lane.note(bar, Reason.NO_QUOTE, text)
            return
        credit = self.credit_of(proposal)
        cost = desk.fees.estimate_round_trip(proposal.combo, quote.ask, day)
        if credit is None or credit < self.p.common.min_credit_to_cost * cost:
            lane.note(bar, Reason.CREDIT_BELOW_COST, text, -quote.ask)
            return
        at, trade_id = desk.clock.at(bar), desk.next_trade_id()
        quantity = config.quantity
        intent = Intent(
            order_ref=f"{self.bot_name}-{at:%Y%m%d}-{trade_id}",
            bot=self.bot_name,
            symbol=lane.symbol,
            combo=proposal.combo,
            quantity=quantity,
            opening=True,
            why=Reason.ENTERED,
            at=at,
            planned_loss=config.planned_loss * quantity,
            structural_loss=proposal.combo.structural_loss(quote.ask, cost) * quantity,
            margin=proposal.combo.margin(quote.ask) * quantity,
        )
        verdict = desk.ask(intent, self._view(number, bar))
        if isinstance(verdict, Denied):
            lane.note(bar, verdict.reason, text, -quote.ask)
            return
        lane.note(bar, Reason.ENTERED, text, -quote.ask)
        self.entries = {day: self.entries.get(day, 0) + 1}
        self.ticket = Ticket(trade_id, intent, proposal, number, at, lane.data.close[0], bar)
        self._send(self.ticket, opening=True, urgency=Urgency.ENTRY, bar=bar)

    def credit_of(self, proposal: Proposal) -> float | None:
        """Return the option premium received for one unit at executable prices, USD."""
        quote = self.desk.book.quote(proposal.combo)
        return None if quote is None else -quote.ask * proposal.combo.multiplier

    def _send(self, ticket: Ticket, opening: bool, urgency: Urgency, bar: int) -> None:
        combo = ticket.proposal.steps[ticket.step]
        units = ticket.intent.quantity if opening else ticket.held[ticket.step]
        ticket.working = self.desk.work(
            ticket.intent, ticket.step, combo, units, opening, self, urgency, self.desk.clock.at(bar)
        )

    # while a trade lives -------------------------------------------------------------

    def _manage(self, ticket: Ticket, bar: int) -> None:
        why = self.desk.governor.must_close(self.desk.state, self._view(ticket.lane, bar), self.bot_name)
        if ticket.stage is Stage.OPENING and why is not None:
            ticket.why = why
            self.desk.broker.cancel_ref(ticket.working)
        elif ticket.stage is Stage.OPEN:
            if why is not None:
                self._leave(ticket, why, Urgency.URGENT, bar)
            else:
                self._check_levels(ticket, bar)

    def _check_levels(self, ticket: Ticket, bar: int) -> None:
        data = self.lanes[ticket.lane].data
        for level in ticket.levels:
            quote = self.desk.book.quote(level.combo)
            if quote is None:
                continue
            if quote.bid <= level.stop:
                self._leave(ticket, Reason.PLANNED_LOSS, Urgency.URGENT, bar)
                return
            if quote.bid >= level.take:
                self._leave(ticket, Reason.PROFIT_TARGET, Urgency.EXIT, bar)
                return
        if data.lines.minute[0] >= self.p.common.time_stop_minute:
            self._leave(ticket, Reason.TIME_STOP, Urgency.EXIT, bar)

    def _leave(self, ticket: Ticket, why: Reason, urgency: Urgency, bar: int) -> None:
        ticket.stage, ticket.why, ticket.urgent = Stage.CLOSING, why, urgency is Urgency.URGENT
        ticket.step = max(step for step, units in enumerate(ticket.held) if units)
        self._send(ticket, opening=False, urgency=urgency, bar=bar)

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        """Follow a working order; called by the broker on every change of state."""
        ticket = self.ticket
        if ticket is None:
            return
        bar = len(self.data) - 1
        opening = ticket.stage is Stage.OPENING
        if fills:
            ticket.book(fills, units, opening)
        if event.state not in _ENDED:
            return
        ticket.working = ""
        if not opening:
            if any(ticket.held):
                self._leave(ticket, ticket.why, Urgency.URGENT, bar)
            else:
                self._finish(ticket, bar)
        elif event.state == "filled" and ticket.step + 1 < len(ticket.proposal.steps):
            ticket.step += 1
            self._send(ticket, opening=True, urgency=Urgency.ENTRY, bar=bar)
        elif ticket.held[ticket.step]:
            ticket.stage, ticket.levels = Stage.OPEN, self.levels(ticket)
        elif any(ticket.held):
            self._leave(ticket, Reason.TIMED_OUT, Urgency.URGENT, bar)
        else:
            self._abandon(ticket, event)

    def _abandon(self, ticket: Ticket, event: OrderEvent) -> None:
        reason = ticket.why if ticket.why is not Reason.ENTERED else Reason(event.state)
        lane = self.lanes[ticket.lane]
        _, text, credit = lane.outcomes[ticket.bar]
        lane.note(ticket.bar, reason, text, credit)
        self.desk.closed(ticket.intent, 0.0)
        self._end(ticket)

    def _finish(self, ticket: Ticket, bar: int) -> None:
        spot = self.lanes[ticket.lane].data.close[0]
        trade = ticket.trade(self.desk.clock.at(bar), spot, self.desk.book.name)
        self.desk.journal.trade(trade)
        self.desk.closed(ticket.intent, trade.net)
        self._end(ticket)

    def _end(self, ticket: Ticket) -> None:
        bar = len(self.data) - 1
        for lane in self.lanes:
            lane.hold(ticket.bar, bar)
        self.ticket = None

    def _decision_table(self) -> pd.DataFrame:
        tables = [lane.table(self.desk.stamp) for lane in self.lanes]
        return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
