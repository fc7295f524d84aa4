"""Markets with model quotes, and what selling into them brought."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.bars import Bars
from engine.options.contract import Product, Right
from engine.sessions import session_dates, stamps
from engine.universe import load_universe
from feeds.model import ModelQuotes, ModelSettings

DAYS = session_dates(date(2024, 6, 24), date(2024, 7, 9))  # holds a half day and a holiday


@lru_cache(maxsize=1)
def universe() -> dict[str, Product]:
    """Return the shipped universe."""
    return load_universe(Path(__file__).parents[2] / "config" / "universe.json")


def walk(seed: int = 3, level: float = 6000.0, vix: bool = True, symbol: str = "SPX") -> Bars:
    """Return a fortnight of a random walk with volatility that comes and goes."""
    stamp = stamps(DAYS)
    n = len(stamp)
    rng = np.random.default_rng(seed)
    sd = 4e-4 * np.exp(0.5 * np.sin(np.arange(n) / 170.0))
    close = np.round(level * np.exp(np.cumsum(sd * rng.standard_normal(n))), 2)
    opened = np.append(level, close[:-1])
    lines = {"vix": np.round(15.0 * (level / close) ** 4, 2)} if vix else {}
    return Bars(
        symbol,
        stamp,
        opened,
        np.maximum(opened, close),
        np.minimum(opened, close),
        close,
        np.ones(n),
        lines,
        "walk",
    ).check()


def book(bars: Bars, premium: float = 0.08, spread_scale: float = 1.0) -> ModelQuotes:
    """Return model quotes over one symbol's bars."""
    return ModelQuotes({bars.symbol: bars}, universe(), ModelSettings(premium, spread_scale))


def at(bars: Bars, day: int, minute: int) -> int:
    """Return the bar that ends at ``minute`` of the ``day``-th session."""
    return int(np.flatnonzero((bars.grid.day == day) & (bars.grid.minute == minute))[0])


def sold_at_mid(
    quotes: ModelQuotes, bars: Bars, minutes: tuple[int, ...], reach: float, skip: int = 60
) -> np.ndarray:
    """Sell today's put and call ``reach`` deviations out of the money at mid, hold to the close.

    Returns
    -------
    ndarray, shape (days, 2)
        Profit and premium received per day, summed over ``minutes``, in shares of the spot.
    """
    grid, symbol = bars.grid, bars.symbol
    found: dict[int, np.ndarray] = {}
    for bar in np.flatnonzero(np.isin(grid.minute, minutes) & ~grid.half[grid.day] & (grid.day >= skip)):
        quotes.move(int(bar))
        chain = quotes.chain(symbol, grid.dates[grid.day[bar]])
        sd = chain.atm_iv() * np.sqrt(chain.years)
        end = bars.close[grid.last[grid.day[bar]]]
        gain, credit = 0.0, 0.0
        for right, sign in ((Right.PUT, -1.0), (Right.CALL, 1.0)):
            side = chain.side(right)
            row = int(np.argmin(np.abs(np.log(side.strike / chain.spot) - sign * reach * sd)))
            credit += side.mid[row]
            gain += side.mid[row] - max(sign * (end - side.strike[row]), 0.0)
        day = found.setdefault(int(grid.day[bar]), np.zeros(2))
        day += np.array([gain, credit]) / chain.spot
    return np.array(list(found.values()))


def kept(sold: np.ndarray) -> tuple[float, float]:
    """Return the share of the premium that was kept, and its standard error over days."""
    gain, credit = sold.T
    return float(gain.sum() / credit.sum()), float(gain.std(ddof=1) * np.sqrt(len(gain)) / credit.sum())
