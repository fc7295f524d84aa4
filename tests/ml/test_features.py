"""Features are what the schema says, one bar late, and the same in both loops."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from engine.indicators.regime import RangeOverMove, VarianceSpread
from engine.ml.advice import Recorder
from engine.ml.features import CALENDAR, FEATURES, MARKET, TRADE, FeatureSet, of_trade
from engine.sessions import DAY_NS
from feeds.lines import ArrayFeed
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare
from tests.indicators.market import line_of, market

CONFIG = Path(__file__).parents[2] / "config"
BARS = market()
NAMES = [feature.name for feature in FEATURES]
TOLD = dict.fromkeys(("credit_over_risk", "cost_over_credit", "spread_over_credit", "short_delta"), 0.2)


class _Reader(bt.Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        self.set = FeatureSet(self.data, [int(BARS.stamp[700])])
        self.rows: list[tuple[float, ...]] = []

    def next(self) -> None:
        bar = len(self.data) - 1
        self.rows.append(self.set.at(bar, int(BARS.stamp[bar]), TOLD))


def rows(once: bool) -> np.ndarray:
    cerebro = bt.Cerebro(stdstats=False, runonce=once, preload=once)
    cerebro.adddata(ArrayFeed(bars=BARS))
    cerebro.addstrategy(_Reader)
    return np.array(cerebro.run()[0].rows)


@pytest.fixture(scope="module")
def shown() -> np.ndarray:
    return rows(once=True)


def test_whole_lines_and_bar_by_bar_show_the_same(shown: np.ndarray) -> None:
    np.testing.assert_array_equal(shown, rows(once=False))


def test_market_features_are_those_of_the_bar_before(shown: np.ndarray) -> None:
    reach = line_of(BARS, RangeOverMove)["ratio"]
    spread = line_of(BARS, VarianceSpread)
    np.testing.assert_array_equal(shown[1:, NAMES.index("range_over_move")], reach[:-1])
    ratio = np.sqrt(spread["implied"] / spread["realized"])
    np.testing.assert_allclose(shown[1:, NAMES.index("iv_over_realized")], ratio[:-1], rtol=1e-12)
    np.testing.assert_array_equal(shown[1:, NAMES.index("skew")], BARS.lines["skew"][:-1])


def test_nothing_of_the_market_is_known_on_the_first_bar(shown: np.ndarray) -> None:
    count = sum(feature.source == MARKET for feature in FEATURES)
    assert np.isnan(shown[0, :count]).all()
    assert np.isfinite(shown[0, count:]).all()


def test_days_to_the_next_announcement_and_minutes_to_the_close(shown: np.ndarray) -> None:
    days = shown[:, NAMES.index("days_to_event")]
    expected = (BARS.stamp[700] - BARS.stamp[:700]) / DAY_NS
    np.testing.assert_allclose(days[:700], np.minimum(expected, 10.0), rtol=1e-12)
    assert (days[700:] == 10.0).all(), "none is known any more"
    np.testing.assert_array_equal(shown[:, NAMES.index("minutes_left")], BARS.grid.left)


def test_features_of_a_trade_are_shares_of_its_credit_and_risk() -> None:
    found = of_trade(credit=20.0, structural=80.0, cost=5.0, bid=-26.0, ask=-20.0, delta=-0.18)
    assert found == {
        "credit_over_risk": 0.25,
        "cost_over_credit": 0.25,
        "spread_over_credit": 0.3,
        "short_delta": 0.18,
    }
    assert math.isnan(of_trade(0.0, 80.0, 5.0, -26.0, -20.0, 0.1)["cost_over_credit"])


def test_schema_says_of_every_feature_what_it_is() -> None:
    assert len(set(NAMES)) == len(NAMES) <= 15, "some hundred independent days teach no more"
    for feature in FEATURES:
        assert feature.source in (MARKET, TRADE, CALENDAR)
        assert feature.sign in (-1, 0, 1)
        assert feature.unit and feature.text


@pytest.fixture(scope="module")
def setup() -> Setup:
    bots = ("putlite", "condor")
    return prepare(BacktestRequest(CONFIG, Path(), bots=bots, profile="spx", timerange="20180102-20180131"))


def cases(setup: Setup, stock_loop: bool) -> list[Any]:
    recorders = {bot: Recorder() for bot in setup.bots}
    play(replace(setup, advisors=recorders), stock_loop)
    return [case for bot in setup.bots for case in recorders[bot].cases]


def test_both_loops_ask_about_the_same_cases(setup: Setup) -> None:
    fast, stock = cases(setup, False), cases(setup, True)

    assert len(fast) == len(stock) > 20
    for one, other in zip(fast, stock, strict=True):
        assert replace(one, values=()) == replace(other, values=())
        np.testing.assert_array_equal(one.values, other.values)


def test_to_be_watched_changes_nothing(setup: Setup) -> None:
    plain, _ = play(setup)
    watched, _ = play(replace(setup, advisors={bot: Recorder() for bot in setup.bots}))

    assert watched.journal.trades == plain.journal.trades
    assert watched.journal.decisions().equals(plain.journal.decisions())


class Half:
    """Allows half of the units, and more than there are when there is one."""

    def units(self, case: Any) -> int:
        return case.quantity // 2 or 5


def test_an_advisor_shrinks_a_trade_and_its_risk_but_never_grows_it(setup: Setup) -> None:
    bots = {bot: getattr(setup.settings.bots, bot).model_copy(update={"quantity": 2}) for bot in setup.bots}
    risk = {"planned_loss": 500.0, "structural_loss": 1000.0, "day_cap": 3000.0, "day_r": 9.0}
    changed = {
        "bots": setup.settings.bots.model_copy(update=bots),
        "risk": setup.settings.risk.model_copy(update=risk),
    }
    double = replace(setup, settings=setup.settings.model_copy(update=changed))
    advisors = dict.fromkeys(setup.bots, Half())

    whole, shrunk, single = (
        play(one)[0].journal.trades
        for one in (double, replace(double, advisors=advisors), replace(setup, advisors=advisors))
    )

    assert {trade.quantity for trade in whole} == {2}
    assert {trade.quantity for trade in shrunk} == {trade.quantity for trade in single} == {1}
    assert shrunk[0].planned_loss == whole[0].planned_loss / 2
    assert shrunk[0].structural_loss == whole[0].structural_loss / 2
