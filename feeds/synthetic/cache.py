"""Generated bars kept as Parquet under a key of everything that shaped them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.bars import LINES, PRICES, Bars
from engine.sessions import cache_home, replace_file


@lru_cache(maxsize=1)
def generator() -> str:
    """Return a digest of the generators' own source: bars of another version are other bars."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_key(kind: str, parameters: Mapping[str, object]) -> str:
    """Return the key of bars made by generator ``kind`` from ``parameters``."""
    told = json.dumps({"kind": kind, "generator": generator(), **parameters}, sort_keys=True, default=str)
    return f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:20]}"


def save(bars: Bars, path: Path) -> None:
    """Write bars as a self-describing Parquet file (stamps are bar ends, UTC)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"bar_end": pa.array(bars.stamp, pa.timestamp("ns", "UTC"))}
    columns |= {name: pa.array(getattr(bars, name)) for name in (*PRICES, "volume")}
    columns |= {name: pa.array(values) for name, values in bars.lines.items()}
    about = {"symbol": bars.symbol, "source": bars.source, "notes": json.dumps(bars.notes)}
    table = pa.table(columns).replace_schema_metadata({f"mw.{k}": v for k, v in about.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        pq.write_table(table, part, compression="NONE", use_dictionary=False, write_statistics=False)
        os.chmod(part, 0o644)  # mkstemp's files are their owner's only
        replace_file(path, Path(part))
    except BaseException:
        os.unlink(part)
        raise


def load(path: Path) -> Bars:
    """Read bars written by ``save``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    about = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}

    def values(name: str) -> np.ndarray:
        return np.asarray(table.column(name).combine_chunks().to_numpy(zero_copy_only=False), np.float64)

    stamp = table.column("bar_end").combine_chunks().cast(pa.int64()).to_numpy()
    return Bars(
        symbol=about["mw.symbol"],
        stamp=np.asarray(stamp, np.int64),
        **{name: values(name) for name in (*PRICES, "volume")},
        lines={name: values(name) for name in LINES if name in table.column_names},
        source=about["mw.source"],
        notes=tuple(json.loads(about["mw.notes"])),
    )


def cached(key: str, make: Callable[[], Bars], folder: Path | None = None) -> Bars:
    """Return the bars of ``key``, making and keeping them the first time."""
    path = (folder or cache_home() / "bars") / f"{key}.parquet"
    try:
        return load(path)
    except (OSError, ValueError, KeyError):
        bars = make()  # not there, or not readable: pyarrow's errors are ValueErrors
    try:
        save(bars, path)
    except OSError:
        pass  # a full or read-only disk only costs the next start some seconds
    return bars
