"""The connection: what goes wrong in one line at once, what is made good by itself."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.errors import LinkError
from engine.gateway.faults import Fault, Faults
from engine.gateway.gateway import Gateway
from engine.ibkr.events import Change, LinkChange
from engine.ibkr.limiter import Limiter
from engine.ibkr.link import Link
from engine.settings_ibkr import IbkrSettings
from tests.ibkr.rig import FAST, at, market, until


@contextmanager
def gateway(faults: tuple[dict[str, Any], ...] = (), **settings: Any) -> Iterator[Gateway]:
    script = Faults([Fault.model_validate(fault) for fault in faults])
    given: dict[str, Any] = {"speed": 60.0, "cash": 100_000.0} | settings
    with Gateway(market(), start=at("10:00"), faults=script, **given) as served:
        yield served


@contextmanager
def link(port: int, paper: bool = True, **settings: Any) -> Iterator[Link]:
    made = Link(IbkrSettings(port=port, **(FAST | settings)), paper, 60.0)
    try:
        yield made
    finally:
        made.stop()


def refusal(one: Link) -> str:
    """Return the one line a link that cannot start says."""
    with pytest.raises(LinkError) as told:
        one.start()
    assert "\n" not in str(told.value)
    return str(told.value)


# what is said in one line --------------------------------------------------------------------


def test_a_port_nobody_listens_on_is_named_with_the_usual_ones() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with link(port) as one:
        told = refusal(one)
    assert f"127.0.0.1:{port}" in told and "nobody listens" in told and "4002" in told


@contextmanager
def mute(close: bool) -> Iterator[int]:
    """Serve a port that takes connections and says nothing, or hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            try:
                while True:
                    one, _ = server.accept()
                    held.append(one)
                    if close:
                        one.recv(64)
                        one.close()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        for one in held:
            one.close()


@pytest.mark.parametrize("close", [True, False])
def test_a_switched_off_api_says_what_to_click(close: bool) -> None:
    with mute(close) as port, link(port, connect_seconds=0.5) as one:
        told = refusal(one)
    assert "Enable ActiveX and Socket Clients" in told


def test_a_client_id_in_use_is_explained_at_once_and_not_after_the_timeout() -> None:
    with gateway() as served, link(served.port) as first, link(served.port, connect_seconds=30.0) as second:
        first.start()
        began = time.monotonic()
        told = refusal(second)
        assert time.monotonic() - began < 5.0
    assert "326" in told and "client id is in use" in told


@pytest.mark.parametrize(("account", "paper"), [("U1234567", True), ("DU1234567", False)])
def test_an_account_of_the_wrong_kind_is_refused_for_good(account: str, paper: bool) -> None:
    with gateway(account=account) as served, link(served.port, paper) as one:
        told = refusal(one)
        assert account in told and "begin with D" in told
        assert served.open_orders() == [] and one.attempts <= 1


def test_an_account_that_is_not_there_is_named_beside_those_that_are() -> None:
    with gateway() as served, link(served.port, account="DU9") as one:
        assert "DU9" in refusal(one) and "DU0000007" in told_accounts(served)


def told_accounts(served: Gateway) -> str:
    return served.call(lambda venue: venue.settings.account)


def test_a_live_account_is_taken_where_live_is_asked_for() -> None:
    with gateway(account="U1234567") as served, link(served.port, paper=False) as one:
        one.start()
        assert one.account == "U1234567" and one.up


# asking --------------------------------------------------------------------------------------


def test_questions_are_answered_refused_or_time_out_in_words() -> None:
    with gateway(({"do": "silence", "event": "request", "request": "marketRule"},)) as served:
        with link(served.port, request_seconds=0.4) as one:
            with pytest.raises(LinkError, match="not connected"):
                one.call(lambda ib: ib.reqCurrentTimeAsync(), "time")
            one.start()
            assert one.call(lambda ib: ib.reqCurrentTimeAsync(), "time").year == 2018
            with pytest.raises(LinkError, match=r"rule: no answer within 0\.4 s"):
                one.call(lambda ib: ib.reqMarketRuleAsync(26), "rule")
            from engine.ibkr.library import library

            nobody = library().Contract(secType="STK", symbol="NOBODY", exchange="SMART", currency="USD")
            with pytest.raises(LinkError, match="error 200") as told:
                one.call(lambda ib: ib.reqContractDetailsAsync(nobody), "contract")
            assert told.value.code == 200


