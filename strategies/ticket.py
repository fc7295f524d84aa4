"""One trade in the making, open or on its way out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from math import nan

from engine.desk import Levels
from engine.intent import Intent, Order, Urgency
from engine.journal.records import Fill, PositionEvent, Trade
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.record import record


class Stage(StrEnum):
    """Where a ticket stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


@record
class Proposal:
    """What a bot would trade.

    ``steps`` are the parts of ``combo`` in the order they must be bought; closing undoes
    them in reverse, so that a short leg is never without its cover.
    """

    combo: Combo
    steps: tuple[Combo, ...]
    expiry: date
    short_delta: float
    expected_move: float


@dataclass(slots=True)
class Ticket:
    """A trade from approval to flat; ``lane`` and ``bar`` say where it was decided."""

    intent: Intent
    proposal: Proposal
    lane: int
    bar: int
    spot_entry: float
    stage: Stage = Stage.OPENING
    step: int = 0
    entered: datetime | None = None
    held: list[int] = field(default_factory=list)  # units bought and not yet sold, per step
    bought: list[int] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)  # sum of price x units bought, per step
    received: list[float] = field(default_factory=list)  # the same of units sold
    fees: float = 0.0
    slippage: float = 0.0
    cash: float = 0.0
    levels: tuple[Levels, ...] = ()
    why: Reason = Reason.ENTERED
    urgent: bool = False
    working: str = ""  # reference of the order at work
    sent: int = 0  # orders so far
    units: int = 0  # of the order at work
    done: int = 0  # of them filled
    value: float = 0.0  # sum of price x units filled
    urgency: Urgency = Urgency.ENTRY
    booked: list[str] = field(default_factory=list)  # executions, so that none counts twice

    def __post_init__(self) -> None:
        count = len(self.proposal.steps)
        self.held, self.bought = [0] * count, [0] * count
        self.paid, self.received = [0.0] * count, [0.0] * count

    def book(self, fills: tuple[Fill, ...], units: int) -> None:
        """Book ``units`` units of the current step, bought while opening and sold otherwise."""
        step, multiplier = self.step, self.proposal.steps[self.step].multiplier
        price, mid = fills[0].combo_price, fills[0].mid
        self._cash(fills)
        self.done += units
        self.value += price * units
        if self.stage is Stage.OPENING:
            self.entered = self.entered or fills[0].at
            self.held[step] += units
            self.bought[step] += units
            self.paid[step] += price * units
            self.slippage += (price - mid) * units * multiplier
        else:
            self.held[step] -= units
            self.received[step] += price * units
            self.slippage += (mid - price) * units * multiplier

    def settle(self, fills: tuple[Fill, ...]) -> None:
        """Book the settlement of everything still held."""
        before = self.cash
        self._cash(fills)
        self.received[0] += (self.cash - before) / self.proposal.steps[0].multiplier
        self.held = [0] * len(self.held)

    def _cash(self, fills: tuple[Fill, ...]) -> None:
        for fill in fills:
            self.booked.append(fill.exec_id)
            self.fees += fill.fees
            self.cash -= fill.price * fill.quantity * fill.multiplier

    @property
    def day(self) -> date:
        """Session on which the trade was decided."""
        return self.intent.at.date()

    def sending(self, order: Order, number: int) -> None:
        """Note the order that is about to go out."""
        self.working, self.sent = order.ref, number
        self.units, self.urgency = order.quantity, order.urgency
        self.done, self.value = 0, 0.0

    def holdings(self) -> dict[Combo, int]:
        """Return the units held of every step, those not held left out."""
        return {step: units for step, units in zip(self.proposal.steps, self.held, strict=True) if units}

    def costs(self) -> dict[Combo, float]:
        """Return the sum of price x units of what is held of every step."""
        return {
            step: paid * units / bought
            for step, units, bought, paid in zip(
                self.proposal.steps, self.held, self.bought, self.paid, strict=True
            )
            if units
        }

    def position(self, at: datetime) -> PositionEvent:
        """Return what is held as a record: every leg, and the credit of what was bought."""
        intent, legs = self.intent, Counter[str]()
        for units, step in zip(self.held, self.proposal.steps, strict=True):
            for leg in step.legs:
                legs[str(leg.instrument)] += units * leg.ratio
        return PositionEvent(
            at=at,
            order_ref=intent.order_ref,
            trade_id=intent.trade_id,
            bot=intent.bot,
            symbol=intent.symbol,
            structure=self.proposal.combo.structure,
            combo=str(self.proposal.combo),
            expiry=self.proposal.expiry,
            quantity=max(self.held),
            legs={name: count for name, count in legs.items() if count},
            credit=-self.per_share(self.paid) if self.quantity else nan,
            planned_loss=intent.planned_loss,
            structural_loss=intent.structural_loss,
        )

    def order(self) -> Order | None:
        """Return the order at work as it was sent, None when none is."""
        if not self.working:
            return None
        return Order(
            self.working,
            self.intent,
            self.proposal.steps[self.step],
            self.units,
            self.stage is Stage.OPENING,
            self.urgency,
            self.intent.at,
        )

    def entry_price(self, step: int) -> float:
        """Return the average price paid for one unit of a step, USD per share."""
        return self.paid[step] / self.bought[step]

    @property
    def quantity(self) -> int:
        """Units of the whole combo that were bought."""
        return max(self.bought)

    def per_share(self, amounts: list[float]) -> float:
        """Return sums of price x units per step as one price per share of the whole combo."""
        proposal, usd = self.proposal, 0.0
        for amount, step in zip(amounts, proposal.steps, strict=True):
            usd += amount * step.multiplier
        return usd / (proposal.combo.multiplier * self.quantity)

    def trade(self, at: datetime, spot: float, source: str) -> Trade:
        """Return the finished round trip as a record."""
        intent, proposal = self.intent, self.proposal
        assert self.entered is not None
        return Trade(
            trade_id=intent.trade_id,
            order_ref=intent.order_ref,
            bot=intent.bot,
            symbol=intent.symbol,
            structure=proposal.combo.structure,
            legs=str(proposal.combo),
            expiry=proposal.expiry,
            quantity=self.quantity,
            entry_time=self.entered,
            exit_time=at,
            credit=round(-self.per_share(self.paid), 6),
            exit_price=round(-self.per_share(self.received), 6),
            gross=round(self.cash, 2),
            fees=round(self.fees, 2),
            net=round(self.cash - self.fees, 2),
            planned_loss=intent.planned_loss,
            structural_loss=intent.structural_loss,
            exit_reason=self.why,
            spot_entry=self.spot_entry,
            spot_exit=spot,
            short_delta=proposal.short_delta,
            expected_move=proposal.expected_move,
            slippage=round(self.slippage, 2),
            source=source,
        )
