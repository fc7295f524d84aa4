"""What the three bots have in common: look, open, manage, close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from engine.desk import Desk, Levels
from engine.indicators.regime import VixChange
from engine.indicators.session import DayLines
from engine.intent import Approved, Denied, Intent, Urgency
from engine.journal.records import Fill, OrderEvent
from engine.ml.advice import Case
from engine.ml.features import FeatureSet, of_trade
from engine.options.chain import Chain
from engine.options.choice import Choice, StrikeRule
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.risk.governor import MarketView
from strategies.agenda import Agenda, halt_bars
from strategies.lane import Check, Lane
from strategies.preview import preview
from strategies.regime import regime_checks, regime_measures
from strategies.ticket import Proposal, Stage, Ticket

_ENDED = {"filled", "timed_out", "cancelled", "rejected"}
_SETTLED = {"settled": Reason.SETTLED, "assigned": Reason.ASSIGNED}


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
    whole : bool
        True when all lines are computed before the first bar, as in a backtest.
    foresee : bool
        Choose strikes for all candidates at once where the quotes' path is known; the journal
        is the same without.
    advisor : engine.ml.advice.Advisor, optional
        Asked before every trade; it may allow fewer units than the rules, or none.
    """

    params = (
        ("desk", None),
        ("config", None),
        ("common", None),
        ("products", None),
        ("whole", True),
        ("foresee", True),
        ("advisor", None),
    )
    bot_name = ""
    sells: frozenset[str] = frozenset()  # put, call or both
    lane: Callable[..., Lane] = Lane
    features: type[FeatureSet] = FeatureSet

    def __init__(self) -> None:
        self.desk: Desk = self.p.desk
        self.config = self.p.config
        self.limits = self.desk.governor.limits
        self.ticket: Ticket | None = None
        self.agenda: Agenda | None = None
        self.entered: dict[date, int] = {}
        self.lanes: list[Lane] = []
        self.days: list[tuple[Any, Any]] = []
        self._rule = self.rule()
        self._told = False  # by the broker, since this bot was last called
        self._halts = self.desk.state.halts
        window = (self.limits.window_first, self.limits.window_last)
        for symbol in self.config.symbols:
            data = self.getdatabyname(symbol)
            self.days.append((DayLines(data), VixChange(data)))
            measures = {"minute": data.lines.minute, "left": data.lines.left, **self.measures(data)}
            releases = self.desk.governor.calendar.releases(symbol)
            measures |= regime_measures(data, self.p.common.regime, releases)
            self.lanes.append(
                self.lane(
                    self.bot_name, symbol, data, measures, self._checks, window, self.p.common.decide_every
                )
            )
        self.shown = self._shown() if self.p.advisor is not None else []
        self.desk.journal.keep_decisions(self.bot_name, self._decision_table, self._reasons)

    # what a bot is -----------------------------------------------------------------

    def measures(self, data: Any) -> dict[str, Any]:
        """Return the lines the filters look at, by the name they have in the decision table."""
        raise NotImplementedError

    def filters(self, m: SimpleNamespace) -> list[Check]:
        """Return ``(reason, passes)`` pairs, elementwise over the measures."""
        raise NotImplementedError

    def rule(self) -> StrikeRule | None:
        """Return where the strikes stand, None for a bot with a `propose` of its own."""
        return None

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        """Return the combo of chosen strikes; the same structure whatever they are."""
        raise NotImplementedError

    def propose(self, lane: Lane, chain: Chain) -> Proposal | Reason:
        """Return the combo to trade on this chain, or why there is none."""
        choice = chain.choose(self._rule)
        return choice.why or self.build(lane, chain.expiry, choice)

    def premium(self, proposal: Proposal) -> Combo:
        """Return the part of a proposal whose price is the credit."""
        return proposal.combo

    def levels(self, ticket: Ticket) -> tuple[Levels, ...]:
        """Return the prices at which to leave: a share of the credit kept, the planned loss."""
        price = ticket.entry_price(0)
        take = (1.0 - self.config.profit_target) * price
        return (Levels(ticket.proposal.combo, take, price - self.room(ticket)),)

    def room(self, ticket: Ticket) -> float:
        """Return how far the combo may fall per share until fees and loss make up the planned loss."""
        usd = ticket.intent.planned_loss * ticket.quantity / ticket.intent.quantity - 2.0 * ticket.fees
        return max(usd, 0.0) / (ticket.proposal.combo.multiplier * ticket.quantity)

    # the loop ----------------------------------------------------------------------

    def start(self) -> None:
        """Judge all bars at once where that is possible."""
        if not self.p.whole:
            return
        for lane in self.lanes:
            lane.prepare()
            if self.p.foresee:
                self._foresee(lane)
        halts = [
            halt_bars(lane, *lines, self.limits) for lane, lines in zip(self.lanes, self.days, strict=True)
        ]
        self.agenda = Agenda(self.lanes, np.unique(np.concatenate(halts)), self.p.common.time_stop)

    def _foresee(self, lane: Lane) -> None:
        days, least = self.config.expiry_days, self.p.common.min_credit_to_cost
        found = preview(self.desk, lane, self._rule, days, self.build, self.premium, least)
        if found is not None:
            lane.foresee(found)

    def first_wake(self) -> int:
        """Return the first bar on which this bot must be called."""
        return 0 if self.agenda is None else min(self.agenda.flat(0, False), int(self.agenda.last[0]))

    def wake(self, bar: int) -> int:
        """Return the next bar on which this bot must be called."""
        ticket = self.ticket
        if self.agenda is None or (ticket is not None and ticket.stage is not Stage.OPEN):
            return bar + 1
        if ticket is not None:
            return self.agenda.holding(bar, ticket.levels, self.desk.book)  # type: ignore[arg-type]
        return self.agenda.flat(bar, self._used(self.desk.clock.day(bar)))

    def stirred(self) -> bool:
        """Tell whether an order's end, or a halt while a trade is open, calls for this bar."""
        return self._told or (self.ticket is not None and self.desk.state.halts is not self._halts)

    def next(self) -> None:
        bar = len(self.data) - 1
        views = [self._view(number, bar) for number in range(len(self.lanes))]
        for view in views:
            self.desk.observe(view)
        self._told, self._halts = False, self.desk.state.halts
        if self.ticket is not None:
            self._manage(self.ticket, views[self.ticket.lane], bar)
            return
        for number, lane in enumerate(self.lanes):
            if lane.verdict(bar) is not None:
                continue
            if self.ticket is None:
                self._look(number, lane, views[number], bar)
            else:
                lane.note(bar, Reason.POSITION_OPEN)

    def _checks(self, m: SimpleNamespace) -> list[Check]:
        regime = regime_checks(m, self.p.common.regime, self.sells)
        return [(Reason.HALF_DAY, m.minute + m.left == FULL_CLOSE), *self.filters(m), *regime]

    def _view(self, number: int, bar: int) -> MarketView:
        lane, (days, vix) = self.lanes[number], self.days[number]
        data, clock = lane.data, self.desk.clock
        minute = data.lines.minute[0]
        return MarketView(
            at=clock.at(bar),
            day=clock.day(bar),
            minute=int(minute),
            symbol=lane.symbol,
            price=data.close[0],
            session_open=days.lines.session_open[0],
            previous_close=days.lines.previous_close[0],
            expected_move=days.lines.expected_move[0],
            vix=data.lines.vix[0],
            vix_previous=data.lines.vix[0] - vix.lines.change[0],
            day_high=days.lines.day_high[0],
            day_low=days.lines.day_low[0],
            half_day=minute + data.lines.left[0] != FULL_CLOSE,
        )

    # entry -------------------------------------------------------------------------

    def _used(self, day: date) -> bool:
        return self.entered.get(day, 0) >= self.config.entries_per_day

    def _look(self, number: int, lane: Lane, view: MarketView, bar: int) -> None:
        config, desk = self.config, self.desk
        day = desk.clock.day(bar)
        if self._used(day):
            lane.note(bar, Reason.ENTRIES_USED)
            return
        proposal = self._proposal(lane, bar)
        if isinstance(proposal, Reason):
            lane.note(bar, proposal)
            return
        text, quote = str(proposal.combo), desk.book.quote(proposal.combo)
        if quote is None or np.isnan(quote.ask):
            lane.note(bar, Reason.NO_QUOTE, text)
            return
        cost = desk.fees.estimate_round_trip(proposal.combo, quote.ask, day)
        credit = self._credit(proposal)
        if not credit >= self.p.common.min_credit_to_cost * cost:
            lane.note(bar, Reason.CREDIT_BELOW_COST, text, -quote.ask)
            return
        structural = proposal.combo.structural_loss(quote.ask, cost)
        at, trade_id = desk.clock.at(bar), desk.next_trade_id()
        intent = Intent(
            order_ref=f"{self.bot_name}-{at:%Y%m%d}-{trade_id}",
            trade_id=trade_id,
            bot=self.bot_name,
            symbol=lane.symbol,
            combo=proposal.combo,
            quantity=config.quantity,
            opening=True,
            why=Reason.ENTERED,
            at=at,
            planned_loss=config.planned_loss * config.quantity,
            structural_loss=structural * config.quantity,
            margin=proposal.combo.margin(quote.ask) * config.quantity,
        )
        # asked last: what is denied anyway needs no advice
        if self.p.advisor is not None and isinstance(desk.judge(intent, view), Approved):
            combo = proposal.combo
            bid, ask = quote.bid * combo.multiplier, quote.ask * combo.multiplier
            told = of_trade(credit, structural, cost, bid, ask, proposal.short_delta)
            units = self._advised(number, intent, told, view, bar)
            if not units:
                lane.note(bar, Reason.MODEL_VETO, text, -quote.ask)
                return
            intent = intent.shrunk(units)
        verdict = desk.ask(intent, view)
        if isinstance(verdict, Denied):
            lane.note(bar, verdict.reason, text, -quote.ask)
            return
        lane.note(bar, Reason.ENTERED, text, -quote.ask)
        self.ticket = Ticket(intent, proposal, number, bar, lane.data.close[0])
        self._send(self.ticket, intent.quantity, Urgency.ENTRY, bar)

    def _shown(self) -> list[FeatureSet]:
        calendar = self.desk.governor.calendar
        return [self.features(lane.data, calendar.releases(lane.symbol)) for lane in self.lanes]

    def _advised(
        self, number: int, intent: Intent, trade: dict[str, float], view: MarketView, bar: int
    ) -> int:
        """Return the units an advisor leaves of an intent, never more than it has."""
        shown, stamp = self.shown[number], round(view.at.timestamp()) * 1_000_000_000
        values = shown.at(bar, stamp, trade)
        case = Case(
            self.bot_name,
            view.symbol,
            view.day,
            bar,
            stamp,
            shown.schema,
            values,
            intent.quantity,
            intent.combo,
        )
        return min(max(self.p.advisor.units(case), 0), intent.quantity)

    def _proposal(self, lane: Lane, bar: int) -> Proposal | Reason:
        chosen = lane.choice(bar)
        if chosen is not None:
            expiry, choice = chosen
            return choice.why or self.build(lane, expiry, choice)
        book = self.desk.book
        listed = book.expiry(lane.symbol, self.config.expiry_days)
        return Reason.NO_EXPIRY if listed is None else self.propose(lane, book.chain(lane.symbol, listed))

    def _credit(self, proposal: Proposal) -> float:
        """Return the premium received for one unit at executable prices, USD; NaN without a bid."""
        sold = self.premium(proposal)
        quote = self.desk.book.quote(sold)
        return np.nan if quote is None else -quote.ask * sold.multiplier

    def _send(self, ticket: Ticket, units: int, urgency: Urgency, bar: int) -> None:
        ticket.working = self.desk.send(
            ticket.intent,
            ticket.proposal.steps[ticket.step],
            units,
            ticket.stage is Stage.OPENING,
            urgency,
            self.desk.clock.at(bar),
            self,
        )

    # while a trade lives -------------------------------------------------------------

    def _manage(self, ticket: Ticket, view: MarketView, bar: int) -> None:
        why = self.desk.governor.must_close(self.desk.state, view, self.bot_name)
        minute = self.data.lines.minute[0]
        if ticket.stage is Stage.OPENING:
            if why is None and minute >= self.limits.window_last:
                why = Reason.OUTSIDE_WINDOW
            if why is not None and ticket.why is Reason.ENTERED:
                ticket.why = why
                self.desk.cancel(ticket.working)
        elif ticket.stage is Stage.CLOSING:
            if why is not None and not ticket.urgent:
                ticket.urgent = True
                self.desk.cancel(ticket.working)
        elif why is not None:
            self._leave(ticket, why, Urgency.URGENT, bar)
        else:
            self._check_levels(ticket, bar)

    def _check_levels(self, ticket: Ticket, bar: int) -> None:
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
        if self.data.lines.minute[0] >= self.p.common.time_stop:
            self._leave(ticket, Reason.TIME_STOP, Urgency.EXIT, bar)

    def _leave(self, ticket: Ticket, why: Reason, urgency: Urgency, bar: int) -> None:
        ticket.stage, ticket.why, ticket.urgent = Stage.CLOSING, why, urgency is Urgency.URGENT
        ticket.step = max(step for step, units in enumerate(ticket.held) if units)
        self._send(ticket, ticket.held[ticket.step], urgency, bar)

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        """Follow a working order; called by the broker on every change of its state."""
        self._told = True
        ticket = self.ticket
        if ticket is None or not event.order_ref.startswith(ticket.intent.order_ref):
            return
        bar = len(self.data) - 1
        if event.state in _SETTLED:
            ticket.settle(fills)
            ticket.why = _SETTLED[event.state]
            self._finish(ticket, bar)
            return
        if fills:
            ticket.book(fills, units)
        if event.state in _ENDED:
            self._next_step(ticket, event, bar)

    def _next_step(self, ticket: Ticket, event: OrderEvent, bar: int) -> None:
        """Go on after an order has ended, whichever way."""
        opening, complete = ticket.stage is Stage.OPENING, len(ticket.held) - 1
        if not opening:
            if any(ticket.held):
                urgency = Urgency.URGENT if ticket.urgent else Urgency.EXIT
                self._leave(ticket, ticket.why, urgency, bar)
            else:
                self._finish(ticket, bar)
        elif event.state == "filled" and ticket.step < complete and ticket.why is Reason.ENTERED:
            ticket.step += 1
            self._send(ticket, ticket.intent.quantity, Urgency.ENTRY, bar)
        elif ticket.held[complete]:
            ticket.stage, ticket.why = Stage.OPEN, Reason.ENTERED
            ticket.levels = self.levels(ticket)
        elif any(ticket.held):
            why = ticket.why if ticket.why is not Reason.ENTERED else Reason(event.state)
            self._leave(ticket, why, Urgency.URGENT, bar)
        else:
            self._abandon(ticket, event, bar)

    def _abandon(self, ticket: Ticket, event: OrderEvent, bar: int) -> None:
        lane = self.lanes[ticket.lane]
        _, text, credit = lane.outcomes[ticket.bar]
        reason = ticket.why if ticket.why is not Reason.ENTERED else Reason(event.state)
        lane.note(ticket.bar, reason, text, credit)
        self._end(ticket, 0.0, bar)

    def _finish(self, ticket: Ticket, bar: int) -> None:
        day = self.desk.clock.day(ticket.bar)
        self.entered = {day: self.entered.get(day, 0) + 1}
        spot = self.lanes[ticket.lane].data.close[0]
        trade = ticket.trade(self.desk.clock.at(bar), spot, self.desk.book.source(ticket.proposal.combo))
        self.desk.journal.trade(trade)
        self._end(ticket, trade.net, bar)

    def _end(self, ticket: Ticket, net: float, bar: int) -> None:
        self.desk.closed(ticket.intent, net)
        self.ticket = None
        for lane in self.lanes:
            lane.fill(ticket.bar, bar, Reason.POSITION_OPEN)
            if self._used(self.desk.clock.day(bar)):
                lane.fill(bar - 1, self.desk.clock.last_bar_of_day(bar) + 1, Reason.ENTRIES_USED)

    def stop(self) -> None:
        """Account for the candidates a trade left open at the end of the data has covered."""
        if self.ticket is not None:
            for lane in self.lanes:
                lane.fill(self.ticket.bar, len(self.data), Reason.POSITION_OPEN)

    def _reasons(self) -> dict[Reason, int]:
        counts: Counter[Reason] = Counter()
        for lane in self.lanes:
            counts.update(lane.reasons())
        return dict(counts)

    def _decision_table(self) -> pd.DataFrame:
        tables = [lane.table(self.desk.clock.stamps) for lane in self.lanes]
        return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


FULL_CLOSE = 960
