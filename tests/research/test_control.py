"""``mw control``: fair games are found fair, and the report says what each control found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.controls import break_even, difference, mean_of
from engine.errors import ConfigError
from feeds.stress import daily_rows, load_shapes
from feeds.synthetic.daily import from_file
from scripts.cli import main
from tests.backtest.conftest import CONFIG

SHAPES = load_shapes(CONFIG / "stress.yaml")


def days(mean: float, seed: int = 1, spread: float = 20.0, count: int = 400) -> pd.DataFrame:
    noise = np.random.default_rng(seed).normal(0.0, spread, count)
    return pd.DataFrame({"trades": np.ones(count), "net": mean + noise, "costs": np.full(count, 5.0)})


def test_break_even_lies_where_the_mean_crosses_zero_and_in_its_interval():
    premiums = (-0.05, 0.0, 0.1, 0.2)
    found = break_even(premiums, [days(100.0 * (premium - 0.08)) for premium in premiums])
    noise = days(0.0).net.mean()
    assert found.value == pytest.approx(0.08 - noise / 100.0, abs=0.002)
    assert found.low < found.value < found.high


def test_break_even_beyond_what_was_tried_is_infinite():
    assert break_even((0.0, 0.1), [days(-50.0), days(-40.0)]).value == float("inf")
    assert break_even((0.0, 0.1), [days(40.0), days(50.0)]).value == float("-inf")


def test_thin_data_has_no_break_even_and_no_interval():
    thin = days(1.0, count=20)
    assert np.isnan(break_even((0.0, 0.1), [thin, thin]).value)
    assert not mean_of(thin).known


def test_costs_are_added_back_and_differences_cancel_the_common_market():
    assert mean_of(days(1.0), before_costs=True).value == pytest.approx(mean_of(days(1.0)).value + 5.0)
    shifted = days(3.0)
    gap = difference(shifted, days(1.0))
    assert (gap.low, gap.value, gap.high) == pytest.approx((2.0, 2.0, 2.0))
    assert difference(days(0.0, 1), days(0.0, 2)).holds_zero


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape.date))
def test_stress_day_ends_its_daily_rows_with_its_own_shape(shape, tmp_path):
    table = daily_rows(shape)
    table.to_csv(tmp_path / "d.csv", index=False)
    held = from_file(tmp_path / "d.csv").check()
    assert held.dates[-1] == shape.date
    before = held.close[-2]
    assert held.low[-1] / before == pytest.approx(shape.low)
    assert held.close[-1] / before == pytest.approx(shape.close)
    assert (held.vix_close[-2], held.vix_close[-1]) == pytest.approx((shape.vix_before, shape.vix))


@pytest.mark.realdata
def test_stress_days_are_those_that_were(real_data: Path):
    path = real_data / "daily_spx_vix_spy_qqq.parquet"
    if not path.is_file():
        pytest.skip(f"{path.name} is absent")
    table = pd.read_parquet(path)
    table["date"] = pd.to_datetime(table["date"])
    index, fear = (table[table.symbol == name].set_index("date").sort_index() for name in ("SPX", "VIX"))
    for shape in SHAPES:
        at = index.index.get_loc(pd.Timestamp(shape.date))
        before = index.close.iloc[at - 1]
        for name in ("open", "high", "low", "close"):
            assert index[name].iloc[at] / before == pytest.approx(getattr(shape, name), abs=2e-4)
        at = fear.index.get_loc(pd.Timestamp(shape.date))
        assert fear.close.iloc[at - 1] == pytest.approx(shape.vix_before, abs=0.02)
        assert fear.close.iloc[at] == pytest.approx(shape.vix, abs=0.02)


@pytest.mark.parametrize(
    "content", ["- {date: 2018-02-05}", "date: [", "- 3", "- {date: 2018-02-05, name: a, open: 9}"]
)
def test_unreadable_shapes_are_one_line(tmp_path, content):
    (tmp_path / "stress.yaml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_shapes(tmp_path / "stress.yaml")
    assert "stress.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_command_writes_a_report_of_every_control(tmp_path, capsys):
    arguments = ["--seeds", "1", "--paths", "1", "--premiums", "0,0.6", "--bots", "putlite", "--jobs", "1"]
    place = ["--timerange", "20150102-20150630", "--config", str(CONFIG), "--out", str(tmp_path)]
    assert main(["control", *arguments, *place]) == 0
    told = capsys.readouterr().out
    for title in (
        "Break-even premium",
        "Premium sweep",
        "Null and negative",
        "Shuffled signals",
        "Stress days",
    ):
        assert title in told
    (folder,) = tmp_path.iterdir()
    made = json.loads((folder / "control.json").read_text())
    assert made["premiums"] == [-0.05, 0.0, 0.6]
    means = [row["value"] for row in made["bots"]["putlite"]["means"]]
    assert means[0] < means[2], "a dearer option pays its seller more"
    assert len(made["tables"]["Stress days"]) == 2 * len(SHAPES)
    assert (folder / "control.png").stat().st_size > 5_000
    assert "Shuffled signals" in (folder / "control.html").read_text()


@pytest.mark.parametrize("premiums", ["", "a,b", "0,,1"])
def test_wrong_premiums_are_one_line(premiums, capsys):
    assert main(["control", "--premiums", premiums, "--config", str(CONFIG)]) == 1
    assert "expected numbers like" in capsys.readouterr().err
