"""Synthetic bars in a file: complete, described, and readable like any other file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from engine.bars import LINES
from engine.errors import ConfigError
from engine.settings import Settings
from engine.universe import load_universe
from feeds.history import load_bars
from scripts.data import synth
from scripts.market import market

CONFIG = Path(__file__).parents[2] / "config"
WEEK = "20180102-20180112"


def made(tmp_path: Path, symbol: str = "XSP", name: str = "bars.parquet", **options: Any) -> tuple[Path, str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    path = synth(symbol, tmp_path / name, timerange=WEEK, config=CONFIG, console=console, **options)
    return path, out.getvalue()


def test_file_read_back_holds_the_bars_a_backtest_would_run_on(tmp_path: Path) -> None:
    path, text = made(tmp_path)
    read = load_bars(path)
    want = market(Settings.load(CONFIG), load_universe(CONFIG / "universe.json"), ["XSP"], timerange=WEEK)[0][
        "XSP"
    ]
    assert read.symbol == "XSP"
    np.testing.assert_array_equal(read.stamp, want.stamp)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(read, name), getattr(want, name))
    assert set(read.lines) == set(want.lines) == set(LINES) - {"open_interest", "breadth"}
    for name in read.lines:
        np.testing.assert_array_equal(read.lines[name], want.lines[name])
    assert "3,510 minute bars of XSP, 9 sessions 2018-01-02 to 2018-01-12" in text
    assert "SYNTHETIC" in text


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        made(tmp_path, name=f"{name}.parquet", seed=seed)[0].read_bytes()
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert first == again
    assert first != other


def test_file_of_another_kind_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bars\.csv.*ending in \.parquet"):
        made(tmp_path, name="bars.csv")
    assert list(tmp_path.iterdir()) == []


def test_unknown_symbol_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'NVDA'"):
        made(tmp_path, symbol="NVDDA")
    assert list(tmp_path.iterdir()) == []
