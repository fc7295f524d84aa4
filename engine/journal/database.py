"""The journal's database: SQLite in WAL by default, PostgreSQL by URL; one venue, one database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select, update
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from engine.errors import JournalError
from engine.journal.columns import to_json
from engine.journal.redaction import REDACTOR, redact
from engine.journal.tables import MetaRow, RunRow

VENUES = ("backtest", "rehearsal", "paper", "live", "gate")
BUSY_SECONDS = 15.0
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be known of a process that writes, before its first event.

    ``kind`` is backtest, session, gate and the like; ``account_kind`` simulated, paper or live.
    """

    name: str
    kind: str
    venue: str
    account_kind: str
    started: datetime
    git_commit: str = "unknown"
    config_hash: str = ""
    version: str = ""
    command: str = ""
    start_cash: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


def parse(place: str | Path) -> URL:
    """Return where a journal is as SQLAlchemy's URL, from a file's path or a URL.

    ``postgres://`` and ``postgresql://`` mean PostgreSQL through psycopg 3, with whatever
    parameters the URL has (``sslmode=require``, ``channel_binding=require``).

    Raises
    ------
    JournalError
        Neither a path nor a URL of SQLite or PostgreSQL.
    """
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    REDACTOR.learn(text)
    scheme, _, rest = text.partition("://")
    try:
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            return make_url(f"postgresql+psycopg://{rest}")
        if scheme == "sqlite":
            return make_url(text)
    except (ArgumentError, ValueError):
        raise JournalError(f"database: got {redact(text)!r}, expected a URL with host and name") from None
    raise JournalError(
        f"database: got {redact(text)!r}, expected a file or a URL of PostgreSQL (postgresql://user@host/name)"
    )


def connect(place: str | Path | URL, read_only: bool = False) -> Engine:
    """Return an engine whose every connection is set up alike.

    SQLite: WAL, 15 s of patience with another writer, ``synchronous=FULL`` so that a commit is
    on the disk, foreign keys. Read-only connections cannot write: SQLite opens the file so and
    refuses the statement, PostgreSQL begins every transaction READ ONLY.
    """
    url = place if isinstance(place, URL) else parse(place)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, read_only)
    given: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "market-watch"}
    given = {name: value for name, value in given.items() if name not in url.query}
    try:
        return create_engine(
            url,
            json_serializer=to_json,
            pool_pre_ping=True,
            pool_size=2,
            # nothing is set for a whole session: behind a pooler others would inherit it
            connect_args=given | {"prepare_threshold": None},
            execution_options={"postgresql_readonly": True} if read_only else {},
        )
    except ModuleNotFoundError:
        raise JournalError("database: PostgreSQL needs psycopg, expected make add SET=postgres") from None


def _sqlite(url: URL, read_only: bool) -> Engine:
    path = url.database
    if not path or path == ":memory:":
        raise JournalError("database: got SQLite without a file, expected a file's path")
    options: dict[str, Any] = {"json_serializer": to_json, "connect_args": {"timeout": BUSY_SECONDS}}
    if read_only:
        options = {
            "json_serializer": to_json,
            "creator": lambda: open_to_read(Path(path)),
            "poolclass": NullPool,
        }
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def open_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that SQLite itself does not let write.

    Raises
    ------
    sqlite3.Error
        The file is not there or cannot be read.
    """
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
    )


def open_journal(place: str | Path, venue: str) -> Engine:
    """Return an engine on the journal of a venue; a fresh database gets its tables.

    Raises
    ------
    JournalError
        It cannot be opened or made, belongs to another venue, or has another version's tables.
    """
    from engine.journal.migrate import alone, ensure

    if venue not in VENUES:
        raise JournalError(f"venue: got {venue!r}, expected one of {', '.join(VENUES)}")
    url = parse(place)
    if url.get_backend_name() == "sqlite" and url.database:
        _folder(Path(url.database).parent)
    engine = connect(url)
    try:
        with engine.begin() as connection:
            alone(connection)
            ensure(connection, where(url))
            _claim(connection, venue, where(url))
    except SQLAlchemyError as error:
        engine.dispose()
        raise JournalError(f"database {where(url)}: cannot be opened: {why(error)}") from None
    except JournalError:
        engine.dispose()
        raise
    return engine


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"database: folder {path} cannot be made: {error.strerror}") from None


def _claim(connection: Connection, venue: str, place: str) -> None:
    """Write down the venue of a fresh database, refuse one of another."""
    held = connection.execute(select(MetaRow.value).where(MetaRow.name == "venue")).scalar()
    if held is None:
        connection.execute(insert(MetaRow), {"name": "venue", "value": venue})
    elif held != venue:
        raise JournalError(f"database {place}: it is the journal of {held}, expected one of {venue}")


def start_run(connection: Connection, run: Run) -> int:
    """Write a run's row and return its number."""
    values = {name: getattr(run, name) for name in Run.__dataclass_fields__}
    values["settings"] = REDACTOR.value(run.settings)
    values["detail"] = REDACTOR.value(run.detail)
    values["command"] = redact(run.command)
    return connection.execute(insert(RunRow).returning(RunRow.id), values | {"how": ""}).scalar_one()


def end_run(connection: Connection, run_id: int, how: str, at: datetime | None = None) -> None:
    """Write down when and how a run ended."""
    at = at or datetime.now(UTC)
    connection.execute(update(RunRow).where(RunRow.id == run_id).values(ended=at, how=redact(how)))


def where(url: URL) -> str:
    """Return a database's name for people, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.database} on {url.host or 'localhost'}"


def why(error: Exception) -> str:
    """Return what a database complained of, in one line without secrets."""
    cause = error.orig if isinstance(error, DatabaseError) and error.orig is not None else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return redact(lines[0] if lines else type(cause).__name__)
