"""Ablation: a filter's worth is found when it has one, and said to be none when it has not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap

from analyzers.ablation import Worth, paired, worth
from analyzers.report.ablation import sections_of, verdict, worthless
from engine.reasons import Reason
from engine.settings import Settings
from scripts.ablate import BASELINE, LEAN, LEAN_ALONE, LEANING, SPIKE, filters_of, variants_of
from scripts.cli import main
from scripts.requests import BacktestRequest
from scripts.session import Setup, prepare
from scripts.signals import WITHOUT
from scripts.variants import Base, Variant, run_variant

CONFIG = Path(__file__).parents[2] / "config"
MONTH = "20180102-20180131"


def table(net: np.ndarray, traded: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"net": np.where(traded, net, 0.0), "trades": traded.astype(float)})


def drawn(bad: float, seed: int = 1, size: int = 500) -> Worth:
    """A filter that leaves out a third of the days, on which trades bring ``bad`` more than elsewhere."""
    rng = np.random.default_rng(seed)
    out = rng.random(size) < 1 / 3
    net = 5.0 * rng.standard_normal(size) + np.where(out, bad, 0.0)
    return worth(table(net, ~out), table(net, np.ones(size, bool)))


def test_a_filter_that_leaves_out_bad_days_lets_better_trades_through() -> None:
    found = drawn(-6.0)

    assert verdict(found) == "lets better trades through"
    assert found.trade.value == pytest.approx(2.0, abs=0.6)
    assert found.session.value == pytest.approx(2.0, abs=0.6)


def test_a_filter_that_leaves_out_good_days_lets_worse_trades_through() -> None:
    assert verdict(drawn(6.0)) == "lets worse trades through"


def test_a_filter_without_knowledge_is_named_as_worth_nothing() -> None:
    tried = [drawn(0.0, seed) for seed in range(20)]
    nothing = [one for one in tried if not one.significant]

    assert len(nothing) >= 16, "two intervals, each wrong once in twenty"
    assert worthless({"condor": {"not_calm": nothing[0]}}) == ["condor: not calm"]
    assert sections_of({"condor": {"not_calm": nothing[0]}}, {})[0].rows[0][1][-1] == verdict(nothing[0])


def test_a_filter_that_never_refuses_alone_changes_nothing() -> None:
    days = table(np.ones(100), np.ones(100, bool))

    assert verdict(worth(days, days)) == "changes nothing"
    assert worthless({"condor": {"trend": worth(days, days)}})


def test_a_losing_bot_kept_from_trading_saves_but_chooses_nothing() -> None:
    rng = np.random.default_rng(2)
    out = rng.random(500) < 0.5
    net = rng.standard_normal(500) - 3.0

    found = worth(table(net, ~out), table(net, np.ones(500, bool)))

    assert verdict(found) == "saves by not trading"


def test_a_change_that_adds_losing_trades_loses_by_trading_more() -> None:
    rng = np.random.default_rng(2)
    out = rng.random(500) < 0.5
    net = rng.standard_normal(500) - 3.0

    assert verdict(worth(table(net, np.ones(500, bool)), table(net, ~out))) == "loses by trading more"


def test_few_trades_are_insufficient_data() -> None:
    few = np.arange(200) < 20
    assert verdict(worth(table(np.ones(200), few), table(np.ones(200), ~few))) == "insufficient data"


def test_interval_of_paired_days_is_that_of_archs_stationary_bootstrap() -> None:
    rng = np.random.default_rng(3)
    gap = rng.standard_normal(400) + 0.2 * np.sin(np.arange(400) / 9.0)
    found = paired(pd.Series(gap), pd.Series(np.zeros(400)))

    draws = StationaryBootstrap(5, gap, seed=4).apply(np.mean, 4000)[:, 0]

    assert (found.low, found.high) == pytest.approx(np.quantile(draws, (0.025, 0.975)), abs=0.012)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return prepare(BacktestRequest(config=CONFIG, out=Path(), profile="spx", timerange=MONTH))


def test_every_filter_of_a_bot_is_found_and_left_out_once(setup: Setup) -> None:
    assert filters_of(setup, "condor") == [
        Reason.OUTSIDE_MORNING_RANGE,
        Reason.NOT_CALM,
        Reason.IV_BELOW_REALIZED,
    ]
    names = list(variants_of(setup, "buywrite", optional=False))
    assert names[0] == BASELINE
    assert {"iv_rank_low", "trend", "iv_below_realized", "event_blackout", "halt_vix"} < set(names)
    assert len(names) == len(set(names)) == 9


def test_a_lean_that_is_on_can_be_switched_off_alone_and_one_that_is_off_is_tried(setup: Setup) -> None:
    settings = Settings.load(
        CONFIG,
        "spx",
        overrides={"bots": {"condor": {"lean_move": 0.5}}, "common": {"regime": {"spike": 0.2}}},
    )
    on = replace(setup, settings=settings)
    assert variants_of(on, "condor", optional=False)[LEAN].changes == {"bots.condor.lean_move": 0.0}
    assert LEAN not in variants_of(setup, "condor", optional=True)
    assert LEANING in variants_of(setup, "condor", optional=True)
    assert LEANING not in variants_of(setup, "putlite", optional=True)


def test_without_a_filter_its_reason_never_comes_up_and_more_is_traded() -> None:
    base = Base.of(BacktestRequest(CONFIG, Path(), bots=("condor",), profile="spx", timerange=MONTH))
    kept, calm, events = (
        run_variant(base, Variant(signals=signals)).bots["condor"]
        for signals in ("own", f"{WITHOUT}:not_calm", f"{WITHOUT}:event_blackout")
    )

    assert set(kept.day) < set(calm.day)
    assert {"2018-01-05", "2018-01-12"} & set(events.day), "jobs report and consumer prices"
    assert not {"2018-01-05", "2018-01-12"} & set(kept.day)


def test_an_unknown_reason_is_refused() -> None:
    base = Base.of(BacktestRequest(CONFIG, Path(), bots=("condor",), profile="spx", timerange=MONTH))

    assert "without:REASON" in run_variant(base, Variant(signals="without:moon")).error


def test_command_prints_and_keeps_every_filter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [
        "--profile",
        "spx",
        "--timerange",
        MONTH,
        "--bots",
        "condor",
        "--out",
        str(tmp_path),
        "--jobs",
        "1",
    ]

    assert main(["ablate", *given]) == 0

    (folder,) = tmp_path.iterdir()
    told = json.loads((folder / "ablation.json").read_text())
    assert {"not_calm", "event_blackout", "credit_below_cost"} <= set(told["own"]["condor"])
    assert set(told["optional"]["condor"]) >= {"crowding at most 70", SPIKE, LEANING, LEAN_ALONE}
    assert "condor: not calm" in (folder / "ablation.html").read_text()
    assert "Report:" in capsys.readouterr().out
