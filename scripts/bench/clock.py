"""Stopwatches: wall and processor time of a piece of work, medians of several runs."""

from __future__ import annotations

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Timed(Generic[T]):
    """Seconds by the wall and of the processor, and what the work returned last."""

    wall: float
    cpu: float
    done: T


def timed(work: Callable[[], T], runs: int = 1) -> Timed[T]:
    """Run work some times and return the medians.

    The processor's time is the one to compare where other programs share the machine.
    """
    walls, cpus = [], []
    for _ in range(runs):
        gc.collect()
        began, busy = time.perf_counter(), time.process_time()
        done = work()
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - busy)
    return Timed(statistics.median(walls), statistics.median(cpus), done)


def process(arguments: Sequence[str], runs: int = 1) -> Timed[str]:
    """Run a program in a process of its own some times, start-up included; return its last output."""
    walls, cpus, told = [], [], ""
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        told = ran.stdout
    return Timed(statistics.median(walls), statistics.median(cpus), told)


def answer(arguments: Sequence[str]) -> Any:
    """Return the JSON a program prints."""
    return json.loads(process(arguments).done)


def peak() -> float:
    """Return the most memory this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
