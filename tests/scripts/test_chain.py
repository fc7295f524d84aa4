"""The printed chain: the numbers a bot would have seen, or one line saying why there are none."""

from __future__ import annotations

import io
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from engine.errors import ConfigError, DataError
from engine.options.chain import Chain
from engine.options.contract import Right
from engine.options.pricing import black_price
from engine.sessions import NEW_YORK
from scripts.chain import parse_time, run

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(autouse=True)
def weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five weeks are enough."""
    monkeypatch.setenv("MW__DATA__START", "2018-01-02")
    monkeypatch.setenv("MW__DATA__END", "2018-02-06")


def printed(symbol: str, at: str, **options: Any) -> tuple[Chain, str]:
    out = io.StringIO()
    return run(symbol, at, CONFIG, console=Console(file=out), **options), out.getvalue()


def cells(text: str) -> list[list[str]]:
    rows = [line.split() for line in text.splitlines()]
    return [row for row in rows if len(row) == 11 and re.fullmatch(r"\d+", row[3])]


def test_chain_of_the_day_is_printed_with_its_greeks() -> None:
    chain, text = printed("XSP", "2018-02-05 13:00")
    assert chain.at == datetime(2018, 2, 5, 13, 0, tzinfo=NEW_YORK)
    assert chain.expiry == date(2018, 2, 5)
    assert "XSP at 2018-02-05 13:00 New York" in text
    assert f"straddle {chain.straddle():.2f}" in text
    assert f"at-the-money IV {100 * chain.atm_iv():.1f} %" in text
    table = cells(text)
    assert len(table) > 15
    puts = chain.side(Right.PUT)
    for row in table:
        at = int(np.flatnonzero(puts.strike == float(row[3]))[0])
        assert row[8] == ("-" if np.isnan(puts.bid[at]) else f"{puts.bid[at]:.2f}")
        assert row[9] == f"{puts.ask[at]:.2f}"
        assert float(row[10]) == pytest.approx(puts.delta[at], abs=6e-4)
        assert float(row[4]) == pytest.approx(100 * puts.iv[at], abs=0.06)


def test_printed_greeks_are_the_slopes_of_the_price() -> None:
    chain, text = printed("XSP", "2018-02-05 11:00")
    row = min(cells(text), key=lambda cell: abs(float(cell[3]) - chain.forward))
    strike = float(row[3])
    put = (chain.strike == strike) & ~chain.call
    iv, years, spot = float(chain.iv[put][0]), chain.years, chain.forward

    def price(forward: float, vol: float, left: float) -> float:
        return float(black_price(forward, strike, vol * np.sqrt(left), False))

    step = 0.05
    curve = (
        price(spot + step, iv, years) - 2 * price(spot, iv, years) + price(spot - step, iv, years)
    ) / step**2
    per_point = price(spot, iv + 0.005, years) - price(spot, iv - 0.005, years)
    a_minute = years / 300
    per_day = (price(spot, iv, years - a_minute) - price(spot, iv, years)) / a_minute / 252
    assert float(row[5]) == pytest.approx(curve, rel=0.01)
    assert float(row[6]) == pytest.approx(per_point, rel=0.01)
    assert float(row[7]) == pytest.approx(per_day, rel=0.02)


def test_output_without_a_terminal_fits_eighty_columns() -> None:
    for symbol in ("SPX", "XSP"):
        _, text = printed(symbol, "2018-02-05 10:30")
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_wide_chain_is_thinned_out_and_says_so() -> None:
    chain, text = printed("SPX", "2018-02-05 10:30", days=1)
    strikes = [float(row[3]) for row in cells(text)]
    assert 15 < len(strikes) <= 46 < len(chain.strikes)
    said = re.search(r"One of (\d+) strikes is shown", text)
    assert said is not None
    every = int(said[1])
    money = min(chain.strikes, key=lambda strike: abs(strike - chain.forward))
    assert money in strikes
    assert {strike % (5 * every) for strike in strikes if strike != money} == {0.0}


def test_days_ahead_choose_the_expiry() -> None:
    chain, text = printed("XSP", "2018-02-05 13:00", days=1)
    assert chain.expiry == date(2018, 2, 6)
    assert "in 1 session" in text


def test_premium_of_the_command_lifts_the_volatility() -> None:
    none, _ = printed("XSP", "2018-02-05 13:00", premium=0.0)
    some, _ = printed("XSP", "2018-02-05 13:00", premium=0.2)
    assert some.atm_iv() > 1.1 * none.atm_iv()


def test_close_of_the_expiry_prints_without_numbers_that_are_none() -> None:
    _, text = printed("XSP", "2018-02-05 16:00")
    assert "nan" not in text
    assert 8 < len(cells(text)) < 12


def test_time_with_an_offset_is_converted() -> None:
    assert parse_time("2018-02-05T18:00+00:00") == datetime(2018, 2, 5, 13, 0, tzinfo=NEW_YORK)
    chain, _ = printed("XSP", "2018-02-05T18:00+00:00")
    assert chain.at == datetime(2018, 2, 5, 13, 0, tzinfo=NEW_YORK)


def test_seconds_after_a_bar_still_show_that_bar() -> None:
    chain, _ = printed("XSP", "2018-02-05 13:00:59")
    assert chain.at == datetime(2018, 2, 5, 13, 0, tzinfo=NEW_YORK)


@pytest.mark.parametrize("text", ["", "noon", "2018-02-05", "13:00", "2018-02-30 13:00", "20180205"])
def test_unreadable_time_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_time(text)
    assert repr(text) in str(caught.value)
    assert "2018-02-05 13:00" in str(caught.value)


@pytest.mark.parametrize(
    ("at", "named"),
    [
        ("2018-02-05 09:30", "2018-02-05 09:30 New York, expected 09:31 to 16:00"),
        ("2018-02-05 16:01", "expected 09:31 to 16:00"),
        ("2018-02-04 13:00", "expected a trading day from 2018-01-02 to 2018-02-06"),
        ("2017-12-29 13:00", "expected a day from 2018-01-02 to 2018-02-06"),
        ("2018-02-07 13:00", "expected a day from 2018-01-02 to 2018-02-06"),
    ],
)
def test_moment_without_a_bar_is_one_line_saying_which_there_are(at: str, named: str) -> None:
    with pytest.raises(DataError) as caught:
        printed("XSP", at)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_day_without_an_expiry_is_one_line() -> None:
    with pytest.raises(DataError, match="XLF: nothing expires 0 sessions after 2018-02-05"):
        printed("XLF", "2018-02-05 13:00")
