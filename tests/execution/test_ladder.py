"""What is foreseen of an order is what the machine and the market come to minute by minute."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.fills import match
from engine.execution.ladder import LONGEST, rule_of
from engine.execution.settings import ExecutionSettings
from engine.execution.working import WorkingOrder
from engine.intent import Urgency
from engine.options.combo import Combo, put_spread, shares, single
from engine.options.contract import Right
from engine.options.quotebook import Quote
from tests.execution.market import DAY, NAN, SPREAD, SPX, SPY, order, worked_somehow

COMBOS = [
    SPREAD,
    put_spread(SPX, DAY, 6000.0, 5990.0),
    single(SPX, DAY, 6000.0, Right.PUT, -1),
    shares(SPY, 9),
]
cents = st.integers(-320, 320).map(lambda count: count / 100.0)
# nothing quoted, an ask that is missing, or a width
quotes = st.one_of(
    st.just((NAN, NAN)),
    st.tuples(cents, st.just(NAN)),
    st.tuples(cents, st.integers(1, 30)).map(lambda told: (told[0], round(told[0] + told[1] / 100.0, 2))),
)
# around one price, so that limits are reached late as well as at once
near = st.tuples(st.integers(-30, -22), st.integers(1, 12)).map(
    lambda told: (told[0] / 100.0, round((told[0] + told[1]) / 100.0, 2))
)


@given(
    worked_somehow,
    st.sampled_from([Urgency.ENTRY, Urgency.EXIT]),
    st.booleans(),
    st.sampled_from(COMBOS),
    st.lists(st.one_of(near, near, quotes), min_size=2, max_size=LONGEST + 1),
    st.lists(st.sampled_from([1, 1, 1, 2, 45]), min_size=LONGEST, max_size=LONGEST),
)
def test_foreseen_is_what_happens(
    chosen: ExecutionSettings,
    urgency: Urgency,
    buy: bool,
    combo: Combo,
    path: list[tuple[float, float]],
    gaps: list[int],
) -> None:
    book = [None if math.isnan(bid) else Quote(bid, ask, 50, 0.0) for bid, ask in path]
    minutes = 28_000_000 + np.append(0, np.cumsum(gaps[: len(path) - 1]))
    working = WorkingOrder(order(combo, urgency=urgency, buy=buy), chosen)
    working.place(book[0], int(minutes[0]))
    if working.done:  # nothing to buy at
        return
    bid, ask = np.array(path[1:]).T
    place, priced, limits = working.foresee(
        np.ascontiguousarray(bid), np.ascontiguousarray(ask), minutes[1:] * 60_000_000_000,
        rule_of(chosen, urgency is Urgency.ENTRY),
    )  # fmt: skip

    seen, number, last = [], 0, working._priced
    for number, (quote, minute) in enumerate(zip(book[1:], minutes[1:].tolist(), strict=True)):
        if working.overdue(minute) or match(working, quote) is not None or working.expires(minute):
            break
        if working.requote(quote, minute):
            seen.append((number, working.limit))
        last = working._priced
    else:
        number += 1
    assert (place, priced) == (number, last)
    assert limits == seen
