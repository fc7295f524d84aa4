"""Is a journal sound: pages, references, numbers without gaps, and money that adds up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from engine.journal.database import where, why
from engine.journal.migrate import newest, version
from engine.journal.records import Note
from engine.journal.rows import DURABLE, TABLES
from engine.journal.tables import (
    DecisionRow,
    EventRow,
    FillRow,
    OrderRow,
    ReasonRow,
    RunRow,
    SessionRow,
    TradeRow,
)

CENT = 0.01
_SHOWN = 5  # cases named of one kind of trouble


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check has found: ``problems`` should not be, ``notes`` are worth knowing."""

    rows: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def check(engine: Engine) -> Findings:
    """Look a journal through; reads only.

    Rows without a run, fills without an order, numbers missing in a run, trades whose net is
    not gross less fees or not what their fills say, pages SQLite finds damaged.
    """
    problems: list[str] = []
    notes: list[str] = []
    with engine.connect() as connection:
        problems += _pages(connection)
        if problems:  # what stands on damaged pages says nothing
            return Findings(0, tuple(problems), ())
        held = version(connection)
        if held != newest():
            problems.append(f"tables of {where(engine.url)} are of version {held}, expected {newest()}")
            return Findings(0, tuple(problems), ())
        rows = 0
        for kind, table in TABLES.items():
            count, gaps = _numbers(connection, table)
            rows += count
            orphans = _orphans(connection, table)
            if orphans:
                problems.append(f"{table.__tablename__}: {orphans} rows belong to no run")
            if gaps and kind is not Note:
                (problems if kind in DURABLE else notes).extend(gaps)
        problems += _reasons(connection)
        problems += _orders(connection)
        problems += _money(connection)
        notes += _unfinished(connection)
    return Findings(rows, tuple(problems), tuple(notes))


def _pages(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    try:
        told = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
        references = connection.execute(text("PRAGMA foreign_key_check")).all()
    except DatabaseError as error:  # too damaged to be looked through
        return [f"pages: {why(error)}"]
    broken = [f"pages: {line}" for line in told if line != "ok"][:_SHOWN]
    return broken + [f"{row[0]}: row {row[1]} refers to nothing in {row[2]}" for row in references[:_SHOWN]]


def _numbers(connection: Connection, table: type[EventRow]) -> tuple[int, list[str]]:
    """Return how many rows a table has, and for each run whose numbers have gaps a line."""
    held = connection.execute(
        select(RunRow.name, func.count(), func.max(table.seq))
        .join(RunRow, RunRow.id == table.run_id)
        .group_by(RunRow.name)
    ).all()
    gaps = [
        f"{table.__tablename__} of run {name}: {last - count} of {last} are missing"
        for name, count, last in held
        if last != count
    ]
    return sum(count for _, count, _ in held), gaps


def _orphans(connection: Connection, table: type[EventRow]) -> int:
    known = select(RunRow.id)
    return connection.execute(
        select(func.count()).select_from(table).where(table.run_id.not_in(known))
    ).scalar_one()


def _reasons(connection: Connection) -> list[str]:
    """Return the runs whose counts of reasons are not those of their decisions."""
    counted: dict[str, Counter[tuple[str, str]]] = {}
    held = select(RunRow.name, ReasonRow.bot, ReasonRow.reason, ReasonRow.count).where(ReasonRow.count != 0)
    for name, bot, reason, count in connection.execute(held.join(RunRow, RunRow.id == ReasonRow.run_id)):
        counted.setdefault(name, Counter())[bot, reason] += count
    rows = select(RunRow.name, DecisionRow.bot, DecisionRow.reason, func.count())
    rows = rows.join(RunRow, RunRow.id == DecisionRow.run_id)
    for name, bot, reason, count in connection.execute(
        rows.group_by(RunRow.name, DecisionRow.bot, DecisionRow.reason)
    ):
        counted.setdefault(name, Counter())[bot, reason] -= count
    return [
        f"reason_counts of run {name}: {bot} {reason} is off by {count}"
        for name, counts in counted.items()
        for (bot, reason), count in counts.items()
        if count
    ][:_SHOWN]


def _orders(connection: Connection) -> list[str]:
    """Return executions that no order of any run led to."""
    known = select(OrderRow.order_ref).distinct()
    lost = connection.execute(
        select(FillRow.exec_id, FillRow.order_ref).where(FillRow.order_ref.not_in(known)).limit(_SHOWN)
    ).all()
    return [f"fills: {exec_id} belongs to order {ref}, of which there is nothing" for exec_id, ref in lost]


def _money(connection: Connection) -> list[str]:
    trades = _table(connection, TradeRow, ("run_id", "order_ref", "gross", "fees", "net"))
    if trades.empty:
        return []
    off = trades[(trades["gross"] - trades["fees"] - trades["net"]).abs() > CENT]
    found = [
        f"trades: {row['order_ref']} has net {row['net']:.2f}, "
        f"gross less fees is {row['gross'] - row['fees']:.2f}"
        for row in off.head(_SHOWN).to_dict("records")
    ]
    fills = _table(connection, FillRow, ("run_id", "order_ref", "quantity", "price", "multiplier", "fees"))
    fills["order_ref"] = pd.Series([ref.partition("/")[0] for ref in fills["order_ref"]], dtype=object)
    fills["cash"] = -fills["price"] * fills["quantity"] * fills["multiplier"]
    backtest = connection.execute(select(func.count()).where(RunRow.kind == "backtest")).scalar_one() > 0
    key = ["run_id", "order_ref"] if backtest else ["order_ref"]  # a session's trade may outlive its run
    sums = fills.groupby(key, as_index=False)[["cash", "fees"]].sum()
    both = trades.merge(sums, on=key, how="left", suffixes=("", "_filled"))
    equal = (both["gross"] - both["cash"]).abs() <= CENT
    equal &= (both["fees"] - both["fees_filled"]).abs() <= CENT
    found += [
        f"trades: {row['order_ref']} has gross {row['gross']:.2f} and fees {row['fees']:.2f}, "
        f"its fills {row['cash']:.2f} and {row['fees_filled']:.2f}"
        for row in both[~equal].head(_SHOWN).to_dict("records")
    ]
    return found


def _table(connection: Connection, table: type[EventRow], names: tuple[str, ...]) -> pd.DataFrame:
    rows = connection.execute(select(*(getattr(table, name) for name in names))).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=list(names))


def _unfinished(connection: Connection) -> list[str]:
    """Return runs and sessions that never said they ended: killed, or still running."""
    runs = connection.execute(select(RunRow.name).where(RunRow.ended.is_(None)).order_by(RunRow.id)).scalars()
    lines = [f"run {name}: has no end; killed, or still running" for name in runs]
    days = connection.execute(
        select(SessionRow.day).where(SessionRow.ended.is_(None)).order_by(SessionRow.day).distinct()
    ).scalars()
    return [*lines, *(f"session {day}: has no end" for day in days)]
