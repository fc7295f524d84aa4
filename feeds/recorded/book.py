"""Option quotes as they were recorded, with the model's in their place only when told to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.options.chain import Chain
from engine.options.combo import Combo
from engine.options.contract import Contract, Leg, Product, Right, Settlement, Stock
from engine.options.pricing import delta1, implied1
from engine.options.quotebook import Quote
from engine.options.quoted import make_chain
from engine.sessions import sessions_ahead
from feeds.model import ModelQuotes
from feeds.recorded.day import Sheet
from feeds.recorded.flow import day_flow, is_running
from feeds.recorded.lines import Lines
from feeds.store.store import QuoteStore

Floats = NDArray[np.float64]

APART = 0.03  # of the bars' price: more than interest and dividends of the nearest expiry
KEPT_SHEETS = 12
KEPT_PATHS = 256
PLENTY = 1_000_000  # units, where the recording tells no size


@dataclass(frozen=True, slots=True)
class Path:
    """Bid, ask (USD per share of one unit) and size of a combo on every bar of one day."""

    combo: Combo
    bid: Floats
    ask: Floats
    size: NDArray[np.int64]


class RecordedQuotes:
    """A quote book over a store of recorded quotes.

    A combo is quoted on a day from one source only: from the recording when the store holds
    every expiry of its legs that day, else from the model when mixing was asked for, else
    not at all. Shares have no recorded quotes; theirs are the bars' closes with the model's
    spread.

    Parameters
    ----------
    store : QuoteStore
    bars : mapping of symbol to Bars
        All on the same stamps.
    products : mapping of symbol to Product
    model : ModelQuotes
        Over the same bars: its clock and share spreads, and with ``mix`` its option quotes.
    max_age : int
        Nanoseconds after which a quote is not believed any more.
    mix : bool
        Take the model where the recording has nothing.
    flow : bool
        Read volumes and open interest too, for the lines of the bars.

    Raises
    ------
    ConfigError
        The store holds none of a symbol's days and ``mix`` is off.
    """

    def __init__(
        self,
        store: QuoteStore,
        bars: Mapping[str, Bars],
        products: Mapping[str, Product],
        model: ModelQuotes,
        max_age: int,
        mix: bool,
        flow: bool = False,
    ) -> None:
        self.store, self.model, self.mix, self.max_age = store, model, mix, max_age
        self.flow = flow
        self.tape = model.tape
        self.products = {symbol: products[symbol] for symbol in bars}
        self._bars = dict(bars)
        dates = self.tape.grid.dates
        self._held = {symbol: sorted(set(store.days(symbol)) & set(dates)) for symbol in bars}
        for symbol, days in self._held.items():
            if not days and not mix:
                raise ConfigError(
                    f"quotes {store.path}: holds no {symbol} quotes from {dates[0]} to {dates[-1]}, expected "
                    f"some; it holds {', '.join(store.symbols()) or 'nothing'} "
                    "(--mix takes the model's instead)"
                )
        self._days = {symbol: frozenset(days) for symbol, days in self._held.items()}
        self._sheets: OrderedDict[tuple[str, int, date], Sheet | None] = OrderedDict()
        self._paths: OrderedDict[tuple[int, int], Path] = OrderedDict()
        self.bar = 0

    def check(self) -> RecordedQuotes:
        """Return the book itself where its bars stand at the level of their day's quotes.

        Raises
        ------
        DataError
            They do not on some day: prices are adjusted, or of another underlying.
        """
        grid = self.tape.grid
        for symbol, bars in self._bars.items():
            held, years = Lines(self.store, symbol, self._am(symbol), self.max_age), self.model.years(symbol)
            for row, day in enumerate(grid.dates):
                if day not in self._days[symbol]:
                    continue
                span = slice(int(grid.first[row]), int(grid.last[row]) + 1)
                forward, close = held.of(day, self.tape.stamp[span], years[span])[2], bars.close[span]
                known = np.flatnonzero(np.isfinite(forward))
                if len(known) and abs(float(np.median(forward[known] / close[known])) - 1.0) > APART:
                    raise DataError(
                        f"quotes {self.store.path}: on {day} they tell {symbol} at {forward[known[0]]:.10g} "
                        f"where the bars have {close[known[0]]:.10g}; expected bars of {symbol} as it was "
                        "quoted, not adjusted"
                    )
        return self

    def with_lines(self) -> dict[str, Bars]:
        """Return the bars with the lines ``atm_iv`` and ``skew`` as recorded, NaN where nothing tells.

        With ``mix`` the model's stand where the recording has no day. ``vix`` as the model's.
        """
        made = {}
        for symbol, bars in self.model.with_lines().items():
            held = Lines(self.store, symbol, self._am(symbol), self.max_age)
            iv = bars.lines["atm_iv"].copy() if self.mix else np.full(len(bars), nan)
            skew = bars.lines["skew"].copy() if self.mix else np.full(len(bars), nan)
            traded = np.full((3, len(bars)), nan)
            running = self.flow and is_running(self.store, symbol)
            grid, years = self.tape.grid, self.model.years(symbol)
            for row, day in enumerate(grid.dates):
                if day not in self._days[symbol]:
                    continue
                span = slice(int(grid.first[row]), int(grid.last[row]) + 1)
                stamps = self.tape.stamp[span]
                iv[span], skew[span], _ = held.of(day, stamps, years[span])
                if self.flow:
                    traded[:, span] = day_flow(self.store, symbol, day, stamps, running)
            held_days, sessions = len(self._held[symbol]), len(grid.dates)
            note = f"{symbol} option quotes are recorded on {held_days} of {sessions} sessions."
            lines = dict(bars.lines) | {"atm_iv": iv, "skew": skew}
            if self.flow:
                lines |= dict(zip(("put_volume", "call_volume", "open_interest"), traded, strict=True))
            made[symbol] = replace(bars, lines=lines, notes=(*bars.notes, note))
        return made

    # the instant ---------------------------------------------------------------------

    def move(self, bar: int) -> None:
        """Go to a bar."""
        self.bar = bar
        self.model.move(bar)

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the expiry ``days`` sessions ahead of today, None where none is quoted today."""
        expiry = sessions_ahead(self.tape.day(self.bar), days)
        if self._sheet(symbol, self._row(self.bar), expiry) is not None:
            return expiry
        return self.model.expiry(symbol, days) if self.mix else None

    def listed(self, symbol: str) -> dict[date, Floats]:
        """Return by expiry the strikes recorded today, or tomorrow once today is over, quoted now or not."""
        row, grid = self._row(self.bar), self.tape.grid
        if self.bar == int(grid.last[row]) and row + 1 < len(grid.dates):
            row += 1
        day, found = grid.dates[row], {}
        for expiry in self.store.expiries(symbol, day) if day in self._days[symbol] else ():
            sheet = self._sheet(symbol, row, expiry)
            if sheet is not None:
                found[expiry] = np.union1d(*(sheet.sides[right].strike for right in Right))
        return found

    def spot(self, symbol: str) -> float:
        """Return the underlying's last price, USD."""
        return self.tape.close(symbol, self.bar)

    def chain(self, symbol: str, expiry: date) -> Chain:
        """Return the quotes of one expiry.

        As `make_chain` makes it, on the model's clock.

        Raises
        ------
        DataError
            The expiry is not quoted at this bar.
        """
        row = self._row(self.bar)
        sheet = self._sheet(symbol, row, expiry)
        if sheet is None:
            if self.mix:
                return self.model.chain(symbol, expiry)
            raise DataError(f"{symbol} expiry {expiry}: not recorded on {self.tape.day(self.bar)}")
        at = self.bar - int(self.tape.grid.first[row])
        spot = self.spot(symbol)
        columns = []
        for right in (Right.CALL, Right.PUT):
            side = sheet.sides[right]
            columns.append(
                (side.strike, np.full(len(side.strike), right is Right.CALL), side.bid[at], side.ask[at])
            )
        strike, call, bid, ask = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        years = float(self.model.years(symbol)[self.bar]) + self.model.ahead(self.bar, expiry)
        return make_chain(
            self.products[symbol], expiry, self.tape.at(self.bar), spot, years, strike, call, bid, ask
        )

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's quote, None when a leg is not offered at this bar."""
        row = self._row(self.bar)
        path = self._path(combo, row)
        if path is None:
            return self.model.quote(combo)
        at = self.bar - int(self.tape.grid.first[row])
        bid = float(path.bid[at])
        if isnan(bid):
            return None
        return Quote(bid, float(path.ask[at]), int(path.size[at]), self._delta(combo, row, at))

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        """Return bid and ask of every leg, USD per share; bid NaN when there is none."""
        row = self._row(self.bar)
        if not self._recorded(combo, row):
            return self.model.legs(combo)
        at = self.bar - int(self.tape.grid.first[row])
        return tuple((float(bid[at]), float(ask[at])) for bid, ask, _ in self._sides(combo, row))

    def source(self, combo: Combo) -> str:
        """Return what quotes a combo today: ``recorded`` or ``model``."""
        return "recorded" if self._recorded(combo, self._row(self.bar)) else "model"

    # the path, for the loop and for reports --------------------------------------------

    def mark_path(self, combo: Combo, start: int, stop: int) -> tuple[Floats, Floats, Floats]:
        """Return bid, ask and mid of a combo over the bars ``[start, stop)``, USD per share."""
        bids, asks = [np.empty(0)], [np.empty(0)]
        while start < stop:
            row = self._row(start)
            first, end = int(self.tape.grid.first[row]), min(stop, int(self.tape.grid.last[row]) + 1)
            path = self._path(combo, row)
            if path is None:
                bid, ask, _ = self.model.mark_path(combo, start, end)
            else:
                bid, ask = path.bid[start - first : end - first], path.ask[start - first : end - first]
            bids.append(bid)
            asks.append(ask)
            start = end
        bid, ask = np.concatenate(bids), np.concatenate(asks)
        return bid, ask, 0.5 * (bid + ask)

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int:
        """Return the first bar of ``[start, stop)`` with bid >= take or bid <= stop_level, else ``stop``."""
        bid, _, _ = self.mark_path(combo, start, stop)
        hit = (bid >= take) | (bid <= stop_level)
        return start + int(np.argmax(hit)) if hit.any() else stop

    def assumptions(self) -> list[str]:
        """Return the sentences about quotes that every report prints."""
        seconds = self.max_age / 1e9
        told = [
            f"Option quotes are recorded ({self.store.path.name}); a quote older than {seconds:g} seconds "
            "is not believed. Orders still fill on the next bar's quotes at the earliest. Shares trade at "
            "the bars' close and a modelled spread.",
            "Forward, volatilities and greeks come from the recorded quotes by put-call parity; interest and "
            "early exercise within the day are left out.",
        ]
        if self.mix:
            told.append("Where the recording has no quotes, a model's stand in; trades name their source.")
            told += self.model.assumptions()
        return told

    # reading -----------------------------------------------------------------------------

    def _row(self, bar: int) -> int:
        return int(self.tape.grid.day[bar])

    def _am(self, symbol: str) -> bool:
        return self.products[symbol].settlement is Settlement.CASH_AM

    def _sheet(self, symbol: str, row: int, expiry: date) -> Sheet | None:
        key = symbol, row, expiry
        if key in self._sheets:
            self._sheets.move_to_end(key)
            return self._sheets[key]
        day, sheet = self.tape.grid.dates[row], None
        if day in self._days.get(symbol, ()):
            span = slice(int(self.tape.grid.first[row]), int(self.tape.grid.last[row]) + 1)
            quotes = self.store.day(symbol, day, [expiry])
            sheet = Sheet.of(quotes, self.tape.stamp[span], self.max_age, self._am(symbol))
        self._sheets[key] = sheet
        if len(self._sheets) > KEPT_SHEETS:
            self._sheets.popitem(last=False)
        return sheet

    def _recorded(self, combo: Combo, row: int) -> bool:
        """Tell whether the recording, and not the model, answers for a combo on a day."""
        if not combo.options:
            return False
        return not self.mix or all(
            self._sheet(combo.symbol, row, contract.expiry) is not None for contract, _ in combo.options
        )

    def _path(self, combo: Combo, row: int) -> Path | None:
        """Return a combo's day, None when the model answers for it."""
        # by identity, as in the model: hashing a combo costs more than looking it up
        key = id(combo), row
        kept = self._paths.get(key)
        if kept is not None and kept.combo is combo:
            return kept
        if not self._recorded(combo, row):
            return None
        made = self._priced(combo, row)
        self._paths[key] = made
        if len(self._paths) > KEPT_PATHS:
            self._paths.popitem(last=False)
        return made

    def _priced(self, combo: Combo, row: int) -> Path:
        bars = int(self.tape.grid.last[row]) + 1 - int(self.tape.grid.first[row])
        low, high, size = np.zeros(bars), np.zeros(bars), np.full(bars, PLENTY, np.int64)
        for leg, (bid, ask, units) in zip(combo.legs, self._sides(combo, row), strict=True):
            weight = leg.ratio * leg.instrument.multiplier / combo.multiplier
            # to be rid of a leg nobody bids for, it is given away; one to be sold must have a bid
            given = np.where(np.isnan(bid) & ~np.isnan(ask), 0.0, bid)
            low += weight * (given if weight > 0 else ask)
            high += weight * (ask if weight > 0 else np.where(np.isnan(ask), nan, bid))
            if isinstance(leg.instrument, Contract):
                size = np.minimum(size, np.where(units > 0, units // abs(leg.ratio), PLENTY))
        return Path(combo, low, high, size)

    def _sides(self, combo: Combo, row: int) -> list[tuple[Floats, Floats, NDArray[np.int64]]]:
        """Return bid, ask and size of every leg over a day's bars."""
        first, stop = int(self.tape.grid.first[row]), int(self.tape.grid.last[row]) + 1
        found = []
        for leg in combo.legs:
            held, nothing = leg.instrument, np.full(stop - first, nan)
            none = nothing, nothing, np.zeros(stop - first, np.int64)
            if not isinstance(held, Contract):
                one = Combo((Leg(Stock(held.product), 1),), "shares")
                found.append((*self.model.mark_path(one, first, stop)[:2], none[2]))
                continue
            sheet = self._sheet(combo.symbol, row, held.expiry)
            place = None if sheet is None else sheet.where(held)
            if place is None:
                found.append(none)
                continue
            side, column = place
            found.append((side.bid[:, column], side.ask[:, column], side.size[:, column].astype(np.int64)))
        return found

    def _delta(self, combo: Combo, row: int, at: int) -> float:
        """Return the combo's delta in shares per share of one unit; NaN when a leg's cannot be told."""
        total = 0.0
        for leg in combo.legs:
            held, weight = leg.instrument, leg.ratio * leg.instrument.multiplier / combo.multiplier
            if not isinstance(held, Contract):
                total += weight
                continue
            sheet = self._sheet(combo.symbol, row, held.expiry)
            if sheet is None:
                return nan
            forward, call = sheet.forward(at), held.right is Right.CALL
            out = sheet.sides[Right.CALL if held.strike >= forward else Right.PUT]
            column = out.column(held.strike)
            if column is None:
                return nan
            mid = 0.5 * (np.nan_to_num(out.bid[at, column]) + out.ask[at, column])
            total += weight * delta1(
                forward,
                held.strike,
                implied1(mid, forward, held.strike, out is sheet.sides[Right.CALL]),
                call,
            )
        return total
