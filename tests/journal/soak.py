"""Long trials of the journal, for ``make soak-journal``: killed again and again, shared for long.

``python -m tests.journal.soak kills [--times 100] [--postgres]`` and
``python -m tests.journal.soak shared [--minutes 60]``; both in folders of their own.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select

from engine.journal.check import check
from engine.journal.database import connect
from engine.journal.queries import Reader
from engine.journal.tables import FillRow, RunRow
from tests.journal.postgres import own_server


def kill_while_writing(place: str, name: str, seconds: float) -> tuple[int, int]:
    """Kill a process that writes, so long after its first commit; return pairs it told of, pairs kept.

    Raises
    ------
    RuntimeError
        The process ended by itself, or left an order without the fill it had told of.
    """
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.crash", place, name], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = int(writer.stdout.readline() or 0)
    time.sleep(seconds)
    if writer.poll() is not None:
        raise RuntimeError(f"the writer ended by itself with {writer.returncode}")
    os.kill(writer.pid, signal.SIGKILL)
    for line in writer.stdout:
        told = int(line) if line.endswith("\n") else told
    writer.wait()
    with Reader(place) as reader:
        (row,) = reader.rows(select(RunRow.id).where(RunRow.name == name))
        kept = reader.rows(select(FillRow.order_ref).where(FillRow.run_id == row["id"]))
        orders = set(reader.orders([row["id"]])["order_ref"])
    refs = [row["order_ref"] for row in kept]
    if refs != [f"{name}/{number}" for number in range(1, len(refs) + 1)] or not orders.issuperset(refs):
        raise RuntimeError(f"{name}: {len(refs)} fills and {len(orders)} orders do not belong together")
    return told, len(refs)


def kills(place: str, times: int) -> None:
    """Kill so many writers of one journal; print what was told of, kept and found."""
    chance, told, kept = random.Random(1), 0, 0
    for number in range(times):
        one, other = kill_while_writing(place, f"run{number}", chance.uniform(0.0, 0.5))
        if other < one:
            raise RuntimeError(f"run{number}: told of {one} commits, kept {other}")
        told, kept = told + one, kept + other
    engine = connect(place, read_only=True)
    found = check(engine)
    engine.dispose()
    problems = "; ".join(found.problems) or "none"
    print(f"{times} kills: {told} commits told of, {kept} kept, {found.rows} rows, problems: {problems}")
    if found.problems:
        raise SystemExit(1)


def shared(place: str, minutes: float) -> None:
    """Let a bot write and a reader ask over one file; print how often, and whether it was ever locked."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.crash", place, "bot"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    end, asked = time.monotonic() + 60 * minutes, 0
    try:
        while not Path(place).exists() or not _started(place):
            time.sleep(0.2)
        while time.monotonic() < end:
            with Reader(place) as reader:
                runs = (1,)
                reader.last_decisions(runs, "putlite", 50)
                reader.fills(runs, trade_id=-1)
                reader.reason_counts(runs)
            asked += 1
            if writer.poll() is not None:
                raise SystemExit(f"the bot ended: {writer.stderr.read() if writer.stderr else ''!r}")
            time.sleep(0.5)
    finally:
        writer.terminate()
        writer.wait()
    with Reader(place) as reader:
        (last,) = reader.rows(select(FillRow.seq).order_by(FillRow.seq.desc()).limit(1))
    print(f"{minutes:g} minutes: {last['seq']} pairs committed, {asked} times asked, never locked")


def _started(place: str) -> bool:
    try:
        with Reader(place) as reader:
            return reader.latest_run() is not None
    except Exception:  # noqa: BLE001 - the other process is still making the tables
        return False


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", choices=["kills", "shared"])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--place", help="file or URL; else a new file")
    where.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        place = given.place or str(Path(folder) / "journal.db")
        if given.postgres:
            place = stack.enter_context(own_server())
        if given.trial == "kills":
            kills(place, given.times)
        else:
            shared(place, given.minutes)


if __name__ == "__main__":
    main()
