"""Every indicator: whole lines equal bar by bar, and nothing reads ahead."""

from __future__ import annotations

import gc
import weakref
from array import array
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.errors import DataError
from engine.indicators.crowding import Crowding
from engine.indicators.realized import RealizedVolatility
from engine.indicators.regime import IvRank
from engine.indicators.session import DayLines
from feeds.lines import ArrayFeed
from tests.indicators.market import EVERY, WEEK, blank, keep, lines_of, market

WHOLE = market()
DAY = WHOLE.grid.day
MINUTE = WHOLE.grid.minute


def _same(
    one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]], upto: int | None = None
) -> None:
    for (kind, given_), left, right in zip(EVERY, one, other, strict=True):
        for name in left:
            np.testing.assert_array_equal(
                left[name][:upto], right[name][:upto], err_msg=f"{kind.__name__}({given_}).{name}"
            )


MARKETS = {
    "whole sessions and a half day": WHOLE,
    "no line but prices": Bars(
        "SPX", *(getattr(WHOLE, n) for n in ("stamp", "open", "high", "low", "close", "volume"))
    ),
    "first session starts at noon": keep(WHOLE, (DAY > 0) | (MINUTE > 720)),
    "a morning is missing": keep(WHOLE, (DAY != 1) | (MINUTE > 640)),
    "a day has one bar": keep(WHOLE, (DAY != 1) | (MINUTE == 700)),
    "lunch hours are missing": keep(WHOLE, (MINUTE < 700) | (MINUTE > 765)),
    "a session without VIX and IV": blank(WHOLE, vix=DAY == 1, atm_iv=DAY == 1, skew=DAY == 2),
    "VIX starts in the second session": blank(WHOLE, vix=DAY == 0),
    "VIX ends before the close": blank(WHOLE, vix=MINUTE > 900),
}


@pytest.mark.parametrize("name", MARKETS)
def test_once_equals_next_bar_by_bar(name: str) -> None:
    bars = MARKETS[name]
    _same(lines_of(bars, *EVERY), lines_of(bars, *EVERY, once=False))


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9), st.floats(0.0, 0.6))
@settings(max_examples=6, deadline=None)
def test_once_equals_next_on_random_holes(seed: int, missing: float, unknown: float) -> None:
    rng = np.random.default_rng(seed)
    bars = keep(WHOLE, rng.random(len(WHOLE)) > missing)
    holes = {name: rng.random(len(bars)) < unknown for name in bars.lines}
    bars = blank(bars, **holes)
    _same(lines_of(bars, *EVERY), lines_of(bars, *EVERY, once=False))


@given(st.integers(1, len(WHOLE) - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_values_do_not_change_when_the_future_is_cut_off(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bars = keep(WHOLE, rng.random(len(WHOLE)) > 0.2)
    count = min(count, len(bars) - 1)
    _same(lines_of(bars, *EVERY), lines_of(bars.head(count), *EVERY), upto=count)


def test_every_line_is_known_somewhere_on_whole_sessions() -> None:
    for (kind, given_), lines in zip(EVERY, lines_of(WHOLE, *EVERY), strict=True):
        for name, values in lines.items():
            assert np.isfinite(values).any(), f"{kind.__name__}({given_}).{name}"
            assert not np.isinf(values).any(), f"{kind.__name__}({given_}).{name}"


def test_prices_without_any_line_leave_only_what_needs_vix_or_iv_unknown() -> None:
    lines = lines_of(MARKETS["no line but prices"], *EVERY)
    unknown = {
        f"{kind.__name__}.{name}"
        for (kind, _), held in zip(EVERY, lines, strict=True)
        for name, values in held.items()
        if np.isnan(values).all()
    }
    assert unknown == {
        "DayLines.expected_move",
        "ImpliedMove.move",
        "RangeOverMove.ratio",
        "VarianceSpread.implied",
        "VarianceSpread.spread",
        "VixChange.change",
        *(f"{kind}.{line}" for kind in ("IvRank", "SkewLine") for line in ("rank", "percentile", "value")),
        *(f"Crowding.{line}" for line in Crowding.lines.getlinealiases()),
        *(f"IvSpike.{line}" for line in ("spike", "peak")),
        "EventCollapse.level",
    }


class _Reader(bt.Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        self.one, self.two = DayLines(self.data), DayLines(self.data)
        self.short, self.long = RealizedVolatility(self.data, minutes=5), RealizedVolatility(self.data)
        self.rank = IvRank(self.data)
        self.nexts = 0

    def start(self) -> None:
        self.at_start = [len(one.lines[0].array) for one in (self.one, self.short, self.rank)]

    def next(self) -> None:
        self.nexts += 1


def _read(once: bool, bars: Bars = WHOLE) -> _Reader:
    cerebro = bt.Cerebro(stdstats=False, runonce=once)
    cerebro.adddata(ArrayFeed(bars=bars))
    cerebro.addstrategy(_Reader)
    reader = cerebro.run()[0]
    assert isinstance(reader, _Reader)
    return reader


def test_lines_are_whole_when_the_strategy_starts() -> None:
    assert _read(once=True).at_start == [len(WHOLE)] * 3


def test_lines_are_empty_at_the_start_of_a_bar_by_bar_run() -> None:
    assert _read(once=False).at_start == [0, 0, 0]


def test_indicators_alike_share_their_values_and_others_do_not() -> None:
    reader = _read(once=True)
    assert reader.one.lines.day_high.array is reader.two.lines.day_high.array
    assert reader.short.lines.realized.array is not reader.long.lines.realized.array


def test_values_go_when_their_bars_go() -> None:
    def read_twice() -> Any:
        bars = market(WEEK[:1])
        values = weakref.ref(_read(once=True, bars=bars).one.lines.day_high.array)
        gc.collect()
        assert values() is _read(once=True, bars=bars).one.lines.day_high.array, "kept for the next run"
        return values

    values = read_twice()
    gc.collect()
    assert values() is None


@pytest.mark.parametrize("once", [True, False])
def test_a_bot_is_called_from_the_first_bar(once: bool) -> None:
    assert _read(once).nexts == len(WHOLE)


class _Shifted(ArrayFeed):
    """A feed whose minutes lie an hour late, so that some fall after the close."""

    def preload(self) -> None:
        super().preload()
        self.lines.minute.array = array("d", (np.array(self.lines.minute.array) + 60).tobytes())

    def _load(self) -> bool:
        loaded = super()._load()
        if loaded:
            self.lines.minute[0] += 60
        return loaded


@pytest.mark.parametrize("once", [True, False])
def test_a_bar_outside_its_session_is_an_error_not_a_wrong_number(once: bool) -> None:
    cerebro = bt.Cerebro(stdstats=False, runonce=once, preload=once)
    cerebro.adddata(_Shifted(bars=WHOLE))
    cerebro.addstrategy(_Reader)
    with pytest.raises(DataError, match=r"close at 10\d\d; expected 571 to 960"):
        cerebro.run()
