"""The codec: what is encoded is decoded again, at every version; nonsense is named."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import DataError
from engine.gateway.client import LAYOUTS
from engine.gateway.codec import (
    MAX_VERSION,
    MIN_VERSION,
    UNSET,
    Between,
    Const,
    Field,
    Layout,
    Many,
    Part,
    When,
    decode,
    encode,
    fields,
    frame,
    layout,
    read,
    since,
    unframe,
    until,
    when,
    written,
)
from engine.gateway.incoming import REQUESTS

ALL = [*LAYOUTS.values(), *REQUESTS.values()]
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8)
FLOAT = st.floats(allow_nan=False, allow_infinity=False, width=64).filter(lambda x: abs(x) < 1e300)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "s": TEXT,
    "i": st.none() | st.integers(-(2**40), 2**40).filter(lambda n: n != 2147483647),
    "n": st.none() | st.integers(-(2**40), 2**40).filter(lambda n: n != 2147483647),
    "f": st.none() | FLOAT,
    "u": st.none() | FLOAT,
    "b": st.booleans(),
}


@st.composite
def values(
    draw: st.DrawFn, parts: tuple[Part, ...], version: int, found: dict[str, Any] | None = None
) -> Any:
    """Draw a message's values: exactly the names that the layout has at a version."""
    made = {} if found is None else found
    for part in parts:
        match part:
            case Field(name, kind):
                made[name] = draw(KINDS[kind])
            case Between(first, end, inner):
                if first <= version < end:
                    draw(values(inner, version, made))
            case Many(name, inner, field, value):
                if not field or made.get(field) == value:
                    made[name] = draw(st.lists(values(inner, version), max_size=3))
            case When(field, inner, wanted):
                if (made.get(field) == wanted) if wanted is not None else made.get(field):
                    draw(values(inner, version, made))
            case Const():
                pass
    return made


VERSIONS = st.integers(MIN_VERSION, MAX_VERSION)


@pytest.mark.parametrize("message", ALL, ids=lambda one: f"{one.number}-{one.name}")
def test_a_message_comes_back_as_it_was_sent_at_any_version(message: Layout) -> None:
    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(st.data(), VERSIONS)
    def law(data: st.DataObject, version: int) -> None:
        told = data.draw(values(message.parts, version))
        sent = encode(message, told, version)
        assert sent[0] == str(message.number)
        assert decode(message, unframe(frame(sent)[4:]), version) == (told, [])

    law()


@given(st.lists(TEXT, min_size=1, max_size=20))
def test_a_frame_says_its_length_and_ends_every_field(sent: list[str]) -> None:
    whole = frame(sent)
    assert struct.unpack(">I", whole[:4])[0] == len(whole) - 4
    assert whole.endswith(b"\0") and unframe(whole[4:]) == sent


def test_gates_open_and_close_at_their_version() -> None:
    message = layout(1, "toy", until(160, "old"), "kept", since(160, "new"))
    told = {"old": "o", "kept": "k", "new": "n"}
    assert encode(message, told, 159) == ["1", "o", "k"]
    assert encode(message, told, 160) == ["1", "k", "n"]


def test_a_group_follows_only_when_its_field_says_so() -> None:
    message = layout(1, "toy", "kind", when("kind", fields("price:f"), value="LMT"))
    assert encode(message, {"kind": "LMT", "price": 1.5}, 170) == ["1", "LMT", "1.5"]
    assert encode(message, {"kind": "MKT", "price": 1.5}, 170) == ["1", "MKT"]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("f", 10.0, "10"),
        ("f", -0.35, "-0.35"),
        ("f", math.inf, "Infinite"),
        ("f", None, ""),
        ("u", None, UNSET),
        ("i", 3, "3"),
        ("i", None, ""),
        ("n", None, "2147483647"),
        ("b", True, "1"),
        ("b", None, "0"),
        ("s", "a\0b", "a b"),
    ],
)
def test_values_are_written_as_a_gateway_writes_them(kind: str, value: Any, text: str) -> None:
    assert written(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("f", "1.7976931348623157e+308", None),
        ("f", UNSET, None),
        ("f", "", None),
        ("f", "Infinite", math.inf),
        ("f", "0", 0.0),
        ("i", "2147483647", None),
        ("i", "5.0", 5),
        ("b", "true", True),
        ("b", "", False),
    ],
)
def test_values_are_read_as_clients_write_them(kind: str, text: str, value: Any) -> None:
    assert read(kind, text) == value


def test_a_missing_field_a_wrong_number_and_an_absurd_count_are_named() -> None:
    asked = REQUESTS[92]
    with pytest.raises(DataError, match="pnl: ends before modelCode"):
        decode(asked, ["92", "1", "DU1"], 176)
    with pytest.raises(DataError, match="pnl: reqId is 'x', expected a number"):
        decode(asked, ["92", "x", "DU1", ""], 176)
    with pytest.raises(DataError, match="pnl: reqId is '1e400', expected a number"):
        decode(asked, ["92", "1e400", "DU1", ""], 176)
    with pytest.raises(DataError, match="expected 0 or more"):
        decode(LAYOUTS["marketRule"], ["93", "1", "-4"], 176)
