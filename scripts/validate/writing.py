"""One monthly index option after another, sold through the project's own broker.

What Cboe's put-write and buy-write indices do, as far as minutes and model quotes allow: on
the third Friday the old option settles on the opening, at 11:00 the strike is chosen, at
12:30 (the middle of the hours whose average price the index takes) the new one is sold at mid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analyzers.benchmarks import expiry_of, next_expiry
from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.broker.option_broker import OptionBroker
from engine.errors import DataError
from engine.execution.settings import ExecutionSettings
from engine.intent import Intent, Order, Urgency
from engine.journal.journal import Journal
from engine.journal.records import Fill, OrderEvent
from engine.options.combo import Combo, short_put
from engine.options.contract import Contract, Leg, Product, Right, Settlement
from engine.reasons import Reason
from engine.tape import Tape
from feeds.model import ModelQuotes, ModelSettings

Floats = NDArray[np.float64]
CHOSEN, SENT = (
    11 * 60,
    12 * 60 + 29,
)  # minutes of the day: strike chosen, order sent (it fills a minute later)
PATIENCE = 30  # minutes for the sale, which fills a minute later unless the market runs away
OPENED = 5  # minutes until all of an index's members have opened: what an AM series settles on
CASH = 1e8  # USD: one option at a time must never lack margin


@dataclass(frozen=True, slots=True)
class Roll:
    """One option from its sale to its settlement, USD per share.

    ``day`` and ``ends`` are rows of the sessions; ``spot`` is the index at the sale, ``opening``
    what the option before settled on, on the morning of ``day`` (NaN for the first), ``opened``
    what this one settled on (NaN where the bars end before). ``worth`` is what the option would
    cost at the closes ``day .. ends - 1``, ``settled`` what it paid its owner; both hold the
    fees of the sale.
    """

    day: int
    ends: int
    strike: float
    spot: float
    premium: float
    worth: Floats
    settled: float
    opening: float
    opened: float


def monthly(product: Product) -> Product:
    """Return the same index's monthly series, which settle on the opening."""
    return replace(product, settlement=Settlement.CASH_AM, trading_class=product.symbol)


def opened(bars: Bars) -> Bars:
    """Return the bars with every day's open where the index stands once its members trade.

    The published open of an index repeats closes of the day before for members that have not
    traded; a special opening quotation is of traded prices.
    """
    grid = bars.grid
    prices = bars.open.copy()
    prices[grid.first] = bars.close[np.minimum(grid.first + OPENED - 1, grid.last)]
    return replace(bars, open=prices)


class _Seller:
    """Send one order after another and remember what was paid."""

    def __init__(self) -> None:
        self.price = np.nan

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        if fills and fills[0].opening:
            self.price = -fills[0].combo_price


class _Clock:
    """What the broker reads the number of the bar from."""

    def __init__(self) -> None:
        self.bar = 0

    def __len__(self) -> int:
        return self.bar + 1


def write(
    bars: Bars, product: Product, call: bool, start: date, fees: Path, carry: Floats, premium: float = 0.08
) -> list[Roll]:
    """Sell one month's at-the-money option after another; return the rolls.

    Parameters
    ----------
    bars : Bars
        Minutes of the index, from some time before ``start``.
    product : Product
        Its options; the monthly series of `monthly` are traded.
    call : bool
        Sell the call at or above the money, else the put at or below.
    start : date
        The first sale is on the first third Friday from here.
    fees : Path
        The fee table.
    carry : ndarray
        Interest less dividends a year, a value a bar.
    premium : float
        Of implied over fair volatility.

    Raises
    ------
    DataError
        No third Friday among the bars from ``start`` on, or an option that could not be sold.
    """
    series = monthly(product)
    tape = Tape({product.symbol: opened(bars)})
    settings = ExecutionSettings(entry_fraction_start=0.0, fill_fraction=0.0)
    journal, clock, seller = Journal(), _Clock(), _Seller()
    book = ModelQuotes({product.symbol: bars}, {product.symbol: series}, ModelSettings(premium), carry)
    broker = OptionBroker(book, tape, FeeSchedule.load(fees), journal, settings, CASH)
    broker.attach(clock)
    grid = tape.grid

    def go(bar: int) -> None:
        clock.bar = bar
        broker.next()

    rolls: list[Roll] = []
    row = _row_of(tape.dates, start)
    opening = np.nan
    while row < len(tape.dates):
        first = int(grid.first[row])
        expiry = next_expiry(tape.dates[row])
        spot = float(bars.close[first + CHOSEN - 571])
        sold = _combo(series, expiry, spot, call)
        before, sent = broker.equity, first + SENT - 571
        go(sent)
        broker.submit(_order(sold, len(rolls), tape.at(sent)), seller)
        seller.price = np.nan
        filled = _filled(go, seller, sent)
        if filled is None:
            raise DataError(f"{tape.dates[row]}: {sold.options[0][0]} could not be sold at mid")
        ends = int(np.searchsorted(np.array(tape.dates), expiry))
        worth = []
        for day in range(row, min(ends, len(tape.dates))):
            go(int(grid.last[day]))
            worth.append(seller.price - (broker.equity - before) / series.multiplier)
        if ends >= len(tape.dates):
            settled, after = np.nan, np.nan
        else:
            go(int(grid.first[ends]))
            settled = seller.price - (broker.equity - before) / series.multiplier
            after = float(tape.bars[product.symbol].open[grid.first[ends]])
        at_sale = float(bars.close[filled])
        strike = sold.options[0][0].strike
        rolls.append(Roll(row, ends, strike, at_sale, seller.price, np.array(worth), settled, opening, after))
        row, opening = ends, after
    return rolls


def _filled(go: Callable[[int], None], seller: _Seller, sent: int) -> int | None:
    """Play the market until the sale is filled; return the bar, None when patience ends before."""
    for bar in range(sent + 1, sent + PATIENCE):
        go(bar)
        if seller.price > 0.0:
            return bar
    return None


def _row_of(dates: list[date], start: date) -> int:
    day = start
    while day <= dates[-1]:
        if day == expiry_of(day.year, day.month) and day in dates:
            return dates.index(day)
        day += timedelta(days=1)
    raise DataError(f"no monthly expiry among the bars from {start} to {dates[-1]}")


def _combo(series: Product, expiry: date, spot: float, call: bool) -> Combo:
    step = series.strike_step
    if not call:
        return short_put(series, expiry, float(np.floor(spot / step) * step))
    sold = Contract(series, expiry, float(np.ceil(spot / step) * step), Right.CALL)
    return Combo((Leg(sold, -1),), "short_call")


def _order(combo: Combo, number: int, at: datetime) -> Order:
    ref = f"writing/{number}"
    intent = Intent(ref, number, "writing", combo.symbol, combo, 1, True, Reason.ENTERED, at)
    return Order(f"{ref}/1", intent, combo, 1, True, Urgency.URGENT, at)
