"""The passive benchmarks, against arithmetic by hand and against the published indices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import erf, log, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike

from analyzers.benchmarks import ASSUMPTIONS, COST, IV_SHARE, benchmarks, expiry_of, next_expiry
from engine.errors import DataError
from engine.sessions import session_dates

SHARED = Path(__file__).parents[2] / "../shared/data"


def market(
    start: date, end: date, close: ArrayLike = 3000.0, opened: ArrayLike | None = None, vix: ArrayLike = 20.0
) -> pd.DataFrame:
    days = session_dates(start, end)
    closes = np.broadcast_to(np.asarray(close, float), len(days))
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex(days),
            "open": closes if opened is None else opened,
            "close": closes,
            "vix": np.broadcast_to(np.asarray(vix, float), len(days)),
        }
    )


def wandering(start: date, end: date, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(session_dates(start, end))
    night, day = rng.normal(0.0, 0.006, n), rng.normal(0.0, 0.008, n)
    close = 2000.0 * np.exp(np.cumsum(night + day))
    return market(start, end, close, close * np.exp(-day), 18.0 * np.exp(rng.normal(0.0, 0.1, n)))


def black(forward: float, strike: float, sd: float, call: bool) -> float:
    def normal(x: float) -> float:
        return 0.5 * (1.0 + erf(x / sqrt(2.0)))

    high = log(forward / strike) / sd + 0.5 * sd
    value = forward * normal(high) - strike * normal(high - sd)
    return value if call else value - forward + strike


@pytest.mark.parametrize(
    ("year", "month", "expected"),
    [
        (2018, 1, date(2018, 1, 19)),
        (2014, 4, date(2014, 4, 17)),  # Good Friday is the third Friday
        (2019, 4, date(2019, 4, 18)),
        (2018, 6, date(2018, 6, 15)),
        (2026, 6, date(2026, 6, 18)),  # Juneteenth is the third Friday
    ],
)
def test_expiry_is_the_third_friday_or_the_session_before(year: int, month: int, expected: date) -> None:
    assert expiry_of(year, month) == expected


def test_next_expiry_is_strictly_later() -> None:
    assert next_expiry(date(2018, 1, 18)) == date(2018, 1, 19)
    assert next_expiry(date(2018, 1, 19)) == date(2018, 2, 16)
    assert next_expiry(date(2018, 12, 28)) == date(2019, 1, 18)


def test_buy_and_hold_is_the_close_over_the_first_close() -> None:
    table = wandering(date(2018, 1, 2), date(2018, 3, 29))
    held = benchmarks(table)["buy_and_hold"].to_numpy()
    np.testing.assert_allclose(held, table["close"] / table["close"].iloc[0], rtol=1e-15)


def test_sale_mark_and_settlement_by_hand() -> None:
    """Sold at the close of 2018-01-17 at 3002, marked on the 18th, settled at the open of the 19th."""
    table = market(date(2018, 1, 17), date(2018, 1, 19), [3002.0, 2990.0, 2970.0], [3000.0, 3001.0, 2950.0])
    result = benchmarks(table)
    night, iv = 0.36, IV_SHARE * 0.20
    sold = iv * sqrt((1.0 + night) / 252.0)
    marked = iv * sqrt(night / 252.0)
    for name, call, strike in (("put_write", False, 3000.0), ("buy_write", True, 3005.0)):
        price = black(3002.0, strike, sold, call)
        paid = (3002.0 if call else strike) - price + COST * strike
        after = ((2990.0 if call else strike) - black(2990.0, strike, marked, call)) / paid
        settled = min(2950.0, strike) / paid
        again = 2950.0  # on a multiple of five: both strikes are there
        left = len(session_dates(date(2018, 1, 19), date(2018, 2, 16))) - 1
        price = black(2950.0, again, iv * sqrt(left / 252.0), call)
        paid = 2950.0 - price + COST * again
        close = black(2970.0, again, iv * sqrt((left - 1.0 + night) / 252.0), call)
        final = settled * ((2970.0 if call else again) - close) / paid
        np.testing.assert_allclose(result[name], [1.0, after, final], rtol=1e-12)


def test_quiet_market_pays_the_writer_every_month_and_holders_nothing() -> None:
    result = benchmarks(market(date(2018, 1, 2), date(2018, 12, 31)))
    assert (result["buy_and_hold"] == 1.0).all()
    for name in ("put_write", "buy_write"):
        monthly = result[name].groupby([stamp.month for stamp in result.index]).last()
        growth = monthly.pct_change().dropna()
        assert growth.between(0.015, 0.025).all()  # 0.4 x 17.4 % x sqrt(1/12) = 2.0 %


def test_fall_of_a_third_costs_the_put_writer_the_fall_less_the_premium() -> None:
    close = np.full(len(session_dates(date(2018, 1, 22), date(2018, 2, 16))), 3000.0)
    close[5:] = 2000.0
    result = benchmarks(market(date(2018, 1, 22), date(2018, 2, 16), close))
    put, call = result["put_write"].iloc[-1], result["buy_write"].iloc[-1]
    assert 2 / 3 < put < 2 / 3 * 1.03
    assert put == pytest.approx(call, rel=1e-12)  # parity: both stand at the same strike


def test_future_changes_nothing_before_it() -> None:
    table = wandering(date(2018, 1, 2), date(2018, 6, 29))
    whole = benchmarks(table)
    for rows in (1, 2, 13, 14, 33, 34, 77):
        pd.testing.assert_frame_equal(benchmarks(table.head(rows)), whole.head(rows), rtol=1e-12)


def test_scale_of_prices_does_not_matter_beyond_strike_rounding() -> None:
    table = wandering(date(2018, 1, 2), date(2018, 6, 29))
    tenfold = table.assign(open=table["open"] * 10, close=table["close"] * 10)
    pd.testing.assert_frame_equal(benchmarks(table), benchmarks(tenfold), rtol=5e-3)


def test_missing_sessions_settle_on_the_next_one_there_is() -> None:
    table = wandering(date(2018, 1, 2), date(2018, 3, 29))
    gap = table[~table["date"].isin(pd.to_datetime(["2018-01-19", "2018-01-22"]))]
    result = benchmarks(gap)
    assert result.notna().all().all()
    assert len(result) == len(table) - 2


def test_missing_vix_is_the_one_before_and_without_any_there_is_no_curve() -> None:
    table = wandering(date(2018, 1, 2), date(2018, 3, 29))
    table["vix"] = 15.0
    holes = table.assign(vix=np.where(np.arange(len(table)) % 3 == 0, 15.0, np.nan))
    pd.testing.assert_frame_equal(benchmarks(holes), benchmarks(table))
    none = benchmarks(table.assign(vix=np.nan))
    assert none["buy_and_hold"].notna().all()
    assert none[["put_write", "buy_write"]].isna().all().all()


def test_no_sessions_give_no_rows() -> None:
    assert benchmarks(market(date(2018, 1, 2), date(2018, 1, 3)).head(0)).empty


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: t.drop(columns="vix"), "no column 'vix'"),
        (lambda t: t.assign(close=[3000.0, float("nan")]), "close is nan on 2018-01-03"),
        (lambda t: t.assign(open=[0.0, 3000.0]), "open is 0 on 2018-01-02"),
        (lambda t: t.iloc[::-1], "run backwards"),
        (
            lambda t: t.assign(date=pd.to_datetime(["2018-01-05", "2018-01-06"])),
            "2018-01-06 is no trading day",
        ),
    ],
)
def test_broken_table_is_one_line(change: Callable[[pd.DataFrame], pd.DataFrame], named: str) -> None:
    with pytest.raises(DataError) as caught:
        benchmarks(change(market(date(2018, 1, 2), date(2018, 1, 3))))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_assumptions_name_the_figures_used() -> None:
    told = " ".join(ASSUMPTIONS)
    assert f"{IV_SHARE} x VIX" in told
    assert "0.01%" in told


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file", "column"),
    [
        ("put_write", "index_put_monthly_2007_2019.parquet", "PUT"),
        ("buy_write", "index_bxm_daily_2002_2019.parquet", "bxm"),
    ],
)
def test_published_index_is_followed_month_by_month(name: str, file: str, column: str) -> None:
    if not (SHARED / file).is_file():
        pytest.skip(f"{file} is not part of the repository and absent here")
    daily = pd.read_parquet(SHARED / "daily_spx_vix_spy_qqq.parquet")
    index = daily[daily["symbol"] == "SPX"].set_index("date")[["open", "close"]]
    vix = daily[daily["symbol"] == "VIX"].set_index("date")["close"].rename("vix")
    table = index.join(vix, how="inner").loc["2007-01-31":"2019-12-31"]
    published = pd.read_parquet(SHARED / file).set_index("date")[column]
    both = pd.DataFrame({"ours": benchmarks(table)[name], "theirs": published})
    monthly = both.ffill().loc["2007-01-31":].resample("ME").last().pct_change().dropna()
    ours, theirs = monthly["ours"], monthly["theirs"]
    assert len(monthly) == 155
    assert ours.corr(theirs) > 0.97
    assert abs(ours.std() - theirs.std()) * sqrt(12) < 0.005
    # theirs carries interest and dividends, about one and two percent a year; ours neither
    assert abs(ours.mean() - theirs.mean()) * 12 < 0.015
