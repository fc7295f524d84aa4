"""On which bars the simulated broker has something to settle."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Container, Sequence
from datetime import date

from engine.options.combo import Combo
from engine.options.contract import Contract, Right, Settlement, Style
from engine.record import record
from engine.tape import Tape

Dividend = tuple[str, date, float]
NEVER = 1 << 60


@record
class Appointment:
    """An option of a trade that settles on ``bar``, or may be called away there for a dividend."""

    bar: int
    ref: str
    contract: Contract
    dividend: float = 0.0


class Agenda:
    """Settlements and ex-dividend days ahead of what is held, in the order of their bars.

    Parameters
    ----------
    tape : Tape
    dividends : sequence of (symbol, ex-dividend date, USD per share)
    """

    def __init__(self, tape: Tape, dividends: Sequence[Dividend] = ()) -> None:
        self._tape = tape
        self._dates = tape.dates
        self._dividends = tuple(dividends)
        self._queue: list[tuple[int, int, Appointment]] = []
        self._count = 0
        self.due = NEVER

    def expect(self, ref: str, combo: Combo, bar: int) -> None:
        """Note what will become of a combo bought on ``bar``."""
        for contract, ratio in combo.options:
            settles = self.settlement_bar(contract)
            if settles is not None:
                self._push(Appointment(settles, ref, contract))
            if ratio < 0:
                for when, amount in self._dividend_bars(contract, bar):
                    self._push(Appointment(when, ref, contract, amount))

    def pop(self, bar: int) -> Appointment | None:
        """Return the next appointment that is due on ``bar``, None when there is none left."""
        if self.due > bar:
            return None
        appointment = heapq.heappop(self._queue)[2]
        self._look()
        return appointment

    def prune(self, alive: Container[str]) -> None:
        """Forget what lies ahead of trades that have ended."""
        if not self._queue or self._queue[0][2].ref in alive:
            return
        while self._queue and self._queue[0][2].ref not in alive:
            heapq.heappop(self._queue)
        self._look()

    def settlement_bar(self, contract: Contract) -> int | None:
        """Return the bar on which an option settles, None when the tape ends before.

        The last bar of the expiry day, the first where the contract settles on the opening;
        where the tape lacks that day, the first bar after it.
        """
        row = bisect_left(self._dates, contract.expiry)
        if row == len(self._dates):
            return None
        grid = self._tape.grid
        return int(grid.first[row] if self._on_open(contract, row) else grid.last[row])

    def settlement_price(self, contract: Contract) -> float:
        """Return the price of the underlying an option settles on: the day's last, or its open."""
        row = bisect_left(self._dates, contract.expiry)
        grid, bars = self._tape.grid, self._tape.bars[contract.symbol]
        if self._on_open(contract, row):
            return float(bars.open[grid.first[row]])
        return float(bars.close[grid.last[row]])

    def _on_open(self, contract: Contract, row: int) -> bool:
        return contract.product.settlement is Settlement.CASH_AM or self._dates[row] != contract.expiry

    def _dividend_bars(self, contract: Contract, bar: int) -> list[tuple[int, float]]:
        """Return the last bars before the ex-dividend days a call lives to see, with the amounts."""
        if contract.right is not Right.CALL or contract.product.style is not Style.AMERICAN:
            return []
        found = []
        for symbol, ex_day, amount in self._dividends:
            row = bisect_left(self._dates, ex_day)
            seen = 0 < row < len(self._dates) and amount > 0.0
            if seen and symbol == contract.symbol and ex_day <= contract.expiry:
                last = int(self._tape.grid.last[row - 1])
                if last >= bar:
                    found.append((last, amount))
        return found

    def _push(self, appointment: Appointment) -> None:
        self._count += 1
        heapq.heappush(self._queue, (appointment.bar, self._count, appointment))
        self._look()

    def _look(self) -> None:
        self.due = self._queue[0][0] if self._queue else NEVER
