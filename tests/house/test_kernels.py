"""Compiled kernels come from the disk whole: with all they need, and without what only compiling needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernels import below1, upto1
from engine.options.pricing import black_price

LOADER = """
import importlib, sys
from pathlib import Path

loaded = 0
for path in sorted(path for room in ("engine", "feeds") for path in Path(room).rglob("*.py")):
    name = ".".join(path.with_suffix("").parts)
    if not name.startswith({rooms!r}) or "from engine.kernels import" not in path.read_text():
        continue
    for kernel in vars(importlib.import_module(name)).values():
        if getattr(kernel, "__module__", None) == name and hasattr(kernel, "targetctx"):
            for signature, *_ in kernel._cache._cache_file._load_index():
                loaded += kernel._cache.load_overload(signature, kernel.targetctx) is not None
print(loaded, *sorted({{"scipy.linalg", "numba.np.linalg"}} & set(sys.modules)))
"""
OF_A_BACKTEST = (
    "engine.indicators.r", "engine.indicators.session", "engine.options.chain", "engine.options.choice",
    "engine.options.pricing", "engine.risk.", "feeds.looks", "feeds.smile", "feeds.spreads", "feeds.surface",
)  # fmt: skip


def loaded(rooms: tuple[str, ...], root: Path) -> tuple[int, list[str]]:
    """Return how many kernels a new process found on the disk, and what of heavy packages they brought."""
    script = LOADER.format(rooms=rooms)
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    number, *heavy = told.stdout.split()
    return int(number), heavy


@pytest.fixture(scope="module", autouse=True)
def _one_at_least() -> None:
    black_price(100.0, np.arange(95.0, 105.0), 0.01, True)


def test_every_kernel_on_the_disk_loads_in_a_process_that_compiled_nothing(root: Path) -> None:
    number, _ = loaded(("engine.", "feeds."), root)  # machine code that lacks a symbol ends the process
    assert number > 0


def test_kernels_of_a_backtest_load_without_linear_algebra(root: Path) -> None:
    number, heavy = loaded(OF_A_BACKTEST, root)
    assert number > 0
    assert heavy == []


@given(st.lists(st.integers(-9, 9).map(float)).map(sorted), st.floats(-10, 10))
def test_places_among_rising_numbers_are_numpys(ordered: list[float], value: float) -> None:
    numbers = np.array(ordered, np.float64)
    for wanted in (value, float(round(value))):
        assert below1(numbers, wanted) == np.searchsorted(numbers, wanted)
        assert upto1(numbers, wanted) == np.searchsorted(numbers, wanted, side="right")
