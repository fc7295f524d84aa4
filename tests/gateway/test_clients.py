"""The gateway serves unmodified clients: ib_insync, ib_async and the official ibapi, at every version."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import ib_insync as ibi
import pytest

from engine.gateway.gateway import Gateway
from engine.sessions import cache_home
from tests.gateway.clients.tour import tour
from tests.gateway.stage import DAYS, at, gateway

SCRIPTS = Path(__file__).parent / "clients"
REFUSED = [110, 200, 201, 202, 10147]  # what the tours provoke
GATES = (157, 159, 160, 162, 163, 164, 166, 169, 170, 174, 176)
FAST = 600.0


def fast(**settings: Any) -> Gateway:
    return gateway(at(DAYS[1], "10:00"), speed=FAST, **settings)


def run(library: str, script: str, *arguments: str) -> dict[str, Any]:
    """Run a tour in a library's own environment."""
    python = cache_home() / "clients" / library / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{library} has no environment of its own (make clients)")
    done = subprocess.run(
        [str(python), str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("version", GATES)
def test_ib_insync_makes_the_whole_tour_at_every_version_it_negotiates(version: int) -> None:
    with fast(max_version=version) as gw:
        assert tour(ibi, gw.port, 5) == {"version": version, "errors": REFUSED}


def test_ib_insync_is_answered_with_its_own_highest_version() -> None:
    with fast() as gw:
        assert tour(ibi, gw.port, 5)["version"] == 176


@pytest.mark.parametrize("version", [157, 163, 170, 174, 176, 177, 178])
def test_ib_async_makes_the_whole_tour_at_every_version_it_negotiates(version: int) -> None:
    with fast(max_version=version) as gw:
        told = run("ib_async", "tour.py", "ib_async", str(gw.port), "5")
    assert told == {"version": version, "errors": REFUSED}


def test_the_official_client_makes_its_tour_at_157() -> None:
    with fast() as gw:
        told = run("ibapi", "official.py", str(gw.port), "5")
        shares = gw.positions()
    assert told == {"version": 157, "errors": [110, 201, 202, 10147]}
    assert shares == {"SPY": 10}


def test_three_clients_at_once_share_one_market_and_one_account() -> None:
    with fast() as gw:
        assert run("ibapi", "official.py", str(gw.port), "3")["version"] == 157
        first, second = ibi.IB(), ibi.IB()
        first.connect("127.0.0.1", gw.port, clientId=1)
        second.connect("127.0.0.1", gw.port, clientId=2)
        try:
            assert [p.position for p in first.positions()] == [p.position for p in second.positions()] == [10]
            assert len(second.reqExecutions()) == 7
        finally:
            first.disconnect()
            second.disconnect()
