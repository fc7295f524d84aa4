"""The fast loop and Backtrader's own give the same result."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.cerebro import NEVER, FastCerebro
from tests.cerebro.toys import Trader, Visits, engine
from tests.indicators.market import keep, market

WHOLE = market()
HOLED = keep(WHOLE, np.random.default_rng(8).random(len(WHOLE)) > 0.3)


def _run(kind: type, bars: Bars, *traders: dict[str, Any]) -> Any:
    cerebro = engine(kind, [bars])
    for settings_ in traders:
        cerebro.addstrategy(Trader, **settings_)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    cerebro.addanalyzer(bt.analyzers.SQN, _name="sqn")
    return cerebro.run()


def _told(strategies: Any) -> list[Any]:
    return [
        (
            one.journal,
            one.analyzers.trades.get_analysis(),
            one.analyzers.sqn.get_analysis(),
            one.broker.getvalue(),
        )
        for one in strategies
    ]


@pytest.mark.parametrize("bars", [WHOLE, HOLED], ids=["whole", "holes"])
@pytest.mark.parametrize(
    "traders",
    [
        [{}],
        [{"minute": 600, "hold": 1}],
        [{"minute": 650, "hold": 700}],
        [{"minute": 640, "limit": 0.0005, "hold": 20}],
        [{}, {"minute": 725, "hold": 3}, {"minute": 600, "limit": 0.001}],
    ],
    ids=["one", "next bar", "over night", "limit order", "three"],
)
def test_journals_orders_trades_and_values_equal_the_stock_loop(
    bars: Bars, traders: list[dict[str, Any]]
) -> None:
    fast, stock = _told(_run(FastCerebro, bars, *traders)), _told(_run(bt.Cerebro, bars, *traders))
    assert repr(fast) == repr(stock)  # as text, because NaN is not equal to itself
    assert any(row[0] == "order" for row in fast[0][0])


def test_journal_before_a_cut_does_not_change_when_the_future_is_cut_off() -> None:
    whole = _run(FastCerebro, WHOLE, {})[0].journal
    for count in (200, 400, 700, 1100, 1300):
        cut = _run(FastCerebro, WHOLE.head(count), {})[0].journal
        assert cut == [row for row in whole if row[1] < count]


@given(st.lists(st.sets(st.integers(0, 399), max_size=12), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_exactly_the_wanted_bars_and_the_last_are_visited_by_every_strategy(wanted: list[set[int]]) -> None:
    cerebro = engine(FastCerebro, [WHOLE.head(400)])
    for bars in wanted:
        cerebro.addstrategy(Visits, wanted=tuple(bars))
    for strategy in cerebro.run():
        assert strategy.visited == sorted(set().union(*wanted) | {399})


def test_a_strategy_sees_the_same_lines_and_lengths_on_every_feed() -> None:
    class Look(Visits):
        def next(self) -> None:
            first, second = self.datas
            bar = len(first) - 1
            assert len(second) == bar + 1
            assert second.close[0] == pytest.approx(first.close[0] / 10)
            assert first.close[-1] == WHOLE.close[bar - 1]
            assert self.lines.datetime[0] == first.datetime[0]
            super().next()

    cerebro = engine(FastCerebro, [WHOLE, WHOLE.scaled(0.1, "XSP")])
    cerebro.addstrategy(Look, wanted=(5, 17, 390, 1000))
    assert cerebro.run()[0].visited == [5, 17, 390, 1000, len(WHOLE) - 1]


class _Warm(Visits):
    lines: Any = ("mark",)

    def __init__(self) -> None:
        super().__init__()
        self.average = bt.ind.SMA(self.data.close, period=30)
        self.above = self.data.close > self.average
        self.values: dict[int, tuple[float, float, float]] = {}
        self.began: list[int] = []

    def nextstart(self) -> None:
        self.began.append(len(self.data) - 1)

    def next(self) -> None:
        super().next()
        self.lines.mark[0] = self.data.close[0]
        self.values[len(self.data) - 1] = (self.average[0], self.above[0], self.lines.mark[0])


def _warm(kind: type) -> _Warm:
    cerebro = engine(kind, [WHOLE])
    cerebro.addstrategy(_Warm, wanted=(0, 12, 30, 31, 50, 900))
    (warm,) = cerebro.run()
    assert isinstance(warm, _Warm)
    return warm


def test_minimum_period_is_kept_and_nextstart_called_on_its_bar() -> None:
    fast, stock = _warm(FastCerebro), _warm(bt.Cerebro)
    assert fast.began == stock.began == [29]
    assert fast.visited == [30, 31, 50, 900, len(WHOLE) - 1]
    assert fast.values == {bar: stock.values[bar] for bar in fast.visited}


def test_a_strategys_own_line_keeps_what_it_wrote() -> None:
    mark = np.array(_warm(FastCerebro).lines.mark.array)
    assert np.flatnonzero(np.isfinite(mark)).tolist() == [30, 31, 50, 900, len(WHOLE) - 1]
    assert mark[50] == WHOLE.close[50]


def test_lines_stand_on_the_last_bar_after_a_run_and_can_be_moved_again() -> None:
    fast, stock = _warm(FastCerebro), _warm(bt.Cerebro)
    for one in (fast, stock):
        lines = [one.data.lines.close, one.average.lines.sma, one.above, one.lines.mark]
        assert [(len(line), line[0], line[-1]) for line in lines[:2]] == [
            (len(WHOLE), WHOLE.close[-1], WHOLE.close[-2]),
            (len(WHOLE), one.average.array[-1], one.average.array[-2]),
        ]
        assert [len(line) for line in lines] == [len(WHOLE)] * 4
        one.data.home()
        one.data.advance()
        assert (len(one.data), one.data.close[0]) == (1, WHOLE.close[0])
    assert type(fast.data.lines.close) is type(stock.data.lines.close)


class _Anew(Visits):
    """Wants one bar; asked anew on others', says what it wants then."""

    params = (("answers", ()),)

    def anew(self, bar: int, wake: int) -> int:
        self.asked.append((bar, wake))
        answers: dict[int, int] = dict(self.p.answers)
        return answers.get(bar, wake)

    def start(self) -> None:
        self.asked: list[tuple[int, int]] = []


