"""The simple job beside other engines: what counts as equal, and what becomes of one that cannot run."""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from feeds.synthetic.simulated import SimulatedSettings, simulated
from scripts.bench import peer, peers, simple

TRADES = [(60, 644.687, 163, 643.389), (840, 651.777, 924, 653.128)]


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (TRADES, True),
        ([list(trade) for trade in TRADES], True),  # as JSON brings them
        ([(60, 644.687 + 1e-9, 163, 643.389), TRADES[1]], True),
        ([(60, 644.697, 163, 643.389), TRADES[1]], False),
        ([(61, 644.687, 163, 643.389), TRADES[1]], False),
        (TRADES[:1], False),
        ([], False),
    ],
)
def test_trades_are_equal_on_the_same_bars_at_the_same_prices(
    other: list[Sequence[float]], equal: bool
) -> None:
    assert peers.same(TRADES, other) is equal


def test_two_runs_without_trades_are_equal() -> None:
    assert peers.same([], [])


def test_an_engine_that_cannot_be_installed_is_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an environment without an interpreter
    monkeypatch.setattr("scripts.bench.peers.venv.create", lambda place, **given: place.mkdir())
    with pytest.raises(peers.Unable, match="No such file"):
        peers.measure("vectorbt", tmp_path / "bars.npz", TRADES, 1, tmp_path)
    assert not list(tmp_path.glob("**/*.ready"))


def test_an_engine_that_trades_differently_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    told = {"load": 0.1, "first": 0.1, "runs": [0.1], "trades": TRADES[:1]}
    program.write_text(f"print('hello'); print({json.dumps(json.dumps(told))})", encoding="utf-8")
    monkeypatch.setattr(peers, "PROGRAM", program)
    monkeypatch.setattr(peers, "environment", lambda name, home: Path(sys.executable))
    with pytest.raises(peers.Unable, match="1 trades, ours are 2"):
        peers.measure("vectorbt", tmp_path / "bars.npz", TRADES, 1, tmp_path)
    assert peers.measure("vectorbt", tmp_path / "bars.npz", TRADES[:1], 1, tmp_path)["load"] == 0.1


def test_bars_and_rules_arrive_as_they_left(tmp_path: Path) -> None:
    bars = simulated(SimulatedSettings(date(2024, 3, 25), date(2024, 3, 28)))
    peers.write(bars, tmp_path / "bars.npz")
    held = np.load(tmp_path / "bars.npz")
    assert np.array_equal(held["close"], bars.close)
    assert np.array_equal(held["day"], bars.grid.day)
    rules = json.loads(str(held["rules"]))
    assert rules == [simple.ENTER, simple.LEAVE, simple.REACH, simple.SIZE, list(simple.DAYS)]
    assert set(peer.PEERS) == set(peers.PEERS)
