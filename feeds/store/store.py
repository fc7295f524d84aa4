"""A folder of recorded option quotes, written whole days at a time and read by day.

``<store>/symbol=SPX/date=2024-01-02/quotes.parquet`` holds a day's quotes and
``rejected.parquet`` beside it the rows that were not believed, with the reason.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import DataError
from feeds.store.arrays import DayQuotes, as_arrays, numbers
from feeds.store.schema import KEY, NONE_REJECTED, ORDER, QUOTES, REJECTED

FORMAT = 1
ROWS_A_GROUP = 100_000
PRICES = ("bid", "ask", "bid_size", "ask_size")
FILES = {"quotes": QUOTES, "rejected": REJECTED}

Kind = Literal["quotes", "rejected"]


@dataclass
class Batch:
    """Days on their way into a store; none of them is seen before all are written."""

    store: QuoteStore
    folder: Path
    days: list[tuple[str, date]] = field(default_factory=list)

    def write(
        self,
        symbol: str,
        day: date,
        table: pa.Table,
        rejected: pa.Table = NONE_REJECTED,
        merge: bool = True,
        source: str | None = None,
    ) -> int:
        """Stage a day; return how many rows contradict what the store holds.

        A day of which nothing is believed has rejected rows only, and is none of the store's.

        Parameters
        ----------
        symbol, day
            Where the rows belong.
        table : pyarrow.Table
            Rows of `schema.QUOTES`, in any order.
        rejected : pyarrow.Table
            Rows of `schema.REJECTED`, kept apart.
        merge : bool
            Add to what is there; a row already held is left out, one that contradicts is
            rejected. False replaces the day.
        source : str, optional
            The file of rows that contradict.
        """
        rows = table.cast(QUOTES)
        contradictions = 0
        staged = QuoteStore(self.folder)
        rejected = rejected.cast(REJECTED)
        # what this very batch brought of the day is added to in any case
        base = staged if staged.has(symbol, day, "rejected") else self.store if merge else None
        if base is not None and base.has(symbol, day):
            rows, refused = _merged(base.read(symbol, day, "quotes"), rows, source)
            contradictions = len(refused)
            rejected = pa.concat_tables([rejected, refused])
        if base is not None and base.has(symbol, day, "rejected"):
            both = pa.concat_tables([base.read(symbol, day, "rejected"), rejected])
            rejected = both.group_by(REJECTED.names, use_threads=False).aggregate([]).cast(REJECTED)
        place = self.folder / _place(symbol, day)
        place.mkdir(parents=True, exist_ok=True)
        for kind, made in (("quotes", rows.sort_by(ORDER)), ("rejected", rejected)):
            if len(made) or kind == "rejected":
                path = place / f"{kind}.parquet"
                pq.write_table(made, path, compression="zstd", row_group_size=ROWS_A_GROUP)
        if (symbol, day) not in self.days:
            self.days.append((symbol, day))
        return contradictions

    def publish(self) -> None:
        """Move every staged day into its place, each file at once."""
        for symbol, day in self.days:
            target = self.store.path / _place(symbol, day)
            target.mkdir(parents=True, exist_ok=True)
            for kind in reversed(FILES):  # quotes last: they are what makes a day exist
                made = self.folder / _place(symbol, day) / f"{kind}.parquet"
                if made.exists():
                    os.replace(made, target / made.name)
                else:  # replaced by nothing that is believed
                    (target / made.name).unlink(missing_ok=True)


@dataclass(frozen=True)
class QuoteStore:
    """Recorded option quotes under a folder. Make one with `open` or `create`."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> QuoteStore:
        """Return the store in a folder.

        Raises
        ------
        DataError
            The folder is no store, or one of another format.
        """
        try:
            told = json.loads((path / "store.json").read_text())
            number = told["format"]
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(
                f"quotes {path}: expected a store made by mw data import (it has no readable store.json)"
            ) from None
        if number != FORMAT:
            raise DataError(f"quotes {path}: the store's format is {number!r}, expected {FORMAT}")
        return cls(path)

    @classmethod
    def create(cls, path: Path) -> QuoteStore:
        """Return the store in a folder, making one where there is nothing.

        Raises
        ------
        DataError
            The folder holds something else.
        """
        if (path / "store.json").exists():
            return cls.open(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DataError(f"store {path}: expected a store or an empty or new folder, it holds other files")
        path.mkdir(parents=True, exist_ok=True)
        _write_text(path / "store.json", json.dumps({"format": FORMAT, "kind": "option quotes"}) + "\n")
        return cls(path)

    def symbols(self) -> list[str]:
        """Return the underlyings held, sorted."""
        folders = self.path.glob("symbol=*")
        return sorted(_value(folder) for folder in folders if any(folder.glob("date=*/quotes.parquet")))

    def days(self, symbol: str) -> list[date]:
        """Return the days held of an underlying, rising."""
        found = self.path.glob(f"symbol={symbol}/date=*/quotes.parquet")
        return sorted(date.fromisoformat(_value(path.parent)) for path in found)

    def has(self, symbol: str, day: date, kind: Kind = "quotes") -> bool:
        """Tell whether the store holds a day of an underlying."""
        return self.file(symbol, day, kind).is_file()

    def file(self, symbol: str, day: date, kind: Kind = "quotes") -> Path:
        """Return where a day's rows stand."""
        return self.path / _place(symbol, day) / f"{kind}.parquet"

    def read(
        self,
        symbol: str,
        day: date,
        kind: Kind = "quotes",
        columns: list[str] | None = None,
        where: Any = None,
    ) -> pa.Table:
        """Return a day's rows as a table.

        Raises
        ------
        DataError
            The day is not held, or its file is damaged.
        """
        path = self.file(symbol, day, kind)
        try:
            # ParquetFile's own path would look for partitions in the folder's name
            return pq.read_table(path, columns=columns, filters=where, partitioning=None)
        except FileNotFoundError:
            raise DataError(f"quotes {self.path}: holds no {symbol} quotes of {day}") from None
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"quotes {path}: cannot be read ({why}); import the day again") from error

    def day(self, symbol: str, day: date, expiries: Iterable[date] | None = None) -> DayQuotes:
        """Return a day's quotes as arrays.

        Parameters
        ----------
        symbol, day
            What to read.
        expiries : iterable of date, optional
            Only these; the rest of the file is not read.

        Raises
        ------
        DataError
            The day is not held, or its file is damaged.
        """
        columns = [name for name in QUOTES.names if name not in ("volume", "open_interest")]
        where = None if expiries is None else pc.field("expiry").isin(sorted(expiries))
        return as_arrays(symbol, day, self.read(symbol, day, "quotes", columns, where))

    def expiries(self, symbol: str, day: date) -> list[date]:
        """Return the expiries quoted on a day, rising."""
        held = pc.unique(self.read(symbol, day, "quotes", ["expiry"])["expiry"])
        return sorted(held.to_pylist())

    def spot(self, symbol: str, day: date) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the day's snapshots, UTC nanoseconds rising, and the underlying's price, NaN unknown."""
        table = self.read(symbol, day, "quotes", ["stamp", "spot"])
        stamp, first = np.unique(numbers(table, "stamp", np.int64), return_index=True)
        return stamp, numbers(table, "spot", np.float64)[first]

    @contextmanager
    def batch(self, told: dict[str, Any]) -> Iterator[Batch]:
        """Stage days and publish them together; an error leaves the store as it was.

        Parameters
        ----------
        told : dict
            What is to be remembered of this import, one line in ``imports.jsonl``; read when
            the days are published, so that the caller can fill it meanwhile.

        Raises
        ------
        DataError
            Another process is writing to the store.
        """
        with (self.path / "store.json").open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DataError(
                    f"store {self.path}: another import is writing to it; try again later"
                ) from None
            folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=self.path))
            try:
                batch = Batch(self, folder)
                yield batch
                batch.publish()
                line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **told}
                with (self.path / "imports.jsonl").open("a") as out:
                    out.write(json.dumps(line, default=str) + "\n")
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def imports(self) -> list[dict[str, Any]]:
        """Return what was remembered of every import, oldest first."""
        path = self.path / "imports.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _merged(held: pa.Table, fresh: pa.Table, source: str | None) -> tuple[pa.Table, pa.Table]:
    """Return held rows with the new ones, and the new ones that contradict a held one."""
    mine = fresh.append_column("row", pa.array(np.arange(len(fresh)), pa.int64()))
    other = held.select([*KEY, *PRICES]).rename_columns([*KEY, *(f"held_{name}" for name in PRICES)])
    other = other.append_column("there", pa.array(np.ones(len(held), bool)))
    both = mine.join(other, keys=list(KEY), join_type="left outer").sort_by("row")
    there = pc.fill_null(both["there"], False)
    same = pa.chunked_array([np.ones(len(both), bool)])
    for name in PRICES:
        one, two = both[name], both[f"held_{name}"]
        gone = pc.and_(pc.is_null(one), pc.is_null(two))
        same = pc.and_(same, pc.or_(gone, pc.fill_null(pc.equal(one, two), False)))
    refused = fresh.filter(pc.and_(there, pc.invert(same)))
    count = len(refused)
    refused = refused.append_column("reason", pa.array(["contradicts the store"] * count, pa.string()))
    refused = refused.append_column("file", pa.array([source] * count, pa.string()))
    refused = refused.append_column("row", pa.nulls(count, pa.int64()))
    return pa.concat_tables([held, fresh.filter(pc.invert(there))]), refused.cast(REJECTED)


def _place(symbol: str, day: date) -> Path:
    return Path(f"symbol={symbol}") / f"date={day:%Y-%m-%d}"


def _value(folder: Path) -> str:
    return folder.name.partition("=")[2]


def _write_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    os.replace(part, path)
