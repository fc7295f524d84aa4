"""The universe in a new order, and every word of its owner where it was."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.universe import load_universe
from scripts.live.universe import Ranked, rank, reordered

CONFIG = Path(__file__).parents[2] / "config"


def test_order_is_volume_over_spread_and_the_unknown_keep_theirs_behind() -> None:
    found = [
        Ranked("A", 1000.0, 0.10, "ibkr"),
        Ranked("B", nan, nan, "unknown"),
        Ranked("C", 1000.0, 0.02, "ibkr"),
        Ranked("D", nan, 0.01, "ibkr"),
    ]
    assert [one.symbol for one in rank(found, ["D", "A", "B", "C"])] == ["C", "A", "D", "B"]


def test_rows_move_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    text = (CONFIG / "universe.json").read_text()
    path.write_text(text.replace('"price": 525', '"price": 531.5'))  # the owner's edit
    before = load_universe(path)
    order = list(reversed(before))
    path.write_text(reordered(path, order))
    after = load_universe(path)
    assert list(after) == order
    assert {name: after[name] for name in before} == before
    one, other = json.loads(text), json.loads(path.read_text())
    assert {k: v for k, v in one.items() if k != "symbols"} == {
        k: v for k, v in other.items() if k != "symbols"
    }
    assert other["symbols"]["QQQ"]["price"] == 531.5


def test_row_laid_out_by_hand_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    content = json.loads((CONFIG / "universe.json").read_text())
    path.write_text(json.dumps(content, indent=2))
    with pytest.raises(ConfigError, match="one line a symbol"):
        reordered(path, list(content["symbols"]))
