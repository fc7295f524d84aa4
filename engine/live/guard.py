"""When the guard must step in: a pure judgement over a heartbeat, a process and an account."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from engine.live.files import Beat

ENDED, LEFT_OPEN = "ended", "left_open"


class Cause(StrEnum):
    """Why the guard takes the account over."""

    DIED = "died"  # the process is gone without having ended its session
    LEFT_OPEN = "left_open"  # it has ended without being flat
    HUNG = "hung"  # it lives and does nothing
    DISCONNECTED = "disconnected"  # it works, without a connection, for too long
    DAY_LOSS = "day_loss"  # the account has lost its limit
    NAKED = "naked"  # the account is short more options than it is long


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How long the guard looks on, and what the account may do.

    Parameters
    ----------
    silent : float
        Wall seconds without a heartbeat.
    lost : float
        Wall seconds of heartbeats without a connection.
    day_loss : float, optional
        USD the account's value may fall since the guard's first look that day.
    """

    silent: float
    lost: float
    day_loss: float | None


@dataclass(frozen=True, slots=True)
class AccountLook:
    """What the guard sees of the account. ``value`` USD, NaN when unknown.

    ``uncovered`` names what is sold without cover among the bots' symbols.
    """

    value: float
    first_value: float
    uncovered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Why, and one line for the alert."""

    cause: Cause
    text: str


class Watchman:
    """Judge heartbeat after heartbeat.

    Parameters
    ----------
    limits : GuardLimits
    """

    def __init__(self, limits: GuardLimits) -> None:
        self.limits = limits
        self._lost_since: float | None = None
        self._naked_since: float | None = None

    def judge(self, beat: Beat, running: bool, now: float, account: AccountLook | None) -> Finding | None:
        """Return why the guard must step in now, None while all is well.

        Parameters
        ----------
        beat : Beat
            The last one.
        running : bool
            Whether the process of the beat lives.
        now : float
            Unix seconds, the clock of ``beat.at``.
        account : AccountLook, optional
            None while the guard has no connection itself.
        """
        if beat.state == ENDED:
            return None
        if not running and beat.state == LEFT_OPEN:
            return Finding(
                Cause.LEFT_OPEN, f"session (pid {beat.pid}) has ended with something open: {beat.text}"
            )
        if not running:
            return Finding(Cause.DIED, f"session (pid {beat.pid}) has died while {beat.state}")
        silent = now - beat.at
        if silent > self.limits.silent:
            text = f"session (pid {beat.pid}) gives no sign of life for {silent:.0f} s"
            return Finding(Cause.HUNG, f"{text}, limit {self.limits.silent:.0f}")
        return self._lost(beat, now) or (self._account(account, now) if account else None)

    def _lost(self, beat: Beat, now: float) -> Finding | None:
        if beat.connected or beat.state == "starting":
            self._lost_since = None
            return None
        self._lost_since = now if self._lost_since is None else self._lost_since
        lost = now - self._lost_since
        if lost <= self.limits.lost:
            return None
        return Finding(
            Cause.DISCONNECTED,
            f"session has no connection for {lost:.0f} s, limit {self.limits.lost:.0f}",
        )

    def _account(self, account: AccountLook, now: float) -> Finding | None:
        limit, lost = self.limits.day_loss, account.first_value - account.value
        if limit is not None and math.isfinite(lost) and lost > limit:
            return Finding(Cause.DAY_LOSS, f"account has lost {lost:.2f} USD today, limit {limit:.2f}")
        if not account.uncovered:
            self._naked_since = None
            return None
        # legs of one execution arrive one after the other: it must last
        self._naked_since = now if self._naked_since is None else self._naked_since
        if now - self._naked_since <= self.limits.silent:
            return None
        return Finding(Cause.NAKED, f"account is short without cover: {', '.join(account.uncovered)}")
