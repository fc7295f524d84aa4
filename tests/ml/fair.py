"""A market in which nothing is to be known: minutes of a known variance, and options that cost just that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from engine.bars import Bars
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.options.contract import Product, TickRule
from engine.sessions import Grid, session_dates, stamps
from feeds.model import ModelQuotes, ModelSettings
from feeds.surface import Surface

LEVEL, SESSION_SD = 2700.0, 0.0065
KEEP, WANDER = 0.95, 0.35  # of the log of a session's volatility, from day to day
TABLE_VARIANCE, TABLE_DAY, TABLE_STEEPNESS, TABLE_STATE, TABLE_DISTANT = 1, 2, 3, 4, 6
# Cents and no spread. In wider steps an option without a bid has half its ask for a mid, which is
# more than it is worth: results "before costs" would then depend on how many wings have none.
CENTS = TickRule(3.0, 0.01, 0.01, 0.01)
FLAT = np.array([[1.0, 0.0, 0.0, 0.0, 1.0]] * 3 + [[0.0] * 5])  # implied volatility of no strike differs


def fair_bars(seed: int, first: date, last: date) -> tuple[Bars, np.ndarray]:
    """Return SPX minutes whose price is a martingale, and the variance of every bar's session.

    A session's variance is known at its open and spread over its minutes as `VarianceClock` has
    it; so volatility changes from day to day, and no minute tells anything of the next.
    """
    rng, dates = np.random.default_rng(seed), session_dates(first, last)
    stamp = stamps(dates)
    grid = Grid.of(stamp)
    left = VarianceClock().share_left(grid.minute, grid.minute + grid.left)
    start = np.zeros(len(stamp), bool)
    start[grid.first] = True
    took = np.where(start, 1.0, np.roll(left, 1)) - left
    wander = np.zeros(len(dates))
    for day in range(1, len(dates)):
        wander[day] = KEEP * wander[day - 1] + np.sqrt(1.0 - KEEP**2) * WANDER * rng.standard_normal()
    variance = (SESSION_SD * np.exp(wander[grid.day])) ** 2
    step = np.sqrt(variance * took) * rng.standard_normal(len(stamp)) - 0.5 * variance * took
    close = LEVEL * np.exp(np.cumsum(step))
    opened = np.concatenate([[LEVEL], close[:-1]])
    lines = {
        "vix": 100.0 * np.sqrt(variance * SESSIONS_PER_YEAR / (1.0 - VarianceClock().overnight_share)),
        "put_volume": np.round(900.0 * np.exp(0.5 * rng.standard_normal(len(stamp)))),
        "call_volume": np.round(800.0 * np.exp(0.5 * rng.standard_normal(len(stamp)))),
    }
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars("SPX", stamp, opened, high, low, close, np.full(len(stamp), 1.0), lines).check(), variance


class FairQuotes(ModelQuotes):
    """The model's quotes, around the variance that truly comes in place of a forecast."""

    def __init__(
        self, bars: Mapping[str, Bars], products: Mapping[str, Product], variance: np.ndarray
    ) -> None:
        super().__init__(bars, products, ModelSettings(0.0, 0.0))
        inside = 1.0 - VarianceClock().overnight_share
        for symbol, surface in self._surfaces.items():
            grid = bars[symbol].grid
            left = VarianceClock().share_left(grid.minute, grid.minute + grid.left)
            table = surface.table.copy()
            table[:, TABLE_VARIANCE] = variance * left
            table[:, TABLE_DAY] = table[:, TABLE_DISTANT] = variance / inside
            table[:, TABLE_STEEPNESS] = table[:, TABLE_STATE] = 1.0
            made: Surface = replace(
                surface, table=table, smile=FLAT, atm_iv=np.sqrt(variance * SESSIONS_PER_YEAR / inside)
            )
            self._surfaces[symbol] = made
            self._arrays[symbol] = made.table, made.smile, made.facts


def fair_market(
    product: Product, seed: int, span: tuple[date, date]
) -> tuple[dict[str, Product], dict[str, Bars], Any]:
    """Return SPX quoted in cents, its bars and their quotes."""
    bars, variance = fair_bars(seed, *span)
    products = {"SPX": replace(product, tick=CENTS)}
    book = FairQuotes({"SPX": bars}, products, variance)
    return products, book.with_lines(), book
