"""The variance clock and the tick tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError, OrderError
from engine.options.clock import HALF_HOURS, VarianceClock
from engine.options.contract import TickRule
from engine.options.ticks import round_down, round_nearest, round_up, tick_size

SPX = TickRule(3.0, 0.05, 0.10, 0.05)
CLOCK = VarianceClock()


@pytest.mark.parametrize("close", [960, 780])
def test_shares_fall_from_one_to_nothing(close: int) -> None:
    shares = CLOCK.share_left(np.arange(570, close + 1), close)

    assert shares[0] == 1.0 and shares[-1] == 0.0
    assert (np.diff(shares) < 0).all()
    assert CLOCK.minute_weights(close).sum() == pytest.approx(1.0)


def test_share_left_follows_the_measured_profile() -> None:
    assert CLOCK.share_left(600) == pytest.approx(1 - HALF_HOURS[0] / sum(HALF_HOURS))
    assert CLOCK.share_left(930) == pytest.approx(HALF_HOURS[-1] / sum(HALF_HOURS))


def test_a_whole_day_is_a_252nd_of_a_year() -> None:
    night = CLOCK.overnight_share / 252

    assert CLOCK.years_left(570) + night == pytest.approx(1 / 252)
    assert CLOCK.years_left(700, 960, 1) - CLOCK.years_left(700) == pytest.approx(1 / 252)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_senseless_overnight_share_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="overnight share"):
        VarianceClock(overnight_share=share)


def test_spx_ticks_change_at_three_dollars() -> None:
    assert tick_size(2.95, SPX) == 0.05
    assert tick_size(3.00, SPX) == 0.10


@given(st.floats(-500.0, 500.0), st.sampled_from([0.01, 0.05, 0.10]))
def test_rounding_stays_on_the_grid_and_within_a_tick(price: float, tick: float) -> None:
    low, near, high = round_down(price, tick), round_nearest(price, tick), round_up(price, tick)

    for found in (low, near, high):
        assert found == round(found, 2)
        assert abs(found / tick - round(found / tick)) < 1e-6
    dust = 2e-6 * tick
    assert low - dust <= price <= high + dust
    assert high - low <= tick * (1 + 1e-9)
    assert abs(near - price) <= tick / 2 * (1 + 1e-5)


@given(st.integers(-10_000, 10_000), st.sampled_from([0.01, 0.05, 0.10]))
def test_price_on_the_grid_stays(count: int, tick: float) -> None:
    price = round(count * tick, 2)

    assert round_down(price, tick) == round_up(price, tick) == round_nearest(price, tick) == price


def test_float_dust_is_no_reason_to_move_a_tick() -> None:
    assert round_up(0.30 - 0.15, 0.05) == 0.15
    assert round_down(0.1 + 0.2, 0.05) == 0.30


def test_tick_that_does_not_divide_a_dollar_is_refused() -> None:
    with pytest.raises(OrderError, match="divides one dollar"):
        round_up(1.0, 0.03)
