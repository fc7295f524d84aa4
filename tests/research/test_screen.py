"""The screen: what it says of a combination is what the full engine makes of it, to the cent, every day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.errors import ConfigError, DataError
from scripts.cli import main
from scripts.search import screen
from scripts.search.entries import ALL_DAY
from scripts.search.found import matrices
from scripts.search.run import Plan, SearchRequest
from scripts.search.screening import EVERY_KEY, MOST, Grid, Screened, screened
from scripts.variants import Variant, run_variant

CONFIG = Path(__file__).parents[2] / "config"
WIDE = (
    "common.min_credit_to_cost: 0.5, risk.structural_loss: 1000, risk.day_cap: 2000, risk.planned_loss: 400"
)
PUTLITE = f"""
bots: [putlite]
timerange: 20180102-20180531
signals: open
fixed: {{{WIDE}}}
keys:
  risk.window_first: ["10:35", "11:40", 770]
  bots.putlite.short_delta: [0.15, 0.3, 0.4]
  bots.putlite.width: [1, 3]
  bots.putlite.profit_target: [0.3, 0.95]
  bots.putlite.planned_loss: [30, 200]
"""
CONDOR = f"""
bots: [condor]
timerange: 20180102-20180531
fixed: {{{WIDE}, bots.condor.quantity: 2, execution.fill_fraction: 0.6, execution.slippage_ticks: 1,
  execution.requote_minutes: 2, risk.halt_move: 0.7, risk.close_on: [halt_move], bots.condor.calm_max: 2,
  common.regime.spike: 0.1, bots.condor.lean_move: 0.4}}
keys:
  risk.window_first: {{from: "10:35", to: "12:35", step: 60}}
  bots.condor.short_move: [1.0, 1.5]
  bots.condor.width: [1, 3]
  bots.condor.profit_target: [0.3, 0.95]
  bots.condor.planned_loss: [30, 150]
