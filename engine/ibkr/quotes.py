"""Streaming option quotes as a QuoteBook, within the account's market-data lines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import nan
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from engine.errors import DataError, LinkError
from engine.ibkr.contracts import VIX, Contracts
from engine.ibkr.events import Change, ErrorTold, LinkChange, Told
from engine.ibkr.explain import explain
from engine.ibkr.link import Link
from engine.ibkr.members import Members
from engine.ibkr.seen import NOTHING_SEEN, Fault, Seen, in_reach
from engine.options.chain import Chain
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Product, Right
from engine.options.levels import levels
from engine.options.quotebook import Quote
from engine.options.quoted import make_chain
from engine.sessions import (
    CLOSE_MINUTE,
    NEW_YORK,
    OPEN_MINUTE,
    close_minute,
    is_session,
    session_dates,
    sessions_ahead,
)
from engine.settings_ibkr import IbkrSettings

Floats = NDArray[np.float64]
Watched = tuple[str, date]
PLENTY = 1_000_000
UNKNOWN_VIX = 20.0
SHIFT_STEPS = 2.0  # strike steps the price moves before the window follows
LINES_EACH = 2  # an underlying's ticks and its bars
WAIT = 0.05
GENERIC_TICKS = "100,101,106"  # of an underlying: option volume, open interest, its own 30-day IV


class LiveQuotes:
    """`engine.options.quotebook.QuoteBook` over the link's market data.

    The link's thread writes one immutable `Seen` per contract; all others only read. Chains,
    forwards and volatilities are worked out from the quotes exactly as from recorded ones.

    Parameters
    ----------
    link : Link
    contracts : Contracts
        Prepared.
    products : mapping of symbol to Product
    settings : IbkrSettings
    members : mapping of symbol to Product, optional
        Stocks whose breadth is asked for, streamed in what the options leave of the line budget.

    Attributes
    ----------
    refused : dict
        Why the gateway sends no data of an instrument, in words.
    """

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        products: Mapping[str, Product],
        settings: IbkrSettings,
        members: Mapping[str, Product] | None = None,
    ) -> None:
        self._link, self._contracts, self._settings = link, contracts, settings
        self.products = dict(products)
        self.refused: dict[str, str] = {}
        self._members = Members(members or {})
        self._counted = frozenset(members or ())
        self._clock = VarianceClock()
        self._seen: dict[str, Seen] = {}
        self._tickers: dict[Any, str] = {}  # of the present connection
        self._requests: dict[int, str] = {}
        self._heard: Any = None
        self._wanted: dict[str, Any] = {}  # name to instrument, or to a symbol itself
        self._watched: dict[Watched, float] = {}  # centre of the window, NaN before the first
        self._windows: dict[Watched, tuple[Contract, ...]] = {}
        self._held: Counter[Contract] = Counter()
        self._near: frozenset[str] = frozenset()
        self._turn = 0  # of the choices what to stream; the newest counts
        link.listen(self._told)

    # what is streamed ----------------------------------------------------------------

    def start(self, symbols: Sequence[str]) -> None:
        """Stream the underlyings and VIX; blocks until every symbol has a price.

        Raises
        ------
        LinkError
            Names the symbol without a price, and why if the gateway said so.
        """
        for symbol in [*symbols, VIX]:
            self._wanted[symbol] = symbol
        self._link.subscribe("quotes", self._open)
        clock = self._link.clock
        deadline = clock.seconds() + self._settings.request_seconds
        for symbol in symbols:
            while not math.isfinite(self.spot(symbol)):
                if symbol in self.refused or clock.seconds() > deadline:
                    why = self.refused.get(symbol, "no price within the time for a request")
                    raise LinkError(f"market data of {symbol}: {why}")
                clock.sleep(WAIT)

    def close(self) -> None:
        """End every stream, so that another book of the connection has the lines."""
        self._turn += 1
        self._link.unsubscribe("quotes")
        self._link.post(self._drop_all)

    def watch(self, symbol: str, days: int) -> None:
        """Stream the strikes within reach of the expiry ``days`` sessions ahead, if it is listed."""
        expiry = sessions_ahead(self._today(), days)
        if expiry in self._contracts.expiries(symbol):
            self._watched.setdefault((symbol, expiry), nan)
            self._follow()

    def hold(self, combo: Combo) -> None:
        """Keep the options of a combo streaming wherever the price goes, until `release`."""
        self._held.update(contract for contract, _ in combo.options)
        self._near = frozenset(map(str, self._held))
        self._send_window()

    def release(self, combo: Combo) -> None:
        """Let go of what `hold` kept."""
        self._held.subtract(contract for contract, _ in combo.options)
        self._held = +self._held
        self._near = frozenset(map(str, self._held))
        self._send_window()

    @property
    def lines(self) -> int:
        """Market-data lines in use, bars of the underlyings included."""
        return sum(LINES_EACH if isinstance(one, str) else 1 for one in list(self._wanted.values()))

    def _follow(self) -> None:
        """Move the windows whose centre the price has left."""
        moved = False
        for key, centre in self._watched.items():
            symbol, expiry = key
            spot, product = self.spot(symbol), self.products[symbol]
            if not math.isfinite(spot) or abs(spot - centre) <= SHIFT_STEPS * product.strike_step:
                continue
            self._watched[key] = spot
            vix = self.spot(VIX)
            sigma = spot * (vix if math.isfinite(vix) else UNKNOWN_VIX) / 100.0 / SESSIONS_PER_YEAR**0.5
            strikes, reach = self._contracts.strikes(symbol), self._settings.reach_moves * sigma
            chosen = in_reach(strikes, spot, reach, self._settings.line_budget)
            self._windows[key] = tuple(Contract(product, expiry, strike, right) for strike, right in chosen)
            moved = True
        if moved:
            self._send_window()

    def _send_window(self) -> None:
        """Let the link's thread stream what is wanted now: what is held, then of every chain in turn."""
        options = dict.fromkeys(self._held)
        depth = max((len(window) for window in self._windows.values()), default=0)
        for place in range(depth):  # the most needed of every chain before the least of one
            for window in self._windows.values():
                if place < len(window):
                    options.setdefault(window[place])
        self._turn += 1
        turn = self._turn
        self._link.spawn(lambda: self._stream(turn, list(options)))

    async def _choose(self, turn: int, options: list[Contract]) -> dict[str, Any] | None:
        """Return what to stream within the budget, None when a newer choice is on its way."""
        wanted: dict[str, Any] = {name: one for name, one in self._wanted.items() if isinstance(one, str)}
        room = self._settings.line_budget - LINES_EACH * len(wanted)
        while room > 0 and options:
            batch, options = options[:room], options[room:]
            await self._contracts.qualify(batch)
            if turn != self._turn:
                return None
            listed = [option for option in batch if self._contracts.known(option) is not None]
            wanted |= {str(option): option for option in listed}
            room -= len(listed)
        stocks = self._members.stocks
        await self._contracts.qualify(stocks)
        if turn != self._turn:
            return None
        known = [stock for stock in stocks if self._contracts.known(stock) is not None]
        return wanted | {str(stock): stock for stock in self._members.choose(known, wanted, room)}

    async def _stream(self, turn: int, options: list[Contract]) -> None:
        wanted = await self._choose(turn, options)
        if wanted is None:
            return
        ib = self._heard
        for name in [name for name in self._wanted if name not in wanted]:
            self._drop(ib, name)
        for name, one in wanted.items():
            if name not in self._wanted and self._contracts.named(name) is not None:
                self._wanted[name] = one
                if ib is not None and ib.client.isReady():
                    self._request(ib, name)

    def _drop_all(self, ib: Any) -> None:
        for name in list(self._wanted):
            self._drop(ib, name)

    def _drop(self, ib: Any, name: str) -> None:
        del self._wanted[name]
        contract = self._contracts.named(name)
        if ib is not None and contract is not None and ib.client.isReady():
            self._tickers = {one: told for one, told in self._tickers.items() if told != name}
            ib.cancelMktData(contract)
        self._seen.pop(name, None)

    async def _open(self, ib: Any) -> None:
        if self._heard is not ib:
            self._heard = ib
            ib.pendingTickersEvent += self._ticks
        self._tickers.clear()
        self._requests.clear()
        for name in list(self._wanted):
            self._request(ib, name)

    def _request(self, ib: Any, name: str) -> None:
        contract = self._contracts.named(name)
        generic = GENERIC_TICKS if isinstance(self._wanted[name], str) and name != VIX else ""
        ticker = ib.reqMktData(contract, generic)
        self._tickers[ticker] = name
        self._requests[ib.wrapper.ticker2ReqId["mktData"][ticker]] = name

    def _ticks(self, tickers: Any) -> None:
        now, names, seen, near = self._link.clock.now(), self._tickers, self._seen, self._near
        for ticker in tickers:
            name = names.get(ticker)
            if name is not None:
                one = self._wanted.get(name)
                beside = self.spot(one.symbol) if isinstance(one, Contract) else nan
                seen[name] = Seen.of(ticker, now, beside)
                if name in self._counted:
                    self._members.hear(name, ticker, now)
                if name in near:
                    self._link.stirred.set()  # what is held or worked on is looked at right away

    def _told(self, told: Told) -> None:
        if isinstance(told, LinkChange) and told.what in (Change.LOST, Change.RESTORED_EMPTY):
            self._seen.clear()
        elif isinstance(told, ErrorTold) and told.request in self._requests:
            name = self._requests[told.request]
            if name not in self.refused and not 2100 <= told.code < 2200:
                self.refused[name] = explain(told.code, told.text)
                logger.warning("ibkr: market data of {}: {}", name, self.refused[name])

    # the instant -----------------------------------------------------------------------

    def move(self, bar: int) -> None:
        """Let the windows follow the price; quotes are always those of now."""
        self._follow()

    def expiry(self, symbol: str, days: int) -> date | None:
        """Return the expiry ``days`` sessions ahead, None when it is not streamed or not quoted."""
        expiry = sessions_ahead(self._today(), days)
        window = self._windows.get((symbol, expiry), ())
        return expiry if any(math.isfinite(self._sides(option)[1]) for option in window) else None

    def spot(self, symbol: str) -> float:
        """Return the underlying's last price, USD; NaN before the first."""
        return self._seen.get(symbol, NOTHING_SEEN).spot

    def chain(self, symbol: str, expiry: date) -> Chain:
        """Return the quotes of one expiry, as `make_chain` makes them of recorded ones.

        Raises
        ------
        DataError
            The expiry is not streamed.
        """
        strike, call, bid, ask = self._columns(symbol, expiry)
        at = self._link.clock.instant().astimezone(NEW_YORK)
        years = self._years(at, expiry)
        return make_chain(self.products[symbol], expiry, at, self.spot(symbol), years, strike, call, bid, ask)

    def _columns(self, symbol: str, expiry: date) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
        window = self._windows.get((symbol, expiry))
        if not window:
            raise DataError(f"{symbol} expiry {expiry}: not streamed")
        options = sorted(window, key=lambda option: (option.right is not Right.CALL, option.strike))
        sides = np.array([self._sides(option) for option in options], np.float64)
        strike = np.array([option.strike for option in options], np.float64)
        call = np.array([option.right is Right.CALL for option in options])
        return strike, call, sides[:, 0], sides[:, 1]

    def _years(self, at: datetime, expiry: date) -> float:
        today = at.date()
        close = close_minute(today) if is_session(today) else CLOSE_MINUTE
        minute = at.hour * 60 + at.minute + at.second / 60.0
        ahead = max(len(session_dates(today, expiry)) - 1, 0)
        return float(self._clock.years_left(min(max(minute, OPEN_MINUTE), close), close, ahead))

    def quote(self, combo: Combo) -> Quote | None:
        """Return the combo's quote, None when a leg's is missing, stale, crossed or not live."""
        low = high = delta = 0.0
        size = PLENTY
        for leg in combo.legs:
            seen = self._seen.get(str(leg.instrument), NOTHING_SEEN)
            bid, ask = self._sides(leg.instrument)
            if math.isnan(ask):
                return None
            weight = leg.ratio * leg.instrument.multiplier / combo.multiplier
            # to be rid of a leg nobody bids for, it is given away; one to be sold must have a bid
            given = 0.0 if math.isnan(bid) else bid
            low += weight * (given if weight > 0 else ask)
            high += weight * (ask if weight > 0 else bid)
            if isinstance(leg.instrument, Contract):
                delta += weight * seen.delta
                size = min(size, int(min(seen.bid_size or PLENTY, seen.ask_size)) // abs(leg.ratio))
            else:
                delta += weight
        return Quote(low, high, size, delta)

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        """Return bid and ask of every leg, USD per share; NaN for none, both for a bad quote."""
        return tuple(self._sides(leg.instrument) for leg in combo.legs)

    def source(self, combo: Combo) -> str:
        return "ibkr"

    def fault(self, instrument: Instrument) -> Fault | None:
        """Return what is wrong with an instrument's quote, None when it can be traded on."""
        if not self._link.up:
            return Fault.STALE
        seen = self._seen.get(str(instrument), NOTHING_SEEN)
        return seen.fault(seen.at + self._age(instrument, seen), self._settings.quote_age)

    def age(self, combo: Combo) -> float:
        """Return the seconds (gateway's clock) for which the oldest leg's quote may have been wrong.

        That is since its last tick, infinite without one. A quote that need not have changed since
        is as old as its underlying's.
        """
        return max(
            self._age(leg.instrument, self._seen.get(str(leg.instrument), NOTHING_SEEN)) for leg in combo.legs
        )

    def _age(self, instrument: Instrument, seen: Seen) -> float:
        age = self._link.clock.now() - seen.at
        if age > self._settings.quote_age and isinstance(instrument, Contract):
            under = self._seen.get(instrument.symbol, NOTHING_SEEN)
            if seen.unmoved(instrument, under.spot):
                return min(age, self._link.clock.now() - under.at)
        return age

    def two_sided(self, combo: Combo) -> bool:
        """Tell whether every leg has a fresh bid and ask that are not crossed."""
        return all(self.fault(leg.instrument) is None for leg in combo.legs)

    def _sides(self, instrument: Instrument) -> tuple[float, float]:
        seen = self._seen.get(str(instrument))
        if seen is None or not self._link.up:
            return nan, nan
        return seen.sides(seen.at + self._age(instrument, seen), self._settings.quote_age)

    # lines of the feed -------------------------------------------------------------------

    def lines_of(self, symbol: str) -> dict[str, float]:
        """Return ``atm_iv, skew, open_interest, ranked_iv`` of now, and ``breadth`` where it is counted."""
        seen = self._seen.get(symbol, NOTHING_SEEN)
        told = {
            "atm_iv": nan, "skew": nan, "open_interest": seen.open_interest, "ranked_iv": seen.own_iv,
        }  # fmt: skip
        if self._counted:
            told["breadth"] = self._members.share(self.standings())
        expiry = min((day for name, day in self._watched if name == symbol), default=None)
        if expiry is None or not self._windows.get((symbol, expiry)):
            return told
        strike, call, bid, ask = self._columns(symbol, expiry)
        every = np.unique(strike)
        grids = []
        for rows in (call, ~call):
            place = np.searchsorted(every, strike[rows])
            for values in (bid, ask):
                grid = np.full((1, len(every)), nan)
                grid[0, place] = values[rows]
                grids.append(grid)
        call_bid, call_ask, put_bid, put_ask = grids
        _, deviation, skew = levels(call_bid, call_ask, put_bid, put_ask, every)[0]
        years = self._years(self._link.clock.instant().astimezone(NEW_YORK), expiry)
        if years > 0.0:
            told["atm_iv"] = float(deviation / math.sqrt(years))
        told["skew"] = float(skew)
        return told

    def standings(self) -> dict[str, float]:
        """Return by symbol how the counted stocks stand to their open, `engine.breadth.standing`."""
        at = self._link.clock.instant().astimezone(NEW_YORK)
        seen = self._seen if self._link.up else {}
        return self._members.standings(seen, at, self._settings.quote_age)

    def option_volume(self, symbol: str) -> float:
        """Return the option contracts of an underlying traded today, NaN before they are told."""
        return sum(self.option_volumes(symbol))

    def option_volumes(self, symbol: str) -> tuple[float, float]:
        """Return the puts and the calls of an underlying traded today, NaN before they are told."""
        seen = self._seen.get(symbol, NOTHING_SEEN)
        return seen.put_volume, seen.call_volume

    def _today(self) -> date:
        return self._link.clock.instant().astimezone(NEW_YORK).date()

    def assumptions(self) -> list[str]:
        """Return the sentences about quotes that every report prints."""
        kinds = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed and frozen"}
        return [
            f"Option quotes are streamed by Interactive Brokers ({kinds[self._settings.market_data_type]}); "
            "one that is crossed or not live is not traded on, nor one that ought to have changed in the "
            f"{self._settings.quote_age:g} seconds since it came. Forward, volatilities and greeks come from "
            "the quotes by put-call parity. Ranks of implied "
            "volatility are of Interactive Brokers' own 30-day series where it serves one, of that of "
            "today's expiry in a backtest.",
        ]
