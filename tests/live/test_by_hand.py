"""The owner's commands at a gateway: mw chain --live, mw universe update, mw flatten."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from engine.universe import load_universe
from scripts.live.chain import run as chain
from scripts.live.plan import Plan, instant
from scripts.live.rehearse import stage
from scripts.live.status import flatten
from scripts.live.universe import update
from scripts.live.watch import Outcome
from tests.live.kills import BEGIN, Moment, hold
from tests.live.stage import CONFIG, DAY, WALL, Played, request

pytestmark = pytest.mark.slow

FEW = ("SPX", "XSP", "SPY")


def folder_at(plan: Plan, place: Path) -> Path:
    """Return a folder of settings of its own, with the gateway's port and a universe of a few."""
    shutil.copytree(CONFIG, place)
    path = place / "strategy.yaml"
    told = yaml.safe_load(path.read_text())
    told["ibkr"] |= {"port": plan.settings.ibkr.port, "quote_age": 150.0}
    path.write_text(yaml.safe_dump(told))
    universe = json.loads((place / "universe.json").read_text())
    symbols = universe.pop("symbols")
    rows = ",\n".join(f'    "{name}": {json.dumps(symbols[name])}' for name in FEW)
    head = json.dumps(universe).removesuffix("}")
    (place / "universe.json").write_text(f'{head}, "symbols": {{\n{rows}\n  }}}}\n')
    return place


def test_chain_and_ranking_come_from_the_gateway_and_only_the_order_of_the_universe_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage(request(tmp_path, speed=WALL, first=640)) as (_, plan):
        config = folder_at(plan, tmp_path / "config")
        before = load_universe(config / "universe.json")
        shown = chain("XSP", config, speed=WALL)
        nobody = {"cboe_url": "http://127.0.0.1:9/{symbol}", "retries": 0, "timeout_seconds": 1.0}
        delayed = plan.settings.delayed.model_copy(update={**nobody, "sources": ("cboe",)})
        settings = plan.settings.model_copy(update={"delayed": delayed})
        ranked = update(replace(plan, config=config, settings=settings))
    assert shown.expiry == DAY and len(shown.strike) >= 10
    assert f"{shown.strike[0]:g}" in capsys.readouterr().out
    assert (ranked[0].symbol, ranked[0].source) == ("XSP", "ibkr")  # the only one this gateway lists
    assert ranked[0].volume > 0.0 and 0.0 < ranked[0].spread < 1.0
    after = load_universe(config / "universe.json")
    assert list(before) != list(after) == ["XSP", *(name for name in before if name != "XSP")]
    assert after == before  # as mappings: nothing else was touched


def test_flatten_closes_what_a_dead_session_holds_and_journals_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(tmp_path, Moment("second", at=instant(DAY, BEGIN) + timedelta(minutes=8)))
    asked = request(tmp_path, speed=60.0, first=BEGIN, prompt=True)
    with stage(asked) as (gateway, plan):
        assert gateway.positions()
        flatten(plan)
        played = Played(Outcome("flat", DAY, 1, 0.0, ""), gateway, plan)
        played.check()
        (trade,) = played.trades()
    assert trade["exit_reason"] == "taken_over"
    assert "holds no option of the bots' symbols and no order of theirs" in capsys.readouterr().out