"""


def request(folder: Path, text: str) -> SearchRequest:
    path = folder / "idea.yaml"
    path.write_text(text)
    return SearchRequest(path, CONFIG, folder / "runs", jobs=2)


def planned(folder: Path, text: str) -> tuple[Plan, Grid]:
    plan = Plan.of(request(folder, text), MOST)
    return plan, Grid.of(plan)


@pytest.mark.parametrize(("text", "least"), [(PUTLITE, 600), (CONDOR, 120)])
def test_every_day_of_drawn_combinations_is_the_engines(tmp_path: Path, text: str, least: int) -> None:
    plan, grid = planned(tmp_path, text)
    size = int(np.prod(grid.shape))
    places = np.random.default_rng(3).choice(size, 16, replace=False).tolist()
    found = screened(plan, grid, places, jobs=2)
    compared = 0
    for column, place in enumerate(places):
        changes = {**plan.search.spec.fixed, **grid.changes(place), EVERY_KEY: ALL_DAY}
        outcome = run_variant(plan.base, Variant(changes, plan.search.spec.signals))
        assert not outcome.error
        pnl, trades = matrices([outcome], found.days)
        assert found.daily[:, column] == pytest.approx(pnl[:, 0], abs=1e-6), changes
        assert found.figures["trades"][place] == trades.sum()
        assert found.figures["net"][place] == pytest.approx(pnl.sum(), abs=1e-6)
        compared += int(trades.sum())
    assert compared > least


def test_figures_are_those_of_the_days(tmp_path: Path) -> None:
    from analyzers.search import figures

    plan, grid = planned(tmp_path, PUTLITE)
    places = list(range(0, int(np.prod(grid.shape)), 5))
    found = screened(plan, grid, places, jobs=1)
    told = figures(found.daily, (found.daily != 0.0).astype(float), 1.0)
    for name in ("sharpe", "net", "drawdown"):
        assert found.figures[name][places] == pytest.approx(told[name], nan_ok=True), name
    assert np.isfinite(told["sharpe"]).any()


def test_threads_and_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, grid = planned(tmp_path, PUTLITE)
    whole = screened(plan, grid, [1, 7], jobs=1)
    monkeypatch.setattr("scripts.search.screening.BLOCK", 700)
    parts = screened(plan, grid, [1, 7], jobs=3)
    assert np.array_equal(whole.daily, parts.daily)
    for name, values in whole.figures.items():
        assert np.array_equal(values, parts.figures[name], equal_nan=True), name


def test_combinations_an_account_could_not_carry_say_nothing(tmp_path: Path) -> None:
    plan, grid = planned(tmp_path, PUTLITE.replace(WIDE, f"{WIDE}, account.cash: 700"))
    found = screened(plan, grid, [], jobs=1)
    broke = np.isnan(found.figures["net"])
    assert broke.any() and not broke.all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bots: [putlite, condor]\nkeys: {risk.window_first: [630]}", "expected one"),
        ("bots: [buywrite]\nkeys: {risk.window_first: [630]}", "expected putlite or condor"),
        ("bots: [putlite]\nkeys: {bots.putlite.compression_max: [1, 2]}", "not covered by a screen"),
        (
            "bots: [putlite]\nkeys: {bots.putlite.short_move: [1, 2]}",
            "Did you mean 'bots.putlite.short_delta'",
        ),
        ("bots: [putlite]\nsearch: random\nkeys: {risk.window_first: [630]}", "expected grid for a screen"),
        ("bots: [condor]\nkeys: {bots.condor.short_move: [9]}", "short_move: got 9"),
        ("bots: [condor]\nkeys: {risk.window_first: ['13:27']}", "expected before risk.window_last"),
        ("bots: [condor]\nkeys: {bots.condor.planned_loss: [60]}", "is never traded"),
        ("bots: [condor]\nfixed: {bots.condor.symbols: [SPY]}\nkeys: {risk.window_first: [640]}", "cash_pm"),
        (
            "bots: [condor]\nfixed: {bots.condor.expiry_days: 1}\nkeys: {risk.window_first: [640]}",
            "expected 0",
        ),
        ("bots: [condor]\nfixed: {risk.half_days: true}\nkeys: {risk.window_first: [640]}", "expected false"),
        (
            "bots: [putlite]\nfixed: {bots.putlite.structure: cash_secured}\n"
            "keys: {risk.window_first: [640]}",
            "expected spread",
        ),
        ("bots: [condor]\nfixed: {bots.condor.convention: sigma}\nkeys: {risk.window_first: [640]}", "sigma"),
        (
            "bots: [condor]\nkeys: {account.cash: [1], bots.condor.width: {from: 1, to: 5001, step: 1},"
            " risk.window_first: {from: 631, to: 1630, step: 1}}",
            "5,001,000 variants, expected at most 4,000,000",
        ),
    ],
)
def test_what_the_screen_cannot_express_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        plan, grid = planned(tmp_path, f"timerange: 20180102-20180131\n{text}\n")
        screened(plan, grid, [])
    assert "\n" not in str(caught.value)


def test_command_writes_what_the_engine_confirms_and_counts_every_combination(tmp_path: Path) -> None:
    path = request(tmp_path, PUTLITE).file
    assert main(["screen", str(path), "--out", str(tmp_path / "runs"), "--drawn", "4", "--confirm", "3"]) == 0
    (folder,) = (tmp_path / "runs").glob("search-*")
    table = pd.read_parquet(folder / "screen.parquet")
    assert len(table) == 72
    assert set(table["risk.window_first"]) == {635, 700, 770}
    page = (folder / "screen.html").read_text()
    assert "72 combinations" in page and "Agreement with the engine" in page and "12:50" in page
    assert page.count('<table class="months">') == 40
    assert (folder / "screen.png").read_bytes()[:4] == b"\x89PNG"
    (line,) = (tmp_path / "runs" / "trials" / "putlite.jsonl").read_text().splitlines()
    assert json.loads(line)["trials"] == 72


def test_screen_the_engine_does_not_confirm_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*arguments: Any) -> Screened:
        found = screened(*arguments)
        found.daily[:] += 0.01
        return found

    monkeypatch.setattr(screen, "screened", wrong)
    with pytest.raises(DataError, match="screen and engine differ"):
        screen.run(screen.ScreenRequest(request(tmp_path, PUTLITE), 4, 2))
    assert not list((tmp_path / "runs").glob("search-*/screen.*"))
    assert not (tmp_path / "runs" / "trials").exists()
