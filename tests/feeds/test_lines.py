from __future__ import annotations

from datetime import datetime
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from engine.bars import Bars
from feeds.lines import ArrayFeed
from tests.feeds.samples import OVER_A_HALF_DAY, bars


class Recorder(bt.Strategy):  # type: ignore[misc]
    """Writes down everything a strategy can see of its feed."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def next(self) -> None:
        data = self.data
        self.seen.append(
            (
                data.datetime.datetime(0),
                data.open[0],
                data.high[0],
                data.low[0],
                data.close[0],
                data.volume[0],
                data.vix[0],
                data.minute[0],
                data.day[0],
                data.left[0],
                data.close[-1] if len(data) > 1 else None,
            )
        )


def run(feed: ArrayFeed, **how: bool) -> list[tuple[Any, ...]]:
    cerebro = bt.Cerebro(stdstats=False, **how)
    cerebro.adddata(feed)
    cerebro.addstrategy(Recorder)
    (done,) = cerebro.run()
    return list(done.seen)


def market() -> Bars:
    n = len(bars(OVER_A_HALF_DAY))
    return bars(OVER_A_HALF_DAY, lines={"vix": 12.0 + np.arange(n) / n})


def test_strategy_sees_every_bar_as_it_is_with_new_york_time() -> None:
    held = market()
    seen = run(ArrayFeed(bars=held))
    grid = held.grid
    assert len(seen) == len(held)
    assert seen[0][0] == datetime(2024, 7, 2, 9, 31)
    assert seen[-1][0] == datetime(2024, 7, 5, 16, 0)
    for k, name in enumerate(("open", "high", "low", "close", "volume"), start=1):
        assert [row[k] for row in seen] == getattr(held, name).tolist()
    assert [row[6] for row in seen] == held.lines["vix"].tolist()
    assert [row[7] for row in seen] == grid.minute.tolist()
    assert [row[8] for row in seen] == grid.day.tolist()
    assert [row[9] for row in seen] == grid.left.tolist()
    assert [row[10] for row in seen[1:]] == held.close[:-1].tolist()


def test_bar_by_bar_loading_sees_the_same_as_whole_arrays() -> None:
    held = market()
    whole = run(ArrayFeed(bars=held), preload=True, runonce=True)
    assert run(ArrayFeed(bars=held), preload=False, runonce=False) == whole
    assert run(ArrayFeed(bars=held), preload=True, runonce=False) == whole


def test_dates_of_the_feed_cut_the_bars() -> None:
    seen = run(ArrayFeed(bars=market(), fromdate=datetime(2024, 7, 3), todate=datetime(2024, 7, 4)))
    assert {row[0].date().isoformat() for row in seen} == {"2024-07-03"}
    assert len(seen) == 210


def test_absent_lines_are_unknown_and_runs_do_not_disturb_each_other() -> None:
    held = bars(OVER_A_HALF_DAY)
    first = run(ArrayFeed(bars=held))
    assert all(np.isnan(row[6]) for row in first)
    second = run(ArrayFeed(bars=held))
    assert [row[:6] for row in second] == [row[:6] for row in first]


@pytest.mark.parametrize("again", [1, 2])
def test_one_feed_can_run_again(again: int) -> None:
    feed = ArrayFeed(bars=market())
    assert all(len(run(feed)) == len(market()) for _ in range(again))


def test_parameter_that_no_feed_has_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="ArrayFeed has no parameters nmae"):
        ArrayFeed(bars=market(), nmae="SPX")
