"""The benchmark runs and what it says adds up; how fast is never asserted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scripts.bench.__main__ import main
from scripts.bench.growth import Line


def test_bench_measures_both_loops_on_the_same_bars(capsys: pytest.CaptureFixture[str]) -> None:
    span = "20180102-20180119"
    main(["--timerange", span, "--runs", "1", "--process-runs", "0", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["load, first in this process"]["bars"] == 13 * 390
    fast, stock = found["three option bots"], found["stock loop, same bots, same journal"]
    assert stock["times"] == stock["cpu"] / fast["cpu"]
    assert {"putlite alone", "buywrite alone", "condor alone"} <= set(found)
    trades = {name: row["trades"] for name, row in found.items() if name.startswith("simple job")}
    assert len(trades) == 5 and set(trades.values()) == {8.0}
    assert found["simple job"]["notices"] == 8 * (2 * 3 + 2)


def test_a_straight_line_is_found_again() -> None:
    line = Line.through([1.0, 2.0, 5.0], [3.0, 5.0, 11.0])
    assert (line.base, line.slope, line.explained) == pytest.approx((1.0, 2.0, 1.0))
    assert Line.through([1.0, 2.0, 3.0], list(np.array([1.0, 4.0, 1.0]))).explained < 0.5
