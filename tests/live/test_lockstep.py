"""In lockstep a rehearsal is the same every time, however busy the machine is."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SessionError
from engine.journal.queries import Reader
from engine.journal.tables import (
    EventRow,
    FillRow,
    HaltRow,
    MarkRow,
    OrderRow,
    ReconciliationRow,
    TradeRow,
)
from scripts.live.plan import Plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.live.watch import Watch
from tests.live.stage import DAY, request, rows

TABLES: tuple[type[EventRow], ...] = (OrderRow, FillRow, TradeRow, HaltRow, MarkRow, ReconciliationRow)
DROPPED = [
    {"do": "drop", "at": "10:36", "seconds": 45},
    {"do": "outage", "at": "10:41", "seconds": 60, "lost": True},
]


def kept(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return everything the journal keeps of the session's doing."""
    with Reader(plan.database) as reader:
        runs = reader.history()
        told = {table.__name__: reader.events(table, runs, DAY) for table in TABLES}
        told["decisions"] = rows(reader.decisions(runs, DAY).astype(str))
    return told


def played(folder: Path, faults: list[dict[str, Any]] | None = None) -> dict[str, list[dict[str, Any]]]:
    with stage(request(folder, faults)) as (_, plan):
        assert play(plan).how == "flat"
    return kept(plan)


def test_journal_is_the_same_on_a_machine_that_stumbles_and_through_lost_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = played(tmp_path / "first", DROPPED)
    assert len(first["FillRow"]) >= 8 and first["decisions"]  # four legs, in and out
    assert {one["reason"] for one in first["HaltRow"]} >= {"disconnected"}

    look, draw = Watch.on_pass, random.Random(3)

    def stumble(self: Watch, bots: list[Any]) -> bool:
        if draw.random() < 0.03:
            time.sleep(draw.choice((0.001, 0.01, 0.1)))
        return look(self, bots)

    monkeypatch.setattr(Watch, "on_pass", stumble)
    second = played(tmp_path / "second", DROPPED)
    for name in first:
        assert second[name] == first[name], name


def test_session_that_never_comes_to_rest_fails_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.live.lockstep.SETTLE_SECONDS", 0.5)
    with (
        stage(request(tmp_path)) as (gateway, plan),
        pytest.raises(SessionError, match="not come to rest within 0.5 s"),
    ):
        monkeypatch.setattr(gateway, "traffic", lambda: {1: (2, 3)})  # as if bytes were on their way for ever
        play(plan)
