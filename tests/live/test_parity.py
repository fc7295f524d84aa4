"""The same bots, bars, quotes and seed: backtest and rehearsal decide and trade the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.live.parity import parity
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import DAY, HOUR, request

pytestmark = pytest.mark.slow


def test_rehearsed_day_decides_and_trades_as_its_backtest(tmp_path: Path) -> None:
    overrides = {
        **HOUR,
        "risk": {"window_last": "11:00", "flat_by": "11:20"},
        "common": {"time_stop": "11:15"},
    }
    asked = request(tmp_path, bots=("condor", "putlite"), overrides=overrides, speed=120.0)
    with stage(asked) as (_, plan):
        play(plan)
    found = parity(asked, plan, DAY)
    assert found.decisions >= 12  # six minutes, two bots
    assert found.trades >= 1
    assert found.holds, found.differences
