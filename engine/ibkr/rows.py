"""Five-second bars into minutes, one row for all symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

from engine.sessions import MINUTE_NS

SECOND_NS = 1_000_000_000
STEP = 5  # seconds of a real-time bar


@dataclass(frozen=True, slots=True)
class Minute:
    """Prices of one symbol over one minute, USD; ``count`` of its five-second bars, 0 when carried."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    count: int = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One finished minute of every symbol.

    ``stamp`` is its end, UTC nanoseconds. ``live`` is False for what came from history;
    ``missing`` names symbols that told nothing of it.
    """

    stamp: int
    minutes: Mapping[str, Minute]
    vix: float
    live: bool
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Forming:
    open: float
    high: float
    low: float
    close: float
    volume: float
    count: int = 1

    def add(self, high: float, low: float, close: float, volume: float) -> None:
        self.high, self.low = max(self.high, high), min(self.low, low)
        self.close = close
        self.volume += volume
        self.count += 1

    def minute(self) -> Minute:
        return Minute(self.open, self.high, self.low, self.close, self.volume, self.count)


@dataclass
class Assembler:
    """Gather the five-second bars of all symbols and give out whole minutes, in order.

    A minute is whole when every symbol has told its last five seconds. One that is not is given
    out when ``grace`` seconds have passed since its end: symbols that told nothing carry their
    last price and are named. What comes later for it is counted in ``late`` and dropped.
    VIX is never waited for: the last value told counts. A minute that ends before ``whole_from``
    (nanoseconds) was seen only in part, and is not live.

    Parameters
    ----------
    symbols : sequence of str
    vix : str
        The symbol whose closes become the row's ``vix``.
    grace : float
        Seconds of the gateway's clock.
    """

    symbols: Sequence[str]
    vix: str
    grace: float
    late: int = 0
    whole_from: int = 0
    _forming: dict[int, dict[str, _Forming]] = field(default_factory=dict)
    _ended: dict[int, set[str]] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _given: int = 0

    def seed(self, stamp: int, closes: Mapping[str, float]) -> None:
        """Begin after a minute that is known: its stamp, and the last price of every symbol."""
        self._given = max(self._given, stamp)
        self._last.update(closes)
        for old in [old for old in self._forming if old <= self._given]:
            del self._forming[old]

    def add(
        self, symbol: str, start: float, prices: tuple[float, float, float, float], volume: float
    ) -> None:
        """Take one bar by the epoch second it starts at; prices are open, high, low, close."""
        begin = round(start) * SECOND_NS
        stamp = (begin // MINUTE_NS + 1) * MINUTE_NS
        first, high, low, close = prices
        if not all(isfinite(price) and price > 0.0 for price in prices):
            return
        if stamp <= self._given:
            self.late += 1
            return
        held = self._forming.setdefault(stamp, {})
        if symbol in held:
            held[symbol].add(high, low, close, max(volume, 0.0))
        else:
            held[symbol] = _Forming(first, high, low, close, max(volume, 0.0))
        if begin + STEP * SECOND_NS == stamp:
            self._ended.setdefault(stamp, set()).add(symbol)

    def take(self, now: float) -> list[Row]:
        """Return the minutes that are whole, or overdue, at ``now`` (epoch seconds)."""
        rows = []
        for stamp in sorted(self._forming):
            whole = self._ended.get(stamp, set()) >= set(self.symbols)
            if not whole and now < stamp / SECOND_NS + self.grace:
                break
            rows.append(self._give(stamp))
        return rows

    def _give(self, stamp: int) -> Row:
        held = self._forming.pop(stamp)
        self._ended.pop(stamp, None)
        self._given = stamp
        self._last.update({name: one.close for name, one in held.items()})
        missing = tuple(symbol for symbol in self.symbols if symbol not in held)
        minutes = {name: held[name].minute() for name in self.symbols if name in held}
        for symbol in missing:
            last = self._last.get(symbol, nan)
            minutes[symbol] = Minute(last, last, last, last, 0.0, 0)
        return Row(stamp, minutes, self._last.get(self.vix, nan), stamp >= self.whole_from, missing)
