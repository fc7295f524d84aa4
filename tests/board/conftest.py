"""Journals to show, and a page on a real port in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.board.makers import written


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Return the place of a paper journal of six days and what was put in."""
    place = str(tmp_path_factory.mktemp("board") / "paper.db")
    return place, written(place, days=6)


@pytest.fixture(scope="session")
def page_address(paper: tuple[str, dict[str, Any]], root: Path) -> Iterator[str]:
    """Return the address of a running dashboard."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"MW_DASHBOARD_JOURNALS": json.dumps({"paper": paper[0]}), "MW_DASHBOARD_REFRESH": "2"}
    command = [sys.executable, "-m", "scripts.board.run", str(port)]
    running = subprocess.Popen(
        command, cwd=root, env={**os.environ, **told}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/_stcore/health", trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail("the dashboard did not come up within 30 s")
        yield address
    finally:
        running.terminate()
        running.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a running Chromium; skip where there is none.

    Its driver keeps an event loop running in this thread, so it ends with the module that needs it.
    """
    place = shutil.which("chromium") or shutil.which("chromium-browser")
    if place is None:
        pytest.skip("no Chromium here (on Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=place, args=["--no-sandbox"])
        yield running
        running.close()
