"""Funds are never promised twice."""

from __future__ import annotations

from engine.broker.margin import MarginBook
from engine.options.combo import iron_condor, put_spread
from tests.execution.market import DAY, XSP

SPREAD = put_spread(XSP, DAY, 600, 599)


def test_condor_with_equal_wings_binds_one_side() -> None:
    condor = iron_condor(XSP, DAY, 590, 591, 609, 610)
    assert MarginBook().reserve("a", condor, -0.30, 2) == 2 * 7000


def test_condor_with_unequal_wings_binds_both() -> None:
    condor = iron_condor(XSP, DAY, 589, 591, 609, 610)
    assert MarginBook().reserve("a", condor, -0.30, 1) == 27_000


def test_premium_received_is_not_free_while_the_trade_is_open() -> None:
    book, cash = MarginBook(), 10_000
    book.reserve("a", SPREAD, -0.21, 1)
    before = cash - book.bound
    book.moved("a", 2100)
    assert (cash + 2100) - book.bound == before == 10_000 - 7900


def test_release_frees_all_and_forgets() -> None:
    book = MarginBook()
    book.reserve("a", SPREAD, -0.21, 3)
    book.reserve("b", SPREAD, -0.21, 1)
    book.resize("a", 2)
    assert book.bound == 3 * 7900
    book.release("a")
    assert book.bound == 7900
    book.release("b")
    assert book.bound == 0
