"""The governor: may this trade be opened, must that one be closed."""

from __future__ import annotations

import math
from datetime import date

from engine.errors import CalendarError, ConfigError, LedgerError, OrderError
from engine.intent import Approved, Denied, Intent, Verdict
from engine.journal.records import HaltEvent
from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.halts import describe, halt_code, reasons
from engine.risk.limits import MARKET_HALTS, Limits, cents
from engine.risk.state import DayState, OpenTrade
from engine.risk.view import MarketView

__all__ = ["Governor", "MarketView"]

MARKET = ""
# A halt of the market or of a loss lasts for the day; the others clear when their cause is gone.
PASSING = (Reason.KILLED, Reason.DISCONNECTED, Reason.UNRECONCILED, Reason.NO_QUOTE)
_ORDER = (Reason.HALT_MOVE, Reason.HALT_VIX, Reason.HALT_RANGE, Reason.HALT_DAY_LOSS, *PASSING)


class Governor:
    """Judge intents against limits, halts and blackouts.

    Every method is a pure function of its arguments: the state goes in and comes out, so
    that the same object serves backtest and live and a restart loses nothing.

    Parameters
    ----------
    limits : Limits
    calendar : EventCalendar
    research : bool
        Let structures of undefined risk pass; their planned loss then stands in for the
        structural one. Only the backtest venue may ask for it.
    venue : str
        Where the orders go.

    Raises
    ------
    ConfigError
        When ``research`` is asked for outside the backtest.
    """

    def __init__(
        self, limits: Limits, calendar: EventCalendar, research: bool = False, venue: str = "backtest"
    ) -> None:
        if research and venue != "backtest":
            raise ConfigError(
                f"research: got venue {venue!r}, expected 'backtest': undefined risk is never sent"
            )
        self.limits = limits
        self.calendar = calendar
        self.research = research

    def judge(self, intent: Intent, state: DayState, view: MarketView, funds: float) -> Verdict:
        """Return whether an intent may go to the broker. Closing always may.

        Parameters
        ----------
        intent : Intent
        state : DayState
        view : MarketView
            Of the intent's underlying.
        funds : float
            USD free for a new trade, what open trades bind already taken off.

        Raises
        ------
        OrderError
            Nothing is to be opened (quantity below 1), or the view is of another underlying.
        """
        if not intent.opening:
            return Approved()
        if intent.quantity < 1:
            raise OrderError(f"{intent.order_ref}: got quantity {intent.quantity}, expected at least 1")
        if view.symbol != intent.symbol:
            raise OrderError(f"{intent.order_ref}: got a view of {view.symbol}, expected {intent.symbol}")
        state = state.roll(view.day)
        denied = (
            self._time(view)
            or self._event(intent, view)
            or self._halt(intent, state, view)
            or self._measured(view)
            or self._trade(intent)
            or self._day(intent, state)
            or self._funds(intent, funds)
        )
        return denied or Approved()

    def _time(self, view: MarketView) -> Denied | None:
        limits = self.limits
        if view.half_day and not limits.half_days:
            return Denied(Reason.HALF_DAY, f"{view.day} is a half day, entries are for full days")
        first, last = limits.window(view.half_day)
        if not first <= view.minute <= last:
            at = _clock(view.minute)
            return Denied(Reason.OUTSIDE_WINDOW, f"{at} is outside {_clock(first)} to {_clock(last)}")
        return None

    def _event(self, intent: Intent, view: MarketView) -> Denied | None:
        return self.calendar_verdict(intent.symbol, view.day)

    def calendar_verdict(self, symbol: str, day: date) -> Denied | None:
        """Return why the calendar forbids entries in a symbol on a day, known before the day."""
        try:
            return self.calendar.verdict(symbol, day)
        except CalendarError as error:
            return Denied(Reason.CALENDAR_UNCOVERED, str(error))

    def _halt(self, intent: Intent, state: DayState, view: MarketView) -> Denied | None:
        for reason in reasons(halt_code(view, self.limits)):
            return Denied(reason, describe(reason, view, self.limits))
        latched = self._latched(state, intent.symbol, intent.bot)
        if latched is not None:
            until = "its cause is gone" if latched in PASSING else "the next session"
            return Denied(latched, f"{latched} latched on {state.day}, no entries until {until}")
        if self._stale(view):
            return Denied(Reason.NO_QUOTE, self._stale_text(view))
        return None

    def _latched(self, state: DayState, symbol: str, bot: str) -> Reason | None:
        if not state.halts:
            return None
        budget, _ = self.limits.budget(bot)
        for reason in _ORDER:
            scopes = (budget,) if reason is Reason.HALT_DAY_LOSS else (symbol, MARKET)
            if any((scope, reason) in state.halts for scope in scopes):
                return reason
        return None

    def _stale(self, view: MarketView) -> bool:
        limit = self.limits.stale_seconds
        return limit is not None and not view.age <= limit

    def _stale_text(self, view: MarketView) -> str:
        return f"{view.symbol} quotes are {view.age:.0f} s old, limit {self.limits.stale_seconds:g} s"

    def _measured(self, view: MarketView) -> Denied | None:
        """Refuse a trade whose halts could not be seen."""
        move, vix, span = self.limits.halt_move, self.limits.halt_vix, self.limits.halt_range
        watched = (
            view.price, view.session_open, view.expected_move, view.day_high, view.day_low, view.vix,
            view.vix_previous,
        )  # fmt: skip
        if min(watched) > 0.0 and max(watched) < math.inf and not math.isnan(sum(watched)):
            return None
        needed = {}
        if move is not None or span is not None:
            needed = {
                "price": view.price,
                "session open": view.session_open,
                "expected move": view.expected_move,
                "day high": view.day_high,
                "day low": view.day_low,
            }
        if vix is not None:
            needed |= {"VIX": view.vix, "VIX previous close": view.vix_previous}
        for name, value in needed.items():
            if not (math.isfinite(value) and value > 0):
                text = f"{view.symbol} {name} is {value}, expected a number above zero to watch the halts"
                return Denied(Reason.WARMING_UP, text)
        return None

    def _trade(self, intent: Intent) -> Denied | None:
        _, budget = self.limits.budget(intent.bot)
        undefined = not intent.combo.is_defined_risk
        if undefined and not self.research:
            text = f"{intent.combo} has no limit to its loss, expected a covered structure"
            return Denied(Reason.UNDEFINED_RISK, text)
        planned = cents(intent.planned_loss)
        if planned is None or not 0 < planned <= cents_of(budget.planned_loss):
            return _over(Reason.PLANNED_LOSS_CAP, "planned loss", intent.planned_loss, budget.planned_loss)
        if undefined:
            return None
        structural = cents(intent.structural_loss)
        if structural is None or not 0 < structural <= cents_of(budget.structural_loss):
            return _over(
                Reason.STRUCTURAL_LOSS_CAP, "structural loss", intent.structural_loss, budget.structural_loss
            )
        return None

    def _day(self, intent: Intent, state: DayState) -> Denied | None:
        name, _ = self.limits.budget(intent.bot)
        trade = self._reserve(intent, name)
        return self.day_verdict(state, intent.bot, trade.structural, trade.planned)

    def day_verdict(self, state: DayState, bot: str, structural: int, planned: int) -> Denied | None:
        """Return why the day has no room for one more trade of a bot, None when it has.

        Parameters
        ----------
        state : DayState
        bot : str
        structural, planned : int
            Cents the trade would set aside.
        """
        name, budget = self.limits.budget(bot)
        at_risk = open_planned = 0
        for trade in state.open:
            if trade.bot == bot:
                text = f"{bot} holds {trade.order_ref} on {trade.symbol}, limit one combo per bot"
                return Denied(Reason.ONE_COMBO_PER_BOT, text)
            if trade.budget == name:
                at_risk, open_planned = at_risk + trade.structural, open_planned + trade.planned
        lost = state.loss(name)
        if lost + at_risk + structural > cents_of(budget.day_cap):
            return Denied(
                Reason.DAY_CAP,
                f"{name}: lost {_usd(lost)} + open structural {_usd(at_risk)} + new {_usd(structural)} "
                f"USD, limit {budget.day_cap:.2f} a day",
            )
        cap = self.limits.day_r * budget.planned_loss
        if lost + open_planned + planned > cents_of(cap):
            return Denied(
                Reason.DAY_CAP,
                f"{name}: lost {_usd(lost)} + open planned {_usd(open_planned)} + new {_usd(planned)} USD, "
                f"limit {cap:.2f} a day ({self.limits.day_r:g} R)",
            )
        return None

    def _funds(self, intent: Intent, funds: float) -> Denied | None:
        defined = intent.combo.is_defined_risk
        need = max(intent.margin, intent.structural_loss) if defined else intent.margin
        limit = self.limits.cash_fraction * funds
        if not need <= limit:
            share = f"{self.limits.cash_fraction:g} of {funds:.2f} free"
            return Denied(Reason.MARGIN, f"binds {need:.2f} USD, limit {limit:.2f} ({share})")
        return None

    def _reserve(self, intent: Intent, budget: str) -> OpenTrade:
        planned = cents(intent.planned_loss) or 0
        structural = cents(intent.structural_loss) if intent.combo.is_defined_risk else planned
        return OpenTrade(intent.order_ref, intent.bot, budget, intent.symbol, structural or 0, planned)

    def opened(self, state: DayState, intent: Intent) -> DayState:
        """Return the state with an approved intent booked: its whole loss is reserved."""
        name, _ = self.limits.budget(intent.bot)
        return state.opened(self._reserve(intent, name))

    def closed(self, state: DayState, intent: Intent, net: float) -> DayState:
        """Return the state after a trade ended with ``net`` USD, fees included; 0 if it never filled.

        Raises
        ------
        LedgerError
            The trade is not open, or its result is no number.
        """
        if not math.isfinite(net):
            raise LedgerError(f"{intent.order_ref} closed with {net} USD, expected a finite amount")
        return state.closed(intent.order_ref, math.floor(net * 100 + 1e-6))

    def observe(self, state: DayState, view: MarketView) -> tuple[DayState, tuple[HaltEvent, ...]]:
        """Return the state with new halts latched, and the halts that are new.

        A new day starts without losses and halts. Only the stale-quote stop clears by itself.
        """
        if view.day > state.day:
            state = state.roll(view.day)
        code = halt_code(view, self.limits)
        if not code and not state.realised and not self._watches_age(state, view):
            return state, ()
        found: list[tuple[str, Reason, str]] = []
        for reason in reasons(code):
            scope = MARKET if reason is Reason.HALT_VIX else view.symbol
            found.append((scope, reason, describe(reason, view, self.limits)))
        for name, lost, cap in self.lost_out(state):
            text = f"{name}: lost {_usd(lost)} USD today, limit {cap:.2f}"
            found.append((name, Reason.HALT_DAY_LOSS, text))
        if self._stale(view):
            found.append((view.symbol, Reason.NO_QUOTE, self._stale_text(view)))
        elif (view.symbol, Reason.NO_QUOTE) in state.halts:
            state = state.cleared((view.symbol, Reason.NO_QUOTE))
        fresh = [halt for halt in found if halt[:2] not in state.halts]
        if not fresh:
            return state, ()
        events = tuple(
            HaltEvent(view.day, view.at, MARKET if reason is Reason.HALT_DAY_LOSS else scope, reason, text)
            for scope, reason, text in fresh
        )
        return state.halted(*((scope, reason) for scope, reason, _ in fresh)), events

    def lost_out(self, state: DayState) -> list[tuple[str, int, float]]:
        """Return the budgets that have lost their day's cap: name, cents lost, cap in USD."""
        caps = [(name, lost, self.limits.budget(name)[1].day_cap) for name, lost in state.realised]
        return [(name, lost, cap) for name, lost, cap in caps if lost >= cents_of(cap)]

    def _watches_age(self, state: DayState, view: MarketView) -> bool:
        return self._stale(view) or (view.symbol, Reason.NO_QUOTE) in state.halts

    def must_close(self, state: DayState, view: MarketView, bot: str) -> Reason | None:
        """Return why a bot's position in the view's underlying must be closed now, None if it need not.

        Halts count once `observe` has latched them; those of an earlier day are over.
        """
        if state.day >= view.day:
            latched = self._closing(state, view.symbol, bot)
            if latched is not None:
                return latched
        if view.minute >= self.limits.flat_minute(view.half_day):
            return Reason.FLAT_BY_CLOSE
        return None

    def _closing(self, state: DayState, symbol: str, bot: str) -> Reason | None:
        if not state.halts:
            return None
        budget, _ = self.limits.budget(bot)
        for reason in _ORDER:
            if reason not in self.limits.close_on:
                continue
            scopes = (symbol, MARKET) if reason in MARKET_HALTS else (budget,)
            if any((scope, reason) in state.halts for scope in scopes):
                return reason
        return None


def cents_of(usd: float) -> int:
    """Return a limit in whole cents, rounded down, so that a limit is never widened."""
    return math.floor(usd * 100 + 1e-6)


def _over(reason: Reason, what: str, value: float, limit: float) -> Denied:
    if not value > 0:
        return Denied(reason, f"{what} is {value}, expected an amount above zero and at most {limit:.2f} USD")
    return Denied(reason, f"{what} {value:.2f} USD, limit {limit:.2f}")


def _usd(amount: int) -> str:
    return f"{amount / 100:.2f}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
