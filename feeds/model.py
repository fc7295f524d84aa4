"""Option quotes made by a model of the market, for bars that come without any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import nan

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.options.chain import Chain
from engine.options.choice import Choices, StrikeRule
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.options.combo import Combo
from engine.options.contract import Contract, Product, Right, Settlement, Style
from engine.options.expected_move import Convention
from engine.options.pricing import chain_greeks
from engine.options.quotebook import Quote
from engine.sessions import session_dates
from engine.tape import Tape
from feeds.looks import asks, choices, listed1, straddle_at
from feeds.remembered import Columns, Remembered
from feeds.smile import REFERENCE_PREMIUM
from feeds.surface import CALL, PUT, SHARE, Surface, first1, forward1, legs1, marks, quote1, rows

SIZE = 50  # units quoted on every side
HORIZON_DAYS = 70  # beyond the bars, so that monthly options of the last of them have a session
KEPT = 4096  # combos whose legs are kept ready
_MOVED = np.array([True, False, False, True])  # of a leg as a kernel takes it: strike and end
LISTED = {"daily": {0, 1, 2, 3, 4}, "mwf": {0, 2, 4}, "weekly": {4}}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """``premium``: implied over fair standard deviation, less 1; ``spread_scale``: factor on spreads."""

    premium: float = 0.08
    spread_scale: float = 1.0

    def __post_init__(self) -> None:
        if not -0.9 < self.premium <= 2.0:
            raise ConfigError(f"premium is {self.premium}, expected more than -0.9 and at most 2")
        if not 0.0 <= self.spread_scale < np.inf:
            raise ConfigError(f"spread_scale is {self.spread_scale}, expected 0 or more")


class ModelQuotes:
    """A quote book over bars: Black-76 on a smile, around a variance forecast from the past.

    Every answer on a bar is made of that bar and the ones before it. ``quote``, ``legs``,
    ``chain``, ``mark_path`` and ``first_exit`` share one kernel and agree exactly.

    Parameters
    ----------
    bars : mapping of symbol to Bars
        All on the same stamps.
    products : mapping of symbol to Product
    settings : ModelSettings, optional
    carry : float or ndarray
        Interest less dividends a year, of every underlying, one for all bars or one a bar. It
        moves the forward of later expiries; premiums are not discounted.
    surfaces : mapping of symbol to Surface, optional
        What an equal book has computed of the same bars.
    """

    def __init__(
        self,
        bars: Mapping[str, Bars],
        products: Mapping[str, Product],
        settings: ModelSettings | None = None,
        carry: float | NDArray[np.float64] = 0.0,
        surfaces: Mapping[str, Surface] | None = None,
    ) -> None:
        self.settings = settings or ModelSettings()
        self.tape = Tape(bars)
        self.products = {symbol: products[symbol] for symbol in bars}
        grid = self.tape.grid
        self._sessions = session_dates(grid.dates[0], grid.dates[-1] + timedelta(days=HORIZON_DAYS))
        self._number = {day: number for number, day in enumerate(self._sessions)}
        self._bars = dict(bars)
        self._surfaces = self._computed(carry) if surfaces is None else dict(surfaces)
        self._arrays = {
            symbol: (surface.table, surface.smile, surface.facts)
            for symbol, surface in self._surfaces.items()
        }
        self._asked: tuple[int, Combo | None, Quote | None] = (-1, None, None)
        self._kept: dict[int, tuple[Combo, NDArray[np.float64] | None]] = {}
        self._remembered = Remembered()
        self.bar = 0

    def _computed(self, carry: float | NDArray[np.float64]) -> dict[str, Surface]:
        grid, chosen = self.tape.grid, self.settings
        per_day = np.array([self._number[day] for day in grid.dates], np.int64)
        session = np.ascontiguousarray(per_day[grid.day])
        return {
            symbol: Surface.of(
                held, self.products[symbol], chosen.premium, chosen.spread_scale, session, carry
            )
            for symbol, held in self._bars.items()
        }

    @property
    def bars(self) -> dict[str, Bars]:
        """The bars quoted over, as they were given."""
        return dict(self._bars)

    @property
    def surfaces(self) -> Mapping[str, Surface]:
        """The surface of every symbol."""
        return self._surfaces

    def with_lines(self) -> dict[str, Bars]:
        """Return the bars with the lines ``atm_iv`` and ``skew``, and ``vix`` where it was missing."""
        made = {}
        for symbol, bars in self._bars.items():
            surface = self._surfaces[symbol]
            lines = dict(bars.lines) | {
                "atm_iv": surface.atm_iv,
                "skew": surface.skew,
                "vix": surface.vix,
            }
            notes, unknown = bars.notes, int(np.isnan(bars.lines.get("vix", np.full(len(bars), nan))).sum())
            if unknown:
                some = f" on {unknown} of {len(bars)} bars" if unknown < len(bars) else ""
                stand_in = (
                    f"VIX is missing{some}: a stand-in made of past realised volatility takes its place."
                )
                notes = (*notes, stand_in)
            made[symbol] = replace(bars, lines=lines, notes=notes)
        return made

    def arrays(self, symbol: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return table, smile and facts of a surface, as the kernels of `feeds.surface` take them."""
        return self._arrays[symbol]

    def years(self, symbol: str) -> NDArray[np.float64]:
        """Return what is left of the session at every bar, in years on the variance clock."""
        return self._surfaces[symbol].years

    def ahead(self, bar: int, expiry: date) -> float:
        """Return the years on the clock from the close of a bar's session to that of an expiry."""
        return (self._number[expiry] - self._number[self.tape.day(bar)]) / SESSIONS_PER_YEAR

    # the instant ---------------------------------------------------------------------

    def move(self, bar: int) -> None:
        """Go to a bar."""
        self.bar = bar

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the expiry ``days`` sessions ahead of today, None where none is listed that day."""
        return self._expiry(symbol, self.tape.day(self.bar), days)

    def _expiry(self, symbol: str, today: date, days: int) -> date | None:
        row = self._number[today] + days
        if row >= len(self._sessions):
            return None
        day = self._sessions[row]
        weekdays = LISTED[self.products[symbol].expiries]
        if day.weekday() in weekdays:
            return day
        # a Friday without trading hands its expiry to the session before
        after = self._sessions[row + 1] if row + 1 < len(self._sessions) else None
        moved = day.weekday() == 3 and after is not None and (after - day).days > 3
        return day if moved and 4 in weekdays else None

    def spot(self, symbol: str) -> float:
        """Return the underlying's last price, USD."""
        return self.tape.close(symbol, self.bar)

    def chain(self, symbol: str, expiry: date) -> Chain:
        """Return the quotes of one expiry around the money.

        Raises
        ------
        DataError
            The expiry lies before the current day, or is no trading day.
        """
        bar, product, surface = self.bar, self.products[symbol], self._surfaces[symbol]
        number = self._ends(product, expiry)
        row = surface.table[bar]
        ahead = -1.0 if number is None else number - float(row[5])
        if ahead < 0.0 or number is None:
            raise DataError(f"{symbol} expiry {expiry}: expected a trading day from {self.tape.day(bar)} on")
        spot, step = float(row[0]), product.strike_step
        first, last = listed1(bar, ahead, step, surface.table)
        strikes = step * np.arange(first, last + 1)
        out = np.empty((2 * len(strikes), 4))
        rows(bar, strikes, number, *self._arrays[symbol], out)
        years = float(surface.years[bar]) + ahead / SESSIONS_PER_YEAR
        strike = np.concatenate([strikes, strikes])
        call = np.arange(len(strike)) < len(strikes)
        forward = forward1(bar, ahead, surface.table)
        g = chain_greeks(forward, strike, np.ascontiguousarray(out[:, 2]), call, years)
        with np.errstate(divide="ignore", invalid="ignore"):
            iv = out[:, 2] / np.sqrt(years)
        return Chain(
            symbol, product.trading_class, expiry, self.tape.at(bar), spot, forward, years, strike, call,
            out[:, 0], out[:, 1], iv, out[:, 3], g.gamma, g.vega, g.theta,
        )  # fmt: skip

    def sides(self, symbol: str, expiry: date, strikes: NDArray[np.float64], bar: int) -> NDArray[np.float64]:
        """Return bid and ask, USD per share, of calls, then puts, of given strikes; shape (2 n, 2).

        Raises
        ------
        DataError
            The expiry lies before the bar's day, or is no trading day.
        """
        number = self._ends(self.products[symbol], expiry)
        if number is None or number < self._number[self.tape.day(bar)]:
            raise DataError(f"{symbol} expiry {expiry}: expected a trading day from {self.tape.day(bar)} on")
        out = np.empty((2 * len(strikes), 4))
        rows(bar, strikes, number, *self._arrays[symbol], out)
        return out[:, :2]

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's quote, None after the expiry of a leg."""
        bar, asked, quote = self._asked  # bot and broker ask for the same one on a bar
        if bar != self.bar or asked is not combo:
            quote = self._quote(combo)
            self._asked = self.bar, combo, quote
        return quote

    def _quote(self, combo: Combo) -> Quote | None:
        legs = self._legs(combo)
        if legs is None:
            return None
        bid, ask, delta = quote1(self.bar, legs, *self._arrays[combo.symbol])
        return None if bid != bid else Quote(bid, ask, SIZE, delta)

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        """Return bid and ask of every leg, USD per share; bid NaN when there is none."""
        legs = self._legs(combo)
        if legs is None:
            return tuple((nan, nan) for _ in combo.legs)
        sides = np.empty((len(legs), 2))
        legs1(self.bar, legs, *self._arrays[combo.symbol], sides)
        return tuple((bid, ask) for bid, ask in sides.tolist())

    def source(self, combo: Combo) -> str:
        """Return the name of the source that quotes a combo: always this model."""
        return "model"

    # the path, for the loop and for reports --------------------------------------------

    def mark_path(
        self, combo: Combo, start: int, stop: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bid, ask and mid of a combo over the bars ``[start, stop)``, USD per share."""
        bid, ask = self.sides_path(combo, start, stop)
        return bid, ask, 0.5 * (bid + ask)

    def sides_path(
        self, combo: Combo, start: int, stop: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return bid and ask of a combo over the bars ``[start, stop)``, USD per share."""
        legs = self._legs(combo)
        if legs is None:
            nothing = np.full(stop - start, np.nan)
            return nothing, nothing
        bid, ask = marks(start, stop, legs, *self._arrays[combo.symbol])
        return bid, ask

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int:
        """Return the first bar of ``[start, stop)`` with bid >= take or bid <= stop_level, else ``stop``."""
        legs = self._legs(combo)
        if legs is None:
            return stop
        return int(first1(start, stop, legs, take, stop_level, *self._arrays[combo.symbol]))

    def choices(self, symbol: str, days: int, bars: NDArray[np.int64], rule: StrikeRule) -> Choices | None:
        """Return what a rule takes off the chain of every bar, as `Chain.choose` does.

        None for a rule this book cannot answer for many bars at once: expected moves of one
        standard deviation are read off whole chains.

        Parameters
        ----------
        symbol : str
        days : int
            Sessions from a bar's to the expiry, 0 its own.
        bars : ndarray of int, shape (n,)
        rule : StrikeRule
        """
        if rule.convention is Convention.SIGMA:
            return None
        product = self.products[symbol]
        day, place = np.unique(self.tape.grid.day[bars], return_inverse=True)
        expiries = [self._expiry(symbol, self.tape.dates[number], days) for number in day.tolist()]
        ends = [None if expiry is None else self._ends(product, expiry) for expiry in expiries]
        end = np.array([np.nan if number is None else number for number in ends])[place]
        expiry = np.array([np.datetime64(expiry or "NaT", "D") for expiry in expiries])[place]
        share = rule.ratio if rule.convention is Convention.RATIO else 1.0
        step, arrays = product.strike_step, self._arrays[symbol]

        def chosen(some: NDArray[np.int64]) -> Columns:
            n = len(some)
            code, move = np.empty(n, np.int8), np.empty(n)
            strikes, deltas = np.empty((n, 4)), np.empty((n, 2))
            choices(
                some, end[np.searchsorted(bars, some)], step, rule.numbers(),
                share if rule.by_move else np.nan, *arrays, code, strikes, deltas, move,
            )  # fmt: skip
            return code, strikes, deltas, move

        def moved(bar: int, day: date) -> float:
            last = self._ends(product, day)
            return nan if last is None else share * float(straddle_at(bar, last, step, *arrays))

        maker = symbol, days, rule
        code, strikes, deltas, move = self._remembered(maker, bars, chosen)
        return Choices(bars, code, strikes, deltas, move, expiry, None if rule.by_move else moved, maker)

    def asks(self, combo: Combo, found: Choices) -> NDArray[np.float64] | None:
        """Return what a combo costs on every bar, USD per share, its strikes moved to the choices'.

        ``combo`` must be made of the first of the choices, see `Choices.columns`; else None.
        """
        legs, columns = self._legs(combo), found.columns(combo)
        if legs is None or columns is None:
            return None
        chosen = np.array(columns) >= 0

        def asked(some: NDArray[np.int64]) -> tuple[NDArray[np.float64]]:
            rows = np.searchsorted(found.bars, some)
            tables = np.repeat(legs[np.newaxis], len(rows), axis=0)
            ends = self._session_numbers(combo.product, found.expiry[rows])
            for row, column in enumerate(columns):
                if column >= 0:
                    tables[:, row, 0], tables[:, row, 3] = found.strikes[rows, column], ends
            return (np.asarray(asks(some, tables, *self._arrays[combo.symbol])),)

        if found.maker is None:
            return asked(found.bars)[0]
        # what the choices move is theirs, the rest is the combo's
        fixed = np.where(chosen[:, np.newaxis] & _MOVED, 0.0, legs)
        (cost,) = self._remembered((found.maker, columns, fixed.tobytes()), found.bars, asked)
        return np.asarray(cost, np.float64)

    def _session_numbers(self, product: Product, expiry: NDArray[np.datetime64]) -> NDArray[np.float64]:
        day, place = np.unique(expiry, return_inverse=True)
        ends = [self._ends(product, one) for one in day.tolist()]
        return np.array([np.nan if end is None else float(end) for end in ends])[place]

    def _ends(self, product: Product, expiry: date) -> float | None:
        """Return the number of the session an expiry ends with, its night only where it ends on the open."""
        number = self._number.get(expiry)
        if number is None or product.settlement is not Settlement.CASH_AM:
            return number
        return number - 1.0 + VarianceClock().overnight_share

    def _legs(self, combo: Combo) -> NDArray[np.float64] | None:
        # by identity: hashing a combo costs more than pricing it
        kept = self._kept.get(id(combo))
        if kept is not None and kept[0] is combo:
            return kept[1]
        if len(self._kept) >= KEPT:
            self._kept.clear()
        table = self._table(combo)
        self._kept[id(combo)] = (combo, table)
        return table

    def _table(self, combo: Combo) -> NDArray[np.float64] | None:
        if combo.symbol not in self._arrays:
            return None
        table = []
        for leg in combo.legs:
            held, weight = leg.instrument, leg.ratio * leg.instrument.multiplier / combo.multiplier
            if not isinstance(held, Contract):
                table.append((0.0, SHARE, weight, 0.0))
                continue
            number = self._ends(held.product, held.expiry)
            if number is None:
                return None
            table.append((held.strike, CALL if held.right is Right.CALL else PUT, weight, number))
        return np.array(table, np.float64)

    def assumptions(self) -> list[str]:
        """Return the sentences about quotes that every report prints."""
        premium, scale = self.settings.premium, self.settings.spread_scale
        share = min(max(premium / REFERENCE_PREMIUM, 0.0), 1.25)
        told = [
            f"Option quotes are a model's, not recorded: implied over fair volatility is {1.0 + premium:.2f} "
            f"(premium {premium:+.0%}; measured on the market 1.05 to 1.14). The premium is an assumption, "
            "and with it the profit; premium 0 takes it away.",
            "Fair volatility is a forecast from past bars only (VIX, past days, the session so far), "
            "corrected by its own past errors; on simulated sessions it pays for itself.",
            f"Smile: {share:.0%} of the way from the fair one to the market's, medians of 0DTE quotes "
            "2016-26 in normalised strike (one day's chain for later expiries). Interest and dividends to "
            "expiry are left out.",
            f"Spreads: medians of the same quotes, times {scale:g}, up to four times wider while the last "
            "minutes were more volatile than expected, and wider for single stocks; bids round down to the "
            f"tick and asks up, under one tick there is no bid. Every side quotes {SIZE} units. Shares: a "
            "cent, or 0.6 basis points for single stocks. Expiries are listed as today.",
        ]
        if premium > 0.0:
            told.append(
                "On SPY's real sessions 2013-26 quotes of this model at premium 8% would have left a seller "
                "at mid 8% of an at-the-money straddle's price and 36% of that of a strangle 1.5 standard "
                "deviations out; the best study of recorded 0DTE quotes finds about nothing. Read profits as "
                "optimistic."
            )
        if any(product.style is Style.AMERICAN for product in self.products.values()):
            told.append(
                "American options are priced without early exercise, never below intrinsic value: within a "
                "day, at no interest and away from dividends, exercise before expiry is worth nothing."
            )
        return told
