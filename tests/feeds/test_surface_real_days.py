"""The smiles against thirteen years of real sessions: what selling at these quotes would have left.

Only the level and shape of the quotes are judged here, at the open, around a plain forecast
of the session's volatility from the days before it (range, gap and VIX by least squares).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.options.pricing import black_price
from feeds.smile import slices, smile1
from tests.feeds.quoted import kept

pytestmark = pytest.mark.realdata
WARM_UP = 750


@pytest.fixture(scope="module")
def sessions(real_data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the log move from open to close and the forecast volatility of every session."""
    table = pd.read_parquet(real_data / "daily_spx_vix_spy_qqq.parquet")
    spy = table[table.symbol == "SPY"].set_index("date")
    vix = table[table.symbol == "VIX"].set_index("date").close.rename("vix")
    days = spy.join(vix).dropna()
    move = np.log(days.close / days.open)
    square = 0.5 * np.log(days.high / days.low) ** 2 - (2.0 * np.log(2.0) - 1.0) * move**2
    level = 0.5 * np.log(square.clip(lower=1e-6))
    views = pd.DataFrame(
        {
            "one": 1.0,
            "day": level.shift(1),
            "week": level.rolling(5).mean().shift(1),
            "month": level.rolling(22).mean().shift(1),
            "vix": np.log(days.vix.shift(1)),
            "gap": np.log(np.abs(np.log(days.open / days.close.shift(1))) + 1e-3),
        }
    )
    known = views.notna().all(axis=1)
    seen, came, moved = (np.asarray(part[known]) for part in (views, level, move))
    raw = np.full(len(came), np.nan)
    for start in range(500, len(came), 50):
        weights, *_ = np.linalg.lstsq(seen[:start], came[:start], rcond=None)
        raw[start : start + 50] = np.exp(seen[start : start + 50] @ weights)
    past = np.nan_to_num(raw)
    owed = np.cumsum(np.where(past > 0.0, np.abs(moved) / np.sqrt(2.0 / np.pi), 0.0)) / np.cumsum(
        past + 1e-12
    )
    sd = raw[WARM_UP:] * owed[WARM_UP - 1 : -1]
    return moved[WARM_UP:], sd


def sold(sessions: tuple[np.ndarray, np.ndarray], premium: float, reach: float) -> tuple[float, float]:
    move, fair = sessions
    atm, rows = fair * (1.0 + premium), []
    for call, z in ((False, -reach), (True, reach)):
        strike = np.exp(z * atm)
        price = black_price(1.0, strike, atm * smile1(z, False, 1.0, slices(premium)), call)
        rows.append((price - np.maximum((np.exp(move) - strike) * (1 if call else -1), 0.0), price))
    return kept(np.sum(rows, axis=0).T)


@pytest.mark.parametrize("reach", [0.0, 1.0, 1.5, 2.0])
def test_fair_quotes_would_have_left_a_seller_nothing(
    sessions: tuple[np.ndarray, np.ndarray], reach: float
) -> None:
    share, error = sold(sessions, 0.0, reach)
    assert len(sessions[0]) > 3000
    assert abs(share) < 2.5 * error


@pytest.mark.parametrize(("reach", "told"), [(0.0, 0.08), (1.5, 0.36)])
def test_default_quotes_would_have_left_what_the_assumptions_say(
    sessions: tuple[np.ndarray, np.ndarray], reach: float, told: float
) -> None:
    share, error = sold(sessions, 0.08, reach)
    assert share == pytest.approx(told, abs=0.02)
    assert share > 2.5 * error
