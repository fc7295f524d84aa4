"""Minute bars with no real day behind them: a martingale under stochastic volatility.

The daily layer is a log-normal stochastic volatility model whose state is the VIX: the log
VIX reverts to its middle, falls with the standardised return (leverage) and has shocks of
its own, some of them jumps. The variance expected of the next day is (0.79 VIX)^2, spread
by a factor that nobody can know beforehand. Nights have heavy tails; sessions are the free
paths of ``feeds.synthetic.minutes``. Every simple return has mean zero given the past, so a
fair premium earns nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.sessions import CLOSE_MINUTE, close_minute, session_dates, stamps
from feeds.synthetic.cache import cache_key, cached
from feeds.synthetic.flow import persistent, volumes
from feeds.synthetic.minutes import free_path, variance_profile

Floats = NDArray[np.float64]

YEAR = 252
OVERNIGHT_SHARE = 0.36
DECIMALS = 2
# Daily figures of the S&P 500 and VIX 1995-2026: first-order autocorrelation of the log VIX
# .97 and daily sd .08, correlation of its change with the return -.75, sd of returns over
# the VIX's daily move .79.
VIX_KEEP = 0.97
VIX_RESPONSE = -0.060  # of the log VIX to a return of one standard deviation
VIX_SHOCK = 0.035
VIX_FLICKER, FLICKER_HALF_LIFE = 0.02, 90.0  # sd and minutes of moves that pass within the day
VIX_JUMPS, VIX_JUMP = 0.02, 0.18  # per day, mean size
VIX_OVER_MOVE = 0.79
VIX_MEDIAN_OVER_VOLATILITY = 113.0  # index points for an annual volatility of 1
VIX_FLOOR = 8.5
DAY_SD = 0.27  # sd of the log of a day's volatility around what the VIX says
NIGHT_TAIL = 5.0  # degrees of freedom of a night's return


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """What shapes simulated minutes.

    ``level`` is the first open; ``volatility`` the annual close-to-close volatility aimed at
    (2014-18 had 0.13; more for stress).
    """

    start: date = date(2014, 1, 3)
    end: date = date(2018, 12, 31)
    seed: int = 7
    level: float = 6000.0
    volatility: float = 0.1325

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ConfigError(f"end {self.end} is before start {self.start}")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; expected 0 or more")
        if not (np.isfinite(self.level) and self.level > 0.0):
            raise ConfigError(f"level is {self.level}; expected a positive price")
        if not 0.03 <= self.volatility <= 1.5:
            raise ConfigError(f"volatility is {self.volatility}; expected 0.03 to 1.5")


def simulated(settings: SimulatedSettings | None = None, cache: Path | None = None) -> Bars:
    """Return minute bars of SPX with the line ``vix`` and option volumes, from the cache if kept.

    Raises
    ------
    DataError
        The range holds no trading day.
    CalendarError
        The range leaves the trading calendar.
    """
    settings = settings or SimulatedSettings()
    return cached(cache_key("simulated", asdict(settings)), lambda: _make(settings), cache)


def _make(settings: SimulatedSettings) -> Bars:
    dates = session_dates(settings.start, settings.end)
    if not dates:
        raise DataError(f"no trading days from {settings.start} to {settings.end}")
    middle = float(np.log(VIX_MEDIAN_OVER_VOLATILITY * settings.volatility))
    log_vix, price = middle, settings.level
    days = []
    for day in dates:
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([settings.seed, day.toordinal(), 2]))
        )
        bars, log_vix, price = _day(rng, close_minute(day), log_vix, middle, price, first=day == dates[0])
        days.append(bars)
    columns = [np.concatenate(parts) for parts in zip(*days, strict=True)]
    return Bars(
        symbol="SPX",
        stamp=stamps(dates),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=columns[4],
        lines={"vix": columns[5], "put_volume": columns[6], "call_volume": columns[7]},
        source=f"synthetic simulated, seed {settings.seed}",
        notes=(
            f"SYNTHETIC minutes, seed {settings.seed}: no real day stands behind them (stochastic "
            f"volatility, {settings.volatility:.1%} a year, returns of mean zero); they are no evidence "
            "of an edge.",
            "Volumes are drawn from past returns, time of day and noise.",
            f"Prices start at {settings.level:g}.",
        ),
    ).check()


def _day(
    rng: np.random.Generator, closing: int, log_vix: float, middle: float, price: float, first: bool
) -> tuple[tuple[Floats, ...], float, float]:
    """Return one session's columns, and log VIX and price at its end."""
    weight = variance_profile(closing)
    n = len(weight)
    # mean one in variance: what the VIX says stays right on average
    spread = np.exp(DAY_SD * rng.standard_normal() - DAY_SD**2)
    day_sd = VIX_OVER_MOVE * np.exp(log_vix) / 100.0 / np.sqrt(YEAR) * spread
    tail = rng.standard_t(NIGHT_TAIL) / np.sqrt(NIGHT_TAIL / (NIGHT_TAIL - 2.0))
    night = 0.0 if first else float(np.clip(day_sd * np.sqrt(OVERNIGHT_SHARE) * tail, -0.2, 0.2))
    # a half day has the regular minutes' variance, for fewer of them
    held = 1.0 if closing == CLOSE_MINUTE else n / (CLOSE_MINUTE - 570)
    session_sd = day_sd * np.sqrt((1.0 - OVERNIGHT_SHARE) * held)
    path, high, low, _ = free_path(
        rng.standard_normal((4, n)), rng.random((3, n)), weight, session_sd, 0.0, 0.0
    )
    step = np.diff(path, prepend=0.0)
    before = path - step
    level = np.cumsum(np.log1p(step))  # simple returns of mean zero make the price a martingale
    start = level - np.log1p(step)
    opened = round(price * (1.0 + night), DECIMALS)
    closes = np.round(opened * np.exp(level), DECIMALS)
    opens = np.append(opened, closes[:-1])
    highs = np.round(opened * np.exp(start + high - before), DECIMALS)
    lows = np.round(opened * np.exp(start + low - before), DECIMALS)
    highs = np.maximum.reduce([highs, opens, closes])
    lows = np.minimum.reduce([lows, opens, closes])

    share = np.append(OVERNIGHT_SHARE, (1.0 - OVERNIGHT_SHARE) * weight)
    moved = np.append(night, step) / day_sd
    jump = np.where(rng.random(n + 1) < VIX_JUMPS * share, VIX_JUMP * rng.standard_exponential(n + 1), 0.0)
    shock = VIX_SHOCK * np.sqrt(share) * rng.standard_normal(n + 1) + jump - VIX_JUMPS * VIX_JUMP * share
    pull = (1.0 - VIX_KEEP) * (middle - log_vix) * share
    vix_path = np.maximum(log_vix + np.cumsum(pull + VIX_RESPONSE * moved + shock), np.log(VIX_FLOOR))
    flicker = VIX_FLICKER * persistent(rng.standard_normal((1, n)), 0.5 ** (1.0 / FLICKER_HALF_LIFE))[0]
    vix = np.round(np.exp(np.maximum(vix_path[1:] + flicker, np.log(VIX_FLOOR))), DECIMALS)
    index, put, call = volumes(np.diff(np.log(np.append(opened, closes))), rng)
    columns = (opens, highs, lows, closes, index, vix, put, call)
    return columns, float(vix_path[-1]), float(closes[-1])
