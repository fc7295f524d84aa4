"""Put-write and buy-write: the arithmetic on small cases, and beside the published indices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.bars import Bars
from engine.errors import DataError
from engine.universe import load_universe
from feeds.synthetic.simulated import SimulatedSettings, simulated
from scripts.validate.indices import DAILY, FEES, Compared, buy_write, checks, put_write
from scripts.validate.table import Verdict
from scripts.validate.writing import OPENED, Roll, opened, write

Rolls = dict[bool, list[Roll]]
SPX = load_universe(Path("config/universe.json"))["SPX"]


@pytest.fixture(scope="module")
def bars() -> Bars:
    return simulated(SimulatedSettings(seed=3)).head(390 * 70)


@pytest.fixture(scope="module")
def rolls(bars: Bars) -> Rolls:
    carry = np.zeros(len(bars))
    start = bars.grid.dates[0]
    return {call: write(bars, SPX, call, start, FEES, carry) for call in (False, True)}


@pytest.mark.parametrize("call", [False, True])
def test_every_option_pays_its_intrinsic_value_on_the_opening(bars: Bars, rolls: Rolls, call: bool) -> None:
    settled = [roll for roll in rolls[call] if np.isfinite(roll.settled)]
    assert len(settled) >= 2
    for roll in settled:
        row = int(bars.grid.first[roll.ends])
        spot = bars.close[row + OPENED - 1]
        assert roll.opened == spot
        gap = spot - roll.strike if call else roll.strike - spot
        # the fees of the sale are in it: a dollar or two on a hundred shares
        assert 0.0 < roll.settled - max(gap, 0.0) < 0.03


@pytest.mark.parametrize("call", [False, True])
def test_strike_lies_on_the_writers_side_of_the_index_at_eleven(bars: Bars, rolls: Rolls, call: bool) -> None:
    for roll in rolls[call]:
        spot = bars.close[bars.grid.first[roll.day] + 90 - 1]
        gap = roll.strike - spot if call else spot - roll.strike
        assert 0.0 <= gap < SPX.strike_step
        assert 0.005 < roll.premium / spot < 0.06


def test_one_sale_follows_the_other_on_third_fridays(bars: Bars, rolls: Rolls) -> None:
    days = [bars.grid.dates[roll.day] for roll in rolls[False]]
    assert all(15 <= day.day <= 21 for day in days)
    assert [roll.ends for roll in rolls[False]][:-1] == [roll.day for roll in rolls[False]][1:]


def test_calls_and_puts_of_one_strike_keep_parity_with_interest(bars: Bars) -> None:
    carry = np.full(len(bars), 0.05)
    puts = write(bars, SPX, False, bars.grid.dates[0], FEES, carry)
    calls = write(bars, SPX, True, bars.grid.dates[0], FEES, carry)
    years = (puts[0].ends - puts[0].day) / 252
    forward = puts[0].spot * np.exp(0.05 * years)
    # strikes differ by one step, of which a call at the money moves half
    assert calls[0].premium - puts[0].premium == pytest.approx(forward - puts[0].strike - 5 * 0.5, abs=1.5)


def test_bars_without_a_third_friday_are_one_line(bars: Bars) -> None:
    with pytest.raises(DataError, match="no monthly expiry among the bars"):
        write(bars, SPX, False, date(2090, 1, 1), FEES, np.zeros(len(bars)))


def test_open_of_the_day_is_where_its_members_trade(bars: Bars) -> None:
    changed = opened(bars)
    assert (changed.open[bars.grid.first] == bars.close[bars.grid.first + 4]).all()
    assert (changed.open[bars.grid.first + 1] == bars.open[bars.grid.first + 1]).all()


def test_put_write_pays_the_strike_from_the_bills(bars: Bars) -> None:
    """Cboe's rule: bills bought with everything are worth strike x puts at expiry."""
    worth = np.zeros(20)
    roll = Roll(0, 20, 100.0, 101.0, 2.0, worth, 30.0, np.nan, 70.0)
    rate = pd.Series([0.10], [pd.Timestamp(2000, 1, 1)])
    dates = bars.grid.dates
    grown = 1.0 + 0.10 * (dates[20] - dates[0]).days / 365.0
    units = 100.0 * grown / (100.0 - 2.0 * grown)
    rolls = [roll, Roll(20, 21, 100.0, 101.0, 2.0, np.zeros(1), np.nan, 70.0, np.nan)]
    levels = put_write(rolls, bars, rate)
    assert levels.iloc[0] == pytest.approx(100.0 + 2.0 * units)
    after = units * (100.0 - 30.0)
    assert levels.iloc[20] == pytest.approx(
        after + 2.0 * after * _whole(dates, 20) / (100 - 2 * _whole(dates, 20))
    )


def _whole(dates: Sequence[date], row: int) -> float:
    return 1.0 + 0.10 * (dates[row + 1] - dates[row]).days / 365.0


def test_buy_write_without_premium_is_the_index_with_its_dividends(bars: Bars) -> None:
    close = bars.close[bars.grid.last]
    rolls = [
        Roll(0, 20, 1e9, float(close[0]), 0.0, np.zeros(20), 0.0, np.nan, float(close[19])),
        Roll(20, 40, 1e9, float(close[20]), 0.0, np.zeros(20), 0.0, float(close[19]), np.nan),
    ]
    levels = buy_write(rolls, bars, 0.0).to_numpy()
    assert levels == pytest.approx(100.0 * close[:40] / close[0])
    richer = buy_write(rolls, bars, 0.02).to_numpy()
    years = (bars.grid.dates[19] - bars.grid.dates[0]).days / 365.0
    assert richer[19] / levels[19] == pytest.approx(1.0 + 0.02 * years)


def test_comparison_knows_a_copy_and_a_doubled_one() -> None:
    steps = np.random.default_rng(1).normal(0.0, 0.01, 500)
    level = np.exp(np.cumsum(steps))
    same = Compared.of(level, level, 252.0)
    assert same.correlation == pytest.approx(1.0)
    assert same.annual[0] == same.annual[1]
    double = Compared.of(np.exp(np.cumsum(2.0 * steps)), level, 252.0)
    assert double.volatility[0] == pytest.approx(2.0 * double.volatility[1], rel=0.02)
    assert double.drawdown[0] < double.drawdown[1] < 0.0


def test_folder_without_the_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; expected the indices"):
        checks(tmp_path)


@pytest.mark.realdata
def test_both_indices_are_reached(real_data: Path) -> None:
    if not (real_data / DAILY).is_file():
        pytest.skip(f"{DAILY} is absent")
    sections = checks(real_data)
    assert [section.misses for section in sections] == [0, 0]
    assert sum(verdict is Verdict.HOLDS for section in sections for verdict in section.verdicts) == 5
