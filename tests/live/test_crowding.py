"""A rehearsed session's crowding meter lives on what the gateway streams, and its filter decides on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.journal.queries import Reader
from scripts.live.parity import parity
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import DAY, HOUR, request


def test_live_ticks_feed_the_crowding_meter_and_its_filter_decides_as_in_the_backtest(tmp_path: Path) -> None:
    overrides = {
        **HOUR,
        "common": {"time_stop": "11:00", "regime": {"crowding_max": 0.5}},
        "ibkr": {"backfill_days": 30},  # the meter wants 20 sessions before it knows anything
    }
    asked = request(tmp_path, bots=("condor", "putlite"), overrides=overrides)
    with stage(asked) as (_, plan):
        play(plan)
    with Reader(plan.database) as reader:
        told = reader.decisions(reader.history(), DAY)
        marks = reader.marks(reader.history(), DAY)
    found = parity(asked, plan, DAY)

    reasons = set(told.reason.astype(str))
    assert "crowded" in reasons and "warming_up" not in reasons
    assert found.decisions >= 6 and found.trades == 0 and found.differences == ()
    market = marks[-1]["market"]["XSP"]
    assert 0.5 < market["crowding"] <= 100.0
    assert market["put_volume"] > 0.0 and market["call_volume"] > 0.0
    assert market["open_interest"] > 0.0 and np.isfinite(market["skew"])
