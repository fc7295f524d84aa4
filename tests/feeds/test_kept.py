"""Bars and surfaces from the disk are those that were made, whoever wrote, broke or changed the file."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bars import Bars
from engine.settings import Settings
from engine.universe import load_universe
from feeds import kept
from feeds.model import ModelQuotes
from feeds.surface import Surface
from scripts.market import market

CONFIG = Path(__file__).parents[2] / "config"
SPAN = "20180201-20180209"
Market = tuple[dict[str, Bars], ModelQuotes]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MW_CACHE", str(tmp_path))
    return tmp_path


def made(
    kept: bool, timerange: str = SPAN, symbols: tuple[str, ...] = ("XSP", "SPY", "QQQ"), **changes: Any
) -> Market:
    settings = Settings.load(CONFIG, overrides=changes)
    universe = load_universe(CONFIG / "universe.json")
    bars, book = market(settings, universe, symbols, timerange=timerange, kept=kept)
    assert isinstance(book, ModelQuotes)
    return bars, book


def same(one: Market, other: Market) -> None:
    assert list(one[0]) == list(other[0])
    for symbol, bars in one[0].items():
        with_it = other[0][symbol]
        assert (bars.symbol, bars.source, bars.notes) == (with_it.symbol, with_it.source, with_it.notes)
        for name in ("stamp", "open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(bars, name), getattr(with_it, name))
        assert list(bars.lines) == list(with_it.lines)
        for name, values in bars.lines.items():
            assert np.array_equal(values, with_it.lines[name], equal_nan=True)
        left, right = (found[1].surfaces[symbol] for found in (one, other))
        for field in fields(Surface):
            held, told = getattr(left, field.name), getattr(right, field.name)
            assert held.dtype == told.dtype and held.flags.writeable and np.array_equal(held, told)


def books(cache: Path) -> list[Path]:
    return sorted((cache / "books").glob("*"))


def test_market_from_the_disk_is_the_market_that_was_made(own_cache: Path) -> None:
    fresh = made(kept=False)
    assert not books(own_cache)
    same(made(kept=True), fresh)
    (file,) = books(own_cache)
    before = file.read_bytes()
    again = made(kept=True)
    same(again, fresh)
    again[0]["XSP"].close[:] = 0.0  # stays this process's own
    assert file.read_bytes() == before
    assert again[0]["XSP"].stamp is again[0]["SPY"].stamp


@pytest.mark.parametrize(
    "broken",
    [b"", b"{}\n", b"null\n", b"no json\n", None],
    ids=["empty", "no size", "no mapping", "no head", "torn"],
)
def test_broken_file_is_made_again(own_cache: Path, broken: bytes | None) -> None:
    fresh = made(kept=True)
    (file,) = books(own_cache)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100] if broken is None else broken)
    same(made(kept=True), fresh)
    assert list(kept.read(file)[0]) == ["XSP", "SPY", "QQQ"]


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"seed": 8}},
        {"data": {"level": 5000.0}},
        {"data": {"generator": "simulated"}},
        {"quotes": {"premium": 0.0}},
        {"quotes": {"spread_scale": 2.0}},
        {"timerange": "20180201-20180208"},
        {"symbols": ("XSP", "SPY")},
    ],
)
def test_what_changes_the_market_has_a_file_of_its_own(own_cache: Path, other: dict[str, Any]) -> None:
    made(kept=True)
    same(made(kept=True, **other), made(kept=False, **other))
    assert len(books(own_cache)) == 2


def test_oldest_file_makes_room_and_a_read_one_is_not_old(own_cache: Path) -> None:
    for seed in range(kept.KEPT):
        made(kept=True, data={"seed": seed})
        for age, file in enumerate(sorted(books(own_cache), key=lambda path: -path.stat().st_mtime)):
            os.utime(file, (1e9 - age, 1e9 - age))
    first = min(books(own_cache), key=lambda path: path.stat().st_mtime)
    made(kept=True, data={"seed": 0})
    made(kept=True, data={"seed": 99})
    assert first in books(own_cache) and len(books(own_cache)) == kept.KEPT
