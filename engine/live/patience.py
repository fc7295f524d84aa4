"""How long a stop must be breached, and a position be without a price, before something is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Patience:
    """What a venue with quotes between the bars asks of a stop.

    Parameters
    ----------
    seconds : float
        A stop must be breached for so long, on usable quotes.
    far : float
        A breach by more than this share of the way from entry to stop counts as far.
    far_seconds : float
        So long for a far breach.
    gap : float
        Seconds without a usable quote after which the time in between does not count.
    unmarked : float
        Seconds after which a position without a price, in a market that has one, is closed.
    """

    seconds: float = 20.0
    far: float = 0.5
    far_seconds: float = 3.0
    gap: float = 5.0
    unmarked: float = 60.0


class StopTimer:
    """Confirm a breached stop: it must hold on usable quotes for the configured time.

    Time without usable quotes does not count: the timer pauses, it neither confirms nor
    forgets. A usable quote inside the stop sets it back.

    Parameters
    ----------
    patience : Patience, optional
        None where quotes come once a bar: a breach at a bar's end has had the whole bar.
    """

    def __init__(self, patience: Patience | None) -> None:
        self._patience = patience
        self._counted = 0.0
        self._far = 0.0
        self._last: datetime | None = None

    def breached(self, now: datetime, depth: float) -> bool:
        """Count a usable quote beyond the stop and return whether the breach is confirmed.

        ``depth`` is how far beyond, as a share of the way from entry to stop.
        """
        patience = self._patience
        if patience is None:
            return True
        step = (now - self._last).total_seconds() if self._last else 0.0
        step = step if 0.0 <= step <= patience.gap else 0.0
        self._last = now
        self._counted += step
        self._far = self._far + step if depth > patience.far else 0.0
        return self._counted >= patience.seconds or (
            depth > patience.far and self._far >= patience.far_seconds
        )

    def held(self) -> None:
        """Count a usable quote inside the stop: the breach is over."""
        self._counted = self._far = 0.0
        self._last = None


class MarkTimer:
    """Tell when a position has been without a price for too long while its market had one."""

    def __init__(self, patience: Patience | None) -> None:
        self._limit = patience.unmarked if patience else None
        self._since: datetime | None = None

    def seen(self) -> None:
        """Note a price, or that the market itself is silent: not the position's fault."""
        self._since = None

    def missing(self, now: datetime) -> bool:
        """Note that the position has no price; return whether that has lasted too long."""
        if self._limit is None:
            return False
        self._since = self._since or now
        return (now - self._since).total_seconds() >= self._limit
