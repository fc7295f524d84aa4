"""The port: who may speak, what is answered to nonsense, that nothing leaks and nothing hangs."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from engine.errors import ConfigError
from engine.gateway.codec import frame, unframe
from engine.gateway.gateway import Gateway
from tests.gateway.stage import DAYS, at, client, gateway, lost, market, sync


@contextmanager
def raw(gw: Gateway, greeting: bytes = b"v157..178") -> Iterator[socket.socket]:
    """Connect without a library and greet."""
    with socket.create_connection(("127.0.0.1", gw.port), timeout=10) as sock:
        sock.sendall(b"API\0" + struct.pack(">I", len(greeting)) + greeting)
        yield sock


def answer(sock: socket.socket) -> list[str]:
    """Read one frame, nothing at the end of the connection."""
    head = _read(sock, 4)
    return unframe(_read(sock, struct.unpack(">I", head)[0])) if head else []


def _read(sock: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = sock.recv(size - len(got))
        if not part:
            return b""
        got += part
    return got


def say(sock: socket.socket, *fields: object) -> None:
    sock.sendall(frame([str(field) for field in fields]))


@pytest.mark.parametrize(
    ("greeting", "most", "version"),
    [
        (b"v157..178", 178, "178"),
        (b"v157..176", 178, "176"),
        (b"v100..157", 178, "157"),
        (b"v157..300 +PACEAPI", 178, "178"),
        (b"v157..178", 163, "163"),
        (b"v157..158", 178, "157"),  # 158 is never spoken
        (b"v170", 178, "170"),
    ],
)
def test_both_sides_speak_the_highest_version_they_share(greeting: bytes, most: int, version: str) -> None:
    with gateway(max_version=most) as gw, raw(gw, greeting) as sock:
        told = answer(sock)
        assert told[0] == version and told[1].startswith("20180302 10:00:00 ")


@pytest.mark.parametrize("greeting", [b"v100..150", b"v179..200", b"hello", b"v170..x"])
def test_who_shares_no_version_is_sent_away(greeting: bytes) -> None:
    with gateway() as gw, raw(gw, greeting) as sock:
        assert answer(sock) == []


def test_who_does_not_speak_the_protocol_is_sent_away() -> None:
    with gateway() as gw:
        with socket.create_connection(("127.0.0.1", gw.port), timeout=10) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert sock.recv(100) == b""
        with raw(gw) as sock:
            answer(sock)
            sock.sendall(struct.pack(">I", 2_000_000_000))
            assert answer(sock) == []
        with client(gw) as ib:
            sync(ib)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ((71, 2, 5, ""), "326"),
        ((9999, 1), "321"),
        (("x",), "321"),
        ((1, 11, 7, "no number"), "320"),
        ((3, 7), "320"),
        ((91, 123), "321"),
        ((2, 2, 77), "300"),
    ],
)
def test_nonsense_is_answered_with_an_error_and_the_gateway_lives(
    fields: tuple[object, ...], code: str
) -> None:
    with gateway() as gw, raw(gw) as sock:
        answer(sock)
        say(sock, 71, 2, 5, "")
        while answer(sock)[3:4] != ["2158"]:
            pass
        with raw(gw) as other:
            answer(other)
            target = other if fields[0] == 71 else sock
            say(target, *fields)
            told = answer(target)
            assert told[0] == "4" and told[3] == code
        say(sock, 49, 1)
        assert answer(sock)[0] == "49"


def test_nobody_is_served_before_he_has_told_his_id() -> None:
    with gateway() as gw, raw(gw) as sock:
        answer(sock)
        say(sock, 61, 1)
        assert answer(sock)[3] == "504"


def test_a_frame_may_come_in_any_number_of_pieces() -> None:
    with gateway() as gw, raw(gw) as sock:
        answer(sock)
        for byte in frame(["71", "2", "5", ""]):
            sock.sendall(bytes([byte]))
        assert answer(sock)[0] == "15"


def test_who_does_not_read_is_cut_and_the_others_are_served() -> None:
    asked = (
        0,
        "SPY",
        "STK",
        "",
        0,
        "",
        "",
        "SMART",
        "",
        "USD",
        "",
        "",
        0,
        "",
        "1 min",
        "1 W",
        1,
        "TRADES",
        2,
        0,
        "",
    )
    with gateway(at(DAYS[3], "15:00"), rate=10_000, backlog=50_000) as gw, raw(gw) as sock, client(gw) as ib:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        say(sock, 71, 2, 5, "")
        with suppress(ConnectionError):
            for request in range(200):
                say(sock, 20, request, *asked)
        sync(ib)
        assert gone(gw, 5)


def gone(gw: Gateway, number: int) -> bool:
    """Wait until a client is connected no more."""
    for _ in range(1000):
        if not gw.call(lambda venue: list(venue.of(number))):
            return True
        time.sleep(0.01)
    return False


def test_a_clock_that_cannot_go_on_closes_the_gateway() -> None:
    def broken() -> None:
        raise ValueError("no more minutes")

    with gateway(speed=1000.0) as gw, client(gw) as ib:
        gw.call(lambda venue: setattr(venue.exchange, "step", broken))
        assert lost(ib)


def test_a_port_that_is_taken_is_one_line() -> None:
    with gateway() as gw, pytest.raises(ConfigError, match=f"port {gw.port}: the gateway cannot listen"):
        gateway(port=gw.port).start()


@pytest.mark.parametrize("version", [156, 158, 179])
def test_a_version_out_of_range_is_one_line(version: int) -> None:
    with pytest.raises(ConfigError, match="expected 157 to 178 without 158"):
        gateway(max_version=version)


def test_nothing_is_left_of_a_gateway_that_has_stopped() -> None:
    before = threading.active_count()
    for _ in range(3):
        with gateway() as gw, client(gw) as ib:
            sync(ib)
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", gw.port), timeout=2)


def test_clients_that_come_and_go_leave_nothing_behind() -> None:
    with gateway() as gw:
        for number in range(20):
            with raw(gw) as sock:
                answer(sock)
                say(sock, 71, 2, number, "")
                answer(sock)
        for _ in range(200):
            if not gw.call(lambda venue: len(venue.clients)):
                break
        assert gw.call(lambda venue: len(venue.clients)) == 0


def test_a_night_is_skipped_and_the_next_morning_trades() -> None:
    with gateway(at(DAYS[1], "15:59"), speed=1000.0) as gw:
        seen = [gw.now]
        while seen[-1] < at(DAYS[2], "09:32"):
            time.sleep(0.01)
            seen.append(gw.now)
        assert {now.date() for now in seen} == {DAYS[1], DAYS[2]}  # no Saturday, no Sunday
        assert max(now for now in seen if now.date() == DAYS[1]) >= at(DAYS[1], "16:04")
        assert gw.call(lambda venue: venue.exchange.day) == DAYS[2]


def test_the_market_lists_three_underlyings_and_vix() -> None:
    assert set(market().products) == {"XSP", "SPX", "SPY"} and set(market().indices) == {"VIX"}
