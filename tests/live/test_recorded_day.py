"""A session that was recorded, played again: by its backtest and by a rehearsal, to the same end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.journal.queries import Reader
from feeds.store.store import QuoteStore
from scripts.live.parity import parity
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.market import market
from scripts.requests import Recording
from tests.live.stage import DAY, HOUR, request

BEGIN = (
    905  # minutes after midnight: quotes are recorded from 15:05 to the close, bars of two days come along
)
LATE: dict[str, Any] = {
    **HOUR,
    "risk": {"window_first": "15:15", "window_last": "15:30", "flat_by": "15:50"},
    "common": {"time_stop": "15:45"},
}


def test_recorded_day_decides_and_trades_the_same_in_its_backtest_and_in_a_rehearsal(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "recorded"
    overrides = {**LATE, "session": {"guard": False, "record": str(folder)}}
    with stage(request(tmp_path / "first", overrides=overrides, first=BEGIN)) as (_, plan):
        assert play(replace(plan, bots=())).how == "flat"  # as mw record does: no bot, nothing traded
    store = QuoteStore.open(folder / "quotes")
    assert (store.days("XSP"), store.expiries("XSP", DAY)) == ([DAY], [DAY])
    recording = Recording(bars=folder / "bars-XSP.parquet", quotes=store.path)
    bars, _ = market(plan.settings, plan.products, ["XSP"], recording=recording)
    assert len(bars["XSP"]) == 780

    asked = request(tmp_path / "again", recording=recording, overrides=LATE, first=BEGIN)
    with stage(asked) as (gateway, plan):
        assert play(plan).how == "flat"
        legs = [one for one in gateway.executions() if one["secType"] != "BAG"]
        found = parity(asked, plan, DAY)
    with Reader(plan.database) as reader:
        groups = {fill["exec_id"] for fill in reader.fills(reader.history()).to_dict("records")}
    assert len(groups) == len(legs) == 8
    assert (found.trades, found.differences) == (1, ())
    assert found.decisions >= 3
