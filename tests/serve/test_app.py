"""The web application over a real socket and a real journal."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from engine.journal.database import Run, open_journal
from engine.journal.queries import Reader
from engine.journal.writing import Writer
from engine.settings_services import ServeSettings
from scripts.serve.app import make_app
from scripts.serve.webhook import Door
from tests.board.makers import CASH, DAY, at, written

TOKEN = "a-long-and-secret-token"
NOW = at(200)
HEAD = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = str(tmp_path_factory.mktemp("journal") / "paper.db")
    written(place, days=2)
    return place


@pytest.fixture(scope="module")
def served(place: str) -> Iterator[httpx.Client]:
    """Return a client of the application as ``mw serve`` runs it."""
    door = Door(TOKEN, ServeSettings(per_minute=10_000), ("putlite", "condor"), ("XSP",))
    run = Run("serve", "serve", "paper", "paper", NOW)
    with Reader(place) as reader, Writer(open_journal(place, "paper"), run) as writer:
        app = make_app(reader, writer, door, 4096, clock=lambda: NOW)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join()


def message(reference: str, **changes: Any) -> dict[str, Any]:
    return {"id": reference, "time": NOW.isoformat(), "kind": "veto", "bot": "condor", "text": "x"} | changes


def notes(place: str) -> list[dict[str, Any]]:
    with Reader(place) as reader:
        return reader.notes(DAY)


def test_health_needs_no_token_and_tells_nothing_secret(served: httpx.Client) -> None:
    answer = served.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "venue": "paper",
        "day": str(DAY),
        "session": "trading, pid 4711, version 0.1.0",
    }


@pytest.mark.parametrize("path", ["/status", "/metrics"])
@pytest.mark.parametrize("head", [{}, {"Authorization": "Bearer no"}, {"Authorization": f"Basic {TOKEN}"}])
def test_figures_need_the_token(served: httpx.Client, path: str, head: dict[str, str]) -> None:
    assert served.get(path, headers=head).status_code == 401


def test_status_has_the_figures_of_the_journal(served: httpx.Client) -> None:
    told = served.get("/status", headers=HEAD).json()

    assert told["equity"] == pytest.approx(CASH + 12.4 - 31.15 + 18.25 + 9.1)
    assert told["realised"] == pytest.approx(12.4 - 31.15)
    assert told["trades"] == 2
    assert told["budgets"]["shared"] == {"left": 118.85, "cap": 150.0}
    assert [row["combo"] for row in told["positions"]] == [f"XSP {DAY} -598P +597P"]
    assert [row["quantity"] for row in told["legs"]] == [-1, 1]


def test_metrics_parse_with_prometheus_own_parser(served: httpx.Client) -> None:
    text = served.get("/metrics", headers=HEAD).text
    found = {one.name: one for one in text_string_to_metric_families(text)}

    assert found["mw_equity_usd"].samples[0].value == pytest.approx(CASH + 8.6)
    assert {s.labels["budget"]: s.value for s in found["mw_budget_left_usd"].samples}["shared"] == 118.85
    assert sum(s.value for s in found["mw_decisions_today"].samples) == 36 * 3
    assert found["mw_heartbeat_age_seconds"].samples[0].value == 60.0


def test_grafana_dashboard_asks_only_for_metrics_that_are_served(served: httpx.Client, root: Path) -> None:
    text = served.get("/metrics", headers=HEAD).text
    known = {sample.name for one in text_string_to_metric_families(text) for sample in one.samples}
    board = json.loads((root / "docs" / "grafana.json").read_text())
    asked = {
        name for panel in board["panels"] for target in panel["targets"]
        for name in re.findall(r"mw_\w+", target["expr"])
    }  # fmt: skip
    assert asked and asked <= known


def test_veto_is_kept_once_and_holds_for_its_time(served: httpx.Client, place: str) -> None:
    first = served.post("/tradingview", json=message("veto-1", minutes=30), headers=HEAD)
    again = served.post("/tradingview", json=message("veto-1", minutes=30), headers=HEAD)

    assert first.status_code == 200 and first.json()["taken"] == "veto"
    assert again.status_code == 409

    def holding(minutes: int) -> list[str]:
        with Reader(place) as reader:
            rows = reader.vetoes(NOW + timedelta(minutes=minutes), DAY)
        return [row["bot"] for row in rows if row["reference"] == "veto-1"]

    assert holding(29) == ["condor"]
    assert holding(31) == []


def test_large_body_is_not_read_to_its_end(served: httpx.Client) -> None:
    answer = served.post("/tradingview", content=b"x" * 5_000_000, headers=HEAD)
    assert answer.status_code == 413


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=600),
    st.dictionaries(
        st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True).filter(
            lambda name: name.lower() not in ("host", "content-length", "transfer-encoding", "connection")
        ),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
        max_size=4,
    ),
)
def test_fuzzed_bodies_and_headers_never_break_it_and_write_nothing(
    served: httpx.Client, place: str, body: bytes, head: dict[str, str]
) -> None:
    before = len(notes(place))
    answer = served.post("/tradingview", content=body, headers=head)

    assert 400 <= answer.status_code < 500
    assert len(notes(place)) == before


def test_other_paths_and_methods_are_refused(served: httpx.Client) -> None:
    assert served.get("/tradingview").status_code == 405
    assert served.post("/status").status_code == 405
    assert served.get("/docs").status_code == 404


def test_lost_session_is_not_healthy(place: str) -> None:
    door, run = Door(TOKEN, ServeSettings(), (), ()), Run("later", "serve", "paper", "paper", NOW)

    async def ask(app: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/health")

    with Reader(place) as reader, Writer(open_journal(place, "paper"), run) as writer:
        later = make_app(reader, writer, door, 4096, clock=lambda: NOW + timedelta(minutes=5))
        answer = asyncio.run(ask(later))
    assert answer.status_code == 503
    assert answer.json()["status"] == "late"
