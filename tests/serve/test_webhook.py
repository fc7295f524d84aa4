"""What the door for alerts takes and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.journal.records import Note
from engine.settings_services import ServeSettings
from scripts.serve.webhook import Door, Refused

NOW = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
TOKEN = "a-long-and-secret-token"
BOTS, SYMBOLS = ("putlite", "buywrite", "condor"), ("XSP", "SPY")


def door(**changes: Any) -> Door:
    return Door(TOKEN, ServeSettings(**changes), BOTS, SYMBOLS)


def message(**changes: Any) -> dict[str, Any]:
    told = {"token": TOKEN, "id": "1", "time": NOW.isoformat(), "kind": "veto", "text": "trend turned"}
    return told | changes


def read(held: Door, told: Any, header: str = "", now: datetime = NOW) -> Note | Refused:
    return held.read(json.dumps(told).encode(), header, now)


def test_veto_becomes_a_note_that_holds_for_its_minutes() -> None:
    note = read(door(), message(bot="condor", symbol="XSP", minutes=30))

    assert note == Note(
        at=NOW,
        source="tradingview",
        kind="veto",
        text="trend turned",
        bot="condor",
        symbol="XSP",
        until=NOW + timedelta(minutes=30),
        reference="1",
    )


def test_veto_holds_no_longer_than_the_settings_allow() -> None:
    note = read(door(veto_minutes=20), message(minutes=300))
    assert isinstance(note, Note) and note.until == NOW + timedelta(minutes=20)


def test_note_has_no_end() -> None:
    note = read(door(), message(kind="note"))
    assert isinstance(note, Note) and note.until is None


def test_token_in_the_header_is_as_good() -> None:
    told = message()
    del told["token"]
    assert isinstance(read(door(), told, TOKEN), Note)


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        (message(token="wrong"), 401, "token"),
        (message(token=7), 401, "token"),
        (message(kind="order"), 400, "kind"),
        (message(action="buy"), 400, "action"),
        (message(minutes=-1), 400, "minutes"),
        (message(minutes="60"), 400, "minutes"),
        (message(bot="condr"), 400, "bot: got 'condr', expected one of buywrite, condor, putlite"),
        (message(symbol="TSLA"), 400, "symbol: got 'TSLA'"),
        (message(text="x" * 501), 400, "text"),
        (message(text="a\x00b"), 400, "printable"),
        (message(text="\ud800"), 400, "text"),
        (message(id=""), 400, "id"),
        (message(time="yesterday"), 400, "time"),
        (message(time="2026-11-25T16:00:00"), 400, "zone"),
        (message(time=(NOW - timedelta(seconds=61)).isoformat()), 409, "more than 60 s"),
        (message(time=(NOW + timedelta(seconds=61)).isoformat()), 409, "more than 60 s"),
        ([message()], 400, "list"),
        ("veto", 400, "str"),
    ],
)
def test_refusal_names_what_is_wrong(told: object, status: int, words: str) -> None:
    answer = read(door(), told)

    assert isinstance(answer, Refused)
    assert answer.status == status
    assert words in answer.text
    assert TOKEN not in answer.text


def test_wrong_header_is_not_made_good_by_the_message() -> None:
    answer = read(door(), message(), header="wrong")
    assert isinstance(answer, Refused) and answer.status == 401


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 4000, b'{"token":', b"nul", b"1e999", b"9" * 4096])
def test_broken_json_is_refused(body: bytes) -> None:
    answer = door().read(body, "", NOW)
    assert isinstance(answer, Refused) and answer.status in (400, 401)


def test_large_message_is_refused_unread() -> None:
    answer = door().read(b"x" * 4097, TOKEN, NOW)
    assert isinstance(answer, Refused) and answer.status == 413


def test_no_more_than_so_many_a_minute() -> None:
    held = door(per_minute=2)
    assert isinstance(read(held, message(id="1")), Note)
    assert isinstance(read(held, message(id="2")), Note)
    full = read(held, message(id="3"))
    assert isinstance(full, Refused) and full.status == 429

    later = NOW + timedelta(seconds=61)
    assert isinstance(read(held, message(id="4", time=later.isoformat()), now=later), Note)


def test_wrong_tokens_do_not_use_the_minute_up() -> None:
    held = door(per_minute=1)
    for _ in range(5):
        read(held, message(token="wrong"))
    assert isinstance(read(held, message()), Note)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["token", "id", "time", "kind", "bot", "symbol", "minutes", "text", "more"])


@given(st.binary(max_size=300) | JSON.map(lambda told: json.dumps(told).encode()), st.text(max_size=20))
def test_nothing_without_the_token_becomes_a_note(body: bytes, header: str) -> None:
    assert isinstance(door().read(body, header, NOW), Refused)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_whatever_the_fields_hold_the_answer_is_a_note_or_a_refusal(changes: dict[str, Any]) -> None:
    answer = read(door(), message() | changes)

    if isinstance(answer, Note):
        assert answer.kind in ("veto", "note")
        assert answer.text.isprintable()
        assert answer.text.encode("utf-8").decode() == answer.text
    else:
        assert 400 <= answer.status < 500
        assert "\n" not in answer.text
