"""The simple job in other engines, each in an environment of its own, beside ours in one table."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.bars import Bars
from engine.sessions import cache_home
from scripts.bench import simple
from scripts.bench.clock import timed
from scripts.commands.options import CONFIG
from scripts.requests import BacktestRequest
from scripts.session import prepare

PEERS = {
    "vectorbt": "vectorbt==1.2.0",
    "backtesting": "backtesting==0.6.5",
    "nautilus_trader": "nautilus_trader==1.221.0",
    "backtrader_next": "backtrader_next==2.3.7",
}
PROGRAM = Path(__file__).with_name("peer.py")
PATIENCE = 1800  # seconds by the wall for an installation, or for one engine's runs
CLOSE = 1e-6  # USD: engines keep prices in numbers of their own


class Unable(Exception):
    """An engine cannot be installed or run here; the text is the reason the table shows."""


def environment(name: str, home: Path) -> Path:
    """Return the interpreter of an engine's own environment, made the first time."""
    place = home / name
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = place / f"{PEERS[name]}.ready"
    if not ready.is_file():
        venv.create(place, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check", PEERS[name]]
        _told([str(python), *install])
        ready.touch()
    return python


def _told(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    except subprocess.TimeoutExpired:
        raise Unable(f"took more than {PATIENCE} seconds") from None
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unable(lines[-1][:120] if lines else f"ended with {error}") from None


def same(one: simple.Trades, other: Sequence[Sequence[float]]) -> bool:
    """Tell whether two engines traded on the same bars at the same prices."""
    if len(one) != len(other):
        return False
    left, right = np.array(one, float).reshape(-1, 4), np.array(other, float).reshape(-1, 4)
    return bool((left[:, ::2] == right[:, ::2]).all() and np.allclose(left, right, rtol=0.0, atol=CLOSE))


def measure(name: str, data: Path, trades: simple.Trades, runs: int, home: Path) -> Mapping[str, Any]:
    """Return what an engine's program tells, its trades held against ours.

    Raises
    ------
    Unable
        It cannot be installed or run, or it trades differently.
    """
    python = environment(name, home)
    told = _told([str(python), "-I", str(PROGRAM), name, str(data), str(runs)])
    found: Mapping[str, Any] = json.loads(told[told.rindex('{"load"') :])  # some greet before
    if not same(trades, found["trades"]):
        raise Unable(f"{len(found['trades'])} trades, ours are {len(trades)} others")
    return found


def write(bars: Bars, path: Path) -> None:
    """Write the bars and the rules of the job for the other programs."""
    grid, names = bars.grid, ("stamp", "open", "high", "low", "close", "volume")
    rules = [simple.ENTER, simple.LEAVE, simple.REACH, simple.SIZE, simple.DAYS]
    columns = {name: getattr(bars, name) for name in names}
    np.savez(path, **columns, minute=grid.minute, day=grid.day, rules=json.dumps(rules))


def bench(timerange: str | None, runs: int, home: Path) -> dict[str, dict[str, float] | str]:
    """Return load, first run and median warm run of every engine, seconds of the processor."""
    request = BacktestRequest(config=CONFIG, out=home, timerange=timerange)
    loaded = timed(lambda: next(iter(prepare(request).bars.values())))
    bars = loaded.done
    first, warm = timed(lambda: simple.run(bars)), timed(lambda: simple.run(bars), runs)
    trades = simple.floor(bars)
    if not same(trades, warm.done.trades):
        raise Unable("ours and its compiled floor trade differently")
    rows: dict[str, dict[str, float] | str] = {}
    rows["Market Watch"] = {"load": loaded.cpu, "first": first.cpu, "warm": warm.cpu, "trades": len(trades)}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "bars.npz"
        write(bars, data)
        for name in PEERS:
            try:
                told = measure(name, data, trades, runs, home)
            except Unable as reason:
                rows[name] = f"skipped: {reason}"
                continue
            taken = statistics.median(told["runs"])
            rows[name] = {"load": told["load"], "first": told["first"], "warm": taken, "trades": len(trades)}
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one table: seconds of the processor."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.peers", description=__doc__)
    parser.add_argument("--timerange", help="YYYYMMDD-YYYYMMDD, five years without")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args(arguments)
    rows = bench(given.timerange, given.runs, cache_home() / "peers")
    own = rows["Market Watch"]
    assert not isinstance(own, str)
    table = Table("engine", "load", "first run", "warm run", "times ours", "load and warm run", "trades")
    for name, row in rows.items():
        if isinstance(row, str):
            table.add_row(name, row)
            continue
        both = row["load"] + row["warm"]
        cells = (row["load"], row["first"], row["warm"], row["warm"] / own["warm"], both)
        table.add_row(name, *(f"{cell:.3g}" for cell in cells), f"{row['trades']:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
