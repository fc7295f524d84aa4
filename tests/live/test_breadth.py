"""A rehearsed session counts stocks as its backtest does; where it cannot, it sells nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.journal.queries import Reader
from scripts.live.parity import parity
from scripts.live.plan import Plan, make_plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import CONFIG, DAY, HOUR, request

COUNTED: dict[str, Any] = {
    **HOUR,
    "common": {"time_stop": "11:00", "regime": {"breadth_min": 0.41}},  # not at 10:30, at 10:35
}


def reasons(plan: Plan) -> list[str]:
    """Return why the bots decided as they did, in order."""
    with Reader(plan.database) as reader:
        return reader.decisions(reader.history(), DAY).sort_values("at").reason.astype(str).tolist()


def test_the_filter_decides_on_streamed_stocks_as_in_the_backtest(tmp_path: Path) -> None:
    asked = request(tmp_path, bots=("condor", "putlite"), overrides=COUNTED)
    with stage(asked) as (_, plan):
        play(plan)
    found = parity(asked, plan, DAY)

    told = reasons(plan)
    assert "breadth" in told and "entered" in told and "warming_up" not in told
    assert found.trades >= 1 and found.holds, found.differences


def test_with_too_few_stocks_known_nothing_is_sold(tmp_path: Path) -> None:
    refuse = {"do": "refuse", "event": "request", "request": "marketData", "kind": "STK", "nth": 0}
    with stage(request(tmp_path, [refuse], overrides=COUNTED)) as (gateway, plan):
        play(plan)
        assert gateway.executions() == []

    assert set(reasons(plan)) == {"warming_up"}


def test_stocks_are_asked_for_only_where_a_filter_wants_them() -> None:
    assert not make_plan(CONFIG, "paper").members
    wanted = make_plan(CONFIG, "paper", overrides={"common": {"regime": {"breadth_max": 0.9}}}).members
    assert "AAPL" in wanted and "XSP" not in wanted
