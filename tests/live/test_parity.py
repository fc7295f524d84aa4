"""The same bots, bars, quotes and seed: backtest and rehearsal decide and trade the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.journal.queries import Reader
from scripts.live.parity import parity
from scripts.live.plan import Plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import DAY, HOUR, request

pytestmark = pytest.mark.slow


def reasons(plan: Plan, bot: str) -> set[str]:
    with Reader(plan.database) as reader:
        told = reader.decisions(reader.history(), DAY)
    found = set(told.reason[told.bot == bot].astype(str))
    assert found
    return found


def test_rehearsed_day_decides_and_trades_as_its_backtest(tmp_path: Path) -> None:
    overrides = {
        **HOUR,
        "risk": {"window_last": "11:00", "flat_by": "11:20"},
        "common": {"time_stop": "11:15"},
    }
    asked = request(tmp_path, bots=("condor", "putlite", "buywrite"), overrides=overrides)
    with stage(asked) as (_, plan):
        play(plan)
    found = parity(asked, plan, DAY)
    assert found.decisions >= 18  # six minutes, three bots
    assert "warming_up" not in reasons(plan, "buywrite")  # its rank knows the days before
    assert found.trades >= 1
    assert found.differences == ()  # in lockstep nothing comes later than in the backtest
