"""Sessions at the gateway, one after the other, in one process: nothing may grow.

``python -m tests.live.soak [sessions] [speed]`` prints after every session its memory, threads,
file descriptors, tasks and the most messages in any second; five sessions at 60 are two hours of
market days (``make soak-session``).
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from engine.sessions import sessions_ahead
from scripts.live.rehearse import Rehearsal, stage, wait_for
from scripts.live.session import play
from tests.live.stage import CONFIG, DAY

MEGABYTE = 1_048_576
RATE = 50
GROWTH = 30.0  # megabytes between the second session and the last
SPARE = 3  # threads and descriptors


@dataclass(frozen=True, slots=True)
class Load:
    """What the process holds after a session."""

    megabytes: float
    threads: int
    files: int
    rate: int


def load(rate: int) -> Load:
    """Return what this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    size = pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    return Load(size, threading.active_count(), len(os.listdir("/proc/self/fd")), rate)


def soak(folder: Path, sessions: int, speed: float) -> list[Load]:
    """Play so many whole sessions at one gateway and return the load after each."""
    days = tuple(sessions_ahead(DAY, number) for number in range(sessions))
    loads = []
    with stage(Rehearsal(CONFIG, folder, days, speed, 7)) as (gateway, plan):
        for day in days:
            wait_for(gateway, plan, day)
            outcome = play(replace(plan, brief=False))
            loads.append(load(gateway.peak_rate(plan.settings.ibkr.client_id)))
            print(f"{day}: {outcome.how}, {outcome.text}: {loads[-1]}", flush=True)
            assert outcome.how == "flat"
            assert gateway.positions() == {}
    return loads


def main() -> None:
    """Soak as the command line says."""
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    speed = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        loads = soak(Path(folder), sessions, speed)
    first, last = loads[min(1, len(loads) - 1)], loads[-1]
    assert last.megabytes - first.megabytes < GROWTH, (first, last)
    assert last.threads <= first.threads + SPARE, (first, last)
    assert last.files <= first.files + SPARE, (first, last)
    assert max(one.rate for one in loads) < RATE
    print("nothing grew")


if __name__ == "__main__":
    main()
