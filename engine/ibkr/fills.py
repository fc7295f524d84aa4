"""Executions into journal fills, with their fees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from loguru import logger

from engine.ibkr.contracts import Contracts
from engine.ibkr.events import ExecutionTold
from engine.ibkr.executions import Increment
from engine.intent import Intent
from engine.journal.journal import Journal
from engine.journal.records import FeeEvent, Fill
from engine.options.contract import Instrument
from engine.sessions import NEW_YORK

Estimate = Callable[[Sequence[tuple[Instrument, int, float]], date], float]


class FillMaker:
    """Make fills of increments once the fees of all their executions are known, or given up.

    Parameters
    ----------
    contracts : Contracts
    journal : Journal
    estimate : callable
        Fees in USD of ``(instrument, signed quantity, price)`` on a day.
    patience : float
        Seconds a commission report is waited for.
    seconds : callable
        By which it is waited for.
    """

    def __init__(
        self,
        contracts: Contracts,
        journal: Journal,
        estimate: Estimate,
        patience: float,
        seconds: Callable[[], float],
    ) -> None:
        self._contracts, self._journal, self._estimate = contracts, journal, estimate
        self._patience, self._seconds = patience, seconds
        self.fees: dict[str, float] = {}
        self._done: dict[str, list[tuple[Instrument, int, float]]] = {}
        self._arrived: dict[str, float] = {}

    def arrived(self, told: ExecutionTold) -> None:
        """Note that an execution came, from when on its fees are waited for."""
        self._arrived.setdefault(told.exec_id, self._seconds())

    def ready(self, told: ExecutionTold) -> bool:
        """Tell whether an execution can be booked."""
        return told.exec_id in self.fees or self.overdue(told)

    def overdue(self, told: ExecutionTold) -> bool:
        """Tell whether what belongs to an execution has been waited for long enough."""
        return self._seconds() - self._arrived.get(told.exec_id, 0.0) > self._patience

    def make(self, intent: Intent, ref: str, opening: bool, found: Increment, mid: float) -> tuple[Fill, ...]:
        """Return the journalled fills of an increment, one an execution, by TWS's own ids.

        What the broker has charged is journalled beside what the schedule expects of all legs together.
        """
        fills = []
        for row in found.legs:
            instrument, quantity, at = self._leg(row)
            fees = self.fees.get(row.exec_id)
            if fees is None:
                fees = self._estimate([(instrument, quantity, row.price)], at.date())
                logger.warning("ibkr: {}: no commission report, {:.2f} USD taken instead", row.exec_id, fees)
            fill = Fill(
                exec_id=row.exec_id,
                order_ref=ref,
                trade_id=intent.trade_id,
                bot=intent.bot,
                symbol=intent.symbol,
                at=at,
                opening=opening,
                instrument=str(instrument),
                quantity=quantity,
                price=row.price,
                multiplier=instrument.multiplier,
                fees=fees,
                combo_price=found.price,
                mid=mid,
                source="ibkr",
            )
            self._journal.fill(fill)
            fills.append(fill)
        self._tell_fees(ref, intent.bot, found)
        return tuple(fills)

    def _leg(self, row: ExecutionTold) -> tuple[Instrument, int, datetime]:
        instrument = self._contracts.instrument(row.contract)
        assert instrument is not None  # only rows of known contracts are taken in
        return instrument, row.side * int(row.quantity), row.at.astimezone(NEW_YORK)

    def _tell_fees(self, ref: str, bot: str, found: Increment) -> None:
        """Journal the fees the broker has told, each with its share of what this part of the order adds."""
        legs = [self._leg(row) for row in found.legs]
        done = [
            (instrument, count, row.price)
            for (instrument, count, _), row in zip(legs, found.legs, strict=True)
        ]
        before, day = self._done.get(ref, []), legs[0][2].date()
        added = self._estimate([*before, *done], day) - (self._estimate(before, day) if before else 0.0)
        self._done[ref] = [*before, *done]
        size = sum(abs(count) * instrument.multiplier for instrument, count, _ in legs)
        for row, (instrument, count, at) in zip(found.legs, legs, strict=True):
            amount = self.fees.get(row.exec_id)
            if amount is not None:
                expected = added * abs(count) * instrument.multiplier / size
                self._journal.record(FeeEvent(at, row.exec_id, ref, bot, amount, expected))
