"""Bars of five seconds: a minute bar taken apart along a drawn path, the same in every run.

The path starts at the minute's open, ends at its close and touches its high and its low at
two drawn moments, in drawn order; between these it is straight. Quotes and fills know
nothing of it: they move by whole minutes, as in the backtest.
"""

from __future__ import annotations

import numpy as np

from engine.gateway.exchange import Exchange
from engine.gateway.listing import Listing

PIECES = 12
SECONDS = 5
Piece = tuple[float, float, float, float, float]  # open, high, low, close, volume


def piece(listing: Listing, exchange: Exchange, bar: int, number: int, seed: int) -> Piece | None:
    """Return one of a minute's twelve bars, None for what has no bars of its own.

    Parameters
    ----------
    bar : int
        The minute on the tape.
    number : int
        0 to 11.
    """
    if listing.contract is not None:
        return None
    if listing.instrument is None:
        price = float(exchange.market.indices[listing.symbol][bar])
        return price, price, price, price, -1.0
    bars = exchange.market.bars(listing.symbol)
    draw = np.random.default_rng([seed, int(bars.stamp[bar]) // 1_000_000_000])
    first, second = sorted(draw.choice(np.arange(1, PIECES), 2, replace=False).tolist())
    extremes = [float(bars.high[bar]), float(bars.low[bar])]
    if draw.random() < 0.5:
        extremes.reverse()
    path = np.interp(
        np.arange(PIECES + 1),
        [0, first, second, PIECES],
        [float(bars.open[bar]), *extremes, float(bars.close[bar])],
    )
    a, b = float(path[number]), float(path[number + 1])
    volume = -1.0 if listing.product_is_index else float(bars.volume[bar]) / PIECES
    return a, max(a, b), min(a, b), b, volume
