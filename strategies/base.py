"""What the three bots have in common: look, open, manage, close."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from engine.desk import Desk, Levels
from engine.indicators.regime import VixChange
from engine.indicators.session import DayLines
from engine.intent import Approved, Denied, Intent, Order, Urgency
from engine.journal.records import Decision, Fill, OrderEvent
from engine.live.pace import Pace
from engine.live.patience import MarkTimer, StopTimer
from engine.ml.advice import Case
from engine.ml.features import FeatureSet, of_trade
from engine.options.chain import Chain
from engine.options.choice import Choice, StrikeRule
from engine.options.combo import Combo
from engine.options.quotebook import Quote
from engine.reasons import Reason
from engine.risk.governor import MarketView
from engine.risk.limits import cents
from engine.risk.state import DayState
from strategies.agenda import FULL_CLOSE, Agenda, outlook
from strategies.lane import Check, Lane
from strategies.preview import preview
from strategies.regime import regime_checks, regime_measures
from strategies.ticket import Proposal, Stage, Ticket
from strategies.ticket_text import ticket_to_json

_ENDED = {"filled", "timed_out", "cancelled", "rejected", "stopped"}
_SETTLED = {"settled": Reason.SETTLED, "assigned": Reason.ASSIGNED}


@dataclass(frozen=True, slots=True)
class _Barred:
    """The day has no room for a trade that sets ``reserve`` cents or more aside, as ``state`` stands."""

    state: DayState
    bar: int
    reserve: int


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
    pace : Pace, optional
        Of a venue whose quotes move between the bars; None in a backtest.
    ticket : Ticket, optional
        A trade of an earlier process to go on with.
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
        ("pace", None),
        ("ticket", None),
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
        self.ticket: Ticket | None = self.p.ticket
        self.views: list[MarketView] = []  # of the newest bar, by lane
        # the position told last: order reference and units held of every step
        self._position = (self.ticket.intent.order_ref, tuple(self.ticket.held)) if self.ticket else ("", ())
        self.agenda: Agenda | None = None
        patience = self.p.pace.patience if self.p.pace is not None else None
        self._stop_timer, self._mark_timer = StopTimer(patience), MarkTimer(patience)
        self.lanes: list[Lane] = []
        self.days: list[tuple[Any, Any]] = []
        self._watched: list[list[Any]] = []  # by the governor, of every lane
        self.strike_rule = self.rule()
        self._barred: _Barred | None = None
        self._pace: Pace | None = self.p.pace
        self._told = False  # by the broker, since this bot was last called
        self._halts, self._realised = self.desk.state.halts, self.desk.state.realised
        window = (self.limits.window_first, self.limits.window_last)
        for symbol in self.config.symbols:
            data = self.getdatabyname(symbol)
            days, vix = DayLines(data), VixChange(data)
            self.days.append((days, vix))
            seen = (data.lines.minute, data.lines.left, data.lines.close)
            self._watched.append([*seen, *days.lines, data.lines.vix, vix.lines.change])
            measures = {"minute": data.lines.minute, "left": data.lines.left, **self.measures(data)}
            releases = self.desk.governor.calendar.releases(symbol)
            measures |= regime_measures(data, self.p.common.regime, releases)
            self.lanes.append(
                self.lane(
                    self.bot_name, symbol, data, measures, self._checks, window, self.p.common.decide_every
                )
            )
        self.shown = self._shown() if self.p.advisor is not None else []
        self.desk.journal.keep_decisions(self.bot_name, self._decision_table, self._reasons, self._rules)

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
        choice = chain.choose(self.strike_rule)
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
        """Judge all bars at once where that is possible; go on with a trade of an earlier process."""
        if self.ticket is not None:
            self.desk.resume(self.ticket.intent, self.ticket.sent)
        if not self.p.whole:
            for lane in self.lanes:
                lane.tell = self._tell
            return
        halts = []
        for lane, lines in zip(self.lanes, self.days, strict=True):
            lane.prepare()
            ahead = outlook(lane, *lines, self.limits)
            halts.append(ahead.bars)
            if self.p.foresee:
                lane.foresee(preview(self, lane, ahead))
        time_stop = self.p.common.time_stop
        self.agenda = Agenda(self.lanes, np.unique(np.concatenate(halts)), time_stop, self.limits)

    def first_wake(self) -> int:
        """Return the first bar on which this bot must be called."""
        return 0 if self.agenda is None else min(self.agenda.flat(0, False), int(self.agenda.last[0]))

    def wake(self, bar: int) -> int:
        """Return the next bar on which this bot must be called."""
        ticket = self.ticket
        if self.agenda is None:
            return bar + 1
        if ticket is not None and ticket.stage is not Stage.OPEN:
            return self.agenda.working(bar)
        if ticket is not None:
            return self.agenda.holding(bar, ticket.levels, self.desk.book)  # type: ignore[arg-type]
        if self._barred is not None:
            return self.agenda.cheaper(bar, self._barred.reserve)
        return self.agenda.flat(bar, self._used(self.desk.clock.day(bar)))

    def stirred(self) -> bool:
        """Tell whether what happened to this bot or to the day calls for this bar.

        That is the end of an order, a halt while a trade is open, a change where the day had no
        room, and a loss that stops the day: whoever comes first has to notice it.
        """
        state = self.desk.state
        if self._barred is not None and state is not self._barred.state:
            return True
        if state.realised is not self._realised and self.desk.governor.lost_out(state):
            return True
        return self._told or (self.ticket is not None and state.halts is not self._halts)

    def next(self) -> None:
        bar = len(self.data) - 1
        views = self.views = [self._view(number, bar) for number in range(len(self.lanes))]
        if self._pace is not None and not self._pace.current(views[0].at):
            for view in views:
                if view.day == self.desk.state.day:  # what has happened today still halts
                    self.desk.observe(view)
            return
        for view in views:
            self.desk.observe(view)
        state = self.desk.state
        self._told, self._halts, self._realised = False, state.halts, state.realised
        if self._barred is not None:
            for lane in self.lanes:
                lane.deny(self._barred.bar, bar, Reason.DAY_CAP)
            self._barred = None
        managed = self.ticket
        if managed is not None:
            self._manage(managed, views[managed.lane], bar)
            if self.p.whole:
                return
        for number, lane in enumerate(self.lanes):
            if lane.verdict(bar) is not None:
                continue
            if managed is None and self.ticket is None:
                self._look(number, lane, views[number], bar)
            else:
                lane.note(bar, Reason.POSITION_OPEN)

    def watch(self, now: datetime) -> None:
        """Look at an open trade between two bars; a venue with moving quotes calls it."""
        ticket = self.ticket
        if ticket is None or not len(self):  # before the first bar nothing is measured
            return
        bar = len(self.data) - 1
        view = replace(self._view(ticket.lane, bar), at=now, minute=now.hour * 60 + now.minute)
        self._manage(ticket, view, bar)

    def _checks(self, m: SimpleNamespace) -> list[Check]:
        regime = regime_checks(m, self.p.common.regime, self.sells)
        return [(Reason.HALF_DAY, m.minute + m.left == FULL_CLOSE), *self.filters(m), *regime]

    def _view(self, number: int, bar: int) -> MarketView:
        clock, lines = self.desk.clock, self._watched[number]
        # whole lines answer faster by number of bar than by distance from the current one
        now = [line.array[bar] for line in lines] if self.p.whole else [line[0] for line in lines]
        minute, left, price, opened, before, move, high, low, vix, change = now
        return MarketView(
            at=clock.at(bar),
            day=clock.day(bar),
            minute=int(minute),
            symbol=self.lanes[number].symbol,
            price=price,
            session_open=opened,
            previous_close=before,
            expected_move=move,
            vix=vix,
            vix_previous=vix - change,
            day_high=high,
            day_low=low,
            half_day=minute + left != FULL_CLOSE,
            age=0.0 if self._pace is None else self._pace.age(self.lanes[number].symbol),
        )

    # entry -------------------------------------------------------------------------

    def _used(self, day: date) -> bool:
        return self.desk.state.entries_of(self.bot_name, day) >= self.config.entries_per_day

    def _look(self, number: int, lane: Lane, view: MarketView, bar: int) -> None:
        config, desk = self.config, self.desk
        day = desk.clock.day(bar)
        if self._used(day):
            lane.note(bar, Reason.ENTRIES_USED)
            return
        reserve = lane.reserve(bar)
        if reserve and self._full(reserve):
            if self._barred is not None:
                reserve = min(reserve, self._barred.reserve)
            self._barred = _Barred(desk.state, bar, reserve)
            lane.deny(bar - 1, bar + 1, Reason.DAY_CAP)
            return
        proposal = self._proposal(lane, bar)
        if isinstance(proposal, Reason):
            lane.note(bar, proposal)
            return
        text, quote = str(proposal.combo), desk.book.quote(proposal.combo)
        if quote is None or math.isnan(quote.ask):
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
            lane.note(bar, verdict.reason, text, -quote.ask, verdict.text)
            return
        lane.note(bar, Reason.ENTERED, text, -quote.ask)
        self._barred = None
        self.ticket = Ticket(intent, proposal, number, bar, lane.data.close[0])
        self._send(self.ticket, intent.quantity, Urgency.ENTRY, at)

    def _full(self, reserve: int) -> bool:
        """Tell whether a trade foreseen would be too much for the day, and for no reason before that."""
        state = self.desk.state
        if state.halts:
            return False
        planned = cents(self.config.planned_loss * self.config.quantity) or 0
        denied = self.desk.governor.day_verdict(state, self.bot_name, reserve, planned)
        return denied is not None and denied.reason is Reason.DAY_CAP

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

    def _tell(self, lane: Lane, bar: int, text: str) -> None:
        """Journal what came of a decision minute as soon as it is known."""
        reason, combo, credit = lane.outcomes[bar]
        measures, rules = lane.seen(bar)
        at = self.desk.clock.at(bar)
        self.desk.journal.record(
            Decision(at, self.bot_name, lane.symbol, reason, combo, credit, measures, rules, text)
        )

    def _credit(self, proposal: Proposal) -> float:
        """Return the premium received for one unit at executable prices, USD; NaN without a bid."""
        sold = self.premium(proposal)
        quote = self.desk.book.quote(sold)
        return np.nan if quote is None else -quote.ask * sold.multiplier

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

    # while a trade lives -------------------------------------------------------------

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
                if self._pace is not None and np.isnan(quote.ask):
                    continue  # one-sided: no evidence of a loss
                depth = (level.stop - quote.bid) / max(self.room(ticket), level.combo.product.tick.combo)
                if self._stop_timer.breached(view.at, depth):
                    self._leave(ticket, Reason.PLANNED_LOSS, Urgency.URGENT, view.at)
                    return
            elif level.stop > -np.inf:
                self._stop_timer.held()
            if quote.bid >= level.take:
                self._leave(ticket, Reason.PROFIT_TARGET, Urgency.EXIT, view.at)
                return
        if not self._marked(marked, view):
            self._leave(ticket, Reason.UNMARKED, Urgency.URGENT, view.at)
        elif view.minute >= self.p.common.time_stop:
            self._leave(ticket, Reason.TIME_STOP, Urgency.EXIT, view.at)

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
        bar = len(self.data) - 1
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
        spot = self.lanes[ticket.lane].data.close[0]
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

    def stop(self) -> None:
        """Account for the candidates a trade left open at the end of the data has covered."""
        if self.ticket is not None:
            self._held(self.ticket, len(self.data))

    def _held(self, ticket: Ticket, stop: int) -> None:
        """Account for the candidates before bar ``stop`` that an open trade has covered."""
        for number, lane in enumerate(self.lanes):
            # lanes are looked at in their order: those behind saw the trade on its own bar
            lane.fill(ticket.bar - (number > ticket.lane), stop, Reason.POSITION_OPEN)

    def _reasons(self) -> dict[Reason, int]:
        counts: Counter[Reason] = Counter()
        for lane in self.lanes:
            counts.update(lane.reasons())
        return dict(counts)

    def _decision_table(self) -> pd.DataFrame:
        tables = [lane.table(self.desk.clock.stamps) for lane in self.lanes]
        return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]

    def _rules(self) -> pd.DataFrame:
        return pd.concat([lane.rules() for lane in self.lanes], ignore_index=True)
