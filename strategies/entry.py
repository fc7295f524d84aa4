"""How a bot comes to a trade: its proposal, what it costs, the governor's and an advisor's word."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np

from engine.desk import Desk
from engine.intent import Approved, Denied, Intent, Urgency
from engine.ml.advice import Case
from engine.ml.features import FeatureSet, of_trade
from engine.options.chain import Chain
from engine.options.choice import Choice
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.record import record
from engine.risk.governor import MarketView
from engine.risk.limits import cents
from engine.risk.state import DayState
from strategies.lane import Lane
from strategies.ticket import Proposal, Ticket


@record
class Offer:
    """A proposal at what it costs now: ``ask`` USD per share, the rest USD of one unit."""

    proposal: Proposal
    ask: float
    cost: float  # fees in and out
    credit: float  # premium received, NaN without a bid
    structural: float


@record
class Barred:
    """The day has no room for a trade that sets ``reserve`` cents or more aside, as ``state`` stands."""

    state: DayState
    bar: int
    reserve: int


class Entry:
    """The part of a bot that opens: no order without the governor's approval.

    A part of `strategies.base.Bot`, whose attributes and methods it uses.
    """

    p: Any  # the bot's parameters, as Backtrader has them
    bot_name: str
    features: type[FeatureSet]
    desk: Desk
    config: Any
    lanes: list[Lane]
    shown: list[FeatureSet]
    ticket: Ticket | None
    _barred: Barred | None
    build: Callable[[Lane, date, Choice], Proposal]
    propose: Callable[[Lane, Chain, int], Proposal | Reason]
    premium: Callable[[Proposal], Combo]
    _send: Callable[[Ticket, int, Urgency, datetime], None]

    def _used(self, day: date) -> bool:
        most: int = self.config.entries_per_day
        return self.desk.state.entries_of(self.bot_name, day) >= most

    def _look(self, number: int, lane: Lane, view: MarketView, bar: int) -> None:
        config, desk = self.config, self.desk
        if self._used(view.day):
            lane.note(bar, Reason.ENTRIES_USED)
            return
        offer = self._offer(lane, bar, view.day) if lane.preview is None else self._foreseen(lane, bar)
        if offer is None:
            return
        proposal, ask = offer.proposal, offer.ask
        at, trade_id, combo = view.at, desk.next_trade_id(), proposal.combo
        intent = Intent(
            order_ref=f"{self.bot_name}-{at:%Y%m%d}-{trade_id}",
            trade_id=trade_id,
            bot=self.bot_name,
            symbol=lane.symbol,
            combo=combo,
            quantity=config.quantity,
            opening=True,
            why=Reason.ENTERED,
            at=at,
            planned_loss=config.planned_loss * config.quantity,
            structural_loss=offer.structural * config.quantity,
            margin=combo.margin(ask) * config.quantity,
        )
        # asked last: what is denied anyway needs no advice
        if self.p.advisor is not None and isinstance(desk.judge(intent, view), Approved):
            units = self._advised(number, intent, offer, view, bar)
            if not units:
                lane.note(bar, Reason.MODEL_VETO, str(combo), -ask)
                return
            intent = intent.shrunk(units)
        verdict = desk.ask(intent, view)
        if isinstance(verdict, Denied):
            lane.note(bar, verdict.reason, str(combo), -ask, verdict.text)
            return
        lane.note(bar, Reason.ENTERED, str(combo), -ask)
        self._barred = None
        self.ticket = Ticket(intent, proposal, number, bar, view.price)
        self._send(self.ticket, intent.quantity, Urgency.ENTRY, at)

    def _foreseen(self, lane: Lane, bar: int) -> Offer | None:
        """Return the offer of a candidate that nothing in the preview speaks against.

        None, and the bar denied, while the day has no room for it.
        """
        known, row = lane.preview, lane.row(bar)
        assert known is not None
        reserve: int = known.reserve.item(row)
        if reserve and self._full(reserve):
            if self._barred is not None:
                reserve = min(reserve, self._barred.reserve)
            self._barred = Barred(self.desk.state, bar, reserve)
            lane.deny(bar - 1, bar + 1, Reason.DAY_CAP)
            return None
        expiry: date = known.choices.expiry[row].item()
        proposal = self.build(lane, expiry, known.choices[row])
        money = known.cost.item(row), known.earned.item(row), known.structural.item(row)
        return Offer(proposal, -known.credit.item(row), *money)

    def _offer(self, lane: Lane, bar: int, day: date) -> Offer | None:
        """Return what the quotes of this bar offer, None, and the reason noted, when it is nothing."""
        desk = self.desk
        proposal = self._proposal(lane, bar)
        if isinstance(proposal, Reason):
            lane.note(bar, proposal)
            return None
        combo = proposal.combo
        quote = desk.book.quote(combo)
        if quote is None or math.isnan(quote.ask):
            lane.note(bar, Reason.NO_QUOTE, str(combo))
            return None
        cost = desk.fees.estimate_round_trip(combo, quote.ask, day)
        credit = self._credit(proposal)
        if not credit >= self.p.common.min_credit_to_cost * cost:
            lane.note(bar, Reason.CREDIT_BELOW_COST, str(combo), -quote.ask)
            return None
        return Offer(proposal, quote.ask, cost, credit, combo.structural_loss(quote.ask, cost))

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

    def _advised(self, number: int, intent: Intent, offer: Offer, view: MarketView, bar: int) -> int:
        """Return the units an advisor leaves of an intent, never more than it has."""
        combo, quote = intent.combo, self.desk.book.quote(intent.combo)
        assert quote is not None  # else there was no offer
        bid, ask = quote.bid * combo.multiplier, quote.ask * combo.multiplier
        delta = offer.proposal.short_delta
        trade = of_trade(offer.credit, offer.structural, offer.cost, bid, ask, delta)
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
        advised: int = self.p.advisor.units(case)
        return min(max(advised, 0), intent.quantity)

    def _proposal(self, lane: Lane, bar: int) -> Proposal | Reason:
        book = self.desk.book
        listed = book.expiry(lane.symbol, self.config.expiry_days)
        if listed is None:
            return Reason.NO_EXPIRY
        return self.propose(lane, book.chain(lane.symbol, listed), bar)

    def _credit(self, proposal: Proposal) -> float:
        """Return the premium received for one unit at executable prices, USD; NaN without a bid."""
        sold = self.premium(proposal)
        quote = self.desk.book.quote(sold)
        return np.nan if quote is None else -quote.ask * sold.multiplier
