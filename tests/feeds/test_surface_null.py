"""Is the fair surface fair? On simulated sessions selling must bring nothing but the premium put in."""

from __future__ import annotations

import numpy as np
import pytest

from engine.bars import Bars
from engine.options.contract import Right
from feeds.forecast import forecast
from feeds.synthetic.simulated import SimulatedSettings, simulated
from tests.feeds.quoted import book, kept, sold_at_mid

SEEDS = (41, 42, 43)
MINUTES = (630, 720, 810)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> list[Bars]:
    folder = tmp_path_factory.mktemp("simulated")
    return [simulated(SimulatedSettings(seed=seed), folder) for seed in SEEDS]


def sold(sessions: list[Bars], premium: float, reach: float) -> tuple[float, float]:
    return kept(
        np.concatenate([sold_at_mid(book(held, premium, 0.0), held, MINUTES, reach) for held in sessions])
    )


@pytest.mark.parametrize(("reach", "precise"), [(0.0, 0.015), (1.0, 0.04), (1.5, 0.07)])
def test_straddles_and_strangles_sold_at_mid_bring_nothing_at_premium_zero(
    sessions: list[Bars], reach: float, precise: float
) -> None:
    share, error = sold(sessions, 0.0, reach)
    assert error < precise
    assert abs(share) < 3.0 * error


def test_straddles_bring_the_premium_put_in(sessions: list[Bars]) -> None:
    # the premium is a share of the fair price, so 8 % more sold keeps 0.08 / 1.08
    share, error = sold(sessions, 0.08, 0.0)
    assert share > 3.0 * error
    assert abs(share - 0.08 / 1.08) < 3.0 * error


def test_a_negative_premium_loses(sessions: list[Bars]) -> None:
    share, error = sold(sessions, -0.08, 0.0)
    assert share < -3.0 * error


def test_a_straddle_drifts_nowhere_while_the_day_passes(sessions: list[Bars]) -> None:
    """What a bot closes early is no better than what it holds."""
    moves = []
    for held in sessions:
        quotes, grid = book(held, 0.0, 0.0), held.grid
        for bar in np.flatnonzero((grid.minute == 630) & ~grid.half[grid.day] & (grid.day >= 60)):
            value: list[float] = []
            for later in (bar, bar + 180):
                quotes.move(int(later))
                chain = quotes.chain("SPX", grid.dates[grid.day[bar]])
                if not value:
                    strike = chain.nearest(Right.CALL, 0.5)
                row = np.flatnonzero(chain.strike == strike)
                value.append(chain.mid[row].sum() / chain.spot if len(row) else np.nan)
            if np.isfinite(value).all():
                moves.append((value[0] - value[1], value[0]))
    share, error = kept(np.array(moves))
    assert len(moves) > 3000 and error < 0.01
    assert abs(share) < 3.0 * error


@pytest.mark.parametrize("minute", [690, 750, 810])
def test_no_filter_on_recent_volatility_finds_cheap_or_dear_options(
    sessions: list[Bars], minute: int
) -> None:
    """Sessions that calmed down since the morning must not be the ones whose options cost too much."""
    ratio, calm = [], []
    for held in sessions:
        told, grid = forecast(held), held.grid
        square = np.diff(np.log(held.close), prepend=np.log(held.open[0])) ** 2
        total = np.cumsum(square)
        rows = np.flatnonzero((grid.minute == minute) & ~grid.half[grid.day] & (grid.day >= 60))
        first = grid.first[grid.day[rows]]
        ahead = total[grid.last[grid.day[rows]]] - total[rows]
        ratio.append(np.sqrt(ahead / told.remaining[rows]))
        calm.append((total[rows] - total[rows - 30]) / (total[first + 60] - total[first + 5]))
    came, seen = np.concatenate(ratio), np.concatenate(calm)
    calmest, wildest = seen < np.quantile(seen, 1 / 3), seen > np.quantile(seen, 2 / 3)
    assert abs(came[calmest].mean() - 1.0) < 0.04
    assert abs(came[wildest].mean() - 1.0) < 0.04
    assert np.std(np.log(came)) < 0.26  # the day's own volatility is unknowable by 0.27 at the open
