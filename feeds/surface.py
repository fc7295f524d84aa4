"""One underlying's volatility surface over all bars, and the kernels that price legs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.kernels import njit
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.options.contract import Product
from engine.options.pricing import delta1, price1
from feeds.forecast import Forecast, forecast
from feeds.smile import slices, smile1, steepness1
from feeds.spreads import OWN_RISK, half_spread1, share_half_spread1, sides1

Floats = NDArray[np.float64]
# Fair at-the-money volatility over the forecast, measured with the fair smile.
FAIR_LEVEL = 1.002
_INDEX_VOLATILITY = 0.16  # only to guess a stock's volatility before its bars tell
PUT, CALL, SHARE = 0.0, 1.0, 2.0
# What of a gap between the next day's variance and the distant one is left a session later:
# half of it after eight, measured on S&P 500 ranges against forecast and VIX, 2001-19.
_REVERSION = 0.5 ** (1.0 / 8.0)
# Days add up by variance, forecasts are of volatility: mean volatility of 21 sessions over that
# of the forecast day, on the same days.
_DISTANT = 1.10


@dataclass(frozen=True, eq=False)
class Surface:
    """What pricing one underlying needs.

    ``table`` has a row a bar: spot, the market's at-the-money variance of the session left,
    that of one further day (night included), the smile's steepness, the state of volatility,
    the number of the bar's session, the variance of a day some weeks away, and by how much the
    log of the forward rises with every session to expiry.
    """

    table: Floats
    smile: Floats
    facts: Floats  # tick threshold, ticks per dollar below and above it, scale of spreads, own risk or not
    atm_iv: Floats  # of today's expiry, annualised on the variance clock
    vix: Floats
    years: Floats  # left of the session, on the clock

    @classmethod
    def of(
        cls,
        bars: Bars,
        product: Product,
        premium: float,
        scale: float,
        session: NDArray[np.int64],
        carry: Floats | float = 0.0,
    ) -> Surface:
        """Compute the surface of all bars.

        ``session`` numbers the trading day of every bar; ``carry`` is interest less dividends
        a year, one for all bars or one a bar.
        """
        clock, grid = VarianceClock(), bars.grid
        told = forecast(bars, clock, np.hypot(product.beta, product.idiosyncratic / _INDEX_VOLATILITY))
        level = (FAIR_LEVEL * (1.0 + premium)) ** 2
        inside = 1.0 - clock.overnight_share
        day, distant = told.following * level / inside, told.distant * level * _DISTANT**2 / inside
        tick = product.tick
        rise = np.broadcast_to(np.asarray(carry, np.float64) / SESSIONS_PER_YEAR, session.shape)
        columns = (
            bars.close, told.remaining * level, day, _steepness(told), told.state, session, distant, rise,
        )  # fmt: skip
        return cls(
            table=np.ascontiguousarray(np.column_stack(columns), np.float64),
            smile=slices(premium),
            facts=np.array(
                [
                    tick.threshold,
                    round(1.0 / tick.below),
                    round(1.0 / tick.above),
                    scale * (1.0 + OWN_RISK * product.idiosyncratic),
                    float(product.idiosyncratic > 0.0),
                ]
            ),
            atm_iv=np.sqrt(told.rate * level * SESSIONS_PER_YEAR / inside),
            vix=told.vix,
            years=np.asarray(clock.years_left(grid.minute, grid.minute + grid.left)),
        )

    @property
    def skew(self) -> Floats:
        """Implied volatility of today's expiry at z = -1 over at the money, less 1, a value a bar."""
        found: Floats = _skews(np.ascontiguousarray(self.table[:, 3]), self.smile)
        return found


@njit(cache=True)
def _skews(steepness: Any, smile: Any) -> Any:
    out = np.empty(len(steepness))
    for i in range(len(out)):
        out[i] = smile1(-1.0, False, steepness[i], smile) - 1.0
    return out


@njit(cache=True)
def _steep(gap: Any) -> Any:
    out = np.empty(len(gap))
    for i in range(len(out)):
        out[i] = steepness1(gap[i])
    return out


def _steepness(told: Forecast) -> Floats:
    return np.asarray(_steep(told.gap))


