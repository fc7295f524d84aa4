"""A vendor's file as tables, piece by piece: CSV, packed CSV, Parquet, a zip of CSV.

Whatever a file claims to hold, it is never unpacked beyond what quotes need: a bomb, a
truncated archive or one that points out of its folder is refused in one line.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import DataError
from feeds.store.columns import ColumnMap

MOST_BYTES = 4_000_000_000  # of a file once unpacked
MOST_RATIO = 300  # unpacked over packed; quotes reach 30
MOST_MEMBERS = 50_000  # of a zip; all series of an index are some 20,000
MOST_ROWS = 20_000_000  # some 6 GB of memory
ROWS_A_PIECE = 250_000
PACKED = (".zip", ".gz", ".zst", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz")
TEXT = (".csv", ".txt")
BROKEN = (ValueError, OSError, EOFError, zlib.error, pa.ArrowException)


@dataclass(frozen=True)
class Piece:
    """Some rows of a file: their columns, the names they come from and where they stood there.

    ``names`` are files, in a zip file/member; ``source`` and ``row`` say per row which of
    them and the row in it, from 1 below the header.
    """

    table: pd.DataFrame
    names: tuple[str, ...]
    source: NDArray[np.int32]
    row: NDArray[np.int64]


@dataclass(frozen=True)
class _Part:
    """Rows of one member, from the given one on, and what its name says of all of them."""

    name: str
    first: int
    table: pd.DataFrame
    groups: dict[str, str]


class _Bounded(io.RawIOBase):
    """A packed stream that ends in an error where it swells beyond all measure."""

    def __init__(self, inner: Any, name: str, packed: int) -> None:
        self.inner, self.name = inner, name
        self.left = self.most = min(MOST_BYTES, MOST_RATIO * packed + 1_000_000)
        self.burst = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self.inner.read(len(buffer))
        self.left -= len(part)
        self.burst = self.burst or self.left < 0
        if self.burst:
            raise DataError(_swollen(self.name, self.most))
        buffer[: len(part)] = part
        return len(part)


def pieces(path: Path, columns: ColumnMap) -> Iterator[Piece]:
    """Read a file, never more than some hundred thousand rows at a time.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, or is no file of quotes; one line.
    """
    name = path.name.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    total = 0
    for piece in _pieces(path, name, columns):
        total += len(piece.table)
        if total > MOST_ROWS:
            raise DataError(f"{path.name}: holds more than {MOST_ROWS:,} rows; import it in parts")
        yield piece


def _pieces(path: Path, name: str, columns: ColumnMap) -> Iterator[Piece]:
    if name.endswith(".zip"):
        yield from _zip(path, columns)
        return
    groups = _groups(path.name, path.name, columns)
    first = 1
    for table in _tables(path, name, columns):
        yield _joined([_Part(path.name, first, table, groups)])
        first += len(table)


def _tables(path: Path, name: str, columns: ColumnMap) -> Iterator[pd.DataFrame]:
    size = path.stat().st_size
    if name.endswith(".parquet"):
        yield from _parquet(path, columns)
    elif name.endswith(TEXT):
        with path.open("rb") as plain:
            yield from _text(plain, path.name, columns)
    elif name.endswith(tuple(f"{ending}.gz" for ending in TEXT)):
        with gzip.open(path) as packed:
            yield from _text(_Bounded(packed, path.name, size), path.name, columns)
    elif name.endswith(tuple(f"{ending}.zst" for ending in TEXT)):
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as packed:
            yield from _text(_Bounded(packed, path.name, size), path.name, columns)
    else:
        raise DataError(
            f"{path.name}: expected a file ending in .csv, .txt, .csv.gz, .csv.zst, .parquet or .zip"
        )


def _text(stream: Any, name: str, columns: ColumnMap) -> Iterator[pd.DataFrame]:
    try:
        with pd.read_csv(
            stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream),
            sep=columns.delimiter,
            header=None if columns.header else "infer",
            skipinitialspace=True,
            low_memory=False,
            chunksize=ROWS_A_PIECE,
        ) as reader:
            for table in reader:
                yield _named(table, name, columns)
    except DataError:
        raise
    except BROKEN as error:
        if getattr(stream, "burst", False):  # the parser may have swallowed the reason
            raise DataError(_swollen(name, stream.most)) from None
        raise DataError(_unreadable(name, error)) from None


def _named(table: pd.DataFrame, name: str, columns: ColumnMap) -> pd.DataFrame:
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(f"{name}: cannot be read as a table (rows have more fields than the header)")
    if columns.header:
        if table.shape[1] != len(columns.header):
            raise DataError(
                f"{name}: rows of {table.shape[1]} fields, expected {len(columns.header)}: "
                f"{', '.join(columns.header)}"
            )
        table.columns = pd.Index(columns.header)
    else:
        table.columns = table.columns.astype(str).str.strip()
    _present(list(table.columns), name, columns)
    return table[list(columns.given)]


def _present(held: list[str], name: str, columns: ColumnMap) -> None:
    missing = [given for given in columns.given if given not in held]
    if missing:
        text = ", ".join(held[:12]) or "none"
        raise DataError(f"{name}: no column {missing[0]!r}; it has {text} (is the delimiter right?)")


def _parquet(path: Path, columns: ColumnMap) -> Iterator[pd.DataFrame]:
    try:
        with pq.ParquetFile(path) as held:
            if held.metadata.num_rows > MOST_ROWS:
                raise DataError(f"{path.name}: holds more than {MOST_ROWS:,} rows; import it in parts")
            _present(held.schema_arrow.names, path.name, columns)
            for batch in held.iter_batches(ROWS_A_PIECE, columns=list(columns.given)):
                yield batch.to_pandas(ignore_metadata=True)  # pandas' own index is a column too
    except BROKEN as error:
        raise DataError(_unreadable(path.name, error)) from None


def _zip(path: Path, columns: ColumnMap) -> Iterator[Piece]:
    try:
        with zipfile.ZipFile(path) as archive:
            waiting: list[_Part] = []
            rows = 0
            for member in _members(path, archive):
                name = f"{path.name}/{member.filename}"
                groups = _groups(name, PurePosixPath(member.filename).name, columns)
                first = 1
                with archive.open(member) as stream:
                    for table in _text(stream, name, columns):
                        waiting.append(_Part(name, first, table, groups))
                        first += len(table)
                        rows += len(table)
                if rows >= ROWS_A_PIECE:
                    yield _joined(waiting)
                    waiting, rows = [], 0
            if waiting:
                yield _joined(waiting)
    except (*BROKEN, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(_unreadable(path.name, error)) from None


def _members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members to read; whatever is odd about one refuses the file before any is read."""
    found = [member for member in archive.infolist() if not member.is_dir()]
    if not found:
        raise DataError(f"{path.name}: the zip holds no file, expected quotes")
    if len(found) > MOST_MEMBERS:
        raise DataError(f"{path.name}: the zip holds {len(found):,} files, at most {MOST_MEMBERS:,} are read")
    if len({member.filename for member in found}) < len(found):
        raise DataError(f"{path.name}: the zip holds two files of one name")
    for member in found:
        place, text = PurePosixPath(member.filename.replace("\\", "/")), repr(member.filename)
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
            raise DataError(f"{path.name}: the zip's {text} leads out of the zip, expected plain file names")
        if member.flag_bits & 0x1:
            raise DataError(f"{path.name}: the zip's {text} is encrypted")
        if place.suffix.lower() in PACKED:
            raise DataError(f"{path.name}: the zip's {text} is packed itself; unpack the outer one")
        if place.suffix.lower() not in TEXT:
            raise DataError(f"{path.name}: the zip's {text} is no table, expected .csv or .txt")
    size = sum(member.file_size for member in found)  # no more than this is ever unpacked
    packed = path.stat().st_size
    if size > min(MOST_BYTES, MOST_RATIO * packed + 1_000_000):
        raise DataError(_swollen(path.name, min(MOST_BYTES, MOST_RATIO * packed + 1_000_000)))
    return found


def _joined(parts: list[_Part]) -> Piece:
    names = tuple(dict.fromkeys(part.name for part in parts))
    at = {name: number for number, name in enumerate(names)}
    counts = [len(part.table) for part in parts]
    source = np.repeat(np.array([at[part.name] for part in parts], np.int32), counts)
    row = np.concatenate(
        [np.arange(part.first, part.first + count) for part, count in zip(parts, counts, strict=True)]
    )
    table = pd.concat([part.table for part in parts], ignore_index=True)
    for group in parts[0].groups:
        table[group] = np.repeat(np.array([part.groups[group] for part in parts], object), counts)
    return Piece(table, names, source, row)


def _groups(where: str, name: str, columns: ColumnMap) -> dict[str, str]:
    if columns.name is None:
        return {}
    found = re.fullmatch(columns.name, name)
    if found is None:
        raise DataError(f"{where}: the name says not what it holds, expected one like {columns.name}")
    return {key: value or "" for key, value in found.groupdict().items()}


def _swollen(name: str, most: int) -> str:
    return f"{name}: unpacks to more than {most / 1e6:.0f} MB, which no quotes do"


def _unreadable(name: str, error: BaseException) -> str:
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return f"{name}: cannot be read as a table ({said})"
