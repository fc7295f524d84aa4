"""Honesty controls: the statistics find what was put in, and the command says so."""

from __future__ import annotations

import json
import math
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.controls import break_even, difference, mean_of
from analyzers.report.control import beside_market, premium_text
from engine.errors import ConfigError
from feeds.stress import daily_rows, load_shapes
from scripts.cli import main
from scripts.progress import time_left

CONFIG = Path(__file__).parents[2] / "config"
DAILY = Path(__file__).parents[3] / "shared" / "data" / "daily_spx_vix_spy_qqq.parquet"
PREMIUMS = (-0.05, 0.0, 0.1, 0.2)


def days(mean: float, noise: float = 20.0, size: int = 400, seed: int = 1) -> pd.DataFrame:
    drawn = mean + noise * np.random.default_rng(seed).standard_normal(size)
    return pd.DataFrame({"net": drawn - drawn.mean() + mean, "costs": 5.0, "trades": 1.0})


def test_break_even_is_found_between_the_premiums_with_its_interval() -> None:
    found = break_even(PREMIUMS, [days(mean) for mean in (-9.0, -6.0, -2.0, 2.0)])
    assert found.value == pytest.approx(0.15)
    assert 0.08 < found.low < 0.15 < found.high < 0.22


def test_break_even_outside_the_premiums_is_said_to_lie_there() -> None:
    never = break_even(PREMIUMS, [days(mean, 1.0) for mean in (-9.0, -6.0, -5.0, -4.0)])
    always = break_even(PREMIUMS, [days(mean, 1.0) for mean in (1.0, 2.0, 3.0, 4.0)])
    assert never.value == never.high == math.inf
    assert always.value == always.low == -math.inf
    assert (premium_text(math.inf), premium_text(-math.inf)) == (
        "above the largest tried",
        "below the smallest tried",
    )
    assert beside_market(never) == "above all that was measured"


def test_break_even_does_not_follow_a_mean_that_falls_by_chance() -> None:
    found = break_even(PREMIUMS, [days(mean, 1.0) for mean in (-9.0, 1.0, -3.0, 2.0)])
    # the two in the middle are one mean of -1
    assert found.value == pytest.approx(0.1 + 0.1 / 3)


def test_few_trades_have_no_break_even() -> None:
    found = break_even(PREMIUMS, [days(mean, size=20) for mean in (-9.0, -6.0, -2.0, 2.0)])
    assert math.isnan(found.value) and premium_text(found.value) == "insufficient data"


def test_mean_before_costs_is_the_mean_and_the_costs() -> None:
    table = days(-5.0)
    net, fair = mean_of(table), mean_of(table, before_costs=True)
    assert net.value == pytest.approx(-5.0) and not net.holds_zero
    assert fair.value == pytest.approx(0.0) and fair.holds_zero


def test_difference_of_days_with_a_common_market_is_sharper_than_either() -> None:
    one = days(3.0)
    other = one.assign(net=one.net - 1.0)
    found = difference(one, other)
    assert found.value == pytest.approx(1.0)
    assert found.low == pytest.approx(1.0) and found.high == pytest.approx(1.0)
    assert mean_of(one).high - mean_of(one).low > 2.0


@pytest.mark.parametrize(
    ("ran", "told"), [(4, ""), (5, "about 40 s left"), (10, "about 20 s left"), (200, "about 1 s left")]
)
def test_time_left_is_the_rate_so_far_and_unknown_at_first(ran: int, told: str) -> None:
    assert time_left(10.0, ran, 20) == told


def test_stress_shape_ends_a_calm_year_on_its_own_day() -> None:
    shape = next(shape for shape in load_shapes(CONFIG / "stress.yaml") if shape.date == date(2018, 2, 5))
    rows = daily_rows(shape)
    index, fear = rows[rows.symbol == "SPX"], rows[rows.symbol == "VIX"]
    assert index.date.iloc[-1] == shape.date and len(index) == len(fear) > 252
    assert index.close.iloc[-1] / index.close.iloc[-2] == pytest.approx(shape.close)
    assert list(fear.close.iloc[-2:]) == pytest.approx([shape.vix_before, shape.vix])
    assert index.close.pct_change().iloc[1:-1].abs().max() < 0.03


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {date: 2018-02-05}", "name"),
        ("nothing", "expected a list of days"),
        ("- {open: [", "cannot be read"),
        ("- 3", "a day is 3"),
        ("- {date: 2018-02-05, name: a, open: 9}", "open is 9"),
    ],
)
def test_broken_stress_file_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "stress.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_shapes(path)


@pytest.mark.realdata
@pytest.mark.skipif(not DAILY.exists(), reason="recorded daily prices are not beside the project")
def test_stress_shapes_are_those_of_the_recorded_days() -> None:
    table = pd.read_parquet(DAILY)
    table["date"] = pd.to_datetime(table.date).dt.date
    index, fear = (table[table.symbol == name].set_index("date").sort_index() for name in ("SPX", "VIX"))
    for shape in load_shapes(CONFIG / "stress.yaml"):
        at = index.index.get_loc(shape.date)
        assert isinstance(at, int)
        before = index.close.iloc[at - 1]
        for name in ("open", "high", "low", "close"):
            assert index[name].iloc[at] / before == pytest.approx(getattr(shape, name), abs=2e-3)
        assert fear.close.loc[shape.date] == pytest.approx(shape.vix, abs=0.05)
        assert fear.close.loc[: shape.date].iloc[-2] == pytest.approx(shape.vix_before, abs=0.05)


def test_control_writes_page_picture_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = tmp_path / "config", tmp_path / "runs"
    shutil.copytree(CONFIG, config)
    lines = (CONFIG / "stress.yaml").read_text().splitlines()
    shapes = [line for line in lines if line.startswith("-")]
    (config / "stress.yaml").write_text(shapes[1] + "\n")
    given = "control --profile spx --bots condor --seeds 1 --shuffles 1 --paths 1 --premiums 0,0.3"
    place = ["--timerange", "20170103-20170428", "--config", str(config), "--out", str(out)]
    assert main([*given.split(), *place]) == 0
    (folder,) = out.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["control.html", "control.json", "control.png"]
    told = json.loads((folder / "control.json").read_text())
    condor = told["bots"]["condor"]
    assert told["premiums"] == [-0.05, 0.0, 0.3]
    assert len(condor["means"]) == 3 and min(mean["trades"] for mean in condor["means"]) > 20
    assert condor["null"]["value"] < condor["null_before_costs"]["value"]
    assert [day["day"] for day in told["stress"]] == ["2018-02-06"]
    printed, page = capsys.readouterr().out, (folder / "control.html").read_text()
    for title in ("Break-even premium", "Null and negative premium", "Shuffled signals", "Stress days"):
        assert title in printed and title in page
    assert "no evidence of an edge" in page


@pytest.mark.parametrize("given", ["0,x", "", "0,,1"])
def test_premiums_that_are_no_numbers_are_one_line(
    given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", "--premiums", given, "--out", str(tmp_path / "runs")]) == 1
    assert f"premiums: got {given!r}, expected numbers" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