@njit(cache=True)
def variance1(bar: int, ahead: float, table: Any) -> float:
    """Return the market's at-the-money variance to the close ``ahead`` sessions from a bar's."""
    if ahead == 0.0:
        return float(table[bar, 1])
    gap = (1.0 - _REVERSION**ahead) / (1.0 - _REVERSION)
    return float(table[bar, 1] + ahead * table[bar, 6] + gap * (table[bar, 2] - table[bar, 6]))


@njit(cache=True)
def forward1(bar: int, ahead: float, table: Any) -> float:
    """Return what a bar's underlying costs for delivery ``ahead`` sessions later, USD."""
    spot = table[bar, 0]
    if ahead > 0.0 and table[bar, 7] != 0.0:
        return float(spot * np.exp(ahead * table[bar, 7]))
    return float(spot)


@njit(cache=True)
def sd1(bar: int, strike: float, forward: float, ahead: float, table: Any, smile: Any) -> float:
    """Return the standard deviation left of an option that expires ``ahead`` sessions later."""
    return sd_at1(strike, forward, atm1(bar, ahead, table), ahead > 0, table[bar, 3], smile)


@njit(cache=True)
def atm1(bar: int, ahead: float, table: Any) -> float:
    """Return the market's at-the-money standard deviation to the close ``ahead`` sessions from a bar's."""
    return float(np.sqrt(variance1(bar, ahead, table)))


@njit(cache=True)
def sd_at1(strike: float, forward: float, atm: float, later: bool, steepness: float, smile: Any) -> float:
    """Return the standard deviation left of a strike where that at the money is known."""
    if not atm > 0.0:
        return 0.0
    return float(atm * smile1(np.log(strike / forward) / atm, later, steepness, smile))


@njit(cache=True)
def sides_sd1(
    bar: int, strike: float, call: bool, expiry: float, table: Any, smile: Any, facts: Any
) -> tuple[float, float, float]:
    """Return bid, ask and standard deviation left of one option, as `option1` without its delta."""
    ahead = expiry - table[bar, 5]
    if ahead < 0:
        return np.nan, np.nan, np.nan
    forward = forward1(bar, ahead, table)
    sd = sd1(bar, strike, forward, ahead, table, smile)
    bid, ask = sides1_of(bar, strike, forward, call, sd, table, facts)
    return bid, ask, sd


@njit(cache=True)
def sides1_of(
    bar: int, strike: float, forward: float, call: bool, sd: float, table: Any, facts: Any
) -> tuple[float, float]:
    """Return bid and ask of one option whose standard deviation left is known."""
    mid = price1(forward, strike, sd, call)
    intrinsic = max(forward - strike if call else strike - forward, 0.0)
    half = half_spread1(table[bar, 0], mid - intrinsic, intrinsic, table[bar, 4], facts[3])
    return sides1(mid, half, facts[0], facts[1], facts[2])


@njit(cache=True)
def option1(
    bar: int, strike: float, call: bool, expiry: float, table: Any, smile: Any, facts: Any
) -> tuple[float, float, float, float]:
    """Return bid, ask, standard deviation left and delta of one option; NaN after its expiry.

    ``expiry`` is the number of the session it expires in; one that settles on the opening has
    but the night of it: the session before and the overnight share of a day.
    """
    bid, ask, sd = sides_sd1(bar, strike, call, expiry, table, smile, facts)
    return bid, ask, sd, delta1(forward1(bar, expiry - table[bar, 5], table), strike, sd, call)


@njit(cache=True)
def leg1(bar: int, leg: Any, table: Any, smile: Any, facts: Any) -> tuple[float, float]:
    """Return bid and ask of one leg, USD per share; ``leg`` as in `combo1`."""
    ahead = leg[3] - table[bar, 5]
    return _leg_at1(
        bar, leg[1], leg[0], ahead, forward1(bar, ahead, table), atm1(bar, ahead, table), table, smile, facts
    )


@njit(cache=True, inline="always")  # handing over three arrays takes longer than a share's leg
def _leg_at1(
    bar: int,
    kind: float,
    strike: float,
    ahead: float,
    forward: float,
    atm: float,
    table: Any,
    smile: Any,
    facts: Any,
) -> tuple[float, float]:
    """Return `leg1` where forward and standard deviation at the money are known, read of options only."""
    if kind == SHARE:
        half = share_half_spread1(table[bar, 0], facts[4] > 0.0)
        return table[bar, 0] - half, table[bar, 0] + half
    if ahead < 0.0:
        return np.nan, np.nan
    sd = sd_at1(strike, forward, atm, ahead > 0, table[bar, 3], smile)
    return sides1_of(bar, strike, forward, kind == CALL, sd, table, facts)


