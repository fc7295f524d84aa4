"""Every combination of entry minute, strikes, target and stop of one bot, day by day.

Per day each strike is priced once a minute; a combo's path is a sum of those columns, shared by
all targets and stops, whose first passages are read off it in one walk. Prices, fills, fees and
the order of the bot's questions are those of the engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels import njit
from feeds.screen.fees import leg_cents1, order_fees1
from feeds.screen.fills import enter1, leave1
from feeds.surface import option1

COUNT, SUM, SQUARES, WORST, PEAK, FALL, LOWEST = range(7)
STATS = 7
NEVER = 1 << 40


@njit(cache=True, nogil=True)
def screen(market: Any, entries: Any, structure: Any, rules: Any, stats: Any, watch: Any, daily: Any) -> None:
    """Play all combinations of a block of strike rules and add up what they made.

    Parameters
    ----------
    market : tuple
        ``table``, ``smile``, ``facts`` of the surface; minute, ``closing`` (the governor closes
        all) and ``late`` (time stop) of every bar.
    entries : tuple
        A row an entry: bar, last bar of its day, number of its day, place of its minute, row of
        its rates; the rates and the tiers.
    structure : tuple
        A leg of the combo each: column of its strike, whether it is a call, its sign; then the
        strikes' step, the multiplier, units, how orders are worked, the targets and the planned
        losses, both rising.
    rules : tuple
        ``good`` (rules, entries): whether an entry is allowed; ``strikes`` (rules, entries, 4) in steps.
    stats : ndarray, shape (rules, minutes, targets, losses, STATS)
        Cents; to be added to, zero at first.
    watch : ndarray of int, shape (rules, minutes, targets, losses)
        Column of ``daily`` in which a combination's days are kept, -1 for none.
    daily : ndarray, shape (days, watched)
        Net USD; filled where there was a trade.
    """
    bars, lasts, days, _, _, _, _ = entries
    good, strikes = rules
    start = 0
    while start < len(bars):
        stop = start
        while stop < len(bars) and days[stop] == days[start]:
            stop += 1
        low_k, high_k = _span(good, strikes, structure, start, stop)
        if low_k <= high_k:
            prices = _prices(market, structure, low_k, high_k, bars[start], lasts[start])
            _play_day(market, entries, structure, rules, start, stop, low_k, prices, stats, watch, daily)
        start = stop


@njit(cache=True, nogil=True)
def _span(good: Any, strikes: Any, structure: Any, start: int, stop: int) -> tuple[int, int]:
    """Return the lowest and highest strike, in steps, any rule trades on a day."""
    columns = structure[0]
    low, high = NEVER, -NEVER
    for rule in range(len(good)):
        for row in range(start, stop):
            if good[rule, row]:
                for leg in range(len(columns)):
                    at = int(strikes[rule, row, columns[leg]])
                    low, high = min(low, at), max(high, at)
    return low, high


@njit(cache=True, nogil=True)
def _prices(market: Any, structure: Any, low_k: int, high_k: int, first: int, last: int) -> Any:
    """Return bid and ask of puts and calls, shape (2, strikes, 2, bars of the day)."""
    table, smile, facts, _, _, _ = market
    calls, step = structure[1], structure[3]
    out = np.empty((2, high_k - low_k + 1, 2, last - first + 1))
    end = table[first, 5]
    for right in range(2):
        used = False
        for leg in range(len(calls)):
            used = used or calls[leg] == (right == 1)
        if not used:
            continue
        for k in range(high_k - low_k + 1):
            for bar in range(first, last + 1):
                bid, ask, _, _ = option1(bar, step * (low_k + k), right == 1, end, table, smile, facts)
                out[right, k, 0, bar - first] = bid
                out[right, k, 1, bar - first] = ask
    return out


@njit(cache=True, nogil=True)
def _play_day(
    market: Any, entries: Any, structure: Any, rules: Any, start: int, stop: int, low_k: int, prices: Any,
    stats: Any, watch: Any, daily: Any,
) -> None:  # fmt: skip
    bars, lasts, days, places, rates_row, rates, tiers = entries
    good, strikes = rules
    columns, targets, losses = structure[0], structure[7], structure[8]
    first, size = bars[start], lasts[start] - bars[start] + 1
    net = np.empty((len(targets), len(losses)))
    quotes = np.empty((2, size))
    memo, seen = np.empty((2, size)), np.full((2, size), -1, np.int64)
    at, before = np.zeros(len(columns), np.int64), np.zeros(len(columns), np.int64)
    stamp = 0
    for row in range(start, stop):
        before[:] = -1
        traded = False
        for rule in range(len(good)):
            if not good[rule, row]:
                continue
            same = True
            for leg in range(len(columns)):
                at[leg] = int(strikes[rule, row, columns[leg]]) - low_k
                same = same and at[leg] == before[leg]
            if not same:
                stamp += 1
                before[:] = at
                traded = _trade(
                    market, structure, prices, at, low_k, bars[row] - first, first, rates[rates_row[row]],
                    tiers[rates_row[row]], quotes, memo, seen, stamp, net,
                )  # fmt: skip
            if traded:
                place = places[row]
                _add(net, stats[rule, place], watch[rule, place], daily[days[row]])


@njit(cache=True, nogil=True)
def _add(net: Any, stats: Any, watch: Any, daily: Any) -> None:
    for i in range(net.shape[0]):
        for j in range(net.shape[1]):
            value, held = net[i, j], stats[i, j]
            held[COUNT] += 1.0
            held[SUM] += value
            held[SQUARES] += value * value
            held[WORST] = min(held[WORST], value)
            held[PEAK] = max(held[PEAK], held[SUM])
            held[FALL] = max(held[FALL], held[PEAK] - held[SUM])
            held[LOWEST] = min(held[LOWEST], held[SUM])
            if watch[i, j] >= 0:
                daily[watch[i, j]] = value / 100.0


@njit(cache=True, nogil=True)
def _trade(
    market: Any, structure: Any, prices: Any, at: Any, low_k: int, start: int, first: int, rates: Any,
    tiers: Any, quotes: Any, memo: Any, seen: Any, stamp: int, net: Any,
) -> bool:  # fmt: skip
    """Fill ``net`` with the cents of one entry for every target and loss; False where it is not filled.

    ``at`` are the places of the legs' strikes, ``start`` that of the entry's bar in the day.
    """
    calls, signs, multiplier, units, how = (
        structure[1], structure[2], structure[4], structure[5], structure[6],
    )  # fmt: skip
    targets, losses = structure[7], structure[8]
    size = prices.shape[3]
    bid, ask = quotes[0, start:size], quotes[1, start:size]
    _path(prices, at, calls, signs, start, bid, ask)
    minute = market[3][first + start : first + size]
    closing, late = market[4][first + start : first + size], market[5][first + start : first + size]
    filled, price = enter1(bid, ask, minute, closing, how)
    if filled < 0:
        return False
    legs = np.empty(len(at))
    cost = _order(
        prices, at, calls, signs, start + filled, price, multiplier, units, True, rates, tiers, legs
    )
    paid = np.rint(price * multiplier * 100.0) * units + cost
    takes, stops = _levels(price, units, multiplier, cost, len(at), targets, losses)
    took, stopped = np.full(len(takes), NEVER), np.full(len(stops), NEVER)
    forced, timed = _passages(bid, closing, late, filled, takes, stops, took, stopped)
    for i in range(len(takes)):
        for j in range(len(stops)):
            # what nothing ends before the day does is left to expire
            bar = min(min(min(took[i], stopped[j]), min(forced, timed)), len(bid) - 1)
            urgent = bar == forced or bar == stopped[j]
            kind = 1 if urgent else 0
            if seen[kind, bar] != stamp:
                seen[kind, bar] = stamp
                out, got = leave1(bid, ask, minute, closing, bar, urgent, how)
                if out < 0:
                    spot = market[0][first + size - 1, 0]
                    worth = _settled(spot, at, low_k, calls, signs, structure[3], multiplier, units)
                else:
                    worth = np.rint(got * multiplier * 100.0) * units
                    worth -= _order(
                        prices, at, calls, signs, start + out, got, multiplier, units, False, rates, tiers,
                        legs,
                    )  # fmt: skip
                memo[kind, bar] = worth - paid
            net[i, j] = memo[kind, bar]
    return True


@njit(cache=True, nogil=True)
def _path(prices: Any, at: Any, calls: Any, signs: Any, start: int, bid: Any, ask: Any) -> None:
    """Fill a combo's bids and asks from its entry's bar on, as `feeds.surface.combo1`."""
    for i in range(len(bid)):
        low_sum, high_sum = 0.0, 0.0
        for leg in range(len(at)):
            right = 1 if calls[leg] else 0
            low, high = prices[right, at[leg], 0, start + i], prices[right, at[leg], 1, start + i]
            if signs[leg] > 0.0:
                low_sum += 0.0 if np.isnan(low) and not np.isnan(high) else low
                high_sum += high
            else:
                low_sum -= high
                high_sum -= low
        bid[i], ask[i] = low_sum, high_sum


@njit(cache=True, nogil=True)
def _order(
    prices: Any, at: Any, calls: Any, signs: Any, bar: int, price: float, multiplier: float, units: float,
    buy: bool, rates: Any, tiers: Any, legs: Any,
) -> float:  # fmt: skip
    """Return the cents of fees of a whole order filled at ``price``."""
    low, high = np.empty(len(at)), np.empty(len(at))
    sold = np.empty(len(at), np.bool_)
    for leg in range(len(at)):
        right = 1 if calls[leg] else 0
        low[leg], high[leg] = prices[right, at[leg], 0, bar], prices[right, at[leg], 1, bar]
        sold[leg] = (signs[leg] < 0.0) == buy
    leg_cents1(price, low, high, signs, multiplier, legs)
    for leg in range(len(at)):
        legs[leg] = legs[leg] / (100.0 * signs[leg] * multiplier)
    return order_fees1(legs, sold, units, rates, tiers)


@njit(cache=True, nogil=True)
def _levels(
    price: float, units: float, multiplier: float, cost: float, legs: int, targets: Any, losses: Any
) -> tuple[Any, Any]:
    """Return the prices at which a bot leaves, as `strategies.base.Bot.levels` has them."""
    entry = price * units / units
    fees, given = 0.0, 0.0
    for leg in range(legs):  # summed as they are booked, leg by leg
        upto = np.rint(cost * (units * (leg + 1.0)) / (units * legs))
        fees += (upto - given) / 100.0
        given = upto
    takes, stops = np.empty(len(targets)), np.empty(len(losses))
    for i in range(len(targets)):
        takes[i] = (1.0 - targets[i]) * entry
    for j in range(len(losses)):
        usd = losses[j] * units * units / units - 2.0 * fees
        stops[j] = entry - max(usd, 0.0) / (multiplier * units)
    return takes, stops


@njit(cache=True, nogil=True)
def _passages(
    bid: Any, closing: Any, late: Any, filled: int, takes: Any, stops: Any, took: Any, stopped: Any
) -> tuple[int, int]:
    """Fill the first bars at every take and stop; return those of the governor and of the time stop."""
    i, j = 0, 0
    for bar in range(filled, len(bid)):
        if closing[bar]:
            return bar, NEVER
        value = bid[bar]
        while j < len(stops) and value <= stops[j]:
            stopped[j] = bar
            j += 1
        while i < len(takes) and value >= takes[i]:
            took[i] = bar
            i += 1
        if late[bar]:
            return NEVER, bar
        if i == len(takes) or j == len(stops):
            break  # no combination is left open
    return NEVER, NEVER


@njit(cache=True, nogil=True)
def _settled(
    spot: float, at: Any, low_k: int, calls: Any, signs: Any, step: float, multiplier: float, units: float
) -> float:
    """Return the cents that expiring cash-settled options pay, as `engine.broker.settlement`."""
    total = 0.0
    for leg in range(len(at)):
        strike = step * (low_k + at[leg])
        worth = np.rint(max(spot - strike if calls[leg] else strike - spot, 0.0) * 100.0) / 100.0
        total += np.rint(worth * signs[leg] * units * multiplier * 100.0)
    return total
