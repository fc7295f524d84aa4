"""The same bots, bars, quotes and seed: backtest and rehearsal decide and trade the same."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
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


WORTHLESS = date(2018, 5, 23)  # by noon nobody bids for the puts, while the calls run against the condor


def test_side_that_nobody_bids_for_any_more_hides_no_loss_on_the_other(tmp_path: Path) -> None:
    overrides = {
        **HOUR,
        "risk": {"window_last": "11:00", "flat_by": "14:05"},
        "common": {"time_stop": "14:00"},
        "execution": {},
        "ibkr": {"backfill_days": 3},
    }
    asked = replace(request(tmp_path, overrides=overrides), days=(WORTHLESS,))
    with stage(asked) as (gateway, plan):
        outcome = play(plan)
        assert gateway.positions() == {}
    found = parity(asked, plan, WORTHLESS)
    assert (found.trades, found.differences) == (1, ())
    with Reader(plan.database) as reader:
        (trade,) = reader.trades(reader.history()).to_dict("records")
    assert trade["exit_reason"] == "planned_loss" and outcome.how == "flat"
    assert math.isfinite(trade["slippage"])
