"""Closing what is held: everything goes, covers last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from engine.live.closing import parts, uncovered
from engine.options.contract import Contract, Right
from tests.strategies.stage import UNIVERSE

DAY, NEXT = date(2026, 10, 5), date(2026, 10, 6)


def option(strike: float, right: Right = Right.PUT, expiry: date = DAY, symbol: str = "XSP") -> Contract:
    return Contract(UNIVERSE[symbol], expiry, float(strike), right)


books = st.dictionaries(
    st.builds(
        option,
        st.integers(595, 605),
        st.sampled_from(Right),
        st.sampled_from((DAY, NEXT)),
        st.sampled_from(("XSP", "SPY")),
    ),
    st.integers(-4, 4),
    max_size=8,
)


@given(books)
def test_selling_all_parts_leaves_nothing_and_never_a_cover_before_its_short(
    held: Mapping[Contract, int],
) -> None:
    left = Counter(held)
    naked = short_of_cover(left)
    for combo, units in parts(held):
        assert units >= 1
        for leg in combo.legs:
            assert isinstance(leg.instrument, Contract)
            left[leg.instrument] -= leg.ratio * units
        now = short_of_cover(left)
        assert now <= naked  # no step makes the account more naked than it was
        naked = now
    assert not any(left.values())


def short_of_cover(held: Mapping[Contract, int]) -> int:
    """Return how many shorts have no long of their symbol, right and an expiry not before theirs."""
    total = 0
    for symbol in ("XSP", "SPY"):
        for right in Right:
            free, bare = 0, 0
            for expiry in (NEXT, DAY):
                counts = [
                    n for c, n in held.items() if (c.symbol, c.right, c.expiry) == (symbol, right, expiry)
                ]
                free += sum(n for n in counts if n > 0)
                shorts = -sum(n for n in counts if n < 0)
                bare += max(shorts - free, 0)
                free = max(free - shorts, 0)
            total += bare
    return total


def test_condor_is_closed_as_two_spreads() -> None:
    held = {option(598): 1, option(599): -1, option(601, Right.CALL): -1, option(602, Right.CALL): 1}
    assert [(str(combo), units) for combo, units in parts(held)] == [
        ("XSP 2026-10-05 -599P +598P", 1),
        ("XSP 2026-10-05 -601C +602C", 1),
    ]


def test_short_call_on_shares_is_covered_and_one_too_many_is_not() -> None:
    held = {option(601, Right.CALL, symbol="SPY"): -2}
    assert uncovered(held, {"SPY": 200}) == ()
    assert uncovered(held, {"SPY": 199}) == ("-1 SPY 2026-10-05 601C",)
    assert uncovered({option(600): -1}, {"XSP": 500}) == ("-1 XSP 2026-10-05 600P",)


@given(books)
def test_nothing_is_uncovered_where_every_short_has_a_long(held: Mapping[Contract, int]) -> None:
    assert bool(uncovered(held, {})) == bool(short_of_cover(held))
