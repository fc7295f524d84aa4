"""One underlying of a bot: its lines, its filters, the minutes on which it may decide."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from engine.options.choice import Choices
from engine.reasons import CODE, PASSED, REASONS, Reason

Check = tuple[Reason, Any]
Filters = Callable[[SimpleNamespace], list[Check]]
Tell = Callable[["Lane", int, str], None]
_OUTSIDE = CODE[Reason.OUTSIDE_WINDOW]


@dataclass(frozen=True, eq=False)
class Preview:
    """What market and calendar alone say of a lane's candidates, a row each.

    Parameters
    ----------
    choices : Choices
    codes : ndarray of int16, shape (n,)
        Place in ``REASONS`` of what speaks against an entry, ``PASSED`` where nothing does.
    credit : ndarray, shape (n,)
        USD per share of the combo, NaN where there is none.
    reserve : ndarray of int64, shape (n,)
        Cents the governor sets aside for the trade; 0 where there is none.
    cost, earned, structural : ndarray, shape (n,)
        USD of one unit: fees in and out, premium received, loss of the structure; NaN where there is none.
    texts : callable
        From row numbers to the words for their combos.
    """

    choices: Choices
    codes: np.ndarray
    credit: np.ndarray
    reserve: np.ndarray
    cost: np.ndarray
    earned: np.ndarray
    structural: np.ndarray
    texts: Callable[[Sequence[int]], list[str]]


class Lane:
    """Filters of one bot on one symbol, as columns in a backtest and as numbers live.

    The filters are written once, as expressions over measures; numpy makes no difference
    between a whole line and one value, so every venue runs the same words.

    Parameters
    ----------
    bot, symbol : str
    data : backtrader data feed
    measures : mapping of name to backtrader line
        What the filters look at; kept in the decision table under these names.
    filters : callable
        From measures to ``[(reason, passes), ...]`` in the order of their importance.
    window : tuple of int
        First decision minute after midnight New York, and the minute that ends the window.
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
        self._covered: list[tuple[int, int, Reason]] = []  # candidates that nothing came of, by row
        self._seen: dict[int, tuple[float, ...]] = {}
        self._codes: np.ndarray | None = None
        self.candidates = np.empty(0, np.int64)
        self._places: list[int] = []  # the candidates, for looking up one
        self.ready = self.candidates
        self.preview: Preview | None = None
        self.tell: Tell | None = None  # who hears of every outcome at once, where bars come one by one

    def prepare(self) -> None:
        """Compute the verdict of every bar at once; the lines must be known whole."""
        minute = whole(self.data.lines.minute)
        inside = np.flatnonzero((minute >= self.window[0]) & (minute < self.window[1]))
        self._bars = inside[self._decides(minute[inside])]
        self._columns = {name: whole(line)[self._bars] for name, line in self.measures.items()}
        verdicts = self._verdicts(SimpleNamespace(**self._columns), len(self._bars))
        self._codes = np.full(len(minute), _OUTSIDE, dtype=np.int16)
        self._codes[self._bars] = verdicts
        self.candidates = self.ready = self._bars[verdicts == PASSED]
        self._places = self.candidates.tolist()

    def foresee(self, preview: Preview | None) -> None:
        """Take what is known beforehand of every candidate, if anything is: only some need a look."""
        if preview is None:
            return
        self.preview = preview
        if self._codes is not None:
            self._codes[self.candidates] = preview.codes
        self.ready = self.candidates[preview.codes == PASSED]

    def row(self, bar: int) -> int:
        """Return the row of a candidate in the preview."""
        return bisect_left(self._places, bar)

    def cheaper(self, start: int, stop: int, reserve: int) -> int | None:
        """Return the first bar in ``(start, stop)`` that needs a look and sets less aside."""
        low, high = self.ready.searchsorted((start + 1, stop))
        if self.preview is None:
            return int(self.ready[low]) if low < high else None
        rows = self.candidates.searchsorted(self.ready[low:high])
        found = np.flatnonzero(self.preview.reserve[rows] < reserve)
        return int(self.ready[low + found[0]]) if len(found) else None

    def deny(self, start: int, stop: int, reason: Reason) -> None:
        """Let the bars in ``(start, stop)`` that would have needed a look come to ``reason``."""
        low, high = self.ready.searchsorted((start + 1, stop))
        if self._codes is not None:
            self._codes[self.ready[low:high]] = CODE[reason]

    def _decides(self, minute: Any) -> Any:
        first, end = self.window
        return (minute >= first) & (minute < end) & ((minute - first) % self.every == 0)

    def _verdicts(self, measures: SimpleNamespace, size: int) -> np.ndarray:
        codes = np.full(size, PASSED, dtype=np.int16)
        known = np.ones(size, dtype=bool)
        for values in vars(measures).values():
            known &= ~np.isnan(values)
        for reason, passes in reversed([(Reason.WARMING_UP, known), *self.filters(measures)]):
            codes = np.where(passes, codes, np.int16(CODE[reason]))
        return codes

    def verdict(self, bar: int) -> Reason | None:
        """Return why no entry is considered on this bar, None when all filters pass."""
        if self._codes is not None:
            code = int(self._codes[bar])
            return None if code == PASSED else REASONS[code]
        if not self._decides(self.data.lines.minute[0]):
            return Reason.OUTSIDE_WINDOW
        now = tuple(float(line[0]) for line in self.measures.values())
        self._seen[bar] = now
        columns = {name: np.array([value]) for name, value in zip(self.measures, now, strict=True)}
        code = int(self._verdicts(SimpleNamespace(**columns), 1)[0])
        if code == PASSED:
            return None
        self.note(bar, REASONS[code])
        return REASONS[code]

    def note(self, bar: int, reason: Reason, combo: str = "", credit: float = np.nan, text: str = "") -> None:
        """Keep what came of a decision minute; ``credit`` in USD per share of the combo."""
        self.outcomes[bar] = (reason, combo, credit)
        if self.tell is not None and bar in self._seen:
            self.tell(self, bar, text)

    def measured(self, bars: np.ndarray) -> SimpleNamespace:
        """Return the measures on decision minutes, a column each."""
        if self._codes is not None:
            rows = self._bars.searchsorted(bars)
            return SimpleNamespace(**{name: column[rows] for name, column in self._columns.items()})
        values = np.array([self._seen[bar] for bar in bars.tolist()])
        return SimpleNamespace(**dict(zip(self.measures, values.T, strict=True)))

    def seen(self, bar: int) -> tuple[dict[str, float], dict[str, bool]]:
        """Return the measures of a decision minute, and by reason whether each filter let it pass."""
        measures = dict(zip(self.measures, self._seen[bar], strict=True))
        checks = self.filters(SimpleNamespace(**measures))
        return measures, {str(reason): bool(passes) for reason, passes in checks}

    def fill(self, start: int, stop: int, reason: Reason) -> None:
        """Note ``reason`` on the candidate bars in ``(start, stop)`` that nothing came of."""
        low, high = bisect_left(self._places, start + 1), bisect_left(self._places, stop)
        if low < high:
            self._covered.append((low, high, reason))

    def _filled(self) -> np.ndarray:
        """Return the code of every candidate that was filled in, ``PASSED`` for the others."""
        codes = np.full(len(self.candidates), PASSED, np.int16)
        for low, high, reason in reversed(self._covered):  # what was said first stands
            codes[low:high] = CODE[reason]
        codes[self.candidates.searchsorted(list(self.outcomes))] = PASSED  # as does what was noted
        return codes

    def reasons(self) -> dict[Reason, int]:
        """Return how many decision minutes came to which reason."""
        if self._codes is None:
            noted = Counter(self.outcomes[bar][0] for bar in self._seen if bar in self.outcomes)
            return dict(noted)
        filled, seen = self._filled(), self._codes[self._bars]
        quiet = np.flatnonzero(filled != PASSED)
        seen[self._bars.searchsorted(self.candidates[quiet])] = filled[quiet]
        place = np.searchsorted(self._bars, np.fromiter(self.outcomes, np.int64, len(self.outcomes)))
        seen[place] = [CODE[reason] for reason, _, _ in self.outcomes.values()]
        values, counts = np.unique(seen, return_counts=True)
        return {REASONS[code]: count for code, count in zip(values.tolist(), counts.tolist(), strict=True)}

    def rules(self) -> pd.DataFrame:
        """Return every filter's verdict by its reason, True where it passes; the rows of `table`."""
        _, columns = self._decided()
        checks = self.filters(SimpleNamespace(**columns))
        size = len(next(iter(columns.values())))
        return pd.DataFrame({str(reason): np.broadcast_to(passes, size) for reason, passes in checks})

    def _decided(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the bars of the decision minutes and the measures on them."""
        if self._codes is not None:
            return self._bars, self._columns
        bars = np.array(sorted(self._seen), dtype=np.int64)
        rows = np.array([self._seen[bar] for bar in bars.tolist()]).reshape(len(bars), len(self.measures))
        return bars, dict(zip(self.measures, rows.T, strict=True))

    def table(self, stamps: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
        """Return the decision table: one row a decision minute, the measures beside the reason."""
        bars, columns = self._decided()
        whole_line = self._codes
        codes = np.full(len(bars), PASSED, dtype=np.int16) if whole_line is None else whole_line[bars].copy()
        combos, credit = np.full(len(bars), "", dtype=object), np.full(len(bars), np.nan)
        if whole_line is not None:
            filled = self._filled()
            quiet = np.flatnonzero(filled != PASSED)
            codes[bars.searchsorted(self.candidates[quiet])] = filled[quiet]
        if self.preview is not None:
            # what nobody noted came of nothing but the market
            free = np.flatnonzero(filled == PASSED).tolist()
            alone = [row for row in free if self._places[row] not in self.outcomes]
            rows = np.searchsorted(bars, self.candidates[alone])
            combos[rows], credit[rows] = self.preview.texts(alone), self.preview.credit[alone]
        place = {bar: row for row, bar in enumerate(bars.tolist())}
        for bar, (reason, combo, value) in self.outcomes.items():
            row = place[bar]
            codes[row], combos[row], credit[row] = CODE[reason], combo, value
        nothing = np.zeros(len(bars), dtype=np.int8)
        frame = pd.DataFrame(
            {
                "time": pd.to_datetime(stamps(bars), utc=True),
                "bot": pd.Categorical.from_codes(nothing, pd.Index([self.bot])),
                "symbol": pd.Categorical.from_codes(nothing, pd.Index([self.symbol])),
                "reason": pd.Categorical.from_codes(codes, pd.Index([str(reason) for reason in REASONS])),
                "combo": combos,
                "credit": credit,
            }
        )
        return frame.assign(**columns)


def whole(line: Any) -> np.ndarray:
    """Return all values of a backtrader line, not to be written into."""
    if isinstance(line.array, array):
        values = np.frombuffer(line.array)
        values.flags.writeable = False  # feeds and indicators share theirs between runs
        return values
    return np.array(line.array, dtype=np.float64)
