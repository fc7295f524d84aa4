"""The limits the governor enforces, checked when they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import ConfigError
from engine.reasons import Reason

SHARED = "shared"
HALF_DAY_EARLIER = 180  # a half day closes at 13:00 instead of 16:00

MARKET_HALTS = frozenset({Reason.HALT_MOVE, Reason.HALT_VIX, Reason.HALT_RANGE})
ALL_HALTS = MARKET_HALTS | {Reason.HALT_DAY_LOSS}


def cents(usd: float) -> int | None:
    """Return an amount at risk in whole cents, rounded up; None when it is not a finite number."""
    if not math.isfinite(usd):
        return None
    return math.ceil(usd * 100 - 1e-6)  # 99.99999999 is float noise of 100, not a cent less


def _positive(place: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{place}: got {value!r}, expected a number")
    if not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{place}: got {value!r}, expected a finite number above zero")


@dataclass(frozen=True, slots=True)
class Budget:
    """What one pot of risk may lose, USD.

    Parameters
    ----------
    planned_loss : float
        Most a trade may plan to lose at its stop: 1R.
    structural_loss : float
        Most a trade's structure may lose, fees included.
    day_cap : float
        Most the day may cost: losses taken plus the structural loss of what is open.
    """

    planned_loss: float = 50.0
    structural_loss: float = 100.0
    day_cap: float = 150.0

    def __post_init__(self) -> None:
        for name in ("planned_loss", "structural_loss", "day_cap"):
            _positive(f"risk.budget.{name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything the governor holds a trade against.

    Parameters
    ----------
    planned_loss, structural_loss, day_cap : float
        The shared budget, see `Budget`. Bots without an entry in ``budgets`` draw on it together.
    day_r : float
        Cap on the day's *planned* loss, as a multiple of the budget's ``planned_loss``.
    budgets : mapping of str to Budget
        Bots with a budget of their own.
    window_first, window_last : int
        First and last minute after midnight New York at which a position may be opened.
    flat_by : int
        Minute at which positions are closed; on half days three hours earlier.
    cash_fraction : float
        Share of the free funds one trade may bind, at most 1.
    half_days : bool
        False opens nothing on a half day; true ends the window just before that day's ``flat_by``.
    halt_move, halt_range : float or None
        Halt when the price is further from the session's open, or the session's range is
        wider, than this many expected moves; None switches the halt off.
    halt_vix : float or None
        Halt when VIX is more than this many points above its previous close.
    stale_seconds : float or None
        Quotes older than this latch a stop of entries that clears when they are fresh again.
    close_on : frozenset of Reason
        The halts on which open positions are closed; the others only stop entries.
    """

    planned_loss: float = 50.0
    structural_loss: float = 100.0
    day_cap: float = 150.0
    day_r: float = 3.0
    budgets: Mapping[str, Budget] = field(default_factory=dict, hash=False)
    window_first: int = 630
    window_last: int = 810
    flat_by: int = 925
    cash_fraction: float = 1.0
    half_days: bool = False
    halt_move: float | None = 1.25
    halt_vix: float | None = 3.0
    halt_range: float | None = 1.0
    stale_seconds: float | None = None
    close_on: frozenset[Reason] = ALL_HALTS
    _shared: Budget = field(init=False, repr=False, compare=False)
    # thresholds of the move, VIX and range halt; infinite where switched off
    halt_levels: tuple[float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("planned_loss", "structural_loss", "day_cap", "day_r", "cash_fraction"):
            _positive(f"risk.{name}", getattr(self, name))
        if self.cash_fraction > 1:
            raise ConfigError(f"risk.cash_fraction: got {self.cash_fraction!r}, expected at most 1")
        for name in ("halt_move", "halt_vix", "halt_range", "stale_seconds"):
            if getattr(self, name) is not None:
                _positive(f"risk.{name}", getattr(self, name))
        self._check_minutes()
        for bot, budget in self.budgets.items():
            if not isinstance(budget, Budget):
                raise ConfigError(f"risk.budgets.{bot}: got {budget!r}, expected a Budget")
            if bot == SHARED:
                raise ConfigError(f"risk.budgets: a bot may not be named {SHARED!r}, the common budget is")
        unknown = sorted(self.close_on - ALL_HALTS)
        if unknown:
            raise ConfigError(f"risk.close_on: got {unknown[0]!r}, expected one of {sorted(ALL_HALTS)}")
        shared = Budget(self.planned_loss, self.structural_loss, self.day_cap)
        values = (self.halt_move, self.halt_vix, self.halt_range)
        levels = tuple(math.inf if value is None else float(value) for value in values)
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "halt_levels", levels)

    def _check_minutes(self) -> None:
        for name in ("window_first", "window_last", "flat_by"):
            minute = getattr(self, name)
            if isinstance(minute, bool) or not isinstance(minute, int) or not 570 < minute <= 960:
                raise ConfigError(
                    f"risk.{name}: got {minute!r}, expected a minute after midnight from 571 to 960"
                )
        if not self.window_first <= self.window_last < self.flat_by:
            raise ConfigError(
                f"risk.window_first {self.window_first}, window_last {self.window_last}, flat_by "
                f"{self.flat_by}: expected first <= last < flat_by"
            )

    def budget(self, bot: str) -> tuple[str, Budget]:
        """Return the name of the budget a bot draws on, and the budget."""
        own = self.budgets.get(bot)
        return (SHARED, self._shared) if own is None else (bot, own)

    def window(self, half_day: bool) -> tuple[int, int]:
        """Return the first and last minute for entries; empty (first > last) where none is allowed."""
        if not half_day:
            return self.window_first, self.window_last
        if not self.half_days:
            return 1, 0
        return self.window_first, min(self.window_last, self.flat_minute(True) - 1)

    def flat_minute(self, half_day: bool) -> int:
        """Return the minute at which positions are closed."""
        return self.flat_by - HALF_DAY_EARLIER if half_day else self.flat_by
