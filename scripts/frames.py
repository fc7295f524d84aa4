"""Records of a run as tables."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pandas as pd

from engine.journal.records import Fill, HaltEvent, OrderEvent, Trade

EVENTS = {"trades": Trade, "fills": Fill, "orders": OrderEvent, "halts": HaltEvent}


def frame(records: list[Any], kind: type) -> pd.DataFrame:
    """Return records as a table, with the record's columns even when there are none.

    Times become New York times, reasons and dates text and dates.
    """
    names = list(kind.__dataclass_fields__)
    return typed(pd.DataFrame(list(map(attrgetter(*names), records)), columns=names))


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of records with New York times, texts and dates where they belong."""
    table = table.copy(deep=False)
    for name in table:
        if name in ("at", "entry_time", "exit_time"):
            table[name] = pd.to_datetime(table[name], utc=True).dt.tz_convert("America/New_York")
        elif name in ("reason", "exit_reason", "state"):
            table[name] = table[name].astype(str)
        elif name in ("day", "expiry"):
            table[name] = pd.to_datetime(table[name])
    return table
