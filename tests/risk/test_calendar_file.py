"""A broken calendar file is one line naming file, place, value and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.risk.blackouts import EventCalendar

CPI = {"date": "2018-01-12", "kind": "CPI", "time": "08:30", "source": "bls"}
GOOD: dict[str, Any] = {
    "version": 1,
    "coverage": {"CPI": ["2018-01-01", "2018-02-28"]},
    "sources": {"bls": "bls.gov"},
    "events": [CPI],
}


def read(tmp_path: Path, content: Any) -> EventCalendar:
    path = tmp_path / "events.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return EventCalendar.load(path)


def test_smallest_good_file_is_read(tmp_path: Path) -> None:
    assert len(read(tmp_path, GOOD).known.events) == 1


def event(**changed: Any) -> dict[str, Any]:
    return GOOD | {"events": [CPI | changed]}


def coverage(**spans: Any) -> dict[str, Any]:
    return GOOD | {"coverage": GOOD["coverage"] | spans}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "is no JSON"),
        ('{"version": 1', "is no JSON"),
        ([], "version: got []"),
        (GOOD | {"version": 2}, "version: got 2, expected 1"),
        (GOOD | {"evnets": []}, "got 'evnets', expected one of about"),
        (GOOD | {"events": {}}, "events: got {}"),
        (GOOD | {"events": ["x"]}, "events[0]: got 'x'"),
        (GOOD | {"coverage": []}, "coverage: got []"),
        (GOOD | {"no_earnings": [1]}, "no_earnings: got 1"),
        (GOOD | {"aliases": {"GOOG": ["GOOGL"]}}, "aliases.GOOG: got ['GOOGL']"),
        (GOOD | {"sources": {"bls": ""}}, "sources.bls: got ''"),
        (GOOD | {"events": [CPI, CPI]}, "events[1]: got '2018-01-12 CPI'"),
        (event(date="2018-02-30"), "events[0].date: got '2018-02-30'"),
        (event(date=20180112), "events[0].date: got 20180112"),
        (event(date="2018-03-01"), "a day inside the coverage of CPI"),
        (event(date="2999-01-01"), "events[0].date: got '2999-01-01'"),
        (event(kind="PPI"), "events[0].kind: got 'PPI'"),
        (event(kind=None), "events[0].kind: got None"),
        (event(source="fed"), "events[0].source: got 'fed', expected one of bls"),
        (event(status="sure"), "events[0].status: got 'sure'"),
        (event(status=[]), "events[0].status: got []"),
        (event(time="8:30"), "events[0].time: got '8:30'"),
        (event(time="24:00"), "events[0].time: got '24:00'"),
        (event(time=830), "events[0].time: got 830"),
        (event(symbol="AAPL"), "events[0].symbol: got 'AAPL'"),
        (event(kind="EARNINGS", time="AMC"), "events[0].symbol: got None"),
        (event(kind="EARNINGS", symbol="AAPL", time="AMC"), "the coverage of EARNINGS AAPL"),
        (event(when="noon"), "events[0].when: got 'noon'"),
        (coverage(PPI=["2018-01-01", "2018-02-28"]), "coverage: got 'PPI'"),
        (coverage(FOMC=["2018-02-28", "2018-01-01"]), "from before to"),
        (coverage(FOMC=["2018-01-01"]), "coverage.FOMC: got ['2018-01-01']"),
        (coverage(EARNINGS=["2018-01-01", "2018-02-28"]), "coverage.EARNINGS: got"),
        (coverage(EARNINGS={"AAPL": "2018"}), "coverage.EARNINGS.AAPL: got '2018'"),
        (coverage(CPI=["2018-01-01", "2018-12-31"]), "no CPI between 2018-01-12 and 2018-12-31"),
        (coverage(JOBS=["2018-01-01", "2018-12-31"]), "no JOBS between 2018-01-01 and 2018-12-31"),
    ],
)
def test_broken_file_is_one_line_naming_place_and_value(tmp_path: Path, content: object, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, content)
    text = str(caught.value)
    assert text.startswith(str(tmp_path / "events.json"))
    assert named in text
    assert "expected" in text
    assert "\n" not in text


def test_missing_file_and_folder_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            EventCalendar.load(path)


def test_file_of_other_bytes_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is no JSON"):
        EventCalendar.load(path)
