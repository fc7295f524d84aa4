"""One underlying of a bot: its lines, its filters, the minutes on which it may decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from engine.reasons import Reason

Check = tuple[Reason, Any]
Filters = Callable[[SimpleNamespace], list[Check]]
REASONS = list(Reason)
_CODE = {reason: code for code, reason in enumerate(REASONS)}
PASSED = -1


class Lane:
    """Filters of one bot on one symbol, as columns in a backtest and as numbers live.

    The filters are written once, as expressions over measures; numpy makes no difference
    between a whole line and one value, so both venues run the same words.

    Parameters
    ----------
    bot, symbol : str
    data : backtrader data feed
    measures : mapping of name to backtrader line
        What the filters look at; kept in the decision table under these names.
    filters : callable
        From measures to ``[(reason, passes), ...]`` in the order of their importance.
    window : tuple of int
        First and last decision minute after midnight New York, inclusive.
    every : int
        Minutes between decisions.
    """

    def __init__(
        self,
        bot: str,
        symbol: str,
        data: Any,
        measures: Mapping[str, Any],
        filters: Filters,
        window: tuple[int, int],
        every: int,
    ) -> None:
        self.bot, self.symbol, self.data = bot, symbol, data
        self.measures = dict(measures)
        self.filters = filters
        self.window, self.every = window, every
        self.outcomes: dict[int, tuple[Reason, str, float]] = {}
        self.codes: np.ndarray | None = None

    def prepare(self) -> bool:
        """Compute the verdict of every bar at once; False where the lines are not known whole."""
        columns = {name: _whole(line) for name, line in self.measures.items()}
        minute = _whole(self.data.lines.minute)
        if len(minute) <= len(self.data) and len(minute) != self.data.buflen():
            return False
        if any(len(column) != len(minute) for column in columns.values()):
            return False
        codes = self._verdicts(SimpleNamespace(**columns), len(minute))
        decides = self._decides(minute)
        self.codes = np.where(decides, codes, np.int16(_CODE[Reason.OUTSIDE_WINDOW])).astype(np.int16)
        self.columns = columns
        self.decides = decides
        return True

    def _decides(self, minute: Any) -> Any:
        first, last = self.window
        return (minute >= first) & (minute <= last) & ((minute - first) % self.every == 0)

    def _verdicts(self, measures: SimpleNamespace, size: int) -> np.ndarray:
        codes = np.full(size, PASSED, dtype=np.int16)
        known = np.ones(size, dtype=bool)
        for values in vars(measures).values():
            known &= ~np.isnan(values)
        checks = [(Reason.WARMING_UP, known), *self.filters(measures)]
        for reason, passes in reversed(checks):
            codes = np.where(passes, codes, np.int16(_CODE[reason])).astype(np.int16)
        return codes

    def verdict(self, bar: int) -> Reason | None:
        """Return why no entry is considered on this bar, None when all filters pass."""
        if self.codes is not None:
            code = int(self.codes[bar])
        else:
            minute = np.float64(self.data.lines.minute[0])
            if not self._decides(minute):
                return Reason.OUTSIDE_WINDOW
            now = SimpleNamespace(**{name: np.array([line[0]]) for name, line in self.measures.items()})
            code = int(self._verdicts(now, 1)[0])
            if code != PASSED:
                self.note(bar, REASONS[code])
        return None if code == PASSED else REASONS[code]

    def candidates(self) -> np.ndarray:
        """Return the numbers of the bars on which every filter passes."""
        assert self.codes is not None
        return np.flatnonzero(self.codes == PASSED)

    def note(self, bar: int, reason: Reason, combo: str = "", credit: float = np.nan) -> None:
        """Keep what came of a decision minute."""
        self.outcomes[bar] = (reason, combo, credit)

    def hold(self, start: int, stop: int) -> None:
        """Mark the decision minutes in ``(start, stop)`` as taken by the open position."""
        if self.codes is None:
            return
        inside = np.flatnonzero(self.decides[start + 1 : stop]) + start + 1
        for bar in inside.tolist():
            self.outcomes.setdefault(bar, (Reason.POSITION_OPEN, "", np.nan))

    def table(self, stamp: np.ndarray) -> pd.DataFrame:
        """Return the decision table: one row a decision minute, filters' values beside the reason."""
        if self.codes is not None:
            bars = np.flatnonzero(self.decides)
            codes = self.codes[bars].copy()
            columns = {name: column[bars] for name, column in self.columns.items()}
        else:
            bars = np.array(sorted(self.outcomes), dtype=np.int64)
            codes = np.full(len(bars), PASSED, dtype=np.int16)
            columns = {}
        combos = np.full(len(bars), "", dtype=object)
        credit = np.full(len(bars), np.nan)
        place = {bar: row for row, bar in enumerate(bars.tolist())}
        for bar, (reason, combo, value) in self.outcomes.items():
            row = place.get(bar)
            if row is not None:
                codes[row], combos[row], credit[row] = _CODE[reason], combo, value
        frame = pd.DataFrame(
            {
                "time": pd.to_datetime(stamp[bars], utc=True),
                "bot": pd.Categorical.from_codes(np.zeros(len(bars), dtype=np.int8), [self.bot]),
                "symbol": pd.Categorical.from_codes(np.zeros(len(bars), dtype=np.int8), [self.symbol]),
                "reason": pd.Categorical.from_codes(codes, [str(reason) for reason in REASONS]),
                "combo": combos,
                "credit": credit,
            }
        )
        return frame.assign(**columns)


def _whole(line: Any) -> np.ndarray:
    return np.array(line.array, dtype=np.float64)
