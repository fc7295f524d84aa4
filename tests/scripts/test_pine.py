"""The Pine script of a run's trades: what TradingView would draw is what the run did."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from scripts.pine import DRAWN, pine, strikes


def trades(count: int = 3, legs: str = "XSP 2018-01-03 -644P +643P -648C +649C") -> pd.DataFrame:
    start = pd.Timestamp("2018-01-03 10:49", tz="America/New_York")
    entries = [start + pd.Timedelta(days=day) for day in range(count)]
    return pd.DataFrame(
        {
            "symbol": "XSP",
            "bot": "condor",
            "legs": legs,
            "entry_time": entries,
            "exit_time": [time + pd.Timedelta(hours=1) for time in entries],
            "spot_entry": 646.122,
            "spot_exit": 648.706,
            "credit": 0.18,
            "net": [(-1) ** day * 5.5 for day in range(count)],
            "exit_reason": "planned_loss",
        }
    )


def column(script: str, name: str) -> list[str]:
    found = re.search(rf"^var array<\w+> {name} = array\.from\((.*)\)$", script, re.M)
    assert found is not None, name
    return re.findall(r'"(?:[^"\\]|\\.)*"|[^, ]+', found[1])


def test_every_trade_stands_with_its_times_strikes_and_result() -> None:
    script, count = pine(trades(), "XSP", "title", "run")

    assert count == 3
    assert column(script, "entered")[0] == str(int(pd.Timestamp("2018-01-03 15:49Z").timestamp() * 1000))
    assert column(script, "left")[0] == str(int(pd.Timestamp("2018-01-03 16:49Z").timestamp() * 1000))
    assert column(script, "strikes")[:4] == ["644", "643", "648", "649"]
    assert column(script, "sold")[:4] == ["1", "0", "1", "0"]
    assert column(script, "first") == ["0", "4", "8", "12"]
    assert column(script, "net") == ["5.50", "-5.50", "5.50"]
    assert column(script, "exit")[1] == '"planned loss, -5.50 USD"'
    assert column(script, "entry")[0] == '"condor -644P +643P -648C +649C, credit 0.18"'


@given(
    st.integers(1, 300),
    st.sampled_from(["X 2018-01-03 -644P +643P", "+200 SPY SPY 2018-01-03 -270C +2x265P"]),
)
def test_the_newest_trades_that_tradingview_can_keep_are_drawn(number: int, legs: str) -> None:
    script, count = pine(trades(number, legs), "XSP", "title", "run")

    lines, labels = len(column(script, "strikes")), 2 * count
    assert max(lines, labels) <= DRAWN
    assert count == min(number, 250)
    newest = trades(number, legs).entry_time.iloc[-1]
    assert column(script, "entered")[-1] == str(int(newest.timestamp() * 1000))
    assert int(column(script, "first")[-1]) == lines
    assert script.count("(") == script.count(")")


def test_shares_are_no_strike_and_ratios_count() -> None:
    assert strikes("+200 SPY SPY 2018-01-03 -270C +2x265P") == [(270.0, -1), (265.0, 2)]


def test_text_of_a_run_cannot_leave_its_comment() -> None:
    script, _ = pine(trades(), "XSP", "evil\nstrategy.entry()", "run\nx")

    assert "\nstrategy.entry" not in script


def test_symbol_never_traded_is_named_with_those_that_were() -> None:
    with pytest.raises(DataError, match="got 'SPY', expected one this run traded: XSP"):
        pine(trades(), "SPY", "title", "run")


def test_script_never_orders() -> None:
    script, _ = pine(trades(), "XSP", "title", "run")

    assert script.startswith("//@version=6\n")
    assert "strategy" not in script.split("\n", 4)[4]
