"""A search killed half-way and gone on with, and the same on two Dask workers: equal, and nothing twice.

``python -m tests.research.soak config/searches/condor.yaml --out runs/soak``; ``--trials 200`` takes so
many of a grid by lot.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from scripts.search.spec import Search

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "scripts.cli", "sweep"]


def drawn(spec: Path, trials: int, seed: int, out: Path) -> tuple[Path, int]:
    """Write a search of so many variants of a grid, chosen by lot, and return it and its size."""
    search = Search.load(spec)
    changes = search.changes()
    if trials < len(changes):
        changes = [changes[n] for n in sorted(random.Random(seed).sample(range(len(changes)), trials))]
    told: dict[str, Any] = yaml.safe_load(spec.read_text())
    told.pop("keys")
    path = out / f"{spec.stem}-{len(changes)}.yaml"
    path.write_text(yaml.safe_dump(told | {"search": "list", "variants": [dict(one) for one in changes]}))
    return path, len(changes)


def lines(out: Path) -> list[bytes]:
    """Return what a search has finished, a whole line a variant."""
    held = list(out.glob("search-*/done.jsonl"))
    return [line for line in held[0].read_bytes().splitlines(True) if line.endswith(b"\n")] if held else []


def interrupted(spec: Path, out: Path, size: int) -> None:
    """Run a search with one process, kill it half-way, go on; fail where anything ran twice."""
    command = [*COMMAND, str(spec), "--jobs", "1", "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    while len(lines(out)) < size // 2:
        assert process.poll() is None, "the search ended before it could be killed"
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = lines(out)
    print(f"killed after {len(before)} of {size}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = lines(out)
    assert after[: len(before)] == before, "what was finished has changed"
    assert len(after) == size, f"{len(after)} lines for {size} variants"


def distributed(spec: Path, out: Path) -> None:
    """Run the search on two local Dask workers."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        command = [*COMMAND, str(spec), "--scheduler", cluster.scheduler_address, "--out", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def tables(out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what a search found, without the seconds it took."""
    (folder,) = out.glob("search-*")
    results = pd.read_parquet(folder / "results.parquet").drop(columns="seconds")
    return results, pd.read_parquet(folder / "daily.parquet")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("spec", type=Path)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--trials", type=int, default=1 << 30)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    given.out.mkdir(parents=True)
    spec, size = drawn(given.spec, given.trials, given.seed, given.out)
    runs: dict[str, Callable[[Path], None]] = {
        "one": lambda out: interrupted(spec, out, size),
        "two": lambda out: distributed(spec, out),
    }
    for name, run in runs.items():
        began = time.monotonic()
        run(given.out / name)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    (results, daily), (others, other_days) = tables(given.out / "one"), tables(given.out / "two")
    assert results.key.is_unique and len(results) == size and not results.error.any()
    pd.testing.assert_frame_equal(results, others, check_exact=True)
    pd.testing.assert_frame_equal(daily, other_days, check_exact=True)
    trades = daily.groupby("number").trades.sum().reindex(results.number, fill_value=0)
    spread = f"{trades.min()} to {trades.max()}, mean {trades.mean():.0f}"
    print(f"{size} variants equal; trades a variant: {spread}", flush=True)


if __name__ == "__main__":
    main()
