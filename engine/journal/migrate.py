"""The tables' versions: Alembic's migrations travel with the package; a copy is made before each."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from engine.errors import JournalError
from engine.journal.database import open_to_read, where

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 7_261_893  # of PostgreSQL's advisory locks; any number of our own


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, made here: there is no file of it."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """Return the version of the tables this program knows, without loading Alembic."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def version(connection: Connection) -> str | None:
    """Return the version of a database's tables, None without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def ensure(connection: Connection, place: str) -> None:
    """Make the tables of a fresh database, in the transaction of `alone`.

    Raises
    ------
    JournalError
        The tables are another version's, or the database is no journal.
    """
    held, expected = version(connection), newest()
    if held is None:
        if inspect(connection).get_table_names():
            raise JournalError(f"database {place}: holds other tables, expected a journal or nothing")
        _upgrade(connection)
    elif held != expected:
        raise JournalError(
            f"database {place}: its tables are of version {held}, expected {expected}: run mw db upgrade"
        )


def upgrade(engine: Engine) -> tuple[str | None, str, Path | None]:
    """Bring the tables to the newest version, a copy made before; return old, new and the copy.

    Raises
    ------
    JournalError
        The tables are of a version this program does not know, or are no journal's.
    """
    place, expected = where(engine.url), newest()
    with engine.connect() as connection:
        held = version(connection)
        foreign = held is None and inspect(connection).get_table_names()
    if foreign:
        raise JournalError(f"database {place}: holds other tables, expected a journal or nothing")
    if held is not None and held > expected:
        raise JournalError(
            f"database {place}: its tables are of version {held}, newer than this program's {expected}: "
            "expected a newer market-watch"
        )
    if held == expected:
        return held, expected, None
    kept = backup(engine) if held is not None and engine.dialect.name == "sqlite" else None
    with engine.begin() as connection:
        alone(connection)
        _upgrade(connection)
    return held, expected, kept


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(configuration(connection), "head")


def alone(connection: Connection) -> None:
    """Wait until no other process makes or changes tables."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def backup(engine: Engine, target: Path | None = None) -> Path:
    """Copy a SQLite journal while others read and write it; return the copy.

    Raises
    ------
    JournalError
        The journal is not SQLite's, or the copy exists already or cannot be written.
    """
    if engine.dialect.name != "sqlite":
        raise JournalError("backup: got PostgreSQL, expected SQLite; PostgreSQL is copied with pg_dump")
    source = Path(str(engine.url.database))
    target = target or source.with_name(f"{source.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.backup.db")
    if target.exists():
        raise JournalError(f"backup: {target} exists already, expected a new file")
    part = target.with_name(target.name + ".part")
    try:
        with closing(open_to_read(source)) as held:
            with closing(sqlite3.connect(part)) as copy:
                held.backup(copy, pages=2000, sleep=0.01)
                told = copy.execute("PRAGMA quick_check").fetchone()[0]
        if told != "ok":
            raise JournalError(f"backup: the copy of {source} is not sound: {told}")
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"backup: {source} cannot be copied to {target}: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    return target
