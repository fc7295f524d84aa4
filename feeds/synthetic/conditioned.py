"""Minute bars hung on real days: the real open, high, low, close and VIX, invented minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.sessions import close_minute, is_session, session_dates, stamps
from feeds.synthetic.bridge import conditioned_day, vix_day
from feeds.synthetic.cache import cache_key, cached
from feeds.synthetic.daily import Daily, embedded, from_file
from feeds.synthetic.flow import volumes
from feeds.synthetic.minutes import variance_profile

Floats = NDArray[np.float64]

OVERNIGHT_SHARE = 0.36
YEAR = 252
# ln(session sd) before the day is known, from the VIX close before it: fitted on SPY's realised
# variance of 2014-17 and 2024-25.
SD_CONSTANT, SD_VIX, SD_SPREAD = 0.80, 1.30, 0.22
VIX_GAP_SHARE, VIX_GAP_SD = 0.31, 0.039
DECIMALS = 2
VIX_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class ConditionedSettings:
    """What shapes conditioned minutes.

    ``daily`` is a file of daily rows (None: the days of the package ``arch``); ``level`` is
    what the last close of the daily data becomes (None: prices as they were).
    """

    start: date | None = None
    end: date | None = None
    seed: int = 7
    daily: Path | None = None
    level: float | None = 6000.0
    candidates: int = 32

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ConfigError(f"candidates is {self.candidates}; expected at least 1")
        if self.level is not None and not (np.isfinite(self.level) and self.level > 0.0):
            raise ConfigError(f"level is {self.level}; expected a positive price or none")
        if self.start and self.end and self.end < self.start:
            raise ConfigError(f"end {self.end} is before start {self.start}")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; expected 0 or more")


def conditioned(settings: ConditionedSettings | None = None, cache: Path | None = None) -> Bars:
    """Return minute bars of SPX with the line ``vix`` and option volumes, from the cache if kept.

    Every session repeats its real open, high, low and close to the cent (after rescaling).
    A session depends on the seed, its own date and the daily data, not on the range asked.
    """
    settings = settings or ConditionedSettings()
    daily = from_file(settings.daily) if settings.daily else embedded()
    told = asdict(settings) | {"daily": daily.digest}
    return cached(cache_key("conditioned", told), lambda: _make(settings, daily), cache)


def _make(settings: ConditionedSettings, daily: Daily) -> Bars:
    start, end = settings.start or daily.dates[0], settings.end or daily.dates[-1]
    chosen = [i for i, day in enumerate(daily.dates) if start <= day <= end]
    if not chosen:
        raise DataError(
            f"{daily.source}: no days from {start} to {end}; it covers {daily.dates[0]} to {daily.dates[-1]}"
        )
    closed = [daily.dates[i] for i in chosen if not is_session(daily.dates[i])]
    if closed:
        raise DataError(f"{daily.source}: a row of {closed[0]} ({closed[0]:%A}), which is no trading day")
    factor = settings.level / float(daily.close[-1]) if settings.level else 1.0
    stale = stale_share(daily)
    days = [_day(daily, i, factor, float(stale[i]), settings) for i in chosen]
    columns = [np.concatenate(parts) for parts in zip(*days, strict=True)]
    dates = [daily.dates[i] for i in chosen]
    return Bars(
        symbol="SPX",
        stamp=stamps(dates),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=columns[4],
        lines={"vix": columns[5], "put_volume": columns[6], "call_volume": columns[7]},
        source=f"synthetic conditioned, seed {settings.seed}",
        notes=_notes(settings, daily, dates, factor, float(np.mean(stale[chosen]))),
    ).check()


def _notes(
    settings: ConditionedSettings, daily: Daily, dates: list[date], factor: float, stale: float
) -> tuple[str, ...]:
    notes = [
        f"SYNTHETIC minutes, seed {settings.seed}: the days are real ({daily.source}), the minutes between "
        f"open, high, low and close are drawn; they are no evidence of an edge.",
        "Volumes are drawn from past returns, time of day and noise.",
    ]
    if factor != 1.0:
        notes.append(
            f"Prices are rescaled by {factor:.6g}, so that the last daily close ({daily.dates[-1]}) "
            f"is {settings.level:g}."
        )
    if stale > 0.05:
        notes.append(
            "The index's published open lies near the previous close (stale component prints): on average "
            f"{stale:.0%} of the overnight variance arrives within the first two minutes."
        )
    if np.isnan(daily.vix_high).any():
        notes.append("Days without a VIX range: VIX minutes run from a drawn open to the real close.")
    gaps = len(session_dates(dates[0], dates[-1])) - len(dates)
    if gaps:
        notes.append(f"{gaps} trading days between {dates[0]} and {dates[-1]} have no daily row: left out.")
    return tuple(notes)


def stale_share(daily: Daily) -> Floats:
    """Return per day the share of the overnight move that the published open misses.

    Judged on the 252 days before (the first days use the first 252): where the variance
    of open against previous close is far under the overnight share, the open is stale.
    """
    close = np.log(daily.close)
    gap = np.append(0.0, np.log(daily.open[1:]) - close[:-1]) ** 2
    move = np.append(0.0, np.diff(close)) ** 2
    n = len(daily)
    stop = np.clip(np.arange(n), min(YEAR, n), n)
    start = np.maximum(stop - YEAR, 0)
    gaps, moves = np.append(0.0, np.cumsum(gap)), np.append(0.0, np.cumsum(move))
    seen = (gaps[stop] - gaps[start]) / np.maximum(moves[stop] - moves[start], 1e-12)
    share: Floats = np.clip(1.0 - seen / OVERNIGHT_SHARE, 0.0, 1.0)
    return share


def _day(
    daily: Daily, i: int, factor: float, stale: float, settings: ConditionedSettings
) -> tuple[Floats, ...]:
    day = daily.dates[i]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([settings.seed, day.toordinal()])))
    weight = variance_profile(close_minute(day))
    n = len(weight)
    first, top, bottom, last = (
        round(float(column[i]) * factor, DECIMALS)
        for column in (daily.open, daily.high, daily.low, daily.close)
    )
    prior_vix = float(daily.vix_close[max(i - 1, 0)])
    centre = SD_CONSTANT + SD_VIX * np.log(prior_vix / 100.0 / np.sqrt(YEAR))
    k = settings.candidates
    close, high, low = conditioned_day(
        rng.standard_normal((k, 4, n)),
        rng.random((k, 3, n)),
        rng.standard_normal(k),
        rng.random(),
        weight,
        centre,
        SD_SPREAD,
        float(np.sqrt(stale * OVERNIGHT_SHARE / (1.0 - OVERNIGHT_SHARE))),
        float(np.log(last / first)),
        float(np.log(top / first)),
        float(np.log(bottom / first)),
    )
    bars = print_bars(first, close, high, low, bottom, top, last)
    returns = np.diff(np.log(np.append(first, bars[3])))
    vix = _vix(daily, i, prior_vix, returns, rng)
    return (*bars, *_ordered(volumes(returns, rng), vix))


def _ordered(flow: tuple[Floats, Floats, Floats], vix: Floats) -> tuple[Floats, ...]:
    index, put, call = flow
    return index, vix, put, call


def print_bars(
    first: float, close: Floats, high: Floats, low: Floats, bottom: float, top: float, last: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Turn log paths into printed prices on the cent, the day's four prices exact."""
    at_top, at_bottom = int(np.argmax(high)), int(np.argmin(low))

    def price(path: Floats) -> Floats:
        printed = np.round(first * np.exp(path), DECIMALS)
        return np.asarray(np.clip(printed, bottom, top))

    closes, highs, lows = price(close), price(high), price(low)
    closes[-1] = last
    opens = np.append(first, closes[:-1])
    highs[at_top], lows[at_bottom] = top, bottom
    highs = np.maximum(highs, np.maximum(opens, closes))
    lows = np.minimum(lows, np.minimum(opens, closes))
    return opens, highs, lows, closes


def _vix(daily: Daily, i: int, prior: float, returns: Floats, rng: np.random.Generator) -> Floats:
    normal = rng.standard_normal((VIX_CANDIDATES, len(returns)))
    gap_draw = float(rng.standard_normal())
    start, high, low, end = (
        float(column[i]) for column in (daily.vix_open, daily.vix_high, daily.vix_low, daily.vix_close)
    )
    if 0.0 < low <= min(start, end) and max(start, end) <= high:
        path = vix_day(
            returns, normal, 0.0, np.log(end / start), float(np.log(high / start)), float(np.log(low / start))
        )
        return np.asarray(np.clip(np.round(start * np.exp(path), 2), low, high))
    whole = float(np.log(end / prior))
    path = vix_day(returns, normal, VIX_GAP_SHARE * whole + VIX_GAP_SD * gap_draw, whole, np.nan, np.nan)
    return np.round(prior * np.exp(path), 2)
