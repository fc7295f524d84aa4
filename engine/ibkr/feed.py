"""Live minute bars for Backtrader, all symbols in step.

History comes first (whole sessions before today's and today so far), then minutes made of
five-second bars, each given out when it has ended for every symbol. A connection that was lost
is made good from history: those minutes come late, and nobody may decide on them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite, nan
from typing import Any

import numpy as np
from loguru import logger

from engine.bars import LINES
from engine.errors import LinkError
from engine.ibkr.contracts import VIX, Contracts
from engine.ibkr.events import Change, LinkChange, Told
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.ibkr.rows import SECOND_NS, STEP, Assembler, Minute, Row
from engine.ibkr.tape import LiveTape
from engine.lines import MinuteFeed
from engine.live.memory import LineMemory
from engine.sessions import DAY_NS, EPOCH, MINUTE_NS, NEW_YORK, OPEN_MINUTE, calendar_close, locate
from engine.settings_ibkr import IbkrSettings

HISTORY_SECONDS = 60.0
BRIDGE = 1.0  # seconds of the gateway's clock after a minute's end until history has it
SETTLE = 0.02  # seconds of the wall: quotes of the same instant may follow the bar that ends a minute
VOLUMES = "put_volume", "call_volume"
CHECKS = 12  # looks for overdue minutes in one minute of the gateway's clock


class Minutes:
    """Rows of finished minutes, one for all symbols; `LiveFeed` hands them to Cerebro.

    Parameters
    ----------
    link : Link
    contracts : Contracts
        Prepared.
    book : LiveQuotes
        Asked for the lines that come from option quotes when a live minute is handed out.
    symbols : sequence of str
    settings : IbkrSettings
    memory : LineMemory, optional
        What earlier sessions measured beside the bars that history brings back bare.

    Attributes
    ----------
    tape : LiveTape
        The desk's clock. ``tape.is_live(bar)`` is False for what was filled in from history.
    missing : int
        Minutes of a symbol that never came.
    """

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        book: LiveQuotes,
        symbols: Sequence[str],
        settings: IbkrSettings,
        memory: LineMemory | None = None,
    ) -> None:
        self._memory = memory
        self._link, self._contracts, self._book, self._settings = link, contracts, book, settings
        self.symbols = tuple(symbols)
        self.tape = LiveTape()
        self.missing = 0
        self.broken = False
        self._assembler = Assembler(self.symbols, VIX, link.clock.lenient(settings.bar_grace))
        self._rows: list[Row] = []
        self._lines: list[dict[str, dict[str, float]]] = []
        self._counted: dict[tuple[str, date], tuple[float, float]] = {}  # puts and calls handed out
        self._arrived = threading.Condition()
        self._over = False
        self._filled = False  # history is in up to the first whole live minute
        self._checking: asyncio.Task[None] | None = None
        self._settling: asyncio.TimerHandle | None = None
        link.listen(self._told)

    # coming in: the link's thread -----------------------------------------------------

    def start(self) -> None:
        """Fetch the past and subscribe to the present; blocks until history is in.

        Raises
        ------
        LinkError
            History or live bars are refused.
        """
        patience = HISTORY_SECONDS * (len(self.symbols) + 1)
        self._link.call(lambda ib: self._fill(f"{self._settings.backfill_days + 1} D"), "history", patience)
        self._link.subscribe("bars", self._open)

    def finish(self) -> None:
        """Let the feeds end after what has come so far."""
        with self._arrived:
            self._over = True
            self._arrived.notify_all()
        self._link.stirred.set()

    async def _open(self, ib: Any) -> None:
        self._filled = False
        minute = int(self._link.clock.now() // 60.0)
        self._assembler.whole_from = (minute + 2) * MINUTE_NS  # the one that runs is seen only in part
        for symbol in [*self.symbols, VIX]:
            bars = ib.reqRealTimeBars(self._contracts.underlying(symbol), STEP, "TRADES", True)
            bars.updateEvent += lambda bars, new, symbol=symbol: self._bar(symbol, bars)
        if self._checking is None or self._checking.done():
            self._checking = asyncio.get_running_loop().create_task(self._check())
        self.broken = False
        self._link.spawn(self._bridge)

    async def _bridge(self) -> None:
        """Fetch what lies between history and the first minute that is seen whole."""
        now = self._link.clock.now()
        await asyncio.sleep(self._link.clock.wall(60.0 - now % 60.0 + BRIDGE))
        try:
            await self._fill("1 D")
        finally:
            self._filled = True
            self._hand_out()

    async def _fill(self, duration: str) -> None:
        """Put the minutes of history that are not there yet into the rows."""
        found: dict[str, dict[int, Minute]] = {}
        for symbol in [*self.symbols, VIX]:
            found[symbol] = await self._history(symbol, duration)
        now = self._link.clock.now() * SECOND_NS
        known = set.intersection(*(set(found[symbol]) for symbol in self.symbols))
        stamps = np.array(sorted(known), np.int64)
        stamps = stamps[(stamps <= now) & in_session(stamps)]
        vix, closes = nan, {}
        told = sorted(found[VIX].items())
        place = 0
        for stamp in stamps.tolist():
            while place < len(told) and told[place][0] <= stamp:
                vix, place = told[place][1].close, place + 1
            if stamp <= self._last_stamp:
                continue
            minutes = {symbol: found[symbol][stamp] for symbol in self.symbols}
            closes = {symbol: one.close for symbol, one in minutes.items()} | {VIX: vix}
            self._give(Row(stamp, minutes, vix, False))
        if closes:
            self._assembler.seed(self._last_stamp, closes)

    async def _history(self, symbol: str, duration: str) -> dict[int, Minute]:
        contract = self._contracts.underlying(symbol)
        bars = await self._link.ask(
            lambda ib: ib.reqHistoricalDataAsync(
                contract, "", duration, "1 min", "TRADES", useRTH=True, formatDate=2, timeout=0
            ),
            f"minutes of {symbol}",
            HISTORY_SECONDS,
        )
        return {
            round(_epoch(bar.date)) * SECOND_NS + MINUTE_NS: Minute(
                bar.open, bar.high, bar.low, bar.close, max(float(bar.volume), 0.0)
            )
            for bar in bars
        }

    def _bar(self, symbol: str, bars: Any) -> None:
        bar = bars[-1]
        del bars[:-1]
        prices = (float(bar.open_), float(bar.high), float(bar.low), float(bar.close))
        self._assembler.add(symbol, bar.time.timestamp(), prices, float(bar.volume))
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self._hand_out()

    async def _check(self) -> None:
        """Give up minutes that are overdue, also when no bar comes at all."""
        pause = self._link.clock.wall(60.0 / CHECKS)
        while not self._over:
            await asyncio.sleep(pause)
            self._hand_out()

    def _hand_out(self) -> None:
        if not self._filled:
            return
        for row in self._assembler.take(self._link.clock.now()):
            if row.missing:
                self.missing += len(row.missing)
                at = datetime.fromtimestamp(row.stamp // SECOND_NS, UTC).astimezone(NEW_YORK)
                logger.warning("ibkr: {:%H:%M}: no bars of {}", at, ", ".join(row.missing))
            if all(isfinite(one.close) for one in row.minutes.values()) and in_session(
                np.array([row.stamp], np.int64)
            ):
                self._give(row)

    def _give(self, row: Row) -> None:
        with self._arrived:
            self._rows.append(row)
            self._arrived.notify_all()
        self._link.stirred.set()

    @property
    def _last_stamp(self) -> int:
        return self._rows[-1].stamp if self._rows else 0

    def _told(self, told: Told) -> None:
        if isinstance(told, LinkChange) and told.what in (Change.LOST, Change.UPSTREAM_LOST):
            self.broken = True
            with self._arrived:
                self._arrived.notify_all()
        elif isinstance(told, LinkChange) and told.what is Change.RESTORED:
            self.broken = False

    # going out: Cerebro's thread --------------------------------------------------------

    def row(self, number: int, wait: float) -> Row | bool | None:
        """Return a row, None when it has not come within ``wait`` seconds, False when none will.

        The first feed to ask fixes the row's lines and its place on the tape for all.
        """
        if number >= len(self._rows):
            if self._over:
                return False
            if wait > 0.0 and not self._link.stirred.is_set():
                self._link.clock.idle(self._link.stirred, wait)
            self._link.stirred.clear()
            if number >= len(self._rows):
                return None
        if number == len(self.tape):
            self._enter(self._rows[number])
        return self._rows[number]

    def _enter(self, row: Row) -> None:
        age = self._link.clock.now() - row.stamp / SECOND_NS
        live = (
            row.live and not row.missing and age <= 60.0 + self._link.clock.lenient(self._settings.bar_grace)
        )
        self.tape.append(row.stamp, live)
        nothing = dict.fromkeys((*LINES, "ranked_iv"), nan)
        lines = {symbol: nothing | self._beside(row.stamp, symbol, live) for symbol in self.symbols}
        self._lines.append({symbol: held | {"vix": row.vix} for symbol, held in lines.items()})

    def _beside(self, stamp: int, symbol: str, live: bool) -> dict[str, float]:
        """Return what stands beside the prices: measured now, or remembered of then."""
        place = symbol, self.tape.day(len(self.tape) - 1)
        before = self._counted.get(place, (0.0, 0.0))
        if live:
            # TWS counts from the morning: what was traded in minutes that were missed comes with this one
            totals = self._book.option_volumes(symbol)
            traded = [max(total - known, 0.0) for total, known in zip(totals, before, strict=True)]
            told = self._book.lines_of(symbol) | dict.fromkeys(VOLUMES, nan)
            if all(map(isfinite, totals)):
                told |= dict(zip(VOLUMES, traded, strict=True))
            if self._memory:
                self._memory.keep(stamp, symbol, told)
        else:
            told = dict(self._memory.lines(stamp, symbol)) if self._memory else {}
        puts, calls = (
            known + (told[name] if isfinite(told.get(name, nan)) else 0.0)
            for name, known in zip(VOLUMES, before, strict=True)
        )
        self._counted[place] = puts, calls
        return told

    def lines_of(self, number: int, symbol: str) -> dict[str, float]:
        """Return the lines beside the prices of a row that was handed out."""
        return self._lines[number][symbol]

    def waiting(self, number: int) -> bool:
        """Tell whether a row is there to be handed out."""
        return number < len(self._rows)


class LiveFeed(MinuteFeed):
    """One symbol of `Minutes`. Tells DELAYED, LIVE, CONNBROKEN and CONNECTED to Cerebro.

    ``past_iv`` is what `PastVolatility` knows of the symbol; without it ``atm_iv`` is ranked.
    """

    params: Any = (("minutes", None), ("symbol", ""), ("qcheck", 0.25))

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.minutes: Minutes = self.p.minutes
        self._at = 0
        self._name: str = self.p.name or self.p.symbol
        self._broken = False

    def start(self) -> None:
        super().start()
        self._at = 0
        self.put_notification(self.DELAYED)

    def do_qcheck(self, onoff: bool, qlapse: float) -> None:
        """Let the first feed wait for all: they come in step."""
        leads = self.p.symbol == self.minutes.symbols[0]
        self._qcheck = self.p.qcheck if onoff and leads else 0.0

    def islive(self) -> bool:
        """Return True: no preloading, bars come one by one."""
        return True

    def haslivedata(self) -> bool:
        return self.minutes.waiting(self._at)

    def _load(self) -> bool | None:
        self._watch_connection()
        row = self.minutes.row(self._at, self._qcheck)
        if row is None or row is False:
            return None if row is None else False
        assert isinstance(row, Row)
        tape, number, minute = self.minutes.tape, self._at, row.minutes[self.p.symbol]
        day = tape.day(number).toordinal()
        beside = self.minutes.lines_of(number, self.p.symbol)
        values = {
            "datetime": EPOCH + row.stamp / DAY_NS,
            "open": minute.open,
            "high": minute.high,
            "low": minute.low,
            "close": minute.close,
            "volume": minute.volume,
            "openinterest": 0.0,
            "minute": tape.minute(number),
            "day": day,
            "left": tape.left(number),
            **beside,
            "ranked_iv": self._ranked(day, beside),
        }
        for name, value in values.items():
            getattr(self.lines, name)[0] = value
        self._at += 1
        if tape.is_live(number) and not self._broken:
            self.put_notification(self.LIVE)
        return True

    def _ranked(self, day: int, beside: Mapping[str, float]) -> float:
        """Return what `IvRank` ranks: of one series only, and no day of it twice."""
        past = self.p.past_iv
        if not past:
            return beside["atm_iv"]
        return beside["ranked_iv"] if day > past[-1][0] else nan

    def _watch_connection(self) -> None:
        broken = self.minutes.broken
        if broken and not self._broken:
            self.put_notification(self.CONNBROKEN)
        elif self._broken and not broken:
            self.put_notification(self.CONNECTED)
        self._broken = broken


def in_session(stamps: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which bar ends (UTC nanoseconds) lie in regular trading hours."""
    row, minute = locate(stamps)
    close = calendar_close(np.maximum(row, 0))
    inside: np.ndarray[Any, np.dtype[np.bool_]] = (row >= 0) & (minute > OPEN_MINUTE) & (minute <= close)
    return inside


def _epoch(when: datetime | date) -> float:
    if not isinstance(when, datetime):
        raise LinkError(f"history: got the day {when} where a minute was expected")
    return when.timestamp()
