"""trades.log: one whole line an event, whatever happened to the line before."""

from __future__ import annotations

import json
import typing
from dataclasses import fields
from pathlib import Path

from engine.journal import records
from engine.journal.redaction import Redactor
from engine.journal.trades_log import NAMES, TradesLog
from tests.journal.events import decision, every_kind, fill


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_kind_of_event_is_one_line_of_plain_json(tmp_path: Path) -> None:
    assert set(NAMES) == set(typing.get_args(records.Event))
    log = TradesLog(tmp_path / "logs" / "trades.log", "one")
    events = every_kind()
    for event in events:
        log.record(event)
    log.close()
    told = lines(tmp_path / "logs" / "trades.log")
    assert [line["event"] for line in told] == [NAMES[type(event)] for event in events]
    assert told[1]["at"] == "2026-11-25T17:00:00.000000Z"
    assert told[1]["credit"] is None
    assert told[1]["rules"] == {"iv_below_realized": True, "not_compressed": False}
    assert {line["run"] for line in told} == {"one"}


def test_line_cut_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "trades.log"
    path.write_text('{"event":"fill","pri')
    log = TradesLog(path, "two")
    log.record(fill())
    log.close()
    first, second = path.read_text().splitlines()
    assert first == '{"event":"fill","pri' and json.loads(second)["event"] == "fill"


def test_large_file_is_set_aside_and_no_line_lost(tmp_path: Path) -> None:
    log = TradesLog(tmp_path / "trades.log", "one", limit=1_000)
    for minute in range(20):
        log.record(decision(minute))
    log.close()
    kept = sorted(tmp_path.glob("trades*.log"))
    assert len(kept) > 2
    assert sum(len(lines(path)) for path in kept) == 20


def test_place_that_cannot_be_written_is_told_once_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    log = TradesLog(tmp_path / "file" / "trades.log", "one", tell=said.append)
    for minute in range(3):
        log.record(decision(minute))
    assert log.lost == 3 and len(said) == 1 and "cannot be written" in said[0]


def test_secret_never_reaches_the_file(tmp_path: Path) -> None:
    log = TradesLog(tmp_path / "trades.log", "one", Redactor(["hunter2secret"]))
    log.record(decision(text="account DU1234567, password hunter2secret"))
    log.close()
    assert lines(tmp_path / "trades.log")[0]["text"] == "account ***, password ***"


def test_documentation_names_every_event_and_its_fields(root: Path) -> None:
    text = (root / "docs" / "journal.md").read_text()
    for kind, name in NAMES.items():
        told = ", ".join(one.name for one in fields(kind))
        assert f"| `{name}` | {told} |" in text
