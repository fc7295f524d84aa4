"""Compile before a clock runs what a session would compile on first use, in the middle of its minutes."""

from __future__ import annotations

import numpy as np

from engine.options.contract import Right
from engine.options.levels import levels
from engine.options.quoted import make_chain
from engine.universe import load_universe
from scripts.live.plan import Plan

DAYS = "20180501-20180508"  # synthetic, of the shipped daily data: some candidates pass their filters
BAR = 60  # within the last day: half past ten
CLOSE = 390


def warm(plan: Plan) -> None:
    """Play a week's backtest of the plan's bots and make one chain as quotes of a gateway make it."""
    from scripts.market import market
    from scripts.session import Setup
    from scripts.session import play as backtest

    bars, book = market(
        plan.settings, load_universe(plan.config / "universe.json"), plan.symbols, timerange=DAYS
    )
    backtest(Setup(plan.settings, plan.bots, plan.products, bars, book, plan.calendar, plan.fees))
    last = len(next(iter(bars.values()))) - CLOSE + BAR
    book.move(last)
    for symbol, product in plan.products.items():
        expiry = book.expiry(symbol, 0)
        if expiry is None:
            continue
        told = book.chain(symbol, expiry)
        told.nearest(Right.PUT, 0.2)
        made = make_chain(
            product, expiry, told.at, told.spot, told.years, told.strike, told.call, told.bid, told.ask
        )
        made.straddle()
        every = np.unique(told.strike)
        grids = [np.full((1, len(every)), np.nan) for _ in range(4)]
        for grid, column, side in zip(
            grids, (told.bid, told.ask) * 2, (True, True, False, False), strict=True
        ):
            rows = told.call == side
            grid[0, np.searchsorted(every, told.strike[rows])] = column[rows]
        levels(*grids, every)
