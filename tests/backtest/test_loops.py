"""The fast loop, the stock loop and a shorter run tell the same story."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.desk import Desk
from engine.errors import LedgerError
from feeds.model import ModelQuotes
from scripts.backtest import compare
from scripts.session import Setup, play, prepare
from tests.backtest.conftest import request


def test_the_stock_loop_leaves_the_same_journal(spx_year: Setup, spx_played: Desk) -> None:
    stock, _ = play(spx_year, stock_loop=True)

    compare(spx_played, stock)

    assert len(stock.journal.trades) > 20


def test_compare_names_the_first_difference(spx_year: Setup, spx_played: Desk) -> None:
    other, _ = play(spx_year)
    other.journal.trades[3] = replace(other.journal.trades[3], net=1.0)

    with pytest.raises(LedgerError, match=r"verify: trades\[3\]"):
        compare(spx_played, other)


def test_same_seed_same_trades_other_seed_other_trades(tmp_path: Path) -> None:
    span = "20150801-20150930"
    one = play(prepare(request(tmp_path, profile="spx", timerange=span)))[0].journal.trades
    same = play(prepare(request(tmp_path, profile="spx", timerange=span)))[0].journal.trades
    other = play(prepare(request(tmp_path, profile="spx", timerange=span, seed=8)))[0].journal.trades

    assert one and one == same
    assert one != other


def test_cutting_the_future_off_changes_nothing_before(spx_year: Setup, spx_played: Desk) -> None:
    """No bot, indicator or quote looks ahead: a run over half the bars is half the run."""
    cut = len(next(iter(spx_year.bars.values()))) // 2
    bars = {symbol: held.head(cut) for symbol, held in spx_year.bars.items()}
    assert isinstance(spx_year.book, ModelQuotes)
    book = ModelQuotes(bars, spx_year.products, spx_year.book.settings)
    short, _ = play(replace(spx_year, bars=book.with_lines(), book=book))
    last = short.clock.at(cut - 1)

    expected = [trade for trade in spx_played.journal.trades if trade.exit_time < last]
    found = [trade for trade in short.journal.trades if trade.exit_time < last]

    assert len(expected) > 20
    assert found == expected
