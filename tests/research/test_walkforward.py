"""``mw walkforward`` end to end, on the variants a sweep has run already."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from scripts.cli import main
from scripts.search import sweep, walkforward
from scripts.search.run import SearchRequest

CONFIG = Path(__file__).parents[2] / "config"
SPEC = """
profile: spx
bots: [condor]
timerange: 20180102-20180331
keys:
  bots.condor.profit_target: [0.3, 0.5]
  bots.condor.short_move: [1.0, 1.4]
walkforward: {mode: anchored, train: 20, test: 10, embargo: 2, least_trades: 3}
"""


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> SearchRequest:
    folder = tmp_path_factory.mktemp("walk")
    (folder / "idea.yaml").write_text(SPEC)
    return SearchRequest(folder / "idea.yaml", CONFIG, folder / "runs", jobs=1)


def test_choices_of_a_sweep_are_followed_without_running_it_again(request_: SearchRequest) -> None:
    swept = sweep.run(request_)
    done = (swept / "done.jsonl").read_bytes()
    folder = walkforward.run(request_)
    assert folder == swept
    assert (folder / "done.jsonl").read_bytes() == done
    told = json.loads((folder / "walkforward.json").read_text())
    days, daily = (pd.read_parquet(folder / f"{name}.parquet") for name in ("walkforward", "daily"))
    assert told["trials"] == 4
    assert len(told["windows"]) == 4
    assert told["net"] == pytest.approx(days.net.sum())
    for window in told["windows"]:
        assert window["train"][1] < window["test"][0]
        held = daily[(daily.number == window["number"]) & daily.day.between(*window["test"])]
        assert held.net.sum() == pytest.approx(window["net"])
    page = (folder / "walkforward.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "") and "<svg" in page
    assert "Sharpe ratio luck alone would show" in page and "Out of sample" in page
    assert (folder / "walkforward.png").read_bytes()[:4] == b"\x89PNG"


def test_days_too_few_are_an_answer_and_no_error(
    request_: SearchRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short.yaml").write_text(SPEC.replace("train: 20", "train: 200"))
    assert main(["walkforward", str(tmp_path / "short.yaml"), "--out", str(tmp_path), "--jobs", "1"]) == 0
    (page,) = tmp_path.glob("search-*/walkforward.html")
    assert "Insufficient data: there are not days enough for one window." in page.read_text()


def test_proposals_that_look_at_all_days_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "idea.yaml").write_text("search: tpe\nkeys: {bots.condor.calm_max: {low: 0.5, high: 1.0}}\n")
    assert main(["walkforward", str(tmp_path / "idea.yaml"), "--out", str(tmp_path / "runs")]) == 1
    assert "expected grid, list or random for a walk-forward" in capsys.readouterr().err
