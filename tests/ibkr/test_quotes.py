"""Streaming quotes as a book: the same numbers as the market's own, within the line budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from engine.errors import DataError, LinkError
from engine.ibkr.seen import Fault
from engine.options.combo import put_spread
from engine.options.contract import Contract, Right
from engine.options.quotebook import QuoteBook
from engine.sessions import sessions_ahead
from tests.ibkr.rig import TODAY, Rig, market, products, rig

XSP = products()["XSP"]
T = TypeVar("T")


def truth(one: Rig, what: Callable[[QuoteBook], T]) -> T:
    """Ask the gateway's own book."""
    return one.gateway.call(lambda venue: what(venue.exchange.market.book))


def test_quotes_chain_and_lines_are_those_of_the_market() -> None:
    with rig(speed=30.0, line_budget=100, reach_moves=4.0) as one:
        combo = one.spread()
        one.until(lambda: len(one.book._seen) > 25)

        def same() -> bool:
            mine, theirs = one.book.quote(combo), truth(one, lambda book: book.quote(combo))
            assert theirs is not None
            return mine is not None and (mine.bid, mine.ask) == pytest.approx((theirs.bid, theirs.ask))

        one.until(same)
        chain, own = one.book.chain("XSP", TODAY), truth(one, lambda book: book.chain("XSP", TODAY))
        assert chain.atm_iv() == pytest.approx(own.atm_iv(), rel=0.05)
        assert chain.straddle() == pytest.approx(own.straddle(), rel=0.05)
        rule_delta = chain.nearest(Right.PUT, 0.2)
        assert abs(rule_delta - own.nearest(Right.PUT, 0.2)) <= 1.0
        lines = one.book.lines_of("XSP")
        assert 0.03 < lines["atm_iv"] < 1.0 and math.isfinite(lines["skew"])
        assert one.book.source(combo) == "ibkr" and one.book.age(combo) < 120.0


def lines(one: Rig) -> int:
    """Return the lines in use by the gateway's count."""
    return one.gateway.call(lambda venue: max(len(c.streams) + len(c.live_bars) for c in venue.clients))


def test_the_line_budget_is_never_passed_and_the_windows_follow_the_price() -> None:
    with rig(speed=480.0, line_budget=24, symbols=("XSP", "SPY"), sigma=0.002) as one:
        before, most = set(one.book._windows["XSP", TODAY]), 0
        while set(one.book._windows["XSP", TODAY]) == before:
            one.turn()
            most = max(most, one.book.lines, lines(one))
        for _ in range(100):
            one.turn()
            most = max(most, one.book.lines, lines(one))
        assert 20 <= most <= 24


def test_what_is_held_keeps_streaming_wherever_the_price_goes() -> None:
    with rig(speed=60.0) as one:
        far = put_spread(XSP, TODAY, 262.0, 261.0)
        assert one.book.quote(far) is None
        one.book.hold(far)
        one.until(lambda: one.book.quote(far) is not None)
        assert one.book.lines <= 24
        one.book.release(far)
        one.until(lambda: one.book.quote(far) is None)


def test_listed_expiries_are_known_and_others_are_not() -> None:
    with rig(speed=60.0) as one:
        one.spread()
        assert one.book.expiry("XSP", 0) == TODAY
        assert one.book.expiry("XSP", 1) is None  # listed, not watched
        with pytest.raises(DataError, match="not streamed"):
            one.book.chain("XSP", sessions_ahead(TODAY, 1))


@pytest.mark.parametrize(("kind", "fault"), [("cross", Fault.CROSSED), ("freeze", Fault.STALE)])
def test_bad_quotes_are_told_apart_and_offer_no_price(kind: str, fault: Fault) -> None:
    happening = {"do": kind, "at": "10:08", "seconds": 600}
    with rig(speed=240.0, faults=(happening,)) as one:
        combo = one.spread()
        option = combo.options[0][0]
        one.until(lambda: one.book.fault(option) is fault)
        assert one.book.quote(combo) is None and not one.book.two_sided(combo)
        assert all(math.isnan(side) for side in one.book.legs(combo)[0])


def test_delayed_data_are_shown_and_not_traded_on() -> None:
    with rig(speed=60.0, market_data_type=3) as one:
        combo = put_spread(XSP, TODAY, float(int(one.book.spot("XSP"))), float(int(one.book.spot("XSP"))) - 1)
        one.until(lambda: one.book.fault(combo.options[0][0]) is Fault.NOT_LIVE)
        assert one.book.quote(combo) is None and one.book.expiry("XSP", 0) is None


def test_no_permission_for_data_is_said_in_one_line() -> None:
    refuse = {"do": "refuse", "event": "request", "request": "marketData", "nth": 0, "code": 354}
    with pytest.raises(LinkError, match=r"market data of XSP: no market data subscription.*354"):
        with rig(speed=60.0, faults=(refuse,)):
            pass


def test_no_permission_for_options_alone_leaves_no_expiry_to_trade() -> None:
    refuse = {
        "do": "refuse",
        "event": "request",
        "request": "marketData",
        "kind": "OPT",
        "nth": 0,
        "code": 354,
    }
    with rig(speed=60.0, faults=(refuse,)) as one:
        one.until(lambda: any(name.startswith("XSP 2018") for name in one.book.refused))
        assert one.book.expiry("XSP", 0) is None
        assert "354" in next(iter(one.book.refused.values()))


def test_a_lost_connection_forgets_quotes_and_a_new_one_brings_them_back() -> None:
    with rig(speed=60.0, faults=({"do": "drop", "at": "10:03"},)) as one:
        combo = one.spread()
        one.until(lambda: one.book.quote(combo) is None)
        one.until(lambda: math.isinf(one.book.age(combo)))
        assert not one.book.two_sided(combo)
        one.until(lambda: one.book.two_sided(combo))
        assert one.book.quote(combo) is not None


def test_the_markets_own_bars_carry_the_lines_the_feed_needs() -> None:
    assert {"vix", "atm_iv", "skew"} <= set(market().tape.bars["XSP"].lines)
    assert np.isfinite(market().tape.bars["XSP"].close).all()
    assert Contract(XSP, TODAY, 270.0, Right.CALL).multiplier == 100
