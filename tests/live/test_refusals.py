"""What cannot work is one clear line each, before any order: wrong port, API off, id taken, wrong account."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.errors import LinkError, MarketWatchError, SessionError
from engine.ibkr.link import Link
from engine.live.files import KillFile
from scripts.cli import app
from scripts.live.connect import checks, run
from scripts.live.plan import Plan, instant
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import DAY, WALL, request


def at(plan: Plan, **ibkr: Any) -> Plan:
    """Return a plan with other settings of the connection."""
    settings = plan.settings.model_copy(update={"ibkr": plan.settings.ibkr.model_copy(update=ibkr)})
    return replace(plan, settings=settings)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    with stage(request(tmp_path_factory.mktemp("refused"), speed=WALL, first=640)) as (_, plan):
        yield plan


def line(plan: Plan, **ibkr: Any) -> str:
    with pytest.raises(MarketWatchError) as told:
        play(at(plan, **ibkr))
    text = str(told.value)
    assert "\n" not in text
    return text


@contextmanager
def listener() -> Iterator[int]:
    """Take connections and close them at once, as TWS does with the API switched off."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    server.accept()[0].close()
                except OSError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def test_wrong_port_says_what_to_start_and_what_to_set(plan: Plan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert "nobody listens there" in line(plan, port=port)


def test_api_switched_off_says_what_to_click(plan: Plan) -> None:
    with listener() as port:
        assert "Enable ActiveX and Socket Clients" in line(plan, port=port, connect_seconds=2.0)


def test_second_client_with_the_same_id_is_told(plan: Plan) -> None:
    first = Link(plan.settings.ibkr, plan.paper, plan.speed)
    first.start()
    try:
        assert "the client id is in use" in line(plan)
    finally:
        first.stop()


def test_paper_account_where_live_was_asked_for_is_refused_before_any_order(plan: Plan) -> None:
    with pytest.raises(LinkError, match="expected a live one"):
        play(replace(plan, venue="live", database=plan.database + ".live"))


def test_no_permission_for_option_data_is_one_line_of_the_connection_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"do": "refuse", "event": "request", "request": "marketData", "kind": "OPT", "nth": 0}
    refused |= {"code": 354, "text": "Requested market data is not subscribed."}
    with stage(request(tmp_path, [refused], speed=WALL, first=640)) as (_, plan):
        assert run(plan) == 3
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "XSP chain" in line]
    assert told.startswith("FAIL  XSP chain: ")
    assert "no market data subscription for it: subscribe" in told


def test_tws_that_restarts_is_one_line_and_a_session_that_may_wait_goes_on_after_it(tmp_path: Path) -> None:
    restart = {"do": "restart", "at": "10:40", "seconds": 300}
    with stage(request(tmp_path, [restart], first=639)) as (gateway, plan):
        assert plan.clock is not None
        plan.clock.sleep(90.0)
        assert "nobody listens there" in line(plan)
        assert play(plan, patience=600.0).how == "flat"
        assert gateway.now >= instant(DAY, 645)


def test_live_account_where_paper_was_asked_for_is_refused_before_any_order(tmp_path: Path) -> None:
    with stage(request(tmp_path)) as (gateway, plan):
        gateway.call(lambda venue: setattr(venue.account, "name", "U0000007"))
        assert "is a live account, expected a paper one" in line(plan)
        assert gateway.orders() == []


def test_kill_file_lets_nothing_start(plan: Plan) -> None:
    kill = KillFile(plan.folder)
    kill.set("test")
    try:
        with pytest.raises(SessionError, match="mw unkill"):
            play(plan)
    finally:
        kill.clear()


def test_connection_test_passes_where_all_is_there(plan: Plan) -> None:
    found = {check.name: check for check in checks(plan)}
    assert all(found[name].passed for name in ("connection", "account", "clock", "XSP chain")), found
    missing = found["SPY chain"]  # which this gateway does not list
    assert not missing.passed
    assert missing.help


def test_connection_test_names_the_failure_and_stops_there(plan: Plan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (check,) = checks(at(plan, port=port))
    assert not check.passed
    assert "set ibkr.port" in check.text


def test_kill_and_unkill_from_the_command_line(tmp_path: Path) -> None:
    mw = CliRunner()
    assert "stands" in mw.invoke(app, ["kill", "too wild", "--folder", str(tmp_path)]).output
    assert "too wild" in mw.invoke(app, ["status", "--folder", str(tmp_path)]).output
    assert "is gone" in mw.invoke(app, ["unkill", "--folder", str(tmp_path)]).output
    assert "was not there" in mw.invoke(app, ["unkill", "--folder", str(tmp_path)]).output


def test_speed_out_of_range_is_one_line_before_anything_starts() -> None:
    for text in ("5000", "fast", "nan"):
        told = CliRunner().invoke(app, ["rehearse", "--day", "2018-05-08", "--speed", text])
        assert f"--speed: got '{text}', expected a number from 1 to 1000, or max" in str(told.exception)
