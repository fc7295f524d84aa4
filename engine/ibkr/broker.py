"""The real broker, with the contract of the simulated one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import backtrader as bt

from engine.execution.settings import ExecutionSettings
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.intent import Intent, Order
from engine.journal.journal import Journal
from engine.journal.records import Owner
from engine.options.combo import Combo
from engine.options.contract import Instrument
from engine.settings_ibkr import IbkrSettings

Estimate = Callable[[Sequence[tuple[Instrument, int, float]], date], float]


class LiveBroker(bt.BrokerBase):  # type: ignore[misc]
    """Work orders at Interactive Brokers.

    Parameters
    ----------
    estimate : callable
        Fees in USD of ``(instrument, signed quantity, price)`` on a day, for the executions whose
        commission report does not come (FeeSchedule.order_fees behind it).
    """

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        book: LiveQuotes,
        journal: Journal,
        settings: IbkrSettings,
        execution: ExecutionSettings,
        estimate: Estimate,
    ) -> None:
        raise NotImplementedError

    def submit(self, order: Order, owner: Owner) -> None:
        raise NotImplementedError

    def cancel(self, order_ref: str) -> None:
        raise NotImplementedError

    def funds(self) -> float:
        raise NotImplementedError

    def next(self) -> None:
        """Hand on what has come and re-quote what is due; called every cycle, never blocks."""
        raise NotImplementedError

    def restore(self, intent: Intent, owner: Owner, held: dict[Combo, int]) -> None:
        """Take up a trade of an earlier process: its units count as held, its stop is adopted."""
        raise NotImplementedError

    def adopt(self, order: Order, owner: Owner, filled: int, value: float) -> None:
        """Take up a working order of an earlier process by its reference.

        ``filled`` units at ``value`` (sum of units x price) were already journalled; executions
        with ids the journal knows are not told again (`knows`).
        """
        raise NotImplementedError

    def knows(self, exec_ids: Sequence[str]) -> None:
        """Name executions that are journalled already."""
        raise NotImplementedError

    def halt_entries(self, why: str) -> None:
        """Reject new entries from now on, for this reason; empty lifts it."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        raise NotImplementedError

    def assumptions(self) -> list[str]:
        raise NotImplementedError
