"""Fees of a combo order as numbers, to the cent those of `engine.broker`; cash-settled options only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.broker.fees import FeeSchedule
from engine.broker.rates import Rates, Tier
from engine.kernels import njit

Floats = NDArray[np.float64]
MINIMUM, CLEARING, CLEARING_MOST, REGULATORY, ACTIVITY, TIERS, EXCHANGE = range(7)
_HAIR = 1e-9  # below a tier's price, as `engine.broker.rates.Tier` has it


def fee_table(
    fees: FeeSchedule, trading_class: str, days: Sequence[date]
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the rates of all days as numbers.

    Returns
    -------
    rates : ndarray, shape (different rates, 7)
        Minimum, clearing, its maximum, regulatory, activity; counts of commission and exchange tiers.
    tiers : ndarray, shape (different rates, 2, tiers, 3)
        Price below, contracts below and fee of every tier, of the commission and of the exchange.
    row : ndarray of int, shape (days,)
        Rates of every day.
    """
    held = [fees.on(day) for day in days]
    different = list({id(one): one for one in held}.values())
    place = {id(one): number for number, one in enumerate(different)}
    most = max(len(_exchange(one, trading_class)) + len(one.option_tiers) for one in different)
    rates, tiers = np.zeros((len(different), 7)), np.zeros((len(different), 2, most, 3))
    for number, one in enumerate(different):
        exchange = _exchange(one, trading_class)
        rates[number] = (
            one.option_minimum, one.clearing, one.clearing_maximum, one.regulatory, one.activity_option,
            len(one.option_tiers), len(exchange),
        )  # fmt: skip
        for kind, list_ in enumerate((one.option_tiers, exchange)):
            for row, tier in enumerate(list_):
                tiers[number, kind, row] = tier.below, tier.contracts_below, tier.fee
    return rates, tiers, np.array([place[id(one)] for one in held], np.int64)


def _exchange(rates: Rates, trading_class: str) -> tuple[Tier, ...]:
    return rates.exchange.get(trading_class, ())


@njit(cache=True)
def _tier_fee(tiers: Any, count: int, price: float, contracts: float) -> float:
    for i in range(count):
        if price < tiers[i, 0] - _HAIR and contracts < tiers[i, 1]:
            return float(tiers[i, 2])
    return float(tiers[count - 1, 2])


@njit(cache=True)
def order_fees1(prices: Any, sold: Any, units: float, rates: Any, tiers: Any) -> float:
    """Return the cents an order of single-ratio option legs costs, as `FeeSchedule.order_fees`.

    ``prices`` per share and ``sold`` (traded short) have one value a leg.
    """
    commission, fees = 0.0, 0.0
    for leg in range(len(prices)):
        other = min(rates[CLEARING] * units, rates[CLEARING_MOST]) + rates[REGULATORY] * units
        if rates[EXCHANGE] > 0.0:
            other += _tier_fee(tiers[1], int(rates[EXCHANGE]), prices[leg], units) * units
        if sold[leg]:
            other += rates[ACTIVITY] * units
        commission += _tier_fee(tiers[0], int(rates[TIERS]), prices[leg], 0.0) * units
        fees += other
    return float(np.rint((fees + max(commission, rates[MINIMUM])) * 100.0))


@njit(cache=True)
def leg_cents1(price: float, low: Any, high: Any, sign: Any, multiplier: float, out: Any) -> None:
    """Fill ``out`` with the cents of every leg, as `engine.broker.allocation.leg_cents`; ratios ±1."""
    total = np.rint(price * multiplier * 100.0)
    inside, room = 0.0, 0.0
    count = len(sign)
    for leg in range(count):
        bid = 0.0 if np.isnan(low[leg]) else low[leg]
        inside += sign[leg] * multiplier * (0.5 * (bid + high[leg]))
        room += multiplier * (0.5 * (high[leg] - bid))
    off = total / 100.0 - inside
    share = off / room if room > 0.0 else 0.0
    given = 0.0
    for leg in range(count):
        bid = 0.0 if np.isnan(low[leg]) else low[leg]
        mid, half = 0.5 * (bid + high[leg]), 0.5 * (high[leg] - bid)
        moved = max(mid + (share * half if sign[leg] > 0.0 else -share * half), 0.0)
        out[leg] = np.rint(moved * multiplier * 100.0) * sign[leg]
        given += out[leg]
    rest = total - given
    if rest != 0.0:
        taker, worse, dearest = -1, True, -1.0
        for leg in range(count):
            negative = (out[leg] + rest) * sign[leg] < 0.0
            if taker < 0 or (worse and not negative) or (worse == negative and abs(out[leg]) > dearest):
                taker, worse, dearest = leg, negative, abs(out[leg])
        out[taker] += rest