@njit(cache=True)
def legs1(bar: int, legs: Any, table: Any, smile: Any, facts: Any, out: Any) -> None:
    """Fill bid and ask of every leg into the rows of ``out``; ``legs`` as in `combo1`."""
    for k in range(len(legs)):
        out[k, 0], out[k, 1] = leg1(bar, legs[k], table, smile, facts)


@njit(cache=True)
def combo1(bar: int, legs: Any, table: Any, smile: Any, facts: Any) -> tuple[float, float]:
    """Return bid and ask of a combo on one bar, from the buyer's side.

    ``legs`` has a row a leg: strike, kind (PUT, CALL or SHARE), weight, expiry's session. A
    bought leg without bid is given away; a sold leg without bid leaves no ask.
    """
    bid, ask = 0.0, 0.0
    expiry, ahead, forward, atm = np.nan, 0.0, 0.0, 0.0
    for k in range(len(legs)):
        weight = legs[k, 2]
        if legs[k, 1] != SHARE and legs[k, 3] != expiry:  # the options mostly share one
            expiry = legs[k, 3]
            ahead = expiry - table[bar, 5]
            forward, atm = forward1(bar, ahead, table), atm1(bar, ahead, table)
        low, high = _leg_at1(bar, legs[k, 1], legs[k, 0], ahead, forward, atm, table, smile, facts)
        if weight > 0.0:
            bid += weight * (0.0 if np.isnan(low) and not np.isnan(high) else low)
            ask += weight * high
        else:
            bid += weight * high
            ask += weight * low
    return bid, ask


@njit(cache=True)
def slope1(bar: int, legs: Any, table: Any, smile: Any) -> float:
    """Return the delta of a combo on one bar; ``legs`` as in `combo1`."""
    delta = 0.0
    for k in range(len(legs)):
        slope = 1.0
        if legs[k, 1] != SHARE:
            ahead = legs[k, 3] - table[bar, 5]
            forward, slope = forward1(bar, ahead, table), np.nan
            if ahead >= 0.0:
                sd = sd1(bar, legs[k, 0], forward, ahead, table, smile)
                slope = delta1(forward, legs[k, 0], sd, legs[k, 1] == CALL)
        delta += legs[k, 2] * slope
    return delta


@njit(cache=True)
def quote1(bar: int, legs: Any, table: Any, smile: Any, facts: Any) -> tuple[float, float, float]:
    """Return bid, ask and delta of a combo on one bar; ``legs`` as in `combo1`."""
    bid, ask = combo1(bar, legs, table, smile, facts)
    return bid, ask, slope1(bar, legs, table, smile)


@njit(cache=True)
def marks(start: int, stop: int, legs: Any, table: Any, smile: Any, facts: Any) -> tuple[Any, Any]:
    """Return a combo's bids and asks over bars."""
    bid, ask = np.empty(stop - start), np.empty(stop - start)
    for bar in range(start, stop):
        bid[bar - start], ask[bar - start] = combo1(bar, legs, table, smile, facts)
    return bid, ask


@njit(cache=True)
def first1(
    start: int, stop: int, legs: Any, take: float, stop_level: float, table: Any, smile: Any, facts: Any
) -> int:
    """Return the first bar whose bid is at ``take`` or above, or at ``stop_level`` or below."""
    for bar in range(start, stop):
        bid, _ = combo1(bar, legs, table, smile, facts)
        if bid >= take or bid <= stop_level:
            return bar
    return stop


@njit(cache=True)
def rows(bar: int, strikes: Any, expiry: float, table: Any, smile: Any, facts: Any, out: Any) -> None:
    """Fill bid, ask, sd and delta of calls, then of puts, into the columns of ``out``."""
    count = len(strikes)
    for k in range(count):
        for side in range(2):
            row = k + side * count
            out[row, 0], out[row, 1], out[row, 2], out[row, 3] = option1(
                bar, strikes[k], side == 0, expiry, table, smile, facts
            )
