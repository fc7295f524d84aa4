"""Put-write and buy-write on model quotes, beside the indices Cboe has published."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import DataError
from engine.universe import load_universe
from feeds.synthetic.conditioned import ConditionedSettings, conditioned
from scripts.validate.table import Check, Section
from scripts.validate.writing import Roll, write

Floats = NDArray[np.float64]
DAILY = "daily_spx_vix_spy_qqq.parquet"
PUT = "index_put_monthly_2007_2019.parquet"
BXM = "index_bxm_daily_2002_2019.parquet"
BILLS = "rates_tb3ms_monthly_2006_2026.csv"
START, END = date(2001, 6, 1), date(2019, 12, 31)  # of the minutes: some months for the forecast to learn
PUT_FIRST, BXM_FIRST = date(2006, 12, 1), date(2002, 3, 1)
SEEDS = (1, 2, 3)
CONFIG = Path(__file__).resolve().parents[2] / "config"
FEES = CONFIG / "fees.yaml"
FUND_COST = 0.0009  # a year, by which SPY stays behind the index


@dataclass(frozen=True, slots=True)
class Compared:
    """What two series of levels on the same days have in common."""

    correlation: float
    annual: tuple[float, float]
    volatility: tuple[float, float]
    drawdown: tuple[float, float]

    @classmethod
    def of(cls, ours: Floats, theirs: Floats, a_year: float) -> Compared:
        """Compare two series of levels; ``a_year`` steps make a year."""
        steps = [np.diff(np.log(levels)) for levels in (ours, theirs)]
        annual = [float(np.exp(step.mean() * a_year) - 1.0) for step in steps]
        volatility = [float(np.expm1(step).std(ddof=1) * np.sqrt(a_year)) for step in steps]
        fell = [float((levels / np.maximum.accumulate(levels) - 1.0).min()) for levels in (ours, theirs)]
        return cls(
            float(np.corrcoef(np.expm1(steps[0]), np.expm1(steps[1]))[0, 1]),
            (annual[0], annual[1]),
            (volatility[0], volatility[1]),
            (fell[0], fell[1]),
        )


def checks(data: Path, seeds: Sequence[int] = SEEDS) -> list[Section]:
    """Write puts and calls monthly on conditioned minutes and hold the results against PUT and BXM.

    Raises
    ------
    DataError
        A file is missing or cannot be read.
    """
    for name in (DAILY, PUT, BXM, BILLS):
        if not (data / name).is_file():
            raise DataError(f"{data / name}: no such file; expected the indices and the days under them")
    put, bxm = (pd.read_parquet(data / name).set_index("date") for name in (PUT, BXM))
    bills = pd.read_csv(data / BILLS, parse_dates=["month"]).set_index("month").tb3ms_pct / 100.0
    product = load_universe(CONFIG / "universe.json")["SPX"]
    puts, calls, premiums = [], [], []
    for seed in seeds:
        bars = _minutes(data / DAILY, seed)
        paid = dividend_yield(put, bars)
        carry = _rates(bills, bars) - paid
        sold = write(bars, product, False, PUT_FIRST, FEES, carry)
        puts.append(Compared.of(*_on(put_write(sold, bars, bills), put.PUT), 12.0))
        called = write(bars, product, True, BXM_FIRST, FEES, carry)
        calls.append(Compared.of(*_on(buy_write(called, bars, paid), bxm.bxm), 252.0))
        premiums.append(
            [float(np.mean([roll.premium / roll.spot for roll in rolls])) for rolls in (sold, called)]
        )
    put_premium, call_premium = np.mean(premiums, axis=0)
    drawn = f"Mean of {len(seeds)} seeds: the mornings of the rolls are drawn, the days are real."
    return [
        _section(
            "Put-write beside Cboe PUT, month ends 2007 to 2019",
            f"{len(sold)} puts sold at or below the money on third Fridays, held to settlement on the "
            f"opening, cash for the strike in three-month bills (FRED TB3MS). {drawn}",
            puts,
            float(put_premium),
            3.0,
        ),
        _section(
            "Buy-write beside Cboe BXM, days 2002 to 2019",
            f"{len(called)} calls sold at or above the money on the index held, dividends of {paid:.1%} a "
            f"year reinvested (SPY's 2007 to 2019). {drawn}",
            calls,
            float(call_premium),
            None,
        ),
    ]


def _minutes(daily: Path, seed: int) -> Bars:
    with tempfile.TemporaryDirectory() as folder:
        settings = ConditionedSettings(daily=daily, level=None, seed=seed, start=START, end=END)
        return conditioned(settings, Path(folder))


def put_write(rolls: list[Roll], bars: Bars, bills: pd.Series) -> pd.Series:
    """Return the put-write index at every close, 100 at the first sale.

    Of the puts as many are sold as bills bought with everything, premium included, pay for
    the strike at expiry (Cboe, PUT methodology).

    Parameters
    ----------
    rolls : list of Roll
    bars : Bars
    bills : Series
        Annual rate by the first day of its month.
    """
    dates, level, values = bars.grid.dates, 100.0, {}
    for roll in rolls:
        sold = dates[roll.day]
        rate = float(bills.asof(pd.Timestamp(sold)))
        ends = min(roll.ends, len(dates) - 1)
        whole = 1.0 + rate * (dates[ends] - sold).days / 365.0
        units = level * whole / (roll.strike - roll.premium * whole)
        held = level + units * roll.premium
        for row, worth in zip(range(roll.day, roll.ends), roll.worth, strict=False):
            values[dates[row]] = held * (1.0 + rate * (dates[row] - sold).days / 365.0) - units * float(worth)
        level = held * whole - units * roll.settled
    return pd.Series(values)


def buy_write(rolls: list[Roll], bars: Bars, dividends: float) -> pd.Series:
    """Return the buy-write index at every close, 100 at the first sale.

    One call on every unit of the index; between settlement on the opening and the next sale
    the index alone is held (Cboe, BXM methodology). ``dividends`` is a yield a year.
    """
    dates, level, values = bars.grid.dates, 100.0, {}
    close = bars.close[bars.grid.last]
    for roll in rolls:
        if not np.isnan(roll.opening):
            level *= roll.spot / roll.opening
        units = level / (roll.spot - roll.premium)
        for row, worth in zip(range(roll.day, roll.ends), roll.worth, strict=False):
            grown = 1.0 + dividends * (dates[row] - dates[roll.day]).days / 365.0
            values[dates[row]] = units * (float(close[row]) * grown - float(worth))
        if roll.ends < len(dates):
            grown = 1.0 + dividends * (dates[roll.ends] - dates[roll.day]).days / 365.0
            level = units * (roll.opened * grown - roll.settled)
    return pd.Series(values)


def dividend_yield(put: pd.DataFrame, bars: Bars) -> float:
    """Return the index's dividend yield a year: what SPY brought with dividends, less the index."""
    adjusted = put.SPY_adjclose
    closes = pd.Series(bars.close[bars.grid.last], pd.to_datetime(list(bars.grid.dates)))
    years = (adjusted.index[-1] - adjusted.index[0]).days / 365.25
    index = closes[adjusted.index[-1]] / closes[adjusted.index[0]]
    return float((adjusted.iloc[-1] / adjusted.iloc[0] / index) ** (1.0 / years) - 1.0 + FUND_COST)


