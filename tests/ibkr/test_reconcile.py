"""Two pictures of one account: laws of the comparison, and the real thing over the socket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ibkr.reconcile import (
    LOOKS,
    BrokerPicture,
    Difference,
    Finding,
    JournalPicture,
    OpenOrder,
    Position,
    Reconciler,
    reconcile,
)
from engine.intent import Urgency
from tests.ibkr.hand import rest, trade
from tests.ibkr.rig import Rig, rig

NAMES = ["XSP 600P", "XSP 599P", "SPY 600C", "SPY"]
ABOUT = {"XSP 600P": ("XSP", 100, "P"), "XSP 599P": ("XSP", 100, "P"), "SPY 600C": ("SPY", 100, "C"),
         "SPY": ("SPY", 1, "")}  # fmt: skip


def position(name: str, count: int) -> Position:
    symbol, multiplier, right = ABOUT[name]
    return Position(count, symbol, multiplier, right)


def held(counts: dict[str, int]) -> dict[str, Position]:
    return {name: position(name, count) for name, count in counts.items() if count}


counts = st.dictionaries(st.sampled_from(NAMES), st.integers(-5, 5), max_size=4)
refs = st.sampled_from(["a/1", "a/2", "b/1", "a/stop1", "b/stop2", ""])
orders = st.lists(refs, max_size=4).map(
    lambda told: tuple(OpenOrder(ref, n, 17, f"order {n}") for n, ref in enumerate(told))
)


@given(counts, orders)
def test_equal_books_have_no_difference(positions: dict[str, int], working: tuple[OpenOrder, ...]) -> None:
    mine = JournalPicture(held(positions), frozenset(), frozenset(one.ref for one in working))
    assert reconcile(mine, BrokerPicture(held(positions), orders=working)) == ()


@given(counts, counts)
def test_applying_the_differences_to_the_journal_gives_the_brokers_positions(
    mine: dict[str, int], theirs: dict[str, int]
) -> None:
    found = reconcile(JournalPicture(held(mine)), BrokerPicture(held(theirs)))
    after = {name: count for name, count in mine.items() if count}
    for one in found:
        assert after.get(one.subject, 0) == one.journal
        after[one.subject] = one.broker
    assert {name: count for name, count in after.items() if count} == {n: c for n, c in theirs.items() if c}
    assert len({one.subject for one in found}) == len(found)


@given(counts, counts, orders)
def test_every_position_nobody_journalled_stops_entries(
    mine: dict[str, int], theirs: dict[str, int], working: tuple[OpenOrder, ...]
) -> None:
    found = reconcile(JournalPicture(held(mine)), BrokerPicture(held(theirs), orders=working))
    for name, count in theirs.items():
        if count and not mine.get(name):
            assert any(one.subject == name and one.blocks for one in found)


@given(orders, st.frozensets(refs), st.frozensets(refs), st.frozensets(st.sampled_from(["a", "b"])))
def test_each_order_is_known_by_reference_or_as_a_stop_of_a_trade(
    working: tuple[OpenOrder, ...], known: frozenset[str], leaving: frozenset[str], trades: frozenset[str]
) -> None:
    found = reconcile(JournalPicture({}, trades, known, known & leaving), BrokerPicture(orders=working))
    unknown = [one for one in found if one.what is Finding.UNKNOWN_ORDER]
    expected = [
        one
        for one in working
        if one.ref not in known and not ("/stop" in one.ref and one.ref.split("/")[0] in trades)
    ]
    assert len(unknown) == len(expected)
    lost = {one.subject for one in found if one.what is Finding.LOST_ORDER}
    assert lost == known - leaving - {one.ref for one in working}
    assert all(one.ours and not one.blocks for one in found if one.what is Finding.LOST_ORDER)


@pytest.mark.parametrize(
    ("mine", "theirs", "found"),
    [
        ({}, {"XSP 600P": -1}, {"XSP 600P": Finding.UNKNOWN_POSITION}),
        ({"XSP 600P": -1}, {}, {"XSP 600P": Finding.MISSING_POSITION}),
        ({"XSP 600P": -2}, {"XSP 600P": -1}, {"XSP 600P": Finding.DIFFERENT_POSITION}),
        # a short call assigned: the shares are gone, or sold short
        ({"SPY 600C": -1, "SPY": 200}, {"SPY": 100},
         {"SPY 600C": Finding.ASSIGNMENT, "SPY": Finding.ASSIGNMENT}),
        ({"SPY 600C": -1}, {"SPY": -100}, {"SPY 600C": Finding.ASSIGNMENT, "SPY": Finding.ASSIGNMENT}),
        ({"SPY 600C": -1}, {"SPY": 100},
         {"SPY 600C": Finding.MISSING_POSITION, "SPY": Finding.UNKNOWN_POSITION}),
    ],
)  # fmt: skip
def test_a_difference_is_named_for_what_it_is(
    mine: dict[str, int], theirs: dict[str, int], found: dict[str, Finding]
) -> None:
    told = reconcile(JournalPicture(held(mine)), BrokerPicture(held(theirs)))
    assert {one.subject: one.what for one in told} == found


def test_what_the_broker_liquidated_is_called_so_and_foreign_things_do_not_block() -> None:
    picture = BrokerPicture({}, {"STK AAPL (id 1)": 10}, liquidated=frozenset({"XSP 600P"}))
    told = reconcile(JournalPicture(held({"XSP 600P": -1})), picture)
    assert [(one.what, one.blocks) for one in told] == [
        (Finding.LIQUIDATION, True), (Finding.FOREIGN_POSITION, False),
    ]  # fmt: skip
    assert "margin" in str(told[0]) and "journal -1, broker +0" in str(told[0])


def test_a_difference_says_what_to_do() -> None:
    assert "mw reconcile" in str(Difference(Finding.UNKNOWN_POSITION, "XSP 600P", 0, -1))


# over the socket ------------------------------------------------------------------------------


def looking(one: Rig) -> tuple[Reconciler, list[tuple[Difference, ...]]]:
    told: list[tuple[Difference, ...]] = []
    books = Reconciler(one.broker, one.symbols, told=told.append)
    turn = one.turn

    def both() -> None:
        turn()
        books.next()

    one.turn = both  # type: ignore[method-assign]
    return books, told


def vanish(one: Rig) -> None:
    """Take every open order out of the gateway without a word to anybody."""

    def forget(venue: Any) -> None:
        for ticket in venue.orders.open_tickets():
            ticket.status = "Cancelled"

    one.gateway.call(forget)


def test_books_agree_through_a_round_trip() -> None:
    with rig(reconcile=20.0) as one:
        books, told = looking(one)
        intent = one.enter(2)
        one.until(lambda: one.ended() and books.looks > 5)
        one.leave(intent)
        one.until(lambda: one.ended(2) and books.looks > 10)
        assert books.differences == () and told == []


@pytest.mark.parametrize("how", ["timed_out", "cancelled"])
def test_an_order_this_program_ends_is_no_difference_while_its_surveys_are_out(how: str) -> None:
    """The pictures come many times between the broker's end of the order and the last survey."""
    hold = {"do": "hold", "event": "trade", "nth": 0}
    with rig(speed=480.0, faults=(hold,), reconcile=1.0, confirm_seconds=1.0) as one:
        books, told = looking(one)
        intent = one.enter(urgency=Urgency.ENTRY)
        one.until(lambda: one.gateway.open_orders())
        if how == "cancelled":
            one.broker.cancel(f"{intent.order_ref}/1")
        one.until(lambda: not one.gateway.open_orders())
        gone, surveyed = books.looks, one.ended()
        one.until(lambda: one.ended())
        assert one.owner.states[-1] == how and not surveyed
        assert books.looks >= gone + LOOKS + 1  # enough of them to have called it lost
        one.until(lambda: books.looks > gone + LOOKS + 3)
        assert books.differences == () and told == []


