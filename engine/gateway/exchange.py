"""The market at the present minute: quotes, greeks, prices and hours."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from engine.errors import DataError
from engine.gateway.listing import Listing
from engine.gateway.market import Market
from engine.options.chain import Chain
from engine.options.clock import SESSIONS_PER_YEAR
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Leg, Right
from engine.options.quotebook import Quote
from engine.sessions import NEW_YORK, OPEN_MINUTE, close_minute, utc

CALENDAR_DAYS = 365
DAYS_OF_VOLATILITY = 30
SHARES_QUOTED = 500
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Greeks:
    """An option's model values as the protocol has them: theta per day, vega per point of volatility."""

    iv: float
    delta: float
    gamma: float
    vega: float
    theta: float
    price: float
    spot: float


class Exchange:
    """Plays a market's minutes.

    ``bar`` is the last finished minute, -1 before the first one of the tape, where quotes
    are looked up in that first one. While ``open`` is False nothing trades and no quotes are
    shown: from the last minute of a session to the first of the next.
    """

    def __init__(self, market: Market, at: datetime) -> None:
        self.market = market
        self._chains: dict[tuple[str, date], Chain | None] = {}
        self.go(bisect_right(market.tape.stamp, int(at.timestamp() * 1e9)) - 1)

    def go(self, bar: int) -> None:
        """Move to a finished minute."""
        self.bar = bar
        self._shown = max(bar, 0)
        self.market.book.move(self._shown)
        self._chains.clear()

    def step(self) -> None:
        """Go to the next minute."""
        self.go(self.bar + 1)

    @property
    def open(self) -> bool:
        """Whether the market trades."""
        return self.bar >= 0 and not self.last_of_day

    @property
    def last_of_day(self) -> bool:
        """Whether the present minute is the last of its session."""
        return self.bar >= 0 and self.market.tape.last_bar_of_day(self.bar) == self.bar

    @property
    def day(self) -> date:
        """The session day of the present minute."""
        return self.market.tape.day(self._shown)

    def due(self) -> datetime | None:
        """Return the instant at which the next minute ends, None when the tape is over."""
        stamps = self.market.tape.stamp
        return utc(stamps[self.bar + 1]) if self.bar + 1 < len(stamps) else None

    # prices ----------------------------------------------------------------------------

    def quote(self, combo: Combo) -> Quote | None:
        """Return a combo's quote, None where it has none; of shares some hundreds are quoted."""
        if combo.symbol in self.market.stocks:
            return Quote(*self.sides(combo.legs[0].instrument), SHARES_QUOTED, 1.0)
        quote = self.market.book.quote(combo)
        if quote is None or combo.options:
            return quote
        return replace(quote, size=SHARES_QUOTED)

    def sides(self, instrument: Instrument) -> tuple[float, float]:
        """Return bid and ask of one instrument, NaN where there is none."""
        watched = self.market.stocks.get(instrument.symbol)
        if watched is not None:
            price = self.spot(instrument.symbol)
            half = watched.half_spread(price)
            return price - half, price + half
        combo = single(instrument)
        if self.quote(combo) is None:
            return _NAN, _NAN
        return self.market.book.legs(combo)[0]

    def mark(self, instrument: Instrument) -> float:
        """Return what one share of an instrument is worth, USD: its mid, else its intrinsic value."""
        bid, ask = self.sides(instrument)
        if math.isfinite(ask):
            return 0.5 * ((bid if math.isfinite(bid) else 0.0) + ask)
        spot = self.spot(instrument.symbol)
        if not isinstance(instrument, Contract):
            return spot
        gap = spot - instrument.strike if instrument.right is Right.CALL else instrument.strike - spot
        return max(gap, 0.0)

    def spot(self, symbol: str) -> float:
        """Return an underlying's last price, USD."""
        return self._close(symbol, self._shown)

    def last(self, listing: Listing) -> float:
        """Return the last price of a share or an index; of an option its mid."""
        if listing.instrument is None:
            return float(self.market.indices[listing.symbol][self._shown])
        if listing.contract is not None:
            return self.mark(listing.contract)
        return self.spot(listing.symbol)

    def previous_close(self, listing: Listing) -> float:
        """Return the close of the session before, NaN on the tape's first day and for options."""
        first = int(self.market.tape.grid.first[self._row])
        if first == 0 or listing.contract is not None:
            return _NAN
        if listing.instrument is None:
            return float(self.market.indices[listing.symbol][first - 1])
        return self._close(listing.symbol, first - 1)

    def _close(self, symbol: str, bar: int) -> float:
        watched = self.market.stocks.get(symbol)
        return self.market.tape.close(symbol, bar) if watched is None else float(watched.bars.close[bar])

    def session(self, symbol: str) -> tuple[float, float, float, float]:
        """Return open, high, low and volume of a symbol's session so far."""
        bars = self.market.bars(symbol)
        span = slice(int(self.market.tape.grid.first[self._row]), self._shown + 1)
        return (
            float(bars.open[span][0]),
            float(bars.high[span].max()),
            float(bars.low[span].min()),
            float(bars.volume[span].sum()),
        )

    def line(self, symbol: str, name: str) -> float:
        """Return a line of a symbol's bars at the present minute, NaN where there is none."""
        lines = self.market.bars(symbol).lines
        return float(lines[name][self._shown]) if name in lines else _NAN

    def total(self, symbol: str, name: str) -> float:
        """Return the sum of a line over the session so far, NaN where there is none."""
        return self._sum(symbol, name, int(self.market.tape.grid.first[self._row]), self._shown + 1)

    def total_before(self, symbol: str, name: str) -> float:
        """Return the sum of a line over the session before, NaN where there is none."""
        grid, row = self.market.tape.grid, self._row - 1
        return self._sum(symbol, name, int(grid.first[row]), int(grid.last[row]) + 1) if row >= 0 else _NAN

    def _sum(self, symbol: str, name: str, start: int, stop: int) -> float:
        lines = self.market.bars(symbol).lines
        return float(np.sum(lines[name][start:stop])) if name in lines else _NAN

    def realized(self, symbol: str) -> float:
        """Return the annualised standard deviation of the last 30 sessions' closes, NaN with fewer."""
        grid = self.market.tape.grid
        last = grid.last[max(self._row - DAYS_OF_VOLATILITY - 1, 0) : self._row]
        if len(last) <= DAYS_OF_VOLATILITY:
            return _NAN
        moves = np.diff(np.log(self.market.bars(symbol).close[last]))
        return float(np.std(moves) * math.sqrt(SESSIONS_PER_YEAR))

    @property
    def _row(self) -> int:
        return int(self.market.tape.grid.day[self._shown])

    # greeks ------------------------------------------------------------------------------

    def chain(self, symbol: str, expiry: date) -> Chain | None:
        """Return the chain of an expiry at the present minute, None where it is not quoted."""
        key = (symbol, expiry)
        if key not in self._chains:
            try:
                self._chains[key] = self.market.book.chain(symbol, expiry)
            except DataError:
                self._chains[key] = None
        return self._chains[key]

    def greeks(self, option: Contract) -> Greeks | None:
        """Return an option's model values, None where its strike is not in the chain."""
        chain = self.chain(option.symbol, option.expiry)
        if chain is None:
            return None
        rows = np.flatnonzero((chain.strike == option.strike) & (chain.call == (option.right is Right.CALL)))
        if not len(rows) or not math.isfinite(chain.iv[rows[0]]):
            return None
        row = rows[0]
        return Greeks(
            float(chain.iv[row]), float(chain.delta[row]), float(chain.gamma[row]),
            float(chain.vega[row]) / 100.0, float(chain.theta[row]) / CALENDAR_DAYS,
            float(chain.mid[row]), chain.spot,
        )  # fmt: skip


def single(instrument: Instrument) -> Combo:
    """Return one instrument as a combo of its own."""
    return Combo((Leg(instrument, 1),), "single")


def session_hours(day: date) -> tuple[datetime, datetime]:
    """Return the instants at which a session opens and closes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    return midnight + timedelta(minutes=OPEN_MINUTE), midnight + timedelta(minutes=close_minute(day))
