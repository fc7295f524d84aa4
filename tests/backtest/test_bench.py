"""The benchmark runs and what it says adds up; how fast is never asserted."""

from __future__ import annotations

import json

from scripts.bench import main


def test_bench_measures_both_loops_on_the_same_bars(capsys):
    main(["--timerange", "20180102-20180131", "--runs", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["bars"] == 21 * 390
    assert found["stock over fast"] == found["stock loop"] / found["fast loop"]
    assert all(
        value > 0.0 for name, value in found.items() if name not in ("trades", "fills", "order events")
    )
    assert {"fast loop, putlite alone", "fast loop, buywrite alone", "fast loop, condor alone"} <= set(found)
