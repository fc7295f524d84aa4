"""The synthetic minutes beside recorded ones: every statistic in the band of the real year."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from analyzers.stylized import Days
from engine.bars import Bars
from engine.errors import DataError
from feeds.history import load_bars
from feeds.synthetic.conditioned import ConditionedSettings, conditioned
from feeds.synthetic.simulated import SimulatedSettings, simulated
from scripts.validate.table import Check, Section, Verdict

MINUTES = "minute_spy_2024_03_2025_04.parquet"
DAILY = "daily_spx_vix_spy_qqq.parquet"
SEEDS = (1, 2, 3)
DRAWS, BLOCK = 400, 10  # of the bootstrap: samples, days a block
LEVEL = 0.95

Statistic = Callable[[Days], float]


def _half_hour(number: int) -> Statistic:
    return lambda days: float(days.profile()[number])


def statistics() -> dict[str, Statistic]:
    """Return every statistic by name; those with VIX need to know the VIX of the close before."""
    found: dict[str, Statistic] = {}
    for number in range(13):
        minute = 570 + 30 * number
        found[f"variance from {minute // 60:02d}:{minute % 60:02d}, mean 1"] = _half_hour(number)
    found |= {
        "excess kurtosis of minute returns": lambda days: days.kurtosis(),
        "autocorrelation of returns, 1 minute": lambda days: days.autocorrelation(1, absolute=False),
        **{f"autocorrelation of their size, {lag} minutes": _size(lag) for lag in (1, 5, 15, 60)},
        "share of variance in jumps": lambda days: days.jump_share(),
        "range by 10:30 over the day's": lambda days: days.range_by(60),
        "range by 12:00 over the day's": lambda days: days.range_by(150),
        "range variance over realised, days": lambda days: days.day_range(),
        "range variance over realised, minutes": lambda days: days.minute_range(),
        "leverage: return against size of the next ten": lambda days: days.leverage(),
        "variance before 10:30 against after 12:00": lambda days: days.half_day_link(),
        "spread of log variance over days": lambda days: days.log_variance_spread(),
        "open to close beyond 1 expected move": lambda days: days.moved_beyond(1.0),
        "open to close beyond 1.25 expected moves": lambda days: days.moved_beyond(1.25),
        "range beyond 1 expected move": lambda days: days.ranged_beyond(1.0),
        "range beyond 1.5 expected moves": lambda days: days.ranged_beyond(1.5),
        "log of realised volatility over VIX, mean": lambda days: days.realised_against_vix()[0],
        "log of realised volatility over VIX, spread": lambda days: days.realised_against_vix()[1],
    }
    return found


def _size(lag: int) -> Statistic:
    return lambda days: days.autocorrelation(lag, absolute=True)


# Why a statistic may lie outside the band of one year of one instrument, by name's beginning.
_PROFILE = "the clock's profile is of several years, the band of one"
_MEMORY = "the drawn volatility has one memory of some twenty minutes, the real one a slower one too"
_JUMPS = "jumps are rarer than in this year; recorded blocks of 2022 to 2024 have a kurtosis of 0.8"
REASONS = {
    "variance from": _PROFILE,
    "excess kurtosis": _JUMPS,
    "share of variance in jumps": _JUMPS,
    "autocorrelation of returns": "a path held to the day's own extremes trends by a trace",
    "autocorrelation of their size": _MEMORY,
    "leverage": "stronger than in this year, which makes falls a little wilder than real ones",
    "variance before 10:30": "a simulated day keeps its level more than a real one, whose news has hours",
}


def checks(data: Path) -> list[Section]:
    """Hold conditioned minutes of the recorded year, and simulated ones, against the recorded.

    Raises
    ------
    DataError
        A file is missing or cannot be read.
    """
    recorded, daily = _recorded(data)
    bars = load_bars(recorded)
    vix = daily[daily.symbol == "VIX"].set_index("date").sort_index()
    real = _with_vix(Days.of(bars), bars, vix)
    bands = _bands(real)
    with tempfile.TemporaryDirectory() as folder:
        made = [_conditioned(bars, daily, Path(folder), seed) for seed in SEEDS]
    free = [Days.of(simulated(SimulatedSettings(seed=seed))) for seed in SEEDS]
    rows = []
    for title, samples, text in (
        (
            "Conditioned minutes against recorded ones",
            made,
            f"SPY {bars.grid.dates[0]} to {bars.grid.dates[-1]}, {len(real.opened)} whole days; the "
            "generator knows the days' open, high, low, close and VIX, none of the minutes. Mean of "
            f"{len(SEEDS)} seeds.",
        ),
        (
            "Simulated minutes against recorded ones",
            free,
            f"No real day behind them: five years, mean of {len(SEEDS)} seeds. Figures that hang on the "
            "level of a year's VIX are those of other years.",
        ),
    ):
        found = [_check(name, measure, real, bands[name], samples) for name, measure in statistics().items()]
        band = f"Target: 95 % of {DRAWS} bootstrap samples of the recorded days, blocks of {BLOCK}."
        rows.append(Section.of(title, f"{text} {band}", found))
    rows.append(Section.of("VIX rises", "Share of days.", _vix_checks(made, bars, vix)))
    return rows


def _check(
    name: str, measure: Statistic, real: Days, band: tuple[float, float], samples: list[Days]
) -> Check:
    value = float(np.mean([measure(days) for days in samples]))
    found = Check.within(
        name, value, round(band[0], 4), round(band[1], 4), 3, note=f"recorded {measure(real):.3f}"
    )
    reason = next((why for start, why in REASONS.items() if name.startswith(start)), None)
    if found.verdict is Verdict.MISSES and reason:
        return replace(found, verdict=Verdict.EXPLAINED, note=f"{found.note}; {reason}")
    return found


def _bands(real: Days) -> dict[str, tuple[float, float]]:
    """Return the bootstrap band of every statistic: stationary blocks of days."""
    random = np.random.default_rng(1)
    days = len(real.opened)
    values: dict[str, list[float]] = {name: [] for name in statistics()}
    for _ in range(DRAWS):
        rows: list[int] = []
        while len(rows) < days:
            start, length = int(random.integers(days)), int(random.geometric(1.0 / BLOCK))
            rows += [(start + step) % days for step in range(length)]
        sample = real.pick(np.array(rows[:days]))
        for name, measure in statistics().items():
            values[name].append(measure(sample))
    tail = 0.5 * (1.0 - LEVEL)
    return {
        name: (float(np.quantile(held, tail)), float(np.quantile(held, 1.0 - tail)))
        for name, held in values.items()
    }


def _recorded(data: Path) -> tuple[Path, pd.DataFrame]:
    for name in (MINUTES, DAILY):
        if not (data / name).is_file():
            raise DataError(f"{data / name}: no such file; expected the recorded minutes and days")
    daily = pd.read_parquet(data / DAILY)
    daily["date"] = pd.to_datetime(daily["date"])
    return data / MINUTES, daily


def _with_vix(days: Days, bars: Bars, vix: pd.DataFrame) -> Days:
    """Return the days with VIX at the close before each."""
    grid = bars.grid
    whole = np.flatnonzero(grid.last - grid.first == 389)
    dates = pd.to_datetime([grid.dates[row] for row in whole])
    before = vix.close.shift().reindex(dates).to_numpy(float)
    return replace(days, vix_before=before)


def _conditioned(bars: Bars, daily: pd.DataFrame, folder: Path, seed: int) -> Days:
    grid = bars.grid
    dates = pd.to_datetime(list(grid.dates))
    prices = pd.DataFrame(
        {
            "date": dates,
            "symbol": "SPX",
            "open": bars.open[grid.first],
            "high": np.maximum.reduceat(bars.high, grid.first),
            "low": np.minimum.reduceat(bars.low, grid.first),
            "close": bars.close[grid.last],
        }
    )
    vix = daily[(daily.symbol == "VIX") & daily.date.isin(dates)]
    path = folder / "daily.parquet"
    pd.concat([prices, vix[list(prices.columns)]]).to_parquet(path)
    made = conditioned(ConditionedSettings(daily=path, level=None, seed=seed), folder)
    return _with_vix(Days.of(made), made, daily[daily.symbol == "VIX"].set_index("date").sort_index())


def _vix_checks(made: list[Days], bars: Bars, vix: pd.DataFrame) -> list[Check]:
    grid = bars.grid
    held = vix.reindex(pd.to_datetime([d for d, half in zip(grid.dates, grid.half, strict=True) if not half]))
    rises = (held.high - held.open >= 3.0).to_numpy(float)
    error = 1.96 * float(np.sqrt(rises.mean() * (1.0 - rises.mean()) / len(rises)))
    share = float(np.mean([days.vix_rises(3.0)[0] for days in made]))
    low, high = max(rises.mean() - error, 0.0), rises.mean() + error
    return [
        Check.within(
            "VIX 3 points above its open, conditioned", share, round(low, 4), round(high, 4), 3,
            note=f"recorded {rises.mean():.3f}",
        )
    ]  # fmt: skip
