"""The codec against recorded frames of real gateways: every field in its place, nothing left over."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import DataError
from engine.gateway.client import LAYOUTS
from engine.gateway.codec import Const, Layout, decode, encode
from engine.gateway.incoming import REQUESTS

pytestmark = pytest.mark.realdata
SERVER = {message.number: message for message in LAYOUTS.values()}
RECORDED = 173  # server version of the recording


@pytest.fixture(scope="module")
def interactions(real_data: Path) -> list[dict[str, Any]]:
    text = (real_data / "ibkr" / "tws_interactions_recorded_rust_ibapi.yaml").read_text()
    told: list[dict[str, Any]] = yaml.safe_load(text)["interactions"]
    return told


@pytest.fixture(scope="module")
def wire(real_data: Path) -> list[list[str]]:
    with gzip.open(real_data / "ibkr" / "tws_wire_strings_rust_ibapi.jsonl.gz", "rt") as lines:
        return [json.loads(line)["fields"] for line in lines]


def same(a: str, b: str) -> bool:
    """Tell whether two fields are equal, as numbers where they are numbers."""
    if a == b:
        return True
    try:
        return float(a) == float(b)
    except ValueError:
        return {a, b} == {"", "0"}


def holds(message: Layout, fields: list[str], version: int) -> bool:
    """Tell whether a layout reads a frame to its end and writes it again."""
    try:
        told, rest = decode(message, fields, version)
    except DataError:
        return False
    sent = encode(message, told, version)
    return not rest and len(sent) == len(fields) and all(map(same, sent, fields))


def test_the_recording_of_a_real_gateway_reads_and_writes_field_by_field(
    interactions: list[dict[str, Any]],
) -> None:
    seen = set()
    for one in interactions:
        asked = one["request"]["raw"].removesuffix("\0").split("\0")
        if int(asked[0]) in REQUESTS:
            assert holds(REQUESTS[int(asked[0])], asked, RECORDED), asked
        for answer in one["responses"]:
            fields = answer["raw"].removesuffix("\0").split("\0")
            if int(fields[0]) in SERVER:
                assert holds(SERVER[int(fields[0])], fields, RECORDED), fields
                seen.add(int(fields[0]))
    assert {15, 49, 61, 62, 63, 64} <= seen


LONG = {5: 136, 101: 101, 10: 40, 11: 31}  # captured, of server version 170 to 173


@pytest.mark.parametrize(("number", "length"), LONG.items())
def test_captured_long_frames_read_and_write_field_by_field(
    wire: list[list[str]], number: int, length: int
) -> None:
    found = [fields for fields in wire if fields[0] == str(number) and len(fields) == length]
    found = [fields for fields in found if fields[0] != "101" or fields[2] == "ES"]  # the other is made up
    assert found
    for fields in found:
        assert holds(SERVER[number], fields, RECORDED), fields


def test_a_captured_order_shows_its_parts(wire: list[list[str]]) -> None:
    fields = next(row for row in wire if row[0] == "5" and row[2] == "265598" and len(row) == 136)
    told, _ = decode(SERVER[5], fields, RECORDED)
    assert (told["symbol"], told["action"], told["orderType"], told["tif"]) == ("AAPL", "BUY", "MKT", "DAY")
    assert told["exemptCode"] == -1 and told["neutralOrderType"] == "None" and told["status"]


SHORT = {1: 7, 2: 5, 3: 12, 21: 12, 45: 5, 46: 5, 50: 11, 59: 8, 61: 16, 63: 7, 95: 7}


@pytest.mark.parametrize(("number", "length"), SHORT.items())
def test_short_frames_of_the_collection_read_and_write(
    wire: list[list[str]], number: int, length: int
) -> None:
    first = SERVER[number].parts[0]
    version = {first.text} if isinstance(first, Const) else set()
    found = [
        fields
        for fields in wire
        if fields[0] == str(number)
        and len(fields) == length
        and (not version or fields[1] in version)  # some are made up, of other versions
        and not any("{" in one or "invalid" in one for one in fields)
    ]
    assert found
    for fields in found:
        assert holds(SERVER[number], fields, RECORDED), fields
