from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bars import Bars
from engine.errors import ConfigError
from engine.universe import load_universe
from feeds.synthetic.conditioned import ConditionedSettings, conditioned
from feeds.synthetic.derive import derive
from feeds.synthetic.simulated import SimulatedSettings, simulated
from tests.conftest import ROOT

UNIVERSE = load_universe(ROOT / "config" / "universe.json")


@pytest.fixture(scope="module")
def index() -> Bars:
    return conditioned(ConditionedSettings(start=date(2017, 1, 3)))


@pytest.fixture(scope="module")
def long_index() -> Bars:
    return simulated(SimulatedSettings(seed=1))


@pytest.mark.parametrize("symbol", ["XSP", "SPY"])
def test_index_at_another_size_is_the_index_times_its_scale_exactly(index: Bars, symbol: str) -> None:
    made = derive(index, UNIVERSE[symbol])
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name), np.round(getattr(index, name) / 10.0, 3))
    assert made.symbol == symbol
    assert made.lines["vix"] is index.lines["vix"]
    assert any("times 0.1" in note for note in made.notes)


def test_the_index_itself_is_unchanged(index: Bars) -> None:
    made = derive(index, UNIVERSE["SPX"])
    assert np.array_equal(made.close, index.close) and made.symbol == "SPX"


@pytest.mark.parametrize("symbol", sorted(UNIVERSE))
def test_every_symbol_of_the_universe_has_sound_bars_on_the_same_minutes(
    index: Bars, symbol: str, tmp_path: Path
) -> None:
    part = index.between(date(2018, 12, 3), None)
    product = UNIVERSE[symbol]
    made = derive(part, product, cache=tmp_path).check()
    assert np.array_equal(made.stamp, part.stamp)
    assert made.symbol == symbol
    assert made.close[-1] == pytest.approx(product.scale * part.close[-1], abs=0.0051)
    assert np.array_equal(made.lines["vix"], part.lines["vix"])


@pytest.mark.parametrize("symbol", ["NVDA", "COST", "QQQ"])
def test_beta_and_own_volatility_are_those_of_the_universe(long_index: Bars, symbol: str) -> None:
    product = UNIVERSE[symbol]
    made = derive(long_index, product)
    last = long_index.grid.last
    market = np.diff(long_index.close[last]) / long_index.close[last][:-1]
    share = np.diff(made.close[last]) / made.close[last][:-1]
    beta = np.cov(share, market)[0, 1] / market.var(ddof=1)
    rest = share - product.beta * market
    error = product.idiosyncratic / (market.std() * np.sqrt(252.0)) / np.sqrt(len(market))
    assert abs(beta - product.beta) < 4.0 * error + 0.02
    assert rest.std() * np.sqrt(252.0) == pytest.approx(product.idiosyncratic, rel=0.10)
    assert abs(rest.mean()) < 4.0 * rest.std() / np.sqrt(len(rest))
    parkinson = (np.log(made.high / made.low) ** 2).sum() / (4.0 * np.log(2.0))
    assert 0.8 < parkinson / (np.log(made.close / made.open) ** 2).sum() < 1.1


def test_seed_changes_a_shares_own_moves_and_symbols_do_not_share_them(index: Bars, tmp_path: Path) -> None:
    part = index.between(date(2018, 12, 3), None)
    first = derive(part, UNIVERSE["NVDA"], 1, tmp_path)
    assert np.array_equal(first.close, derive(part, UNIVERSE["NVDA"], 1, tmp_path / "other").close)
    assert not np.array_equal(first.close, derive(part, UNIVERSE["NVDA"], 2, tmp_path).close)
    twin = derive(part, replace(UNIVERSE["NVDA"], symbol="TWIN"), 1, tmp_path)
    assert not np.array_equal(first.close, twin.close)


def test_missing_minutes_of_the_index_are_missing_in_the_share(index: Bars, tmp_path: Path) -> None:
    part = index.between(date(2018, 12, 20), None)
    keep = np.ones(len(part), bool)
    keep[[5, 6, 400]] = False
    names = ("stamp", "open", "high", "low", "close", "volume")
    holed = replace(
        part,
        lines={name: values[keep] for name, values in part.lines.items()},
        **{name: getattr(part, name)[keep] for name in names},
    )
    made = derive(holed, UNIVERSE["TSLA"], cache=tmp_path).check()
    assert np.array_equal(made.stamp, holed.stamp)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scale": 0.0}, "NVDA: scale is 0.0; expected a positive number"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"idiosyncratic": -0.1}, "idiosyncratic -0.1; expected .* from 0 to 5"),
    ],
)
def test_products_out_of_range_are_refused(index: Bars, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        derive(index, replace(UNIVERSE["NVDA"], **wrong))
