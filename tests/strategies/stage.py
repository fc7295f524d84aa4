"""A small stage for bots: a day as a few commented rows, flat-volatility quotes, the real rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np

from engine.bars import PRICES, Bars
from engine.broker.fees import FeeSchedule
from engine.broker.option_broker import OptionBroker
from engine.cerebro import FastCerebro
from engine.desk import Desk
from engine.execution.settings import ExecutionSettings
from engine.journal.journal import Journal
from engine.options.chain import Chain
from engine.options.clock import VarianceClock
from engine.options.combo import Combo
from engine.options.contract import Contract, Product
from engine.options.pricing import greeks, price1
from engine.options.quotebook import Quote
from engine.risk.blackouts import EventCalendar
from engine.risk.governor import Governor
from engine.risk.state import DayState
from engine.sessions import close_minute, stamps
from engine.settings import Settings
from engine.tape import Tape
from engine.universe import load_universe
from feeds.lines import ArrayFeed
from strategies.roster import BOTS

CONFIG = Path(__file__).parents[2] / "config"
UNIVERSE = load_universe(CONFIG / "universe.json")
CALM = date(2018, 3, 5)  # a Monday without any event
Row = tuple[str, float]


def minute_of(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def day(
    symbol: str,
    on: date,
    prices: Sequence[Row],
    vix: Sequence[Row] = (("09:30", 16.0),),
    iv: float | Sequence[Row] = 0.16,
    wiggle: float = 0.00012,
    later_wiggle: float | None = None,
    flow: tuple[float, float] | None = None,
) -> Bars:
    """Return one session whose closes run straight from row to row, with a wiggle on top.

    ``wiggle`` is the relative size of an up-down-up-down on the closes, which gives the
    day a realised volatility; ``later_wiggle`` replaces it from 10:30 on. ``flow`` are puts and
    calls traded a minute.
    """
    end = close_minute(on)
    minute = np.arange(571, end + 1)
    at = [minute_of(text) for text, _ in prices]
    path = np.interp(minute, at, [price for _, price in prices])
    size = np.where(minute <= 630, wiggle, wiggle if later_wiggle is None else later_wiggle)
    close = path * (1.0 + size * np.where(minute % 4 < 2, 1.0, -1.0))
    first = np.append(path[0], close[:-1])
    level, implied = _line(minute, vix), _line(minute, (("09:30", iv),) if isinstance(iv, float) else iv)
    lines = {"vix": level, "atm_iv": implied, "skew": np.zeros(len(minute))}
    if flow is not None:
        lines |= {"put_volume": np.full(len(minute), flow[0]), "call_volume": np.full(len(minute), flow[1])}
    high, low = np.maximum(first, close), np.minimum(first, close)
    return Bars(symbol, stamps([on]), first, high, low, close, np.ones(len(minute)), lines, "table")


def _line(minute: np.ndarray, rows: Sequence[Row]) -> np.ndarray:
    at, values = [minute_of(text) for text, _ in rows], [value for _, value in rows]
    return np.asarray(np.interp(minute, at, values), np.float64)


def days(*parts: Bars) -> Bars:
    """Return several sessions one after the other."""

    def whole(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    opens, highs, lows, closes = (whole(name) for name in PRICES)
    lines = {name: np.concatenate([part.lines[name] for part in parts]) for name in parts[0].lines}
    stamp, volume = whole("stamp"), whole("volume")
    return Bars(parts[0].symbol, stamp, opens, highs, lows, closes, volume, lines, "table")


class FlatBook:
    """Black-76 quotes at one volatility, half a cent of spread to each side of every leg."""

    def __init__(self, tape: Tape, half_spread: float = 0.005) -> None:
        self.tape, self.half, self.bar = tape, half_spread, 0
        self.clock = VarianceClock()

    def source(self, combo: Combo) -> str:
        return "flat"

    def move(self, bar: int) -> None:
        self.bar = bar

    def expiry(self, symbol: str, ahead: int) -> date | None:
        return self.tape.day(self.bar) if ahead == 0 else None

    def spot(self, symbol: str) -> float:
        return self.tape.close(symbol, self.bar)

    def _years(self, bar: int) -> float:
        grid = self.tape.grid
        return float(self.clock.years_left(int(grid.minute[bar]), int(grid.minute[bar] + grid.left[bar])))

    def _price(self, contract: Contract, bar: int) -> float:
        spot, sd = self.tape.close(contract.symbol, bar), 0.0
        years = self._years(bar)
        sd = float(self.tape.bars[contract.symbol].lines["atm_iv"][bar]) * np.sqrt(years)
        if sd <= 0.0:
            sign = 1.0 if contract.right == "C" else -1.0
            return max(sign * (spot - contract.strike), 0.0)
        return float(price1(spot, contract.strike, sd, contract.right == "C"))

    def chain(self, symbol: str, expiry: date) -> Chain:
        spot, years = self.spot(symbol), self._years(self.bar)
        iv = float(self.tape.bars[symbol].lines["atm_iv"][self.bar])
        strikes = np.arange(np.floor(spot * 0.95), np.ceil(spot * 1.05) + 1.0)
        strike = np.concatenate([strikes, strikes])
        call = np.arange(len(strike)) < len(strikes)
        g = greeks(spot, strike, iv * np.sqrt(years), call, years)
        bid = np.where(g.price > self.half, g.price - self.half, np.nan)
        ivs = np.full(len(strike), iv)
        return Chain(
            symbol, symbol, expiry, self.tape.at(self.bar), spot, spot, years, strike, call,
            bid, g.price + self.half, ivs, g.delta, g.gamma, g.vega, g.theta,
        )  # fmt: skip

    def _sides(self, combo: Combo, bar: int) -> list[tuple[float, float]]:
        sides = []
        for leg in combo.legs:
            if isinstance(leg.instrument, Contract):
                price = self._price(leg.instrument, bar)
                sides.append((max(price - self.half, 0.0), price + self.half))
            else:
                spot = self.tape.close(combo.symbol, bar)
                sides.append((spot - self.half, spot + self.half))
        return sides

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        return tuple(self._sides(combo, self.bar))

    def _quote(self, combo: Combo, bar: int) -> Quote:
        bid = ask = 0.0
        for leg, (low, high) in zip(combo.legs, self._sides(combo, bar), strict=True):
            weight = leg.ratio * leg.instrument.multiplier / combo.multiplier
            bid += weight * (low if weight > 0 else high)
            ask += weight * (high if weight > 0 else low)
        return Quote(bid, ask, 100, 0.0)

    def quote(self, combo: Combo) -> Quote | None:
        return self._quote(combo, self.bar)

    def first_exit(self, combo: Combo, start: int, stop: int, take: float, stop_level: float) -> int:
        for bar in range(start, stop):
            bid = self._quote(combo, bar).bid
            if bid >= take or bid <= stop_level:
                return bar
        return stop

    def assumptions(self) -> list[str]:
        return []


def perform(
    bot: str,
    bars: Bars,
    changes: Mapping[str, Any] | None = None,
    stock_loop: bool = False,
    cash: float = 150_000.0,
    one_by_one: bool = False,
    roster: Mapping[str, type[Any]] = BOTS,
    sinks: Sequence[Any] = (),
    state: DayState | None = None,
    common: Mapping[str, Any] | None = None,
    **more: Any,
) -> tuple[Desk, Any]:
    """Play one bot over bars of its symbol with the shipped settings, ``changes`` laid over the bot's.

    ``one_by_one`` feeds the bars as a live venue does: nothing is known before its minute.
    """
    own = {"symbols": [bars.symbol], **(changes or {})}
    settings = Settings.load(CONFIG, overrides={"bots": {bot: own}, "common": dict(common or {})})
    tape, journal = Tape({bars.symbol: bars}), Journal(sinks)
    book, fees = FlatBook(tape), FeeSchedule.load(CONFIG / "fees.yaml")
    execution = ExecutionSettings(**settings.execution.model_dump())
    broker = OptionBroker(book, tape, fees, journal, execution, cash)
    calendar = EventCalendar.load(CONFIG / "events.json")
    research = settings.bots.putlite.structure == "cash_secured"
    governor = Governor(settings.risk.limits(), calendar, research=research)
    desk = Desk(book, broker, governor, journal, tape, fees, tape.dates, cash, state)
    loop = {"preload": False, "runonce": False} if one_by_one else {}
    cerebro = (bt.Cerebro if stock_loop or one_by_one else FastCerebro)(stdstats=False, **loop)
    cerebro.setbroker(broker)
    cerebro.adddata(ArrayFeed(bars=bars, name=bars.symbol))
    broker.attach(cerebro.datas[0])
    products: Mapping[str, Product] = {bars.symbol: UNIVERSE[bars.symbol]}
    cerebro.addstrategy(
        roster[bot],
        desk=desk,
        config=getattr(settings.bots, bot),
        common=settings.common,
        products=products,
        whole=not one_by_one,
        **more,
    )
    (strategy,) = cerebro.run()
    return desk, strategy
