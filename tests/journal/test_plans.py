"""Every query a page asks finds its rows by an index, in both databases; `make bench-journal` times them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from engine.journal.database import open_journal
from engine.journal.queries import Reader
from engine.journal.tables import Base
from tests.journal.bench import fill_journal, page_queries

# a few rows each, or wanted whole
SMALL = {"meta", "runs", "sessions", "reason_counts", "gate_events"}
SCANNED = {
    "sqlite": re.compile(r"^SCAN (\w+)\b(?! USING)"),
    "postgresql": re.compile(r"Seq Scan on (\w+)"),
}


@pytest.fixture
def reader(place: str) -> Iterator[Reader]:
    """A journal of many days; PostgreSQL told to scan a table only when no index serves."""
    engine = open_journal(place, "paper")
    fill_journal(engine, 8_000)
    engine.dispose()
    with Reader(place) as opened:
        if opened.engine.dialect.name == "postgresql":

            @event.listens_for(opened.engine, "connect")
            def _prefer_indexes(connection: Any, _: Any) -> None:
                connection.execute("SET enable_seqscan = off")
                connection.commit()

            opened.engine.dispose()
        yield opened


def plans(reader: Reader, ask: Any) -> list[str]:
    """Return the lines of the plans of all that a question asks the database."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: Any) -> None:
        asked.append((statement, parameters))

    event.listen(reader.engine, "before_cursor_execute", note)
    ask()
    event.remove(reader.engine, "before_cursor_execute", note)
    assert asked
    explain = "EXPLAIN QUERY PLAN" if reader.engine.dialect.name == "sqlite" else "EXPLAIN"
    with reader.engine.connect() as connection:
        told = [connection.exec_driver_sql(f"{explain} {text}", values).all() for text, values in asked]
    return [str(row[-1]) for rows in told for row in rows]


def test_no_query_of_a_page_reads_a_whole_table(reader: Reader) -> None:
    last = reader.latest_day()
    assert last is not None
    pattern, by_index = SCANNED[reader.engine.dialect.name], 0
    for name, ask in page_queries(reader, last).items():
        lines = plans(reader, ask)
        scanned = {found[1] for line in lines if (found := pattern.search(line.strip()))}
        assert scanned & set(Base.metadata.tables) <= SMALL, (name, lines)
        by_index += any(re.search("INDEX|Index", line) for line in lines)
    assert by_index > 20


def test_newest_decisions_come_straight_from_the_end_of_an_index(reader: Reader) -> None:
    runs = reader.history()
    lines = plans(reader, lambda: reader.last_decisions(runs, "condor", 20))
    assert any("decisions_bot_at" in line for line in lines)
    assert not any(re.search("TEMP B-TREE|Sort", line) for line in lines)
