"""A finished backtest into the database, whole and at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, insert
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import JournalError
from engine.journal.database import Run, end_run, start_run, where, why
from engine.journal.inserting import insert_rows
from engine.journal.journal import Journal
from engine.journal.records import DailyMark
from engine.journal.redaction import REDACTOR
from engine.journal.rows import TABLES, day_of, row_of
from engine.journal.tables import DecisionRow, SessionRow
from engine.journal.writing import add_reasons

CHUNK = 10_000
Times = Mapping[date, tuple[datetime, datetime]]


def write_backtest(engine: Engine, run: Run, journal: Journal, times: Times) -> int:
    """Write a run with all that its journal holds, in one transaction; return the run's number.

    Parameters
    ----------
    engine : Engine
    run : Run
        With the cash it started with.
    journal : Journal
    times : mapping of date to (open, close)
        Every session of the run.

    Raises
    ------
    JournalError
        The database refuses; nothing of the run is left in it.
    """
    try:
        with engine.begin() as connection:
            run_id = start_run(connection, run)
            _sessions(connection, run_id, run, times)
            marks = _daily_marks(journal, times, run.start_cash or 0.0)
            for events in (journal.orders, journal.fills, journal.halts, journal.trades, marks):
                _events(connection, run_id, events)
            _decisions(connection, run_id, journal)
            end_run(connection, run_id, "done")
    except SQLAlchemyError as error:
        raise JournalError(f"database {where(engine.url)}: cannot be written: {why(error)}") from None
    return run_id


def _sessions(connection: Connection, run_id: int, run: Run, times: Times) -> None:
    fixed = {"run_id": run_id, "venue": run.venue, "resumed": False, "how": "done", "detail": {}}
    rows = [fixed | {"day": day, "started": first, "ended": last} for day, (first, last) in times.items()]
    connection.execute(insert(SessionRow), rows)


def _events(connection: Connection, run_id: int, events: Sequence[Any]) -> None:
    if not events:
        return
    rows = (row_of(event, run_id, number, REDACTOR) for number, event in enumerate(events, start=1))
    _insert(connection, TABLES[type(events[0])], rows)


def _insert(connection: Connection, table: type[Any], rows: Iterator[dict[str, Any]]) -> None:
    while chunk := list(islice(rows, CHUNK)):
        insert_rows(connection, table, chunk)


def _daily_marks(journal: Journal, times: Times, cash: float) -> list[DailyMark]:
    """Return every session's result, idle ones included."""
    names = ("net", "gross", "fees", "slippage")
    trades = pd.DataFrame(
        [[day_of(trade.exit_time), *(getattr(trade, name) for name in names)] for trade in journal.trades],
        columns=["day", *names],
    )
    sums = trades.groupby("day")[list(names)].sum()
    counts = trades.groupby("day").size()
    decided = journal.decisions()["time"].dt.tz_convert("America/New_York").dt.date.value_counts()
    halts = pd.Series([halt.day for halt in journal.halts], dtype=object).value_counts()
    marks: list[DailyMark] = []
    for day, (_, last) in times.items():
        net, gross, fees, slippage = (
            round(float(sums[name].get(day, 0.0)), 2) for name in ("net", "gross", "fees", "slippage")
        )
        cash += net
        traded, looked, halted = (int(count.get(day, 0)) for count in (counts, decided, halts))
        marks.append(DailyMark(last, day, round(cash, 2), net, gross, fees, slippage, traded, looked, halted))
    return marks


def _decisions(connection: Connection, run_id: int, journal: Journal) -> None:
    number = 0
    for bot in journal.bots:
        table, rules = journal.decisions(bot), journal.rules(bot)
        _insert(connection, DecisionRow, _decision_rows(table, rules, run_id, number))
        number += len(table)
        counts = journal.reasons(bot).items()
        add_reasons(connection, run_id, {(bot, str(reason)): count for reason, count in counts})


def _decision_rows(
    table: pd.DataFrame, rules: pd.DataFrame, run_id: int, number: int
) -> Iterator[dict[str, Any]]:
    fixed = ["time", "bot", "symbol", "reason", "combo", "credit"]
    measures = table.drop(columns=fixed)
    names, verdicts = list(measures), list(rules)
    times = table["time"].dt.to_pydatetime() if len(table) else np.empty(0, object)
    days = table["time"].dt.tz_convert("America/New_York").dt.date
    columns = [table[name].astype(object).tolist() for name in fixed[1:]]
    values = measures.to_numpy(dtype=object)
    values[measures.isna().to_numpy()] = None
    told = zip(times, days, *columns, values.tolist(), rules.to_numpy(dtype=object).tolist(), strict=True)
    for seq, (at, day, bot, symbol, reason, combo, credit, measured, passed) in enumerate(told, number + 1):
        yield {
            "run_id": run_id,
            "seq": seq,
            "at": at,
            "day": day,
            "bot": bot,
            "symbol": symbol,
            "reason": reason,
            "combo": combo,
            "credit": credit if credit == credit else None,
            "measures": dict(zip(names, measured, strict=True)),
            "rules": dict(zip(verdicts, passed, strict=True)),
            "text": "",
        }
