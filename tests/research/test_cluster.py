"""Variants on a real cluster of two worker processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from scripts.outcomes import read_outcomes
from scripts.requests import BacktestRequest
from scripts.variants import Base, Variant, run_variants

distributed = pytest.importorskip("distributed")
CONFIG = Path(__file__).parents[2] / "config"
VARIANTS = [Variant({"quotes.premium": premium}) for premium in (0.0, 0.1, 0.2)] + [Variant({"nonsense": 1})]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    out = tmp_path_factory.mktemp("runs")
    return Base.of(BacktestRequest(config=CONFIG, out=out, profile="spx", timerange="20180102-20180131"))


def test_cluster_gives_what_this_machine_gives_and_records_what_fails(base: Base, tmp_path: Path) -> None:
    here = dict(run_variants(base, VARIANTS, jobs=1))
    done = tmp_path / "done.jsonl"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        there = dict(run_variants(base, VARIANTS, done=done, scheduler=cluster.scheduler_address))
    assert {number: found.bots for number, found in there.items()} == {
        number: found.bots for number, found in here.items()
    }
    assert sum(bot.trades for found in there.values() for bot in found.bots.values()) > 10
    assert "nonsense: no such setting" in there[3].error
    assert len(read_outcomes(done)) == 3


def test_scheduler_that_does_not_answer_is_one_line(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(ConfigError, match="does not answer") as caught:
        list(run_variants(base, VARIANTS, scheduler="tcp://127.0.0.1:1"))
    assert "\n" not in str(caught.value)
