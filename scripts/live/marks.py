"""What the account and every open trade are worth, for whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import isfinite, nan
from typing import Any

from engine.desk import Desk
from engine.errors import DataError
from engine.journal.records import MarkEvent
from engine.options.combo import Combo
from engine.options.contract import Contract, Leg
from strategies.base import Bot
from strategies.ticket import Ticket

_CENT = 0.01
OLD = timedelta(minutes=5)  # a bar that ended before is not the market of now
_BAR = ("vix", "atm_iv", "skew", "put_volume", "call_volume", "open_interest")


class Marker:
    """Mark the account and what is open; nothing that trades looks at it.

    Parameters
    ----------
    desk : Desk
    broker
        Of the session; asked for the account's value.
    today : date
    realised : float
        Net of the trades that earlier processes closed today, USD.
    """

    def __init__(self, desk: Desk, broker: Any, today: date, realised: float = 0.0) -> None:
        self._desk, self._broker, self._today, self._realised = desk, broker, today, realised

    def next(self, bots: Sequence[Bot], now: datetime) -> None:
        """Journal a mark."""
        self._desk.journal.record(self.mark(bots, now))

    def mark(self, bots: Sequence[Bot], now: datetime) -> MarkEvent:
        """Return the account and what is open, as quoted now."""
        combos = [
            self._combo(bot.bot_name, bot.ticket) for bot in bots if bot.ticket and any(bot.ticket.held)
        ]
        pnl = [combo["pnl"] for combo in combos]
        return MarkEvent(
            at=now,
            day=self._today,
            equity=float(self._broker.getvalue()),
            realised=self._realised + sum(trade.net for trade in self._desk.journal.trades),
            open_pnl=sum(pnl) if pnl else 0.0,
            budget_left=self._budgets(bots),
            combos=tuple(combos),
            market=self._markets(bots, now),
        )

    def _combo(self, bot: str, ticket: Ticket) -> dict[str, Any]:
        legs: list[list[Any]] = []
        value = delta = 0.0
        for units, step in zip(ticket.held, ticket.proposal.steps, strict=True):
            if units:
                quoted = self._legs(step)
                value += units * sum(leg.ratio * mark * leg.instrument.multiplier for leg, mark, _ in quoted)
                delta += units * sum(
                    leg.ratio * share * leg.instrument.multiplier for leg, _, share in quoted
                )
                legs += [[str(leg.instrument), units * leg.ratio, mark, share] for leg, mark, share in quoted]
        pnl = ticket.cash + value - ticket.fees
        size = ticket.proposal.combo.multiplier * ticket.quantity
        return {
            "order_ref": ticket.intent.order_ref,
            "bot": bot,
            "symbol": ticket.intent.symbol,
            "structure": ticket.proposal.combo.structure,
            "combo": str(ticket.proposal.combo),
            "quantity": ticket.quantity,
            "credit": -ticket.per_share(ticket.paid),
            "mark": -value / size,
            "delta": delta,
            "pnl": pnl,
            "r": pnl / ticket.intent.planned_loss if ticket.intent.planned_loss else nan,
            "legs": legs,
        }

    def _legs(self, combo: Combo) -> list[tuple[Leg, float, float]]:
        """Return every leg with its mid, a bid that is missing counting as nothing, and its delta."""
        told = zip(combo.legs, self._desk.book.legs(combo), strict=True)
        return [
            (leg, 0.5 * ((bid if isfinite(bid) else 0.0) + ask), self._delta(leg)) for leg, (bid, ask) in told
        ]

    def _delta(self, leg: Leg) -> float:
        one = leg.instrument
        if not isinstance(one, Contract):
            return 1.0
        try:
            side = self._desk.book.chain(one.symbol, one.expiry).side(one.right)
        except DataError:  # held over night: of its chain only what is held is streamed
            return nan
        row = (abs(side.strike - one.strike) < _CENT).nonzero()[0]
        return float(side.delta[row[0]]) if len(row) else nan

    def _budgets(self, bots: Sequence[Bot]) -> dict[str, float]:
        state, limits = self._desk.state, self._desk.governor.limits
        budgets = dict(limits.budget(bot.bot_name) for bot in bots)
        return {
            name: budget.day_cap - (state.loss(name) + state.structural(name)) / 100.0
            for name, budget in budgets.items()
        }

    def _markets(self, bots: Sequence[Bot], now: datetime) -> dict[str, dict[str, float]]:
        """Return by symbol what its bots know: view, measures, the bar's further lines.

        Nothing while the bots are still shown the history before the session.
        """
        found: dict[str, dict[str, float]] = {}
        for bot in bots:
            for lane, view in zip(bot.lanes, bot.views, strict=False):  # none before the first bar
                if now - view.at > OLD:
                    continue
                known = found.setdefault(lane.symbol, {})
                known |= {name: float(getattr(lane.data.lines, name)[0]) for name in _BAR}
                known |= {name: float(line[0]) for name, line in lane.measures.items()}
                known |= {"price": view.price, "expected_move": view.expected_move, "vix": view.vix}
                known["range"] = view.day_high - view.day_low
        return found
