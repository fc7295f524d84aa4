"""A journal's tables as files for other programs."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, Table, select
from sqlalchemy.types import JSON, Date, Float, Integer

from engine.errors import JournalError
from engine.journal.columns import Instant, to_json
from engine.journal.tables import Base
from engine.settings_files import did_you_mean

FORMATS = ("parquet", "csv", "jsonl")
CHUNK = 20_000  # rows in memory at a time


def export(engine: Engine, folder: Path, form: str, names: Sequence[str] | None = None) -> dict[str, int]:
    """Write every table, or those named, as ``<folder>/<table>.<form>``; return rows by table.

    Times are UTC. JSON columns become text in Parquet and CSV. A file appears whole or not at all.

    Raises
    ------
    JournalError
        Unknown form or table.
    """
    if form not in FORMATS:
        raise JournalError(f"export: got format {form!r}, expected one of {', '.join(FORMATS)}")
    known = {table.name: table for table in Base.metadata.sorted_tables}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise JournalError(f"export: got table {unknown[0]!r}, expected some of {', '.join(known)}{hint}")
    folder.mkdir(parents=True, exist_ok=True)
    write = {"parquet": _parquet, "csv": _csv, "jsonl": _lines}[form]
    counts: dict[str, int] = {}
    for name in names or known:
        handle, part = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
        os.close(handle)
        try:
            counts[name] = write(engine, known[name], Path(part))
            Path(part).chmod(0o644)
            os.replace(part, folder / f"{name}.{form}")
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    return counts


def _chunks(engine: Engine, table: Table) -> Iterator[Sequence[Row[Any]]]:
    with engine.connect().execution_options(yield_per=CHUNK) as connection:
        yield from connection.execute(select(table).order_by(*table.primary_key.columns)).partitions()


def _parquet(engine: Engine, table: Table, path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def kind(column: Any) -> pa.DataType:
        for given, stored in (
            (Instant, pa.timestamp("us", "UTC")),
            (Date, pa.date32()),
            (Float, pa.float64()),
            (Integer, pa.int64()),
        ):
            if isinstance(column.type, given):
                return stored
        return pa.bool_() if column.type.python_type is bool else pa.string()

    schema = pa.schema([(column.name, kind(column)) for column in table.columns])
    texts = [isinstance(column.type, JSON) for column in table.columns]
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for rows in _chunks(engine, table):
            columns = [
                [to_json(value) for value in values] if text else list(values)
                for text, values in zip(texts, zip(*rows, strict=True), strict=True)
            ]
            arrays = [pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(rows)
    return count


def _csv(engine: Engine, table: Table, path: Path) -> int:
    texts = [isinstance(column.type, JSON) for column in table.columns]
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in table.columns])
        for rows in _chunks(engine, table):
            for row in rows:
                writer.writerow(
                    to_json(value) if text else value for text, value in zip(texts, row, strict=True)
                )
            count += len(rows)
    return count


def _lines(engine: Engine, table: Table, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for rows in _chunks(engine, table):
            file.writelines(to_json(dict(row._mapping)) + "\n" for row in rows)
            count += len(rows)
    return count
