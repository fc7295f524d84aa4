"""Sweeps end to end: the command, its files, a kill, a cluster, proposals by Optuna."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from engine.errors import ConfigError, DataError
from scripts.cli import main
from scripts.search.run import SearchRequest
from scripts.search.sweep import run

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
HEAD = "profile: spx\nbots: [condor]\ntimerange: 20180102-20180131\n"
GRID = f"{HEAD}keys:\n  bots.condor.profit_target: [0.3, 0.5]\n  bots.condor.short_move: [1.0, 1.2, 9]\n"


def spec(folder: Path, text: str = GRID) -> Path:
    path = folder / "idea.yaml"
    path.write_text(text)
    return path


def results(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "results.parquet").drop(columns="seconds")


def keys(done: Path) -> list[str]:
    return [json.loads(line)["key"] for line in done.read_text().splitlines()]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    return run(SearchRequest(spec(folder), CONFIG, folder / "runs", jobs=1))


def test_sweep_keeps_every_variant_and_what_it_made_every_day(swept: Path) -> None:
    table, daily = results(swept), pd.read_parquet(swept / "daily.parquet")
    assert list(table["bots.condor.short_move"]) == [1.0, 1.2, 9.0] * 2
    assert list(table.error != "") == [False, False, True] * 2
    assert table.error[2].startswith("variant: bots.condor.short_move: got 9")
    good = table[table.error == ""]
    assert good.trades.min() > 3
    sums = daily.groupby("number").net.sum()
    assert sums.to_numpy() == pytest.approx(good.net.to_numpy())
    assert (daily.groupby("number").trades.sum().to_numpy() == good.trades.to_numpy()).all()


def test_page_stands_alone_in_light_and_dark_and_names_luck(swept: Path) -> None:
    page = (swept / "sweep.html").read_text()
    assert "http" not in page and "src=" not in page
    assert "prefers-color-scheme: dark" in page
    assert "Sharpe ratio luck alone would show" in page
    assert "2 variants failed" in page
    assert page.count('<table class="months">') == 4
    assert (swept / "sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_sweep_killed_half_way_goes_on_and_repeats_nothing(tmp_path: Path, swept: Path) -> None:
    text = GRID.replace("[0.3, 0.5]", "[0.3, 0.35, 0.4, 0.45, 0.5, 0.55]")
    command = [sys.executable, "-m", "scripts.cli", "sweep", str(spec(tmp_path, text)), "--jobs", "1"]
    command += ["--out", str(tmp_path / "runs"), "--config", str(CONFIG)]
    work = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for_lines(tmp_path / "runs", 3, work)
    finally:
        os.kill(work.pid, signal.SIGKILL)
        work.wait()
    (done,) = (tmp_path / "runs").glob("search-*/done.jsonl")
    before = done.read_bytes()
    finished = before[: before.rfind(b"\n") + 1]
    assert 3 <= finished.count(b"\n") < 18
    folder = run(SearchRequest(tmp_path / "idea.yaml", CONFIG, tmp_path / "runs", jobs=1))
    assert folder == done.parent
    assert done.read_bytes().startswith(finished)
    table = results(folder)
    assert len(table) == 18
    good = set(table.key[table.error == ""])
    told = keys(done)
    assert len(good) == 12 and all(told.count(key) == 1 for key in good)
    same = table[table["bots.condor.profit_target"].isin([0.3, 0.5])]
    columns = [name for name in table if name != "number"]
    pd.testing.assert_frame_equal(
        same[columns].reset_index(drop=True), results(swept)[columns].reset_index(drop=True)
    )


def _wait_for_lines(out: Path, count: int, work: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        lines = sum(path.read_bytes().count(b"\n") for path in out.glob("search-*/done.jsonl"))
        if lines >= count:
            return
        assert work.poll() is None, "the sweep ended before it could be killed"
        time.sleep(0.05)
    raise AssertionError("no variant was finished in five minutes")


def test_cluster_of_two_workers_finds_what_one_process_finds(tmp_path: Path, swept: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        there = run(
            SearchRequest(spec(tmp_path), CONFIG, tmp_path / "runs", scheduler=cluster.scheduler_address)
        )
    pd.testing.assert_frame_equal(results(there), results(swept))
    pd.testing.assert_frame_equal(
        pd.read_parquet(there / "daily.parquet"), pd.read_parquet(swept / "daily.parquet")
    )


TPE = f"""{HEAD}search: tpe
trials: 20
batch: 4
metric: net
keys:
  bots.condor.short_move: {{low: 1.0, high: 2.5}}
  bots.condor.profit_target: [0.3, 0.5, 0.7]
  quotes.premium: {{low: 0.01, high: 0.2, log: true}}
"""


def test_proposals_are_the_same_after_a_kill_and_on_two_processes(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    path = spec(tmp_path, TPE)
    whole = run(SearchRequest(path, CONFIG, tmp_path / "one", jobs=1))
    table, lines = results(whole), (whole / "done.jsonl").read_bytes().splitlines(keepends=True)
    assert len(table) == 20
    assert table["bots.condor.short_move"].nunique() == 20
    assert (table.error != "").any(), "the space reaches past what a setting may be"
    # as if killed in the fourth batch, in the middle of a line
    other = tmp_path / "two" / whole.name
    other.mkdir(parents=True)
    (other / "done.jsonl").write_bytes(b"".join(lines[:14])[:-50])
    again = run(SearchRequest(path, CONFIG, tmp_path / "two", jobs=2))
    pd.testing.assert_frame_equal(results(again), table)


def test_proposals_lean_to_what_was_good(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    folder = run(SearchRequest(spec(tmp_path, TPE.replace("trials: 20", "trials: 40")), CONFIG, tmp_path, 1))
    good = results(folder).query("error == ''")
    assert good.net[good.number >= 20].mean() > good.net[good.number < 16].mean()


def test_trials_of_earlier_sweeps_count_and_equal_ones_once(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    run(SearchRequest(spec(tmp_path, GRID.replace("1.2, 9", "1.2")), CONFIG, out, jobs=1))
    ledger = out / "trials" / "condor.jsonl"
    assert ledger.read_text().count("\n") == 4
    folder = run(SearchRequest(spec(tmp_path, GRID.replace("1.2, 9", "1.2, 1.4")), CONFIG, out, jobs=1))
    assert ledger.read_text().count("\n") == 6
    assert (
        "After 6 trials" in (folder / "sweep.html").read_text()
        or "Insufficient data" in (folder / "sweep.html").read_text()
    )


def test_sweep_of_which_all_fail_is_one_line_and_keeps_why(tmp_path: Path) -> None:
    text = f"{HEAD}keys: {{bots.condor.short_move: [8, 9]}}\n"
    with pytest.raises(DataError, match="all 2 variants failed: variant: bots.condor.short_move: got 8"):
        run(SearchRequest(spec(tmp_path, text), CONFIG, tmp_path / "runs", jobs=1))
    (table,) = (tmp_path / "runs").glob("search-*/results.parquet")
    assert (pd.read_parquet(table).error != "").all()


def test_second_search_in_a_folder_at_work_is_refused(tmp_path: Path, swept: Path) -> None:
    from scripts.search.folder import held

    with held(swept), pytest.raises(ConfigError, match="another search is at work"), held(swept):
        pass


def test_command_names_the_key_that_was_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "keys: {bots.condor.widht: [1]}\n")
    assert main(["sweep", str(path), "--out", str(tmp_path / "runs")]) == 1
    assert "bots.condor.widht: no such setting. Did you mean 'width'?" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
