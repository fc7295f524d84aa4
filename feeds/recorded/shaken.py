"""Recorded quotes with another future, to see whether anything had read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.sessions import utc
from feeds.store.store import QuoteStore

SPREAD = 0.5  # standard deviation of the log of a changed price's factor


def shaken_store(store: QuoteStore, folder: Path, cut: int, seed: int) -> QuoteStore:
    """Return a store like another up to an instant, with drawn prices and volumes after it.

    Parameters
    ----------
    store : QuoteStore
    folder : Path
        Empty; where the new store is made. Days before the cut are linked, not copied.
    cut : int
        UTC nanoseconds; quotes known by then stay.
    seed : int
    """
    made = QuoteStore.create(folder)
    rng = np.random.default_rng(seed)
    with made.batch({}) as batch:
        for symbol in store.symbols():
            for day in store.days(symbol):
                if day >= utc(cut).date():
                    batch.write(symbol, day, _shaken(store.read(symbol, day), cut, rng))
                    continue
                target = made.file(symbol, day)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(store.file(symbol, day).resolve())
    return made


def _shaken(table: pa.Table, cut: int, rng: np.random.Generator) -> pa.Table:
    later = pc.cast(table.column("stamp"), pa.int64()).to_numpy() > cut
    factor = np.where(later, np.exp(SPREAD * rng.standard_normal(len(table))), 1.0)
    for name in ("bid", "ask", "spot"):  # one factor a row: bid and ask keep their order
        table = table.set_column(
            table.schema.get_field_index(name), name, pc.multiply(table.column(name), pa.array(factor))
        )
    for name in ("volume", "open_interest"):
        changed = np.where(later, 2, 1)  # a count from the morning still never falls
        table = table.set_column(
            table.schema.get_field_index(name), name, pc.multiply(table.column(name), pa.array(changed))
        )
    return table
