"""What a bot could trade: break-even by hand, and days by their furthest obstacle."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.feasible import Opened, break_even_ratio, day_reasons
from engine.options.pricing import black_price

NAN = math.nan


def spread(paid: float, sd: float = 0.01) -> Opened:
    """Return a put spread sold one point wide, a hundred shares."""
    return Opened(
        np.array([-100.0, 100.0]),
        np.array([595.0, 594.0]),
        np.array([sd, sd]),
        np.array([False, False]),
        600.0,
        paid,
    )


def worth(sd: float) -> float:
    prices = black_price(np.full(2, 600.0), np.array([595.0, 594.0]), np.full(2, sd), np.zeros(2, bool))
    return float(np.array([-100.0, 100.0]) @ prices)


def test_sold_at_its_own_volatility_a_spread_breaks_even_at_one() -> None:
    assert break_even_ratio([spread(worth(0.01))]) == pytest.approx(1.0, abs=1e-6)


def test_costs_move_the_break_even_to_where_the_market_pays_them() -> None:
    ratio = break_even_ratio([spread(worth(0.01) + 4.0)])

    assert ratio > 1.0
    assert worth(0.01 / ratio) == pytest.approx(worth(0.01) + 4.0, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 6.0), st.floats(0.1, 6.0))
def test_dearer_costs_never_lower_the_break_even(cheap: float, more: float) -> None:
    base = worth(0.01)

    assert break_even_ratio([spread(base + cheap)]) <= break_even_ratio([spread(base + cheap + more)])


def test_costs_above_the_credit_have_no_break_even() -> None:
    assert break_even_ratio([spread(1.0)]) == math.inf


def test_what_is_bought_has_no_ratio_it_earns_from() -> None:
    put = Opened(np.array([100.0]), np.array([595.0]), np.array([0.01]), np.array([False]), 600.0, 50.0)

    assert math.isnan(break_even_ratio([put]))
    assert math.isnan(break_even_ratio([]))


def test_shares_are_worth_their_forward() -> None:
    held = Opened(np.array([200.0]), np.array([NAN]), np.array([NAN]), np.array([False]), 600.0, 120_000.0)

    assert held.expected(1.0) == held.expected(3.0) == 0.0


def decisions(rows: list[tuple[str, str]]) -> pd.DataFrame:
    times = pd.to_datetime([f"2018-03-{day} 15:00" for day, _ in rows], utc=True)
    return pd.DataFrame({"time": times, "reason": [reason for _, reason in rows]})


def test_day_is_told_by_the_obstacle_of_the_minutes_that_came_furthest() -> None:
    table = decisions(
        [
            ("05", "credit_below_cost"), ("05", "credit_below_cost"), ("05", "event_blackout"),
            ("06", "no_quote"), ("06", "credit_below_cost"), ("06", "no_quote"),
            ("07", "half_day"),
            ("08", "credit_below_cost"), ("08", "entered"),
            ("09", "credit_below_cost"), ("09", "timed_out"),
            ("12", "no_strike"),
        ]
    )  # fmt: skip

    told = day_reasons(table, frozenset({date(2018, 3, 12)}))

    assert told.to_dict() == {
        date(2018, 3, 5): "event_blackout",
        date(2018, 3, 6): "credit_below_cost",
        date(2018, 3, 7): "half_day",
        date(2018, 3, 8): "entered",
        date(2018, 3, 9): "entered",
        date(2018, 3, 12): "entered",
    }
