"""One underlying's volatility surface over all bars, and the kernels that price legs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.bars import Bars
from engine.options.clock import VarianceClock
from engine.options.contract import Product
from engine.options.pricing import delta1, price1
from feeds.forecast import forecast
from feeds.smile import FAIR_LEVEL, Z, smile
from feeds.spreads import half_spread1, sides1

Floats = NDArray[np.float64]
LONGER = 0.6  # how much of the 0DTE smile is left on a later expiry
CENTS_BETWEEN = 0.01  # quoted spread of the underlying's shares


@dataclass(frozen=True, eq=False)
class Surface:
    """What pricing one underlying needs, one value a bar.

    ``variance`` is the market's at-the-money variance of the session left, ``day`` that of
    one further day, night included; ``years`` the time left on the clock.
    """

    spot: Floats
    variance: Floats
    day: Floats
    state: Floats
    vix: Floats
    years: Floats
    session: NDArray[np.int64]
    smile: Floats
    rule: Floats  # threshold and ticks per dollar below and above it
    scale: float

    @classmethod
    def of(
        cls, bars: Bars, product: Product, premium: float, scale: float, session: NDArray[np.int64]
    ) -> Surface:
        """Compute the surface of all bars; ``session`` numbers the trading day of every bar."""
        clock = VarianceClock()
        told, grid = forecast(bars, clock), bars.grid
        level = (FAIR_LEVEL * (1.0 + premium)) ** 2
        tick = product.tick
        return cls(
            spot=np.ascontiguousarray(bars.close, np.float64),
            variance=told.remaining * level,
            day=told.session * level / (1.0 - clock.overnight_share),
            state=told.state,
            vix=told.vix,
            years=np.asarray(clock.years_left(grid.minute, grid.minute + grid.left)),
            session=session,
            smile=smile(premium),
            rule=np.array([tick.threshold, round(1.0 / tick.below), round(1.0 / tick.above)]),
            scale=scale,
        )

    @property
    def atm_iv(self) -> Floats:
        """At-the-money implied volatility of today's expiry, annualised; NaN once it has expired."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.years > 0.0, np.sqrt(self.variance / self.years), np.nan)

    @property
    def skew(self) -> float:
        """Implied volatility one standard deviation below the money over at the money, less 1."""
        return float(np.interp(-1.0, Z, self.smile)) - 1.0

    def arrays(self) -> tuple[Any, ...]:
        """Return what the kernels take."""
        return (
            self.spot, self.variance, self.day, self.state, self.session, Z, self.smile, self.rule, self.scale,
        )  # fmt: skip


@njit(cache=True)
def ratio1(z: float, at: Any, value: Any) -> float:
    """Interpolate the smile linearly, level beyond its ends."""
    last = len(at) - 1
    if z <= at[0]:
        return float(value[0])
    for j in range(last):
        if z <= at[j + 1]:
            share = (z - at[j]) / (at[j + 1] - at[j])
            return float(value[j] + share * (value[j + 1] - value[j]))
    return float(value[last])


@njit(cache=True)
def option1(
    bar: int, strike: float, call: bool, expiry: int, surface: Any
) -> tuple[float, float, float, float]:
    """Return bid, ask, standard deviation left and delta of one option; NaN after its expiry."""
    spots, variances, days, states, sessions, at, value, rule, scale = surface
    ahead = expiry - sessions[bar]
    spot = spots[bar]
    atm = np.sqrt(variances[bar] + ahead * days[bar]) if ahead >= 0 else np.nan
    if np.isnan(atm):
        return np.nan, np.nan, np.nan, np.nan
    z = np.log(strike / spot) / atm if atm > 0.0 else 0.0
    ratio = ratio1(z, at, value)
    if ahead > 0:
        ratio = 1.0 + LONGER * (ratio - 1.0)
    sd = atm * ratio
    mid = price1(spot, strike, sd, call)
    half = half_spread1(spot, z, atm, states[bar], scale)
    bid, ask = sides1(mid, half, rule[0], rule[1], rule[2])
    return bid, ask, sd, delta1(spot, strike, sd, call)


@njit(cache=True)
def combo1(bar: int, legs: Any, surface: Any) -> tuple[float, float]:
    """Return bid and ask of a combo on one bar.

    ``legs`` has a row a leg: strike, kind (0 put, 1 call, 2 share), weight, expiry's session.
    """
    bid, ask = 0.0, 0.0
    for k in range(len(legs)):
        weight = legs[k, 2]
        if legs[k, 1] == 2.0:
            low = surface[0][bar] - 0.5 * CENTS_BETWEEN
            high = surface[0][bar] + 0.5 * CENTS_BETWEEN
        else:
            low, high, _, _ = option1(bar, legs[k, 0], legs[k, 1] == 1.0, int(legs[k, 3]), surface)
        if weight > 0.0:
            bid += weight * (0.0 if np.isnan(low) and not np.isnan(high) else low)
            ask += weight * high
        else:
            bid += weight * high
            ask += weight * low
    return bid, ask


@njit(cache=True)
def marks(start: int, stop: int, legs: Any, surface: Any) -> tuple[Any, Any]:
    """Return a combo's bids and asks over bars."""
    bid, ask = np.empty(stop - start), np.empty(stop - start)
    for bar in range(start, stop):
        bid[bar - start], ask[bar - start] = combo1(bar, legs, surface)
    return bid, ask


@njit(cache=True)
def first1(start: int, stop: int, legs: Any, take: float, stop_level: float, surface: Any) -> int:
    """Return the first bar whose bid is at ``take`` or above, or at ``stop_level`` or below."""
    for bar in range(start, stop):
        bid, _ = combo1(bar, legs, surface)
        if bid >= take or bid <= stop_level:
            return bar
    return stop


@njit(cache=True)
def rows(bar: int, strikes: Any, expiry: int, surface: Any, out: Any) -> None:
    """Fill bid, ask, sd and delta of calls, then of puts, into the columns of ``out``."""
    count = len(strikes)
    for k in range(count):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = option1(bar, strikes[k], True, expiry, surface)
        put = option1(bar, strikes[k], False, expiry, surface)
        out[count + k, 0], out[count + k, 1], out[count + k, 2], out[count + k, 3] = put
