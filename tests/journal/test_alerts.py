"""Alerts against a real server that is down, slow, overwhelmed or broken: trading never notices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.journal import records
from engine.journal.alerts.alerts import Alerts
from engine.journal.alerts.messages import Teller
from engine.journal.alerts.services import AppriseService, services
from engine.journal.journal import Journal
from engine.journal.redaction import HIDDEN
from engine.journal.settings import AlertSettings
from engine.reasons import Reason
from tests.journal.events import DAY, NOON, decision, every_kind, fill, position, trade
from tests.journal.web import Server

QUICK = AlertSettings(
    first_wait_seconds=0.02, longest_wait_seconds=2.0, timeout_seconds=0.3, closing_seconds=5.0
)

PATIENT = AlertSettings(
    **dict(QUICK) | {"timeout_seconds": 10.0, "closing_seconds": 60.0}
)  # of a busy machine


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*answers: tuple[int, dict[str, str], float]) -> Server:
        running.append(Server(*answers))
        return running[-1]

    yield start
    for server in running:
        server.close()


def alerts(url: str, settings: AlertSettings = QUICK, said: list[str] | None = None) -> Alerts:
    keep = (said if said is not None else []).append
    return Alerts(settings, [AppriseService(url, settings.timeout_seconds)], keep)


def until(true: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to it")


def test_what_matters_is_told_and_the_rest_is_not(serve: Callable[..., Server]) -> None:
    server = serve()
    sink = alerts(server.url, PATIENT)
    journal = Journal([sink])
    for event in every_kind():
        journal.record(event)
    sink.close()
    assert [got["title"] for got in server.got] == [
        "paper: session started",
        "putlite entered XSP",
        "halt: halt_move",
        "putlite left XSP",
        "books differ at start",
        "2026-11-25: +12.30 USD, 1 trades",
        "gate: opened",
        "veto from tradingview",
        "paper: session ended",
    ]
    assert server.got[3]["message"] == "-1 600P +1 599P: profit_target, net +12.30 USD (+0.25 R)"
    assert sink.counts() == {"delivered": 9, "waiting": 0, "retried": 0, "lost": 0}
    assert journal.healthy


def test_position_is_told_when_it_begins_and_not_when_it_changes() -> None:
    teller = Teller()
    told = [teller.message(position(quantity)) is not None for quantity in (1, 2, 1, 0, 1)]
    assert told == [True, False, False, False, True]


def test_kinds_switched_off_are_not_told_and_silent_ones_ask_for_no_sound() -> None:
    kept: list[Any] = []

    class Keeper:
        name = "keeper"

        def send(self, message: Any) -> Any:
            kept.append((message.kind, message.silent))
            return type("Fine", (), {"delivered": True})()

    settings = AlertSettings(**dict(QUICK) | {"exit": "off", "fill": "silent", "decision": True})
    sink = Alerts(settings, [Keeper()])
    for event in (trade(), fill(), decision()):
        sink.record(event)
    sink.close()
    assert kept == [("fill", True), ("decision", False)]


@pytest.mark.parametrize(
    "trouble", [(500, {}, 0.0), (429, {}, 0.0), (200, {}, 1.0)], ids=["broken", "overwhelmed", "slow"]
)
def test_alert_a_service_could_not_take_is_delivered_later_and_nobody_waits(
    serve: Callable[..., Server], trouble: tuple[int, dict[str, str], float]
) -> None:
    server = serve(trouble, trouble, (200, {}, 0.0))
    sink = alerts(server.url)
    sink.record(trade(1))
    assert sink.counts()["delivered"] == 0  # the call is over, the alert is not
    until(lambda: sink.counts()["delivered"] == 1)
    assert sink.counts()["retried"] == 2
    sink.close()


def test_service_that_is_down_costs_alerts_visibly_and_nothing_else(serve: Callable[..., Server]) -> None:
    server = serve()
    server.close()
    said: list[str] = []
    sink = alerts(server.url, AlertSettings(**dict(QUICK) | {"retries": 2}), said)
    for number in range(3):
        sink.record(trade(number))
    until(lambda: sink.counts()["lost"] == 3)
    sink.close()
    assert said == [f"alerts: json: 1 lost (no answer), {number} so far" for number in (1, 2, 3)]
    assert sink.healthy


def test_service_that_asks_for_time_is_given_it(serve: Callable[..., Server]) -> None:
    server = serve((429, {"Retry-After": "1"}, 0.0), (200, {}, 0.0))
    sink = alerts(server.url)
    sink.record(trade())
    until(lambda: sink.counts()["delivered"] == 1)
    first, second = server.times
    assert second - first >= 1.0
    sink.close()


def test_next_alert_that_gets_through_says_how_many_did_not(serve: Callable[..., Server]) -> None:
    server = serve((500, {}, 0.0), (500, {}, 0.0), (200, {}, 0.0))
    sink = alerts(server.url, AlertSettings(**dict(QUICK) | {"retries": 1}))
    for number in range(3):
        sink.record(trade(number))
    until(lambda: sink.counts()["delivered"] == 1)
    assert server.got[0]["message"].endswith("(2 alerts before this one were lost)")
    sink.close()


def test_full_queue_loses_the_new_and_counts_it(serve: Callable[..., Server]) -> None:
    server = serve((200, {}, 0.2))
    sink = alerts(server.url, AlertSettings(**dict(QUICK) | {"queue": 2}))
    for number in range(6):
        sink.record(trade(number))
    sink.close()
    counts = sink.counts()
    assert counts["delivered"] + counts["lost"] == 6 and counts["lost"] >= 3


def test_more_than_the_rate_is_held_back_not_lost(serve: Callable[..., Server]) -> None:
    server = serve()
    sink = alerts(server.url, AlertSettings(**dict(QUICK) | {"per_minute": 3, "closing_seconds": 0.0}))
    for number in range(5):
        sink.record(trade(number))
    until(lambda: sink.counts()["delivered"] == 3)
    assert sink.counts()["waiting"] == 2
    sink.close()
    assert sink.counts() == {"delivered": 3, "waiting": 0, "retried": 0, "lost": 2}


def test_session_that_ends_while_a_service_is_down_ends_in_time(serve: Callable[..., Server]) -> None:
    server = serve((500, {}, 0.0))
    sink = alerts(server.url, AlertSettings(**dict(QUICK) | {"closing_seconds": 0.1, "retries": 50}))
    sink.record(trade())
    sink.close()
    assert sink.counts()["lost"] == 1


def test_secret_in_an_alert_is_struck_out(serve: Callable[..., Server]) -> None:
    server = serve()
    sink = alerts(server.url, PATIENT)
    sink.record(
        records.HaltEvent(DAY, NOON, "", Reason.HALT_VIX, "account DU1234567 at postgresql://u:pw12@h/d")
    )
    sink.close()
    assert server.got[0]["message"] == f"everything: account {HIDDEN} at postgresql://{HIDDEN}@h/d"


@pytest.mark.parametrize(
    ("held", "names"),
    [
        ({}, []),
        ({"MW_TELEGRAM_TOKEN": "123456789:" + "A" * 35, "MW_TELEGRAM_CHAT": "-100123"}, ["telegram"]),
        ({"MW_DISCORD_WEBHOOK": "https://discord.com/api/webhooks/4174216298/" + "J" * 64}, ["discord"]),
        ({"MW_ALERT_URLS": "json://127.0.0.1:9/a  xml://127.0.0.1:9/b"}, ["json", "xml"]),
    ],
)
def test_services_are_those_the_environment_names(held: dict[str, str], names: list[str]) -> None:
    assert [service.name for service in services(held, 1.0)] == names


@pytest.mark.parametrize(
    ("held", "says"),
    [
        ({"MW_TELEGRAM_TOKEN": "123456789:" + "A" * 35}, "MW_TELEGRAM_CHAT is not set"),
        ({"MW_TELEGRAM_CHAT": "1"}, "MW_TELEGRAM_TOKEN is not set"),
        ({"MW_ALERT_URLS": "nonsense://hunter2secret"}, "a URL of 'nonsense' is none Apprise knows"),
        ({"MW_TELEGRAM_TOKEN": "short", "MW_TELEGRAM_CHAT": "1"}, "a URL of 'tgram' is none Apprise knows"),
    ],
)
def test_service_named_wrongly_is_one_line_without_the_secret(held: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        services(held, 1.0)
    assert "hunter2" not in str(caught.value)
