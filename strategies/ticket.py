"""One trade in the making, open or on its way out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from engine.desk import Levels
from engine.intent import Intent
from engine.journal.records import Fill, Trade
from engine.options.combo import Combo
from engine.reasons import Reason


class Stage(StrEnum):
    """Where a ticket stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
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
    """A trade from approval to flat."""

    trade_id: int
    intent: Intent
    proposal: Proposal
    lane: int
    entered: datetime
    spot_entry: float
    stage: Stage = Stage.OPENING
    step: int = 0
    held: list[int] = field(default_factory=list)  # units bought and not yet sold, per step
    entry_cost: list[float] = field(default_factory=list)  # sum of price x units, per step
    exit_value: list[float] = field(default_factory=list)
    bought: list[int] = field(default_factory=list)
    fees: float = 0.0
    slippage: float = 0.0
    cash: float = 0.0
    levels: tuple[Levels, ...] = ()
    why: Reason = Reason.ENTERED
    urgent: bool = False
    working: bool = False

    def __post_init__(self) -> None:
        count = len(self.proposal.steps)
        self.held, self.bought = [0] * count, [0] * count
        self.entry_cost, self.exit_value = [0.0] * count, [0.0] * count

    def book(self, fills: tuple[Fill, ...], units: int, opening: bool) -> None:
        """Book the fills of ``units`` units of the current step."""
        step, combo = self.step, self.proposal.steps[self.step]
        price = fills[0].combo_price
        for fill in fills:
            self.fees += fill.fees
            self.cash -= fill.price * fill.quantity * fill.multiplier
        away = (price - fills[0].mid) if opening else (fills[0].mid - price)
        self.slippage += away * units * combo.multiplier
        if opening:
            self.held[step] += units
            self.bought[step] += units
            self.entry_cost[step] += price * units
        else:
            self.held[step] -= units
            self.exit_value[step] += price * units

    def entry_price(self, step: int) -> float:
        """Return the average price paid for one unit of a step, USD per share."""
        return self.entry_cost[step] / self.bought[step]

    @property
    def credit(self) -> float:
        """Option premium received per share of one unit of the whole combo (negative when paid)."""
        return -sum(
            self.entry_cost[i] * step.multiplier / self.bought[i]
            for i, step in enumerate(self.proposal.steps)
            if self.bought[i]
        ) / self.proposal.combo.multiplier

    @property
    def exit_price(self) -> float:
        """Price paid per share of one unit to close the whole combo (negative when received)."""
        return -sum(
            self.exit_value[i] * step.multiplier / self.bought[i]
            for i, step in enumerate(self.proposal.steps)
            if self.bought[i]
        ) / self.proposal.combo.multiplier

    def trade(self, at: datetime, spot: float, source: str) -> Trade:
        """Return the finished round trip as a record."""
        intent, proposal = self.intent, self.proposal
        return Trade(
            trade_id=self.trade_id,
            order_ref=intent.order_ref,
            bot=intent.bot,
            symbol=intent.symbol,
            structure=proposal.combo.structure,
            legs=str(proposal.combo),
            expiry=proposal.expiry,
            quantity=max(self.bought),
            entry_time=self.entered,
            exit_time=at,
            credit=round(self.credit, 6),
            exit_price=round(self.exit_price, 6),
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
