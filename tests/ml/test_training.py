"""Candidates are the rules' own trades; what is learned of them is proved, and nothing reads ahead."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numba import njit

from engine.errors import DataError
from engine.indicators.line import KernelIndicator
from engine.ml.advice import ModelAdvisor
from engine.ml.cases import Cases
from engine.ml.features import FEATURES, MARKET, Feature, FeatureSet
from engine.ml.split import walk_forward
from engine.ml.store import about, load
from engine.reasons import Reason
from scripts.backtest import compare
from scripts.cases import collect, slots
from scripts.cli import main
from scripts.learning import train, try_step
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare
from strategies.condor import Condor
from strategies.roster import BOTS

CONFIG = Path(__file__).parents[2] / "config"
YEAR = "20170703-20180629"


def request(**changes: Any) -> BacktestRequest:
    given = {"bots": ("condor",), "profile": "spx", "timerange": YEAR} | changes
    return BacktestRequest(CONFIG, Path(), **given)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return prepare(request())


@pytest.fixture(scope="module")
def cases(setup: Setup) -> Cases:
    return collect(setup, "condor")


# candidates --------------------------------------------------------------------------------


def test_label_of_the_first_candidate_of_a_day_is_the_trade_the_bot_made(setup: Setup, cases: Cases) -> None:
    desk, _ = play(setup)
    made = {trade.entry_time.date(): trade for trade in desk.journal.trades}
    first = dict(zip(cases.day[::-1].tolist(), range(len(cases) - 1, -1, -1), strict=True))
    entered = {
        when.date(): when
        for when in pd.to_datetime(cases.decided, utc=True).tz_convert("America/New_York")[::-1]
    }

    same = [day for day in made if day in first and made[day].entry_time > entered[day]]
    agree = [day for day in same if abs(made[day].net - cases.net[first[day]]) < 0.005]

    # a first order that timed out leads the bot to a later slot; else the trades are the same
    assert len(same) > 80
    assert len(agree) >= 0.97 * len(same)
    assert cases.results.exit_reason.isin([str(reason) for reason in Reason]).all()


def test_a_day_counts_once_however_many_candidates_it_has(cases: Cases) -> None:
    assert pd.Series(cases.weight).groupby(cases.day).sum().to_numpy() == pytest.approx(1.0)
    assert pd.Series(cases.day).value_counts().max() > 2


def test_path_holds_the_result_and_the_exit_has_its_greeks(cases: Cases) -> None:
    results = cases.results
    assert (results.best >= results.worst).all()
    # what was paid at the exit was never better than the best mark, costs left out
    assert (results.net <= results.best + 0.01).mean() > 0.98
    assert (results.gross >= results.net).all()
    assert np.isfinite(results.exit_theta).mean() > 0.9
    stopped = results[results.exit_reason == "planned_loss"]
    kept = results[results.exit_reason == "profit_target"]
    assert stopped.net.max() < 0.0 < kept.net.median()
    assert stopped.exit_delta.abs().mean() > kept.exit_delta.abs().mean(), "a stop is left near a strike"


def test_slots_cover_the_trade_window(setup: Setup, cases: Cases) -> None:
    found = slots(setup.settings)
    assert found[0][0] == 630 and found[-1][1] == 810
    assert all(one[1] == two[0] for one, two in zip(found, found[1:], strict=False))
    minutes = pd.to_datetime(cases.decided, utc=True).tz_convert("America/New_York")
    minute = minutes.hour * 60 + minutes.minute
    slot = np.searchsorted([start for start, _ in found], minute, side="right")
    assert not pd.DataFrame({"day": cases.day, "slot": slot}).duplicated().any(), "one a slot and day"


def test_a_fold_of_one_class_is_traded_by_rules_alone(setup: Setup, cases: Cases) -> None:
    whole = cases.take(cases.complete)
    only = whole.take(whole.won)
    split = walk_forward(setup.book.tape.dates, 3, 2)[0]

    assert try_step("logistic", whole, split, "condor") is not None
    assert try_step("logistic", only, split, "condor") is None


def test_features_nobody_knows_are_left_out(cases: Cases) -> None:
    x = cases.x.copy()
    x[:, [feature.name for feature in FEATURES].index("crowding")] = np.nan
    dark = Cases(cases.schema, cases.day, cases.decided, cases.ended, x, cases.results)

    assert not dark.complete.any()
    assert "crowding" not in {feature.name for feature in dark.known().schema}
    assert dark.known().complete.any()


def test_dealt_results_are_those_of_other_days_and_the_features_stay(cases: Cases) -> None:
    found = cases.dealt(1)

    np.testing.assert_array_equal(found.x, cases.x)
    assert set(found.net) <= set(cases.net)
    assert (found.net == cases.net).mean() < 0.2
    assert found.net.mean() == pytest.approx(cases.net.mean(), abs=12.0)


# nothing reads ahead -------------------------------------------------------------------------


@njit
def _later(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    (close,) = ins
    ahead = int(settings[0])
    for i in range(len(close)):
        outs[0][i] = close[min(i + ahead, len(close) - 1)] / close[i] - 1.0


class Later(KernelIndicator):
    lines: Any = ("change",)
    params: Any = (("ahead", 1),)
    inputs = ("close",)
    kernel = staticmethod(_later)

    def settings(self) -> tuple[float, ...]:
        return (float(self.p.ahead),)


def leaky(ahead: int) -> dict[str, Any]:
    class Leaky(FeatureSet):
        schema = (*FEATURES, Feature("tomorrow", "share", MARKET, 0, "what will be"))

        def __init__(self, data: Any, releases: Any) -> None:
            super().__init__(data, releases)
            self.future = Later(data, ahead=ahead).lines.change

        def at(self, *given: Any) -> tuple[float, ...]:
            return (*super().at(*given), float(self.future[0]))

    return {**BOTS, "condor": type("LeakyCondor", (Condor,), {"features": Leaky})}


@pytest.mark.parametrize("ahead", [1, 390])
def test_a_planted_return_of_tomorrow_stops_the_training(ahead: int) -> None:
    with pytest.raises(DataError, match="training: feature condor SPX tomorrow reads ahead") as caught:
        train(request(timerange="20180301-20180629"), "condor", roster=leaky(ahead))
    assert "\n" not in str(caught.value)


# proof -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    given = ["--bots", "condor", "--profile", "spx", "--timerange", YEAR, "--jobs", "1", "--out", str(out)]
    assert main(["train", *given]) == 0
    (folder,) = out.iterdir()
    return folder


def test_command_keeps_model_report_figures_and_cases(trained: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == [
        "cases-condor.parquet",
        "condor.mwmodel",
        "train.html",
        "train.json",
        "train.png",
    ]
    told = json.loads((trained / "train.json").read_text())["condor"]
    page = (trained / "train.html").read_text()
    for title in ("What the models are worth", "Reliability", "Year by year", "What the models look at"):
        assert title in page
    table = pd.read_parquet(trained / "cases-condor.parquet")
    assert len(table) == told["cases"] > 200
    assert {"net", "best", "worst", "exit_delta", "iv_over_realized"} <= set(table)
    assert about(trained / "condor.mwmodel").trained == (date(2017, 7, 3), date(2018, 6, 29))


def test_a_bot_asks_its_model_and_both_loops_agree(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MW__BOTS__CONDOR__MODEL", str(trained / "condor.mwmodel"))
    later = prepare(request(timerange="20180702-20180831"))
    assert isinstance(later.advisors["condor"], ModelAdvisor)
    assert "condor asks a logistic model" in later.advisor_notes[0]

    fast, stock = play(later)[0], play(prepare(request(timerange="20180702-20180831")), stock_loop=True)[0]

    compare(fast, stock)
    rules = play(replace(later, advisors={}))[0]
    vetoes = fast.journal.reasons("condor").get(Reason.MODEL_VETO, 0)
    assert vetoes > 0
    assert len(fast.journal.trades) < len(rules.journal.trades)
    days = {trade.entry_time.date() for trade in fast.journal.trades}
    assert days <= {trade.entry_time.date() for trade in rules.journal.trades}, "it never adds a day"


def test_a_model_is_not_asked_about_days_it_was_trained_on(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MW__BOTS__CONDOR__MODEL", str(trained / "condor.mwmodel"))
    own = prepare(request(timerange="20180301-20180629"))

    asked, rules = play(own)[0], play(replace(own, advisors={}))[0]

    assert asked.journal.trades == rules.journal.trades
    _, learned = load(trained / "condor.mwmodel", "condor")
    assert learned.loss > 0.0 < learned.win
