"""A session that was recorded, played again: by its backtest and by a rehearsal, to the same end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.journal.queries import Reader
from feeds.store.store import QuoteStore
from scripts.live.parity import parity
from scripts.live.rehearse import Rehearsal, stage
from scripts.live.session import play
from scripts.market import market
from scripts.requests import Recording
from tests.live.stage import HOUR, request

DAY = date(2018, 4, 5)  # on which putlite finds something to sell in the afternoon
BEGIN = 905  # minutes after midnight: quotes are recorded from then on, bars of two days come along
BOTS = ("condor", "putlite")
LATE: dict[str, Any] = {
    **HOUR,
    "risk": {"window_first": "15:15", "window_last": "15:30", "flat_by": "15:50"},
    "common": {"time_stop": "15:45"},
}


def test_recorded_day_decides_and_trades_the_same_in_its_backtest_and_in_a_rehearsal(
    tmp_path: Path,
) -> None:
    def asked(name: str, **more: Any) -> Rehearsal:
        return replace(request(tmp_path / name, first=BEGIN, bots=BOTS, **more), days=(DAY,))

    folder = tmp_path / "recorded"
    overrides = {**LATE, "session": {"guard": False, "record": str(folder)}}
    with stage(asked("first", overrides=overrides)) as (_, plan):
        assert play(replace(plan, bots=())).how == "flat"  # as mw record does: no bot, nothing traded
    store = QuoteStore.open(folder / "quotes")
    assert (store.days("XSP"), store.expiries("XSP", DAY)) == ([DAY], [DAY])
    recording = Recording(bars=folder / "bars-XSP.parquet", quotes=store.path)
    bars, _ = market(plan.settings, plan.products, ["XSP"], recording=recording)
    assert len(bars["XSP"]) == 780

    again = asked("again", recording=recording, overrides=LATE)
    with stage(again) as (gateway, plan):
        assert play(plan).how == "flat"
        legs = [one for one in gateway.executions() if one["secType"] != "BAG"]
        found = parity(again, plan, DAY)
    with Reader(plan.database) as reader:
        groups = {fill["exec_id"] for fill in reader.fills(reader.history()).to_dict("records")}
    assert len(groups) == len(legs) == 4
    assert (found.trades, found.differences) == (1, ())
    assert found.decisions >= 6
