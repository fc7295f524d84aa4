"""Rows into a table, many at once, each written once however often it is sent."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.dialects import postgresql, sqlite

from engine.journal.columns import to_json
from engine.journal.tables import DecisionRow, EventRow, FillRow, NoteRow

_KEY = ("run_id", "seq")
_REPLACED = ("at", "day", "reason", "combo", "credit", "measures", "rules", "text")  # of a decision
_ONCE: tuple[type[EventRow], ...] = (FillRow, NoteRow)  # what is told twice is written once


def insert_rows(connection: Connection, table: type[EventRow], rows: Sequence[dict[str, Any]]) -> int:
    """Write rows and return how many were new or replaced.

    A row with a known run and number is left as it is, a decision replaced; an execution or a
    message that is known under another number is left out.

    Raises
    ------
    SQLAlchemyError
        The database refuses.
    """
    if connection.dialect.name == "postgresql":
        return connection.execute(_from_json(table), {"rows": to_json(rows)}).rowcount
    return connection.execute(_one_by_one(table), rows).rowcount


@functools.cache
def _one_by_one(table: type[EventRow]) -> Any:
    statement = sqlite.insert(table)
    if table is DecisionRow:
        replaced = {name: statement.excluded[name] for name in _REPLACED}
        return statement.on_conflict_do_update(index_elements=_KEY, set_=replaced)
    return statement.on_conflict_do_nothing(index_elements=None if table in _ONCE else _KEY)


@functools.cache
def _from_json(table: type[EventRow]) -> TextClause:
    """Return PostgreSQL's statement, which takes all rows as one JSON text: a third of the time."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    quote = dialect.identifier_preparer.quote
    columns = {quote(column.name): column.type.compile(dialect) for column in table.__table__.columns}
    names, typed = ", ".join(columns), ", ".join(f"{name} {kind}" for name, kind in columns.items())
    conflict = "DO NOTHING"
    if table is DecisionRow:
        conflict = "DO UPDATE SET " + ", ".join(
            f"{quote(name)} = excluded.{quote(name)}" for name in _REPLACED
        )
    target = "" if table in _ONCE else f"({', '.join(_KEY)})"
    return text(
        f"INSERT INTO {table.__tablename__} ({names}) SELECT {names} "
        f"FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told({typed}) ON CONFLICT {target} {conflict}"
    )
