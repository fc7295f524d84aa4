"""Bars of any symbol of the universe, from the bars of the S&P 500."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.bars import PRICES, Bars
from engine.errors import ConfigError
from engine.options.contract import Product
from feeds.synthetic.cache import cache_key, cached
from feeds.synthetic.flow import volumes
from feeds.synthetic.minutes import BAR_REACH, free_path, variance_profile

Floats = NDArray[np.float64]

OVERNIGHT_SHARE = 0.36
YEAR = 252
DECIMALS = 2
DAY_SD = 0.35  # sd of the log of a day's own volatility
LARGEST_LOSS = -0.9  # of one minute or one night; no drawn return takes a price to zero


def derive(index: Bars, product: Product, seed: int = 7, cache: Path | None = None) -> Bars:
    """Return bars of ``product`` on the minutes of ``index``, which must be S&P 500 bars.

    A product with beta 1 and no variance of its own (XSP, SPY) is the index times ``scale``,
    exactly. Any other takes beta times each simple return of the index, night and minute,
    plus a return of its own of mean zero: annualised ``idiosyncratic``, split between night
    and session like the index, clustered within the day. The last close is ``scale`` times
    the index's; the line ``vix`` stays. The product's own returns depend on the seed, its
    symbol and the date, its price level also on where ``index`` ends.

    Raises
    ------
    ConfigError
        A scale, beta or variance out of range.
    """
    if not (np.isfinite(product.scale) and product.scale > 0.0):
        raise ConfigError(f"{product.symbol}: scale is {product.scale}; expected a positive number")
    if not (np.isfinite(product.beta) and 0.0 <= product.idiosyncratic < 5.0):
        raise ConfigError(
            f"{product.symbol}: beta is {product.beta}, idiosyncratic {product.idiosyncratic}; "
            "expected a number and an annual volatility from 0 to 5"
        )
    if product.beta == 1.0 and product.idiosyncratic == 0.0:
        if product.scale == 1.0:
            return replace(index, symbol=product.symbol)
        return _scaled(index, product)
    told = {
        "index": _digest(index),
        "symbol": product.symbol,
        "scale": product.scale,
        "beta": product.beta,
        "idiosyncratic": product.idiosyncratic,
        "seed": seed,
    }
    return cached(cache_key("derived", told), lambda: _make(index, product, seed), cache)


def _scaled(index: Bars, product: Product) -> Bars:
    bars = index.scaled(product.scale, product.symbol)
    note = f"{product.symbol} is {index.symbol} times {product.scale:g}."
    return replace(bars, notes=(*bars.notes, note))


def _digest(bars: Bars) -> str:
    told = hashlib.sha256(bars.stamp.tobytes())
    for name in PRICES:
        told.update(np.ascontiguousarray(getattr(bars, name)).tobytes())
    for name in sorted(bars.lines):
        told.update(name.encode() + np.ascontiguousarray(bars.lines[name]).tobytes())
    return told.hexdigest()


def _make(index: Bars, product: Product, seed: int) -> Bars:
    grid = index.grid
    n = len(index)
    step = np.empty(n)  # the index's simple return over each bar
    step[:] = index.close / index.open - 1.0
    between = np.append(0.0, index.open[1:] / index.close[:-1] - 1.0)
    own, own_night, uniform = np.empty(n), np.zeros(n), np.empty((2, n))
    put, call, volume = np.empty(n), np.empty(n), np.empty(n)
    for d, day in enumerate(grid.dates):
        here = slice(int(grid.first[d]), int(grid.last[d]) + 1)
        rng = _generator(seed, product.symbol, day.toordinal())
        whole, night = _own_day(rng, int(grid.close_minute[d]), product.idiosyncratic)
        own[here] = whole[grid.minute[here] - 571]
        own_night[here.start] = night
        uniform[:, here] = rng.random((2, here.stop - here.start))
        volume[here], put[here], call[here] = volumes(product.beta * step[here] + own[here], rng)
    opens, closes = _level(
        product.beta * between + own_night, product.beta * step + own, product.scale * float(index.close[-1])
    )
    # The reach beyond open and close: a bridge with the variance both sources show in a minute.
    shown = np.log(index.high / index.low) ** 2 / (4.0 * np.log(2.0))
    variance = product.beta**2 * shown + own**2
    move = np.log(closes / opens)
    room = -2.0 * BAR_REACH * variance
    high = opens * np.exp(0.5 * (move + np.sqrt(move**2 + room * np.log1p(-uniform[0]))))
    low = opens * np.exp(0.5 * (move - np.sqrt(move**2 + room * np.log1p(-uniform[1]))))
    printed = {
        name: np.maximum(np.round(values, DECIMALS), 0.01)
        for name, values in zip(PRICES, (opens, high, low, closes), strict=True)
    }
    printed["high"] = np.maximum.reduce([printed["high"], printed["open"], printed["close"]])
    printed["low"] = np.minimum.reduce([printed["low"], printed["open"], printed["close"]])
    lines = dict(index.lines) | {"put_volume": put, "call_volume": call}
    for name in ("atm_iv", "skew"):
        lines.pop(name, None)
    note = (
        f"SYNTHETIC {product.symbol}: {index.symbol} returns times beta {product.beta:g} plus a drawn return "
        f"of its own ({product.idiosyncratic:.0%} a year, mean zero, no earnings jumps); last close "
        f"{product.scale:g} times {index.symbol}'s."
    )
    return Bars(
        symbol=product.symbol,
        stamp=index.stamp,
        volume=volume,
        lines=lines,
        source=f"{index.source}, derived, seed {seed}",
        notes=(*index.notes, note),
        **printed,
    ).check()


def _generator(seed: int, symbol: str, day: int) -> np.random.Generator:
    named = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:6], "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, named, day])))


def _own_day(rng: np.random.Generator, close_minute: int, yearly: float) -> tuple[Floats, float]:
    """Return a session's own minute returns (simple, mean zero) and the night's before it."""
    weight = variance_profile(close_minute)
    # mean one in variance, so that the annual figure is met
    day_sd = yearly / np.sqrt(YEAR) * np.exp(DAY_SD * rng.standard_normal() - DAY_SD**2)
    normal, uniform = rng.standard_normal((4, len(weight))), rng.random((3, len(weight)))
    path = free_path(normal, uniform, weight, day_sd * np.sqrt(1.0 - OVERNIGHT_SHARE), 0.0, 0.0)[0]
    night = day_sd * np.sqrt(OVERNIGHT_SHARE) * float(rng.standard_normal())
    return np.diff(path, prepend=0.0), night


def _level(night: Floats, minute: Floats, last: float) -> tuple[Floats, Floats]:
    """Compound simple returns, before and over each bar, to opens and closes ending at ``last``."""
    factors = np.empty(2 * len(minute))
    factors[0::2] = 1.0 + np.maximum(night, LARGEST_LOSS)
    factors[1::2] = 1.0 + np.maximum(minute, LARGEST_LOSS)
    level = np.exp(np.cumsum(np.log(factors)))
    level *= last / level[-1]
    return level[0::2].copy(), level[1::2].copy()
