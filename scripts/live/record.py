"""What a session sees, kept in the quote store's own format: tomorrow's backtest replays today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from loguru import logger

from engine.bars import LINES
from engine.errors import DataError
from engine.ibkr.feed import Minutes
from engine.ibkr.quotes import LiveQuotes
from engine.options.contract import Product
from engine.sessions import NEW_YORK, sessions_ahead, utc
from feeds.store.schema import QUOTES
from feeds.store.store import QuoteStore

SAVE_EVERY = timedelta(minutes=30)  # of the session: what a crash may cost
SOURCE = "ibkr session"


@dataclass
class SessionRecording:
    """Rows of every live minute, written to a store now and then and at the end.

    Parameters
    ----------
    folder : Path
        ``quotes`` under it is the store, ``bars-SYMBOL.parquet`` the minute bars.
    today : date
    products : mapping of symbol to Product
    ahead : mapping of symbol to set of int
        Sessions to the expiries that are streamed.
    """

    folder: Path
    today: date
    products: Mapping[str, Product]
    ahead: Mapping[str, set[int]]
    _quotes: dict[tuple[str, date], list[dict[str, Any]]] = field(default_factory=dict)
    _bars: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _seen: int = 0
    _saved: datetime | None = None

    def look(self, minutes: Minutes, book: LiveQuotes) -> None:
        """Keep the minutes handed out since the last look, and the quotes of now.

        Those fetched of the days before are kept too: a bot has to warm up on something.
        """
        tape = minutes.tape
        for number in range(self._seen, len(tape)):
            now = number == len(tape) - 1 and tape.is_live(number) and tape.day(number) == self.today
            self._keep(number, minutes, book, now)
        self._seen = len(tape)
        if self._seen and self._quotes:
            at = tape.at(self._seen - 1)
            self._saved = self._saved or at
            if at - self._saved >= SAVE_EVERY:
                self._saved = at
                self.save()

    def _keep(self, number: int, minutes: Minutes, book: LiveQuotes, now: bool) -> None:
        row = minutes.row(number, 0.0)
        assert row is not None and not isinstance(row, bool)
        for symbol, bar in row.minutes.items():
            beside = {name: minutes.lines_of(number, symbol)[name] for name in LINES}
            told = {"bar_end": utc(row.stamp), "open": bar.open, "high": bar.high, "low": bar.low}
            told |= {"close": bar.close, "volume": bar.volume, "symbol": symbol}
            self._bars.setdefault(symbol, []).append(told | beside)
            if now:  # quotes are those of now, and belong to no earlier minute
                self._chains(symbol, row.stamp, book)

    def _chains(self, symbol: str, stamp: int, book: LiveQuotes) -> None:
        day = utc(stamp).astimezone(NEW_YORK).date()
        for days in self.ahead.get(symbol, set()):
            try:
                chain = book.chain(symbol, sessions_ahead(day, days))
            except DataError:
                continue  # nothing of it is streamed
            rows = self._quotes.setdefault((symbol, day), [])
            for strike, call, bid, ask in zip(chain.strike, chain.call, chain.bid, chain.ask, strict=True):
                if isnan(ask):
                    continue
                rows.append(
                    {
                        "stamp": stamp,
                        "expiry": chain.expiry,
                        "strike": float(strike),
                        "call": bool(call),
                        "am": False,
                        "root": self.products[symbol].trading_class,
                        "bid": _known(bid),
                        "ask": _known(ask),
                        "bid_size": 0,
                        "ask_size": 0,
                        "spot": _known(chain.spot),
                        "volume": None,
                        "open_interest": None,
                    }
                )

    def save(self) -> None:
        """Add what was kept to the store and to the bars; a failure is told and costs no trade."""
        try:
            store = QuoteStore.create(self.folder / "quotes")
            with store.batch({"source": SOURCE}) as batch:
                for (symbol, day), rows in self._quotes.items():
                    batch.write(symbol, day, pa.Table.from_pylist(rows, QUOTES))
            for symbol, rows in self._bars.items():
                self._add_bars(symbol, rows)
        except (DataError, OSError, pa.ArrowException) as error:
            logger.error("recording: not saved: {}", error)
            return
        self._quotes.clear()
        self._bars.clear()

    def _add_bars(self, symbol: str, rows: list[dict[str, Any]]) -> None:
        """Write rows beside those that are there, which know more of a minute than later backfill does."""
        path = self.folder / f"bars-{symbol}.parquet"
        made = pa.Table.from_pylist(rows)
        if path.exists():
            made = pa.concat_tables([pq.read_table(path), made], promote_options="default")
        keys = ["bar_end", "symbol"]
        beside = [name for name in made.column_names if name not in keys]
        first = made.group_by(keys, use_threads=False).aggregate(
            [(name, "first", pc.ScalarAggregateOptions(skip_nulls=False)) for name in beside]
        )
        made = first.rename_columns([name.removesuffix("_first") for name in first.column_names])
        made = made.sort_by("bar_end")
        part = path.with_suffix(".part")
        pq.write_table(made, part, compression="zstd")
        part.replace(path)


def _known(value: float) -> float | None:
    return float(value) if isfinite(value) else None
