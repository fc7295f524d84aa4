"""``mw lookahead`` finds what reads ahead, wherever it was planted, and nothing in the shipped bots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numba import njit

from engine.indicators.line import KernelIndicator
from engine.reasons import Reason
from engine.research.lookahead import Seen, changes
from feeds.model import ModelQuotes
from feeds.store.store import QuoteStore
from scripts.cli import main
from scripts.lookahead import CHANGED, CUT, Finding, again, examine, last_sessions, section_of
from scripts.requests import BacktestRequest, Recording
from scripts.session import Setup, prepare
from scripts.synth_quotes import snapshots
from strategies.condor import Condor
from strategies.putlite import PutLite
from strategies.roster import BOTS

CONFIG = Path(__file__).parents[2] / "config"
DAYS = "20180102-20180330"


@pytest.fixture(scope="module")
def setup() -> Setup:
    return prepare(BacktestRequest(config=CONFIG, out=Path(), profile="spx", timerange=DAYS))


def kinds(found: list[Finding]) -> set[str]:
    return {one.change.kind for one in found}


@pytest.mark.parametrize("stock_loop", [False, True])
def test_shipped_bots_read_nothing_ahead(setup: Setup, stock_loop: bool) -> None:
    played, cuts = (last_sessions(setup, 24), 1) if stock_loop else (setup, 3)

    found, runs = examine(played, cuts, stock_loop)

    assert found == []
    assert runs == 2 * cuts


@njit
def _next_close(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    (close,) = ins
    for i in range(len(close)):
        outs[0][i] = close[min(i + 1, len(close) - 1)]


class NextClose(KernelIndicator):
    lines: Any = ("close",)
    inputs = ("close",)
    kernel = staticmethod(_next_close)


class Prophet(PutLite):
    def measures(self, data: Any) -> dict[str, Any]:
        return {**super().measures(data), "next_close": NextClose(data).lines.close, "price": data.close}

    def filters(self, m: Any) -> list[Any]:
        return [*super().filters(m), (Reason.TREND, m.next_close > m.price)]


@pytest.mark.parametrize("stock_loop", [False, True])
def test_a_planted_next_close_in_an_indicator_is_found(setup: Setup, stock_loop: bool) -> None:
    one = replace(last_sessions(setup, 10) if stock_loop else setup, bots=("putlite",))

    found, _ = examine(one, 1, stock_loop, {**BOTS, "putlite": Prophet})

    names = {one.change.name for one in found if one.change.kind == "indicator"}
    assert names == {"putlite 5 NextClose.close", "putlite SPX measure next_close"}
    assert {one.future for one in found} == {CUT, CHANGED}
    assert all(one.change.stamp == one.cut for one in found), "one bar ahead: only the last value can know"
    told = section_of(found).rows[0]
    assert "NextClose" in told[0]
    assert "became" in told[1][-1]


class ProphetQuotes(ModelQuotes):
    """Quotes around the close of the next bar."""

    def __init__(self, bars: Any, *others: Any) -> None:
        ahead = {
            symbol: replace(held, close=np.append(held.close[1:], held.close[-1]))
            for symbol, held in bars.items()
        }
        super().__init__(ahead, *others)
        self._bars = dict(bars)


def test_a_planted_next_close_in_the_synthetic_quotes_is_found(setup: Setup) -> None:
    assert isinstance(setup.book, ModelQuotes)
    book = ProphetQuotes(setup.bars, setup.book.products, setup.book.settings)

    found, _ = examine(replace(setup, bars=book.with_lines(), book=book, bots=("putlite",)), 2)

    assert {"quote", "decision"} <= kinds(found)
    assert "SPX chain" in {one.change.name for one in found}


class Hindsight(Condor):
    """Trades only on days that close where they are: all its lines are honest, its choice is not."""

    def _look(self, number: int, lane: Any, view: Any, bar: int) -> None:
        later = lane.data.close.array[min(bar + 60, len(lane.data.close.array) - 1)]
        if abs(later / lane.data.close[0] - 1.0) < 0.001:
            super()._look(number, lane, view, bar)


def test_a_bot_that_looks_an_hour_ahead_by_itself_is_found_in_its_decisions(setup: Setup) -> None:
    found, _ = examine(replace(setup, bots=("condor",)), 3, roster={**BOTS, "condor": Hindsight})

    assert "decision" in kinds(found)
    assert "indicator" not in kinds(found)


def test_recorded_quotes_are_changed_too_and_nothing_reads_ahead(tmp_path: Path) -> None:
    asked = BacktestRequest(
        config=CONFIG,
        out=Path(),
        profile="spx",
        timerange="20180108-20180112",
        symbol="SPX",
        bots=("putlite", "condor"),
    )
    made = prepare(asked)
    assert isinstance(made.book, ModelQuotes)
    store = QuoteStore.create(tmp_path / "store")
    with store.batch({}) as batch:
        for number, day in enumerate(made.book.tape.grid.dates):
            batch.write("SPX", day, pa.concat_tables([snapshots(made.book, "SPX", number, 0, 200)]))
    recorded = prepare(replace(asked, recording=Recording(quotes=store.path), timerange=None))

    found, runs = examine(recorded, 1)

    assert found == []
    assert runs == 2


def test_only_the_last_sessions_are_used(setup: Setup) -> None:
    dates = last_sessions(setup, 5).book.tape.dates

    assert dates == setup.book.tape.dates[-5:]


def test_quotes_made_again_are_the_same(setup: Setup) -> None:
    made = again(setup, setup.bars)

    for symbol, bars in setup.bars.items():
        np.testing.assert_array_equal(made.bars[symbol].lines["atm_iv"], bars.lines["atm_iv"])


def test_command_finds_nothing_and_says_how_often_it_looked(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--timerange", DAYS, "--profile", "spx", "--bots", "condor", "--cuts", "1", "--no-stock-loop"]

    assert main(["lookahead", *given]) == 0

    assert "2 runs with another future" in " ".join(capsys.readouterr().out.split())


def test_command_without_any_order_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--timerange", "20180102-20180103", "--bots", "buywrite", "--cuts", "1", "--no-stock-loop"]

    assert main(["lookahead", *given]) == 2

    assert "no bot sent an order, expected at least one" in capsys.readouterr().err


def seen(stamps: list[int], values: list[Any], kind: str = "indicator") -> Seen:
    array = np.array(values, np.float64 if isinstance(values[0], float) else object)
    return Seen(kind, "x", np.array(stamps, np.int64), array)


def test_changes_are_counted_up_to_the_cut_only_and_nan_equals_nan() -> None:
    one, other = seen([1, 2, 3], [np.nan, 2.0, 3.0]), seen([1, 2, 3], [np.nan, 5.0, 4.0])

    assert changes([one], [other], until=1) == []
    (change,) = changes([one], [other], until=2)
    assert (change.count, change.stamp, change.before, change.after) == (1, 2, "2.0", "5.0")
    assert changes([one], [other], until=3)[0].count == 2


def test_an_event_that_is_missing_or_in_other_order_is_a_change() -> None:
    whole, less = seen([1, 2, 2], ["a", "b", "c"]), seen([1, 2], ["a", "b"])
    turned = seen([1, 2, 2], ["a", "c", "b"])

    assert changes([whole], [less], until=2)[0].after == "b"
    assert changes([whole], [turned], until=2)[0].before == "b, c"
    assert changes([whole], [], until=2)[0].after == "nothing"
    assert changes([less], [whole], until=1) == []
