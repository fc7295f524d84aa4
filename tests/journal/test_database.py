"""A journal belongs to one venue, is made whole or not at all, and tells in one line what is wrong."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.errors import JournalError
from engine.journal.database import connect, open_journal, parse, where
from engine.journal.migrate import configuration, newest
from engine.journal.tables import Base


def test_fresh_journal_has_every_table_and_the_newest_version(place: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    engine = open_journal(place, "paper")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        held = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert held == newest() == ScriptDirectory.from_config(configuration()).get_current_head()
    engine.dispose()


def test_journal_of_one_venue_refuses_another(place: str) -> None:
    open_journal(place, "paper").dispose()
    open_journal(place, "paper").dispose()
    with pytest.raises(JournalError, match=r"it is the journal of paper, expected one of live$"):
        open_journal(place, "live")


def test_many_that_open_a_fresh_journal_at_once_all_find_it_whole(place: str) -> None:
    failed: list[BaseException] = []

    def one() -> None:
        try:
            open_journal(place, "paper").dispose()
        except BaseException as error:  # noqa: BLE001 - a thread's error must be seen
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_every_sqlite_connection_is_in_wal_full_sync_and_checks_references(tmp_path: Path) -> None:
    engine = open_journal(tmp_path / "journal.db", "paper")
    for _ in range(2):
        with engine.connect() as connection:
            ask = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                   ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip
        assert ask == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15_000}
        engine.dispose()


def test_read_only_connection_cannot_write(place: str) -> None:
    open_journal(place, "paper").dispose()
    engine = connect(place, read_only=True)
    for statement in (
        "DELETE FROM meta",
        "CREATE TABLE more (one INTEGER)",
        "UPDATE meta SET value = 'live'",
    ):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "driver", "host", "query"),
    [
        ("postgres://u:p@ep-x.neon.tech/db?sslmode=require", "postgresql+psycopg", "ep-x.neon.tech",
         {"sslmode": "require"}),
        ("postgresql://u:p@h:5433/db?sslmode=require&channel_binding=require", "postgresql+psycopg", "h",
         {"sslmode": "require", "channel_binding": "require"}),
        ("postgresql+psycopg://u@h/db", "postgresql+psycopg", "h", {}),
        ("journal/paper.db", "sqlite", None, {}),
    ],
)  # fmt: skip
def test_place_is_read_as_file_or_url(url: str, driver: str, host: str | None, query: dict[str, str]) -> None:
    parsed = parse(url)
    assert (parsed.drivername, parsed.host, dict(parsed.query)) == (driver, host, query)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (
            "mysql://u:hunter2secret@h/db",
            r"got 'mysql://\*\*\*@h/db', expected a file or a URL of PostgreSQL",
        ),
        ("postgresql://u:hunter2secret@h:port/db", "expected a URL with host and name"),
        ("sqlite://", "got SQLite without a file"),
    ],
)
def test_place_that_is_none_is_refused_without_its_password(place: str, says: str) -> None:
    with pytest.raises(JournalError, match=says) as caught:
        open_journal(place, "paper")
    assert "hunter2" not in str(caught.value)


def test_file_that_is_no_database_and_database_that_is_no_journal_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("these are words, not a database" * 100)
    with pytest.raises(JournalError, match=r"text\.db: cannot be opened: file is not a database"):
        open_journal(tmp_path / "text.db", "paper")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mine (one INTEGER)")
    with pytest.raises(JournalError, match="holds other tables, expected a journal or nothing"):
        open_journal(tmp_path / "other.db", "paper")


def test_server_that_is_not_there_is_one_line(fresh_database: Callable[[], str]) -> None:
    url = parse(fresh_database()).set(host="127.0.0.1", port=1, query={}, password="hunter2secret")
    with pytest.raises(JournalError, match="cannot be opened") as caught:
        open_journal(url.render_as_string(hide_password=False), "paper")
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)
    assert where(url) in str(caught.value)