def test_asking_from_the_links_own_thread_is_an_error_and_no_deadlock() -> None:
    with gateway() as served, link(served.port) as one:
        one.start()
        caught: deque[str] = deque()

        def ask(ib: object) -> None:
            try:
                one.call(lambda ib: ib.reqCurrentTimeAsync(), "time")
            except RuntimeError as error:
                caught.append(str(error))

        one.post(ask)
        until(lambda: caught)
        assert "own thread" in caught[0]
        assert one.call(lambda ib: ib.reqCurrentTimeAsync(), "time")  # it lives on


# going and coming back -----------------------------------------------------------------------


def test_a_lost_connection_is_made_again_and_everything_subscribed_anew() -> None:
    with gateway(({"do": "drop", "at": "10:02", "seconds": 30},)) as served, link(served.port) as one:
        opened, changes = [], []

        async def open_it(ib: object) -> None:
            opened.append(ib)

        one.listen(lambda told: changes.append(told.what) if isinstance(told, LinkChange) else None)
        one.start()
        one.subscribe("test", open_it)
        until(lambda: len(opened) == 1)
        until(lambda: changes.count(Change.CONNECTED) == 2)
        until(lambda: len(opened) == 2)
        assert opened[0] is not opened[1] and Change.LOST in changes and one.up


@pytest.mark.parametrize(("lost", "change"), [(True, Change.RESTORED_EMPTY), (False, Change.RESTORED)])
def test_an_outage_behind_the_gateway_takes_orders_off_until_it_is_over(lost: bool, change: Change) -> None:
    fault = {"do": "outage", "at": "10:02", "seconds": 40, "lost": lost}
    with gateway((fault,)) as served, link(served.port) as one:
        opened, changes = [], []

        async def open_it(ib: object) -> None:
            opened.append(one.state)

        one.listen(lambda told: changes.append(told.what) if isinstance(told, LinkChange) else None)
        one.start()
        one.subscribe("test", open_it)
        until(lambda: Change.UPSTREAM_LOST in changes)
        assert not one.up
        until(lambda: change in changes)
        assert one.up
        until(lambda: len(opened) == (2 if lost else 1))


def test_order_ids_go_on_after_a_reconnection() -> None:
    with gateway(({"do": "drop", "at": "10:02"},)) as served, link(served.port) as one:
        changes = []
        one.listen(lambda told: changes.append(told.what) if isinstance(told, LinkChange) else None)
        one.start()
        before = one.call(lambda ib: _number(ib), "id")
        until(lambda: changes.count(Change.CONNECTED) == 2)
        assert one.call(lambda ib: _number(ib), "id") > before


async def _number(ib: Any) -> int:
    return int(ib.client.getReqId())


# the clock and the rate ----------------------------------------------------------------------


def test_the_gateways_clock_is_known_to_a_second_of_its_own() -> None:
    with gateway(speed=120.0) as served, link(served.port) as one:
        one.clock.speed = 120.0
        one.start()
        assert abs(one.clock.now() - served.now.timestamp()) < 3.0  # of 120 a second: 25 ms


def test_two_hundred_questions_keep_the_rate_in_every_second() -> None:
    with gateway() as served, link(served.port, messages_per_second=40, request_seconds=20.0) as one:
        one.start()

        async def ask(ib: Any) -> None:
            for _ in range(150):
                ib.client.reqManagedAccts()

        one.call(ask, "many")
        until(lambda: one._limiter is not None and one._limiter.waiting == 0, 15.0)
        assert served.peak_rate(17) <= 45


def test_orders_pass_requests_that_wait() -> None:
    sent: list[str] = []

    async def run() -> None:
        limiter = Limiter(sent.append, 8)
        for number in range(6):
            limiter.push(f"1\0{number}")
        limiter.push("3\0order")
        limiter.push("4\0cancel")
        while limiter.waiting:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    order = [text.split("\0")[1] for text in sent]
    assert order.index("order") < order.index("3") and order.index("order") < order.index("cancel")
