"""The lines of every minute feed, whatever fills them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import backtrader as bt

from engine.bars import LINES


class NewYork(tzinfo):
    """New York time with the ``localize`` that Backtrader asks of a time zone."""

    _zone = ZoneInfo("America/New_York")

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        return self._zone.utcoffset(at)

    def dst(self, at: datetime | None) -> timedelta | None:
        return self._zone.dst(at)

    def tzname(self, at: datetime | None) -> str | None:
        return self._zone.tzname(at)

    def fromutc(self, at: datetime) -> datetime:
        return self._zone.fromutc(at.replace(tzinfo=self._zone)).replace(tzinfo=self)

    def localize(self, at: datetime) -> datetime:
        return at.replace(tzinfo=self)


NEW_YORK = NewYork()


class MinuteFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Minute bars with the lines of `engine.bars.LINES` (NaN when absent) and ``minute, day, left``.

    ``ranked_iv`` is the implied volatility that stands among that of past sessions: ``atm_iv``, or
    the broker's own series where ``past_iv`` has its values of the sessions before the first bar to
    be ranked (ordinal of the day and value, oldest first).

    Stored times are UTC; ``data.datetime.datetime()`` answers in New York time.
    """

    lines: Any = (*LINES, "minute", "day", "left", "ranked_iv")
    params: Any = (
        ("timeframe", bt.TimeFrame.Minutes),
        ("compression", 1),
        ("tz", NEW_YORK),
        ("past_iv", ()),
    )

    def __init__(self, **unknown: Any) -> None:
        if unknown:  # Backtrader has taken the parameters out, and would swallow the rest
            raise TypeError(f"{type(self).__name__} has no parameters {', '.join(unknown)}")
        super().__init__()
