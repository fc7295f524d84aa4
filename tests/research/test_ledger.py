"""The ledger of trials: nothing tried is forgotten, nothing counts twice."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.errors import ConfigError, DataError
from scripts.search.ledger import Ledger


def test_trials_are_kept_across_runs_and_equal_ones_count_once(tmp_path: Path) -> None:
    one = Ledger(tmp_path, "condor")
    one.add("a", [1.5])
    one.add("b", [math.nan])
    one.add("a", [1.5])
    other = Ledger(tmp_path, "condor")
    other.add("b", [2.0])
    other.add("c", [-0.5])
    found = Ledger(tmp_path, "condor")
    assert found.trials == 3
    assert found.ratios[0] == 1.5 and math.isnan(found.ratios[1]) and found.ratios[2] == -0.5
    assert Ledger(tmp_path, "putlite").trials == 0


def test_screen_counts_all_it_tried_with_a_sample_of_their_ratios(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "condor")
    ledger.add("screen", [0.1, 0.2, 0.3], trials=1_000_000)
    ledger.add("a", [0.4])
    assert Ledger(tmp_path, "condor").trials == 1_000_001
    assert Ledger(tmp_path, "condor").ratios == [0.1, 0.2, 0.3, 0.4]


def test_line_torn_by_a_kill_is_taken_away_and_another_bad_one_is_an_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "condor")
    for key in "abc":
        ledger.add(key, [1.0])
    ledger.path.write_text(ledger.path.read_text()[:-9])
    torn = Ledger(tmp_path, "condor")
    assert torn.trials == 2
    torn.add("d", [1.0])
    assert Ledger(tmp_path, "condor").trials == 3
    ledger.path.write_text("nonsense\n" + ledger.path.read_text())
    with pytest.raises(DataError, match=":1: not readable"):
        Ledger(tmp_path, "condor")


def test_family_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="family: got '../x'"):
        Ledger(tmp_path, "../x")
