"""The bars on which a bot must be called, known beforehand because nothing else can matter."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.desk import Levels
from engine.options.quotebook import PathBook
from engine.risk.limits import Limits
from engine.risk.outlook import Outlook
from strategies.lane import Lane, whole

NEVER = 1 << 60
FULL_CLOSE = 960  # minute after midnight
_DAY = 1440.0


class Agenda:
    """Find a bot's next bar of interest: a candidate, a halt, a price level, a time.

    It says only *when* to look; what the bot then sees and does is the same as if it had
    been called on every bar, and a test compares the two.

    Parameters
    ----------
    lanes : sequence of Lane, prepared
    halts : array of int
        Bars on which a market halt latches, any symbol of the bot.
    watched : array of int
        Those of them on which no other bot is called to notice the halt.
    time_stop : int
        Minute after midnight at which positions begin to be closed.
    limits : Limits
        The minutes from which nothing is opened and everything must be closed.
    """

    def __init__(
        self, lanes: Sequence[Lane], halts: np.ndarray, watched: np.ndarray, time_stop: int, limits: Limits
    ) -> None:
        self.lanes = lanes
        lines = lanes[0].data.lines
        day, minute, left = whole(lines.day), whole(lines.minute), whole(lines.left)
        last = np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1)
        half = (minute + left)[last] != FULL_CLOSE
        flat = np.array([limits.flat_minute(early) for early in half.tolist()])
        within = np.repeat(np.arange(len(last)) * _DAY, np.diff(last, prepend=-1)) + minute

        def first(wanted: Any) -> np.ndarray:
            """Return every session's first bar of a minute or later, its last where there is none."""
            place = np.searchsorted(within, np.arange(len(last)) * _DAY + wanted)
            found: np.ndarray = np.minimum(place, last)
            return found

        self.last: list[int] = last.tolist()
        self.closing: list[int] = np.minimum(first(time_stop), first(flat)).tolist()  # half days: flat
        self.halts, self.watched = np.unique(halts).tolist(), np.unique(watched).tolist()
        # what an order at work can run into, beside a halt
        turns = [last[:-1] + 1, first(limits.window_last), first(flat), last]
        self.turns = np.unique(np.concatenate(turns)).tolist()
        self.candidates = np.unique(np.concatenate([lane.ready for lane in lanes])).tolist()

    def last_bar(self, bar: int) -> int:
        """Return the last bar of a bar's session."""
        return self.last[bisect_left(self.last, bar)]

    def flat(self, bar: int, rest_of_day: bool) -> int:
        """Return the next bar for a bot without a trade; ``rest_of_day`` passes today's candidates over."""
        start = self.last_bar(bar) if rest_of_day else bar
        return min(_after(self.candidates, start), _after(self.watched, bar))

    def cheaper(self, bar: int, reserve: int) -> int:
        """Return the next bar on which a trade may be had that sets less aside, or that is another day's."""
        end = self.last_bar(bar)
        found = [lane.cheaper(bar, end + 1, reserve) for lane in self.lanes]
        first = min((one for one in found if one is not None), default=NEVER)
        return min(first, self.flat(bar, rest_of_day=True))

    def working(self, bar: int) -> int:
        """Return the next bar on which an order at work may have to be cancelled."""
        return min(_after(self.turns, bar), _after(self.halts, bar))

    def holding(self, bar: int, levels: Sequence[Levels], book: PathBook) -> int:
        """Return the next bar for a bot with an open trade."""
        row = bisect_left(self.last, bar)
        end = min(self.last[row], _after(self.halts, bar))
        end = min(end, max(self.closing[row], bar + 1))
        if end <= bar + 1:
            return bar + 1
        for level in levels:
            end = book.first_exit(level.combo, bar + 1, end, level.take, level.stop)
        return end


def outlook(lane: Lane, days: Any, vix: Any, limits: Limits) -> Outlook:
    """Return the market halts of one lane over all bars."""
    now = whole(lane.data.lines.vix)
    return Outlook.of(
        limits,
        whole(lane.data.lines.day).astype(np.int32),
        whole(lane.data.lines.close),
        whole(days.lines.day_high),
        whole(days.lines.day_low),
        whole(days.lines.session_open),
        whole(days.lines.expected_move),
        now,
        now - whole(vix.lines.change),
    )


def _after(bars: list[int], bar: int) -> int:
    at = bisect_right(bars, bar)
    return bars[at] if at < len(bars) else NEVER