def _rates(bills: pd.Series, bars: Bars) -> Floats:
    """Return the bills' rate at every bar; months before the first have the first one's."""
    days = pd.to_datetime(list(bars.grid.dates))
    rates = bills.reindex(days.union(bills.index)).ffill().bfill().reindex(days)
    return rates.to_numpy(float)[bars.grid.day]


def _on(ours: pd.Series, theirs: pd.Series) -> tuple[Floats, Floats]:
    """Return both series on the days both have."""
    ours = ours.set_axis(pd.to_datetime(list(ours.index)))
    both = ours.index.intersection(theirs.index)
    return ours[both].to_numpy(float), theirs[both].to_numpy(float)


def _section(
    title: str, text: str, found: Sequence[Compared], premium: float, points: float | None
) -> Section:
    """Return the table of one index; ``points`` is how far the deepest fall may be from Cboe's.

    Twice the standard error over the seeds is added: what the drawn mornings alone move.
    """
    annual, volatility, fell = (
        100.0 * np.array([getattr(one, name) for one in found])
        for name in ("annual", "volatility", "drawdown")
    )
    correlations = [one.correlation for one in found]

    def row(name: str, values: Floats, most: float | None, note: str = "") -> Check:
        ours, theirs = values[:, 0], float(values[0, 1])
        error = float(ours.std(ddof=1) / np.sqrt(len(ours))) if len(ours) > 1 else 0.0
        low = high = None
        if most is not None:
            room = most + 2.0 * error
            low, high = round(theirs - room, 2), round(theirs + room, 2)
        told = f"Cboe's {theirs:.2f} %; standard error over the seeds {error:.2f}{note}"
        return Check.within(name, float(ours.mean()), low, high, 2, "%", told)

    shares = "PUT's was 1.85 %, 2006 to 2018 (Bondarenko 2019)"
    return Section.of(
        title,
        f"{text} Model quotes at the default premium, sold at mid through the simulated broker.",
        [
            Check.within("correlation of returns", float(np.mean(correlations)), 0.95, None, 4),
            row("volatility a year", volatility, 1.0),
            row("deepest fall", fell, points),
            row("return a year", annual, None, "; the premium is the model's assumption"),
            Check.within("mean premium, of the index", 100.0 * premium, digits=2, unit="%", note=shares),
        ],
    )