def test_an_order_that_vanishes_at_the_broker_is_lost_until_surveys_have_ended_it() -> None:
    hold = {"do": "hold", "event": "trade", "nth": 0}
    with rig(faults=(hold,), reconcile=5.0, urgent=900.0) as one:
        books, told = looking(one)
        intent = one.enter()
        one.until(lambda: one.gateway.open_orders() and books.looks > 1)
        vanish(one)
        one.until(lambda: books.differences)
        (found,) = books.differences
        assert found.what is Finding.LOST_ORDER and found.subject == f"{intent.order_ref}/1"
        assert found.ours and not found.blocks and told == [(found,)]
        one.until(lambda: one.ended() and not books.differences)
        assert one.owner.states[-1] == "cancelled" and one.owner.events[-1].reason == "not open at the broker"


@pytest.mark.parametrize(("seconds", "apart"), [(30.0, False), (0.2, True)])
def test_executions_not_booked_yet_are_no_difference_for_as_long_as_they_may_wait(
    seconds: float, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(reconcile=1.0, confirm_seconds=0.2, commission_seconds=seconds) as one:
        books, told = looking(one)
        monkeypatch.setattr(one.broker.booking, "book", lambda: None)
        one.enter()
        one.until(lambda: any(work.at.executions.pending for work in one.broker.works))
        looks = books.looks
        one.until(lambda: books.looks > looks + 3 * LOOKS)
        assert {found.what for found in books.differences} == ({Finding.UNKNOWN_POSITION} if apart else set())
        monkeypatch.undo()
        one.until(lambda: one.ended() and not books.differences)
        assert bool(told) is apart


def test_books_stay_compared_until_the_connection_is_lost_and_are_compared_anew() -> None:
    drop = {"do": "drop", "at": "10:10", "seconds": 60.0}
    with rig(faults=(drop,), reconcile=20.0) as one:
        books, told = looking(one)
        assert not books.compared
        one.until(lambda: books.compared)
        seen: list[bool] = []

        def lost() -> bool:
            seen.append(books.compared)
            return not one.link.up

        one.until(lost)
        looks = books.looks
        assert looks > 3 and all(seen[:-1])
        one.until(lambda: not books.compared)
        one.until(lambda: one.link.up and books.compared)
        assert books.looks > looks and books.differences == () and told == []


def test_a_trade_made_by_hand_stops_entries_until_it_is_undone() -> None:
    with rig(reconcile=20.0) as one:
        books, told = looking(one)
        one.until(lambda: books.looks > 1)
        trade(one, buy=True)
        one.until(lambda: books.differences)
        assert books.differences[0].what is Finding.UNKNOWN_POSITION
        one.enter()
        one.until(lambda: one.ended())
        assert one.owner.states == ["rejected"] and "unknown_position" in one.owner.events[0].reason
        trade(one, buy=False)
        one.until(lambda: not books.differences)
        one.enter()
        one.until(lambda: one.ended(2))
        assert one.owner.states[-1] == "filled" and told[-1] == ()


def test_an_order_left_by_hand_is_found_and_named() -> None:
    with rig(reconcile=20.0) as one:
        books, _ = looking(one)
        one.until(lambda: books.looks > 1)
        rest(one)
        one.until(lambda: books.differences)
        (found,) = books.differences
        assert found.what is Finding.UNKNOWN_ORDER and "client 99" in found.subject and found.blocks


def test_the_text_of_an_order_names_side_count_and_price() -> None:
    order = OpenOrder("r", 1, 2, "SELL 1 XSP 600P LMT at 0.5")
    (one,) = reconcile(JournalPicture(), BrokerPicture(orders=(order,)))
    assert str(one).startswith("unknown_order: SELL 1 XSP 600P LMT at 0.5, client 2, r; ")