def test_a_strategy_asked_anew_is_called_there_or_later_or_not_at_all() -> None:
    cerebro = engine(FastCerebro, [WHOLE.head(400)])
    cerebro.addstrategy(Visits, wanted=(10, 20, 30, 40, 50))
    cerebro.addstrategy(_Anew, wanted=(45,), answers=((20, 20), (30, 35)))
    plain, anew = cerebro.run()
    assert anew.asked == [(10, 45), (20, 45), (30, 45), (40, 45), (50, NEVER)]
    assert anew.visited == [20, 35, 45, 399]
    assert plain.visited == [10, 20, 30, 35, 40, 45, 50, 399]


def test_runstop_ends_the_run_on_its_bar() -> None:
    cerebro = engine(FastCerebro, [WHOLE])
    cerebro.addstrategy(Visits, wanted=(3, 7, 11), stop_at=7)
    assert cerebro.run()[0].visited == [3, 7]


def test_one_bar_is_a_run() -> None:
    cerebro = engine(FastCerebro, [WHOLE.head(1)])
    cerebro.addstrategy(Visits)
    assert cerebro.run()[0].visited == [0]


def test_the_same_cerebro_runs_twice_alike() -> None:
    cerebro = engine(FastCerebro, [WHOLE])
    cerebro.addstrategy(Visits, wanted=(3, 7))
    assert cerebro.run()[0].visited == cerebro.run()[0].visited == [3, 7, len(WHOLE) - 1]


def test_progress_rises_to_the_number_of_bars() -> None:
    told: list[tuple[int, int]] = []
    cerebro = engine(FastCerebro, [WHOLE], progress=lambda *pair: told.append(pair))
    cerebro.addstrategy(Visits, wanted=tuple(range(0, len(WHOLE), 2)))
    cerebro.run()
    done = [bars for bars, _ in told]
    assert done == sorted(done)
    assert {total for _, total in told} == {len(WHOLE)}
    assert done[-1] == len(WHOLE)
    assert 50 <= len(told) <= 250


@pytest.mark.parametrize("answer", [4, 5])
def test_a_wake_that_does_not_move_on_is_an_error(answer: int) -> None:
    class Stuck(Visits):
        def wake(self, bar: int) -> int:
            return answer if bar == 5 else 5

    cerebro = engine(FastCerebro, [WHOLE])
    cerebro.addstrategy(Stuck)
    with pytest.raises(ValueError, match=rf"wake\(5\) answered {answer}, expected a later bar"):
        cerebro.run()
