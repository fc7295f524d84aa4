"""Filters of all bots: what each lets pass, and the same story in both loops."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.reasons import Reason
from engine.settings import RegimeSettings
from scripts.backtest import compare
from scripts.requests import BacktestRequest
from scripts.session import play, prepare
from strategies.regime import regime_checks

CONFIG = Path(__file__).parents[2] / "config"
BOTH = frozenset({"put", "call"})


def passes(reason: Reason, regime: RegimeSettings, sells: frozenset[str] = BOTH, **measures: float) -> bool:
    columns = SimpleNamespace(**{name: np.array([value]) for name, value in measures.items()})
    found = [bool(verdict[0]) for named, verdict in regime_checks(columns, regime, sells) if named is reason]
    assert found
    return all(found)


def test_nothing_is_checked_unless_it_is_switched_on() -> None:
    assert regime_checks(SimpleNamespace(), RegimeSettings(), BOTH) == []


@pytest.mark.parametrize(("away", "ok"), [(0.9, True), (1.1, False)])
def test_range_must_lie_inside_the_implied_one(away: float, ok: bool) -> None:
    regime = RegimeSettings(range_max=1.0)
    assert passes(Reason.RANGE_BEYOND_IMPLIED, regime, session_range=away) is ok


@pytest.mark.parametrize(("share", "ok"), [(0.1, False), (0.5, True), (0.95, False)])
def test_breadth_must_lie_between_its_bounds(share: float, ok: bool) -> None:
    assert passes(Reason.BREADTH, RegimeSettings(breadth_min=0.2, breadth_max=0.9), breadth=share) is ok


@pytest.mark.parametrize(("score", "ok"), [(80.0, True), (80.1, False)])
def test_a_crowded_market_is_not_sold(score: float, ok: bool) -> None:
    assert passes(Reason.CROWDED, RegimeSettings(crowding_max=80.0), crowding=score) is ok


@pytest.mark.parametrize(("fall", "ok"), [(-0.3, True), (-0.1, False), (0.1, False), (-1.0, True)])
def test_entries_wait_until_volatility_has_collapsed(fall: float, ok: bool) -> None:
    assert passes(Reason.IV_NOT_COLLAPSED, RegimeSettings(harvest=0.2), event_collapse=fall) is ok


@pytest.mark.parametrize(
    ("sells", "percentile", "ok"),
    [
        ({"put"}, 75.0, True),
        ({"put"}, 65.0, False),
        ({"call"}, 25.0, True),
        ({"call"}, 35.0, False),
        ({"put", "call"}, 75.0, False),
        ({"put", "call"}, 50.0, True),
    ],
)
def test_after_a_spike_only_the_overbought_side_is_sold(sells: set[str], percentile: float, ok: bool) -> None:
    regime, side = RegimeSettings(spike=0.15, lean=20.0), frozenset(sells)
    spiked = passes(Reason.WRONG_SIDE, regime, side, iv_spike=0.2, put_call_percentile=percentile)
    assert spiked is ok
    assert passes(Reason.WRONG_SIDE, regime, side, iv_spike=0.1, put_call_percentile=percentile)


def test_both_loops_agree_with_every_filter_on_and_each_refuses_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = {"RANGE_MAX": "0.6", "BREADTH_MAX": "0.8", "CROWDING_MAX": "60", "SPIKE": "0.1", "HARVEST": "0.1"}
    for name, value in on.items():
        monkeypatch.setenv(f"MW__COMMON__REGIME__{name}", value)
    monkeypatch.setenv("MW__BOTS__CONDOR__LEAN_MOVE", "0.4")
    setup = prepare(
        BacktestRequest(
            CONFIG, tmp_path, bots=("putlite", "condor"), profile="spx", timerange="20180102-20180330"
        )
    )

    fast, stock = play(setup)[0], play(setup, stock_loop=True)[0]

    compare(fast, stock)
    met = {reason for bot in setup.bots for reason in fast.journal.reasons(bot)}
    assert {
        Reason.RANGE_BEYOND_IMPLIED,
        Reason.BREADTH,
        Reason.CROWDED,
        Reason.WRONG_SIDE,
        Reason.IV_NOT_COLLAPSED,
        Reason.ENTERED,
    } <= met
    table = fast.journal.decisions("condor")
    leaned = table[(table.iv_spike >= 0.1) & ((table.put_call_percentile - 50.0).abs() >= 10.0)]
    assert str(Reason.ENTERED) in set(leaned.reason.astype(str))
    columns = set(table)
    assert {
        "session_range",
        "breadth",
        "crowding",
        "iv_spike",
        "put_call_percentile",
        "event_collapse",
    } <= columns
