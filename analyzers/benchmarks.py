"""What doing nothing clever would have brought: the index, a put-write and a buy-write on it.

The two writing benchmarks follow the Cboe PUT and BXM methodology as far as daily prices
allow: monthly options, rolled on the third Friday, fully collateralised, never adjusted.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError
from engine.options.clock import VarianceClock
from engine.options.pricing import black_price
from engine.sessions import is_session, session_dates

Floats = NDArray[np.float64]

IV_SHARE = 0.87  # at-the-money volatility over VIX, 0.83 to 0.90 measured
COST = 1e-4  # of the strike, a sale: half a spread and the fees of one monthly option
YEAR = 252
COLUMNS = ("open", "close", "vix")
ASSUMPTIONS = (
    "Benchmarks: buy and hold is the price return of the underlying, without dividends.",
    "Benchmarks: put-write sells one month's put at or below the money against cash for the whole strike, "
    "buy-write one month's call at or above the money on every share.",
    "Benchmarks: both settle and sell again at the open of the third Friday (the session before where it is "
    "a holiday) and are valued daily at the close.",
    f"Benchmarks: option prices are Black-76 with an implied volatility of {IV_SHARE} x VIX (at an open, of "
    "the VIX close before), without skew.",
    f"Benchmarks: every sale costs {COST:.2%} of the strike; settlement is free.",
    "Benchmarks: interest and dividends are zero, which makes put-write and buy-write differ by their "
    "strikes alone.",
)


def benchmarks(market: pd.DataFrame) -> pd.DataFrame:
    """Return the equity of three passive investments, 1.0 at the first close.

    Parameters
    ----------
    market : DataFrame
        One row a session, rising, with ``open, close`` (USD) and ``vix`` (closes, points) and
        the date as column ``date`` or index. A missing VIX is the one before.

    Returns
    -------
    DataFrame
        ``buy_and_hold, put_write, buy_write`` by date; the latter two NaN where no VIX is
        known at the start. `ASSUMPTIONS` belong beside them.

    Raises
    ------
    DataError
        A column is missing, a price is not positive, or the dates do not rise.
    """
    table = _checked(market)
    days = [stamp.date() for stamp in table.index]
    opened, closed = (table[name].to_numpy(np.float64) for name in ("open", "close"))
    iv = IV_SHARE / 100.0 * table["vix"].ffill().to_numpy(np.float64)
    curves = {"buy_and_hold": closed / closed[0] if len(days) else closed}
    for name, call in (("put_write", False), ("buy_write", True)):
        curves[name] = _write(days, opened, closed, iv, call)
    return pd.DataFrame(curves, index=table.index)


def _checked(market: pd.DataFrame) -> pd.DataFrame:
    table = market.set_index("date") if "date" in market.columns else market
    for name in COLUMNS:
        if name not in table.columns:
            raise DataError(f"benchmarks: no column {name!r} among {list(market.columns)}")
    table = table[list(COLUMNS)].set_axis(pd.DatetimeIndex(table.index, name="date"))
    if not (table.index.is_monotonic_increasing and table.index.is_unique):
        raise DataError("benchmarks: dates repeat or run backwards; expected one row a session, rising")
    for name in ("open", "close"):
        bad = ~(table[name] > 0.0)
        if bad.any():
            row = int(np.argmax(bad))
            day, price = table.index[row], float(table[name].iloc[row])
            raise DataError(f"benchmarks: {name} is {price:g} on {day:%Y-%m-%d}; expected a price")
    return table


def expiry_of(year: int, month: int) -> date:
    """Return the day monthly options settle: the third Friday, or the session before it."""
    first = date(year, month, 1)
    day = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    while not is_session(day):
        day -= timedelta(days=1)
    return day


def next_expiry(day: date) -> date:
    """Return the first monthly settlement after ``day``."""
    this = expiry_of(day.year, day.month)
    return this if this > day else expiry_of(day.year + day.month // 12, day.month % 12 + 1)


def _write(days: list[date], opened: Floats, closed: Floats, iv: Floats, call: bool) -> Floats:
    """Return the equity of an account that is short one month's option at all times."""
    value = np.full(len(days), np.nan)
    if not len(days) or np.isnan(iv[0]):
        return value
    numbers = {day: n for n, day in enumerate(session_dates(days[0], next_expiry(days[-1])))}
    number = np.array([numbers.get(day, -1) for day in days])
    if (number < 0).any():
        raise DataError(f"benchmarks: {days[int(np.argmin(number))]} is no trading day in New York")
    night = VarianceClock().overnight_share
    value[0] = equity = 1.0
    row, spot, volatility, at_open = 0, closed[0], iv[0], False
    while row < len(days):
        expiry = next_expiry(days[row])
        strike = _strike(spot, call)
        # an option dies at the open, so of its last day only the night counts
        left = numbers[expiry] - number[row] - (0.0 if at_open else 1.0 - night)
        premium = float(black_price(spot, strike, volatility * np.sqrt(left / YEAR), call))
        units = equity / ((spot if call else strike) - premium + COST * strike)
        stop = int(np.searchsorted(number, numbers[expiry]))
        held = slice(row if at_open else row + 1, stop)
        left = numbers[expiry] - number[held] - (1.0 - night)
        option = black_price(closed[held], strike, iv[held] * np.sqrt(left / YEAR), call)
        value[held] = units * ((closed[held] if call else strike) - option)
        if stop == len(days):
            break
        equity = units * min(opened[stop], strike)  # both end so: shares called away, or put to us
        row, spot, volatility, at_open = stop, opened[stop], iv[stop - 1], True
    return value


def _strike(spot: float, call: bool) -> float:
    step = 5.0 if spot >= 1000.0 else 1.0
    return float(np.ceil(spot / step) * step if call else np.floor(spot / step) * step)
