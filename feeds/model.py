"""Option quotes made by a model of the market, for bars that come without any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.options.chain import Chain
from engine.options.clock import SESSIONS_PER_YEAR
from engine.options.combo import Combo
from engine.options.contract import Contract, Product, Right
from engine.options.pricing import greeks
from engine.options.quotebook import Quote
from engine.sessions import session_dates
from engine.tape import Tape
from feeds.forecast import SESSION_OF_VIX
from feeds.surface import Surface, combo1, first1, marks, option1, rows

SIZE = 50  # units quoted on every side
REACH_SD, REACH_SHARE = 6.0, 0.08
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
    """

    name = "model"

    def __init__(
        self,
        bars: Mapping[str, Bars],
        products: Mapping[str, Product],
        settings: ModelSettings | None = None,
    ) -> None:
        self.settings = settings or ModelSettings()
        self.tape = Tape(bars)
        self.products = {symbol: products[symbol] for symbol in bars}
        grid = self.tape.grid
        self._sessions = session_dates(grid.dates[0], grid.dates[-1] + timedelta(days=20))
        self._number = {day: number for number, day in enumerate(self._sessions)}
        per_day = np.array([self._number[day] for day in grid.dates], np.int64)
        session = np.ascontiguousarray(per_day[grid.day])
        self._surfaces = {
            symbol: Surface.of(
                held, self.products[symbol], self.settings.premium, self.settings.spread_scale, session
            )
            for symbol, held in bars.items()
        }
        self._arrays = {symbol: surface.arrays() for symbol, surface in self._surfaces.items()}
        self._kept: dict[Combo, NDArray[np.float64] | None] = {}
        self._bars = dict(bars)
        self.bar = 0

    def with_lines(self) -> dict[str, Bars]:
        """Return the bars with the lines ``atm_iv`` and ``skew``, and ``vix`` where it was missing."""
        made = {}
        for symbol, bars in self._bars.items():
            surface = self._surfaces[symbol]
            lines = dict(bars.lines) | {
                "atm_iv": surface.atm_iv,
                "skew": np.full(len(bars), surface.skew),
                "vix": surface.vix,
            }
            notes = bars.notes
            if "vix" not in bars.lines or np.isnan(bars.lines["vix"]).any():
                notes = (
                    *notes,
                    "VIX is missing: a stand-in made of past realised volatility takes its place.",
                )
            made[symbol] = replace(bars, lines=lines, notes=notes)
        return made

    # the instant ---------------------------------------------------------------------

    def move(self, bar: int) -> None:
        """Go to a bar."""
        self.bar = bar

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the expiry ``days`` sessions ahead of today, None where none is listed that day."""
        row = self._number[self.tape.day(self.bar)] + days
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
        number = self._number.get(expiry)
        ahead = -1 if number is None else number - int(surface.session[bar])
        if ahead < 0 or number is None:
            raise DataError(f"{symbol} expiry {expiry}: expected a trading day from {self.tape.day(bar)} on")
        spot, step = float(surface.spot[bar]), product.strike_step
        sd = float(np.sqrt(surface.variance[bar] + ahead * surface.day[bar]))
        reach = min(REACH_SHARE, max(REACH_SD * sd, 5 * step / spot)) if sd == sd else REACH_SHARE
        strikes = step * np.arange(
            np.ceil(spot * (1 - reach) / step), np.floor(spot * (1 + reach) / step) + 1
        )
        out = np.empty((2 * len(strikes), 4))
        rows(bar, strikes, number, self._arrays[symbol], out)
        years = float(surface.years[bar]) + ahead / SESSIONS_PER_YEAR
        strike = np.concatenate([strikes, strikes])
        call = np.arange(len(strike)) < len(strikes)
        g = greeks(spot, strike, out[:, 2], call, years)
        with np.errstate(divide="ignore", invalid="ignore"):
            iv = out[:, 2] / np.sqrt(years)
        return Chain(
            symbol, product.trading_class, expiry, self.tape.at(bar), spot, spot, years, strike, call,
            out[:, 0], out[:, 1], iv, g.delta, g.gamma, g.vega, g.theta,
        )  # fmt: skip

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's quote, None after the expiry of a leg."""
        legs = self._legs(combo)
        if legs is None:
            return None
        arrays = self._arrays[combo.symbol]
        bid, ask = combo1(self.bar, legs, arrays)
        if np.isnan(bid):
            return None
        return Quote(bid, ask, SIZE, self._delta(legs, arrays))

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        """Return bid and ask of every leg, USD per share; bid NaN when there is none."""
        legs = self._legs(combo)
        if legs is None:
            return tuple((np.nan, np.nan) for _ in combo.legs)
        arrays, found = self._arrays[combo.symbol], []
        for row in legs:
            alone = np.array([[row[0], row[1], 1.0, row[3]]])
            if row[1] == 2.0:
                found.append(combo1(self.bar, alone, arrays))
            else:
                bid, ask, _, _ = option1(self.bar, row[0], row[1] == 1.0, int(row[3]), arrays)
                found.append((bid, ask))
        return tuple(found)

    def _delta(self, legs: NDArray[np.float64], arrays: tuple[object, ...]) -> float:
        total = 0.0
        for strike, kind, weight, expiry in legs.tolist():
            one = 1.0 if kind == 2.0 else option1(self.bar, strike, kind == 1.0, int(expiry), arrays)[3]
            total += weight * one
        return total

    # the path, for the loop and for reports --------------------------------------------

    def mark_path(
        self, combo: Combo, start: int, stop: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return bid, ask and mid of a combo over the bars ``[start, stop)``, USD per share."""
        legs = self._legs(combo)
        if legs is None:
            nothing = np.full(stop - start, np.nan)
            return nothing, nothing, nothing
        bid, ask = marks(start, stop, legs, self._arrays[combo.symbol])
        return bid, ask, 0.5 * (bid + ask)

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int:
        """Return the first bar of ``[start, stop)`` with bid >= take or bid <= stop_level, else ``stop``."""
        legs = self._legs(combo)
        if legs is None:
            return stop
        return int(first1(start, stop, legs, take, stop_level, self._arrays[combo.symbol]))

    def _legs(self, combo: Combo) -> NDArray[np.float64] | None:
        try:
            return self._kept[combo]
        except KeyError:
            pass
        table: NDArray[np.float64] | None = np.zeros((len(combo.legs), 4))
        for row, leg in zip(table, combo.legs, strict=True):  # type: ignore[arg-type]
            weight = leg.ratio * leg.instrument.multiplier / combo.multiplier
            if isinstance(leg.instrument, Contract):
                number = self._number.get(leg.instrument.expiry)
                if number is None:
                    table = None
                    break
                row[:] = leg.instrument.strike, leg.instrument.right is Right.CALL, weight, number
            else:
                row[:] = 0.0, 2.0, weight, 0.0
        self._kept[combo] = table
        return table

    def assumptions(self) -> list[str]:
        """Return the sentences about quotes that every report prints."""
        premium, scale = self.settings.premium, self.settings.spread_scale
        told = [
            f"Option quotes are a model's, not recorded: implied over fair volatility is {1.0 + premium:.2f} "
            f"(premium {premium:+.0%}; measured on the market 1.05 to 1.14). The premium is an assumption, "
            "and with it the profit; --premium 0 takes it away.",
            "Fair volatility is a forecast from past bars (VIX times "
            f"{SESSION_OF_VIX:g}, past days, the session so far), corrected by its own past errors.",
            "Smile: medians of 0DTE quotes 2016-26 in normalised strike; later expiries 60 % of it. Interest "
            "and dividends within the day are left out.",
            f"Spreads: medians of the same quotes, times {scale:g}, wider while the last minutes were more "
            "volatile than expected; bids round down to the tick and asks up, and under one tick there is no "
            f"bid. Every side quotes {SIZE} units. Expiries are listed as today.",
        ]
        if any(product.style == "american" for product in self.products.values()):
            told.append(
                "American options are priced without early exercise: within a day, at no interest and away "
                "from dividends, it is worth nothing."
            )
        return told
