"""What the three bots have in common: look, open, manage, close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from engine.desk import Desk, Levels
from engine.indicators.regime import VixChange
from engine.indicators.session import DayLines
from engine.journal.records import Decision
from engine.live.pace import Pace
from engine.live.patience import MarkTimer, StopTimer
from engine.ml.features import FeatureSet
from engine.options.chain import Chain
from engine.options.choice import Choice, StrikeRule
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.risk.governor import MarketView
from strategies.agenda import FULL_CLOSE, Agenda, outlook
from strategies.care import Care
from strategies.entry import Barred, Entry
from strategies.lane import Check, Lane
from strategies.preview import preview, ruled
from strategies.regime import regime_checks, regime_measures
from strategies.ticket import Proposal, Stage, Ticket


class Bot(bt.Strategy, Entry, Care):  # type: ignore[misc]
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
    take_reason = Reason.PROFIT_TARGET  # what an exit at the taking level is called
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
        self._line = self.data.lines.datetime  # whose length is told faster than the feed's
        patience = self.p.pace.patience if self.p.pace is not None else None
        self._stop_timer, self._mark_timer = StopTimer(patience), MarkTimer(patience)
        self.lanes: list[Lane] = []
        self.days: list[tuple[Any, Any]] = []
        self._watched: list[list[Any]] = []  # lines the governor looks at, of every lane
        # the same as whole columns, which answer faster by number of bar
        self._whole: list[list[Any]] = []
        self.strike_rules = self.rules()
        self._barred: Barred | None = None
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

    def rules(self) -> tuple[StrikeRule, ...]:
        """Return the rules that may place the strikes; they differ in the numbers alone."""
        rule = self.rule()
        return () if rule is None else (rule,)

    def pick(self, m: SimpleNamespace) -> Any:
        """Return which of several `rules` places the strikes, elementwise over the measures."""
        raise NotImplementedError

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        """Return the combo of chosen strikes; the same structure whatever they are."""
        raise NotImplementedError

    def propose(self, lane: Lane, chain: Chain, bar: int) -> Proposal | Reason:
        """Return the combo to trade on this bar's chain, or why there is none."""
        ((rule, _),) = ruled(self, lane, np.array([bar]))  # else the bot has a propose of its own
        choice = chain.choose(rule)
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
        self._whole = [[line.array for line in lines] for lines in self._watched]
        halts, watched = [], [np.empty(0, np.int64)]
        for lane, lines in zip(self.lanes, self.days, strict=True):
            lane.prepare()
            ahead = self.desk.outlooks.get(lane.symbol)
            if ahead is None:
                ahead = self.desk.outlooks[lane.symbol] = outlook(lane, *lines, self.limits)
                watched.append(ahead.bars)
            halts.append(ahead.bars)
            if self.p.foresee:
                lane.foresee(preview(self, lane, ahead))
        self.agenda = Agenda(
            self.lanes, np.concatenate(halts), np.concatenate(watched), self.p.common.time_stop, self.limits
        )

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

    def anew(self, bar: int, wake: int) -> int:
        """Return the bar on which this bot must be called now that ``bar`` has come to pass for others.

        It is this very bar after a halt while a trade is open, where the day has room again, and
        after a loss that stops the day: whoever comes first has to notice it. The end of an order
        leads to another bar, which may be this one.
        """
        state, ticket = self.desk.state, self.ticket
        if self._barred is not None and state is not self._barred.state:
            if not self._full(self._barred.reserve):
                return bar
            self._barred = Barred(state, self._barred.bar, self._barred.reserve)
        if state.realised is not self._realised:
            if self.desk.governor.lost_out(state):
                return bar
            self._realised = state.realised
        if ticket is not None and state.halts is not self._halts:
            return bar
        if not self._told:
            return wake
        self._told = False
        # what is open goes under a halt that stood before it was filled
        return bar if ticket is not None and state.halts else self.wake(bar - 1)

    def next(self) -> None:
        bar = len(self._line) - 1
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
        regime = regime_checks(m, self.p.common.regime, self.sells, len(self.strike_rules) > 1)
        whole = (m.minute + m.left == FULL_CLOSE) | self.limits.half_days
        return [(Reason.HALF_DAY, whole), *self.filters(m), *regime]

    def _view(self, number: int, bar: int) -> MarketView:
        clock, whole = self.desk.clock, self._whole
        now = [column[bar] for column in whole[number]] if whole else [x[0] for x in self._watched[number]]
        minute, left, price, opened, before, move, high, low, vix, change = now
        symbol = self.lanes[number].symbol
        return MarketView(
            clock.at(bar),
            clock.day(bar),
            int(minute),
            symbol,
            price,
            opened,
            before,
            move,
            vix,
            vix - change,
            high,
            low,
            minute + left != FULL_CLOSE,
            0.0 if self._pace is None else self._pace.age(symbol),
        )

    # what the journal is told ------------------------------------------------------

    def _tell(self, lane: Lane, bar: int, text: str) -> None:
        """Journal what came of a decision minute as soon as it is known."""
        reason, combo, credit = lane.outcomes[bar]
        measures, rules = lane.seen(bar)
        at = self.desk.clock.at(bar)
        self.desk.journal.record(
            Decision(at, self.bot_name, lane.symbol, reason, combo, credit, measures, rules, text)
        )

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
