"""IBKR minutes: the real ib_insync over a real socket, pacing, errors, a kill in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError, DataError
from engine.sessions import NEW_YORK
from feeds.history import load_bars
from feeds.ibkr_history.download import Link
from feeds.ibkr_history.pacing import Pacing, Rules
from scripts.history import finished, history
from tests.feeds.ibkr_history.gateway import Answered, Asked, Gateway, minutes, session_of

FREE = Rules(requests=1000, window=1.0, identical=0.0, burst=1000, burst_window=0.1)
WEEK = "20240102-20240105"


def link(gateway: Gateway, timeout: float = 5.0) -> Link:
    return Link(port=gateway.port, timeout=timeout, retries=2, backoff=0.05, pacing_backoff=0.05, rules=FREE)


def day_of(asked: Asked) -> str:
    return f"{session_of(asked).astimezone(NEW_YORK):%Y%m%d}"


def test_days_become_a_file_that_loads_without_options(tmp_path: Path) -> None:
    with Gateway(lambda asked, n: minutes(asked, price=15.0 if asked.symbol == "VIX" else 470.0)) as gateway:
        out = history("SPY", tmp_path / "spy.parquet", WEEK, link(gateway))
    bars = load_bars(out)
    assert bars.symbol == "SPY"
    assert len(bars) == 4 * 390
    assert (bars.lines["vix"] == 15.5).all()
    assert bars.grid.minute[0] == 571
    assert bars.volume[1] == 10.0
    assert sorted(os.listdir(tmp_path)) == ["spy.parquet"]


def test_request_says_what_the_protocol_wants(tmp_path: Path) -> None:
    with Gateway(lambda asked, n: minutes(asked)) as gateway:
        history("SPX", tmp_path / "a.parquet", "20240703-20240705", link(gateway))
    first = gateway.asked[0]
    assert (first.symbol, first.kind, first.exchange) == ("SPX", "IND", "CBOE")
    assert first.end == "20240703 17:00:00 UTC"  # a half day
    assert (first.bar, first.duration, first.regular, first.what) == ("1 min", "1 D", "1", "TRADES")
    assert Counter(one.symbol for one in gateway.asked) == {"SPX": 2, "VIX": 2}


def test_stock_goes_to_the_smart_exchange_and_vix_can_be_left_out(tmp_path: Path) -> None:
    with Gateway(lambda asked, n: minutes(asked)) as gateway:
        out = history("AAPL", tmp_path / "a.parquet", "20240102-20240102", link(gateway), vix=False)
    assert [(one.kind, one.exchange) for one in gateway.asked] == [("STK", "SMART")]
    assert "vix" not in load_bars(out).lines


def test_missing_minutes_and_days_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(asked: Asked, n: int) -> Answered:
        if day_of(asked) == "20240103":
            return (162, "Historical Market Data Service error message:HMDS query returned no data: SPY")
        return minutes(asked, 388)

    with Gateway(answer) as gateway:
        history("SPY", tmp_path / "a.parquet", "20240102-20240103", link(gateway), vix=False)
    told = " ".join(capsys.readouterr().out.split())
    assert "2024-01-02 (388 of 390 minutes), 2024-01-03 (0 of 390 minutes)" in told


def test_pacing_violation_waits_and_asks_again(tmp_path: Path) -> None:
    def answer(asked: Asked, n: int) -> Answered:
        return (
            (162, "Historical Market Data Service error message:pacing violation")
            if n == 1
            else minutes(asked)
        )

    with Gateway(answer) as gateway:
        history("SPY", tmp_path / "a.parquet", "20240102-20240102", link(gateway), vix=False)
    assert [day_of(one) for one in gateway.asked] == ["20240102"] * 2


@pytest.mark.parametrize("trouble", ["drop", "hang"])
def test_lost_connection_or_silence_is_tried_again_on_a_new_connection(tmp_path: Path, trouble: str) -> None:
    with Gateway(lambda asked, n: trouble if n == 2 else minutes(asked)) as gateway:
        out = history("SPY", tmp_path / "a.parquet", WEEK, link(gateway, timeout=0.5), vix=False)
    assert len(load_bars(out)) == 4 * 390
    assert gateway.connections == 2


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (162, "No market data permissions for AMEX STK", "IBKR refuses its history"),
        (200, "No security definition has been found", "IBKR knows no such contract"),
        (354, "Requested market data is not subscribed.", "no market data subscription"),
        (10187, "Failed to request historical ticks", "no market data subscription"),
        (9999, "something new", "IBKR refuses"),
    ],
)
def test_refusal_is_one_line_and_keeps_the_days_before(
    tmp_path: Path, code: int, text: str, told: str
) -> None:
    with Gateway(lambda asked, n: minutes(asked) if n == 1 else (code, text)) as gateway:
        with pytest.raises(DataError, match=told) as caught:
            history("SPY", tmp_path / "a.parquet", WEEK, link(gateway), vix=False)
        assert "\n" not in str(caught.value)
        assert f"error {code}" in str(caught.value)
        assert os.listdir(tmp_path / "a.parquet.parts") == ["SPY-20240102.parquet"]
        assert not (tmp_path / "a.parquet").exists()
        gateway.answer = lambda asked, n: minutes(asked)
        history("SPY", tmp_path / "a.parquet", WEEK, link(gateway), vix=False)
    assert Counter(map(day_of, gateway.asked)) == {"20240102": 1, "20240103": 2, "20240104": 1, "20240105": 1}


def test_nobody_listening_is_one_line(tmp_path: Path) -> None:
    with Gateway(lambda asked, n: "hang") as gateway:
        port = gateway.port
    time.sleep(0.1)
    nobody = Link(port=1, timeout=0.5, retries=1, backoff=0.01, rules=FREE)
    with pytest.raises(DataError, match=r"127.0.0.1:1: no connection.*expected TWS or IB Gateway"):
        history("SPY", tmp_path / "a.parquet", WEEK, nobody, vix=False)
    assert port
    assert os.listdir(tmp_path) == []


def test_day_that_never_answers_ends_in_one_line(tmp_path: Path) -> None:
    with (
        Gateway(lambda asked, n: "hang") as gateway,
        pytest.raises(DataError, match=r"no answer within 0.2 s"),
    ):
        history("SPY", tmp_path / "a.parquet", WEEK, link(gateway, timeout=0.2), vix=False)
    assert len(gateway.asked) == 3


@pytest.mark.parametrize(
    ("symbol", "timerange", "out", "told"),
    [
        ("SPX", "20240106-20240107", "a.parquet", "holds no finished trading day"),
        ("SPX", "20240102-", "a.parquet", "expected both ends"),
        ("SPX", "20240102", "a.parquet", "expected YYYYMMDD-YYYYMMDD"),
        ("SPZ", WEEK, "a.parquet", "Did you mean"),
        ("SPX", WEEK, "a.csv", "ending in .parquet"),
    ],
)
def test_wrong_words_are_one_line(tmp_path: Path, symbol: str, timerange: str, out: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        history(symbol, tmp_path / out, timerange, Link(port=1))


def test_session_at_work_is_left_out() -> None:
    noon = datetime(2024, 1, 3, 12, 0, tzinfo=NEW_YORK)
    assert [f"{day:%d}" for day in finished("20240102-20240105", noon)] == ["02"]
    evening = datetime(2024, 1, 3, 16, 1, tzinfo=NEW_YORK)
    assert [f"{day:%d}" for day in finished("20240102-20240105", evening)] == ["02", "03"]


def test_killed_and_run_again_asks_for_no_day_twice(tmp_path: Path) -> None:
    """Kill -9 of the command itself after three days; the second run fetches the rest."""
    out = tmp_path / "spy.parquet"
    command = [
        sys.executable, "-m", "scripts.cli", "data", "history", "SPY", "--out", str(out), "--timerange",
        "20240102-20240112", "--no-vix", "--timeout", "20", "--json", "--port",
    ]  # fmt: skip
    # more than five days: the burst rule makes the first process wait, and there it is killed
    with Gateway(lambda asked, n: minutes(asked) if n <= 3 else "hang") as gateway:
        first = subprocess.Popen([*command, str(gateway.port)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60.0
        while len(gateway.asked) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait(10.0)
        kept = sorted(os.listdir(tmp_path / "spy.parquet.parts"))
        assert kept == [f"SPY-2024010{n}.parquet" for n in (2, 3, 4)]
        gateway.answer = lambda asked, n: minutes(asked)
        second = subprocess.run([*command, str(gateway.port)], capture_output=True, text=True, timeout=60)
    assert second.returncode == 0, second.stderr
    assert '"requests": 6' in second.stdout
    asked = Counter(map(day_of, gateway.asked))
    assert [asked[f"202401{n:02d}"] for n in (2, 3, 4, 5, 8, 9, 10, 11, 12)] == [1, 1, 1, 2, 1, 1, 1, 1, 1]
    assert len(load_bars(out)) == 9 * 390


# the rules ---------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3), st.floats(0.0, 30.0)), max_size=60),
    st.integers(1, 8),
    st.integers(1, 5),
)
def test_no_window_ever_holds_more_than_the_rules_allow(
    wishes: list[tuple[str, int, float]], requests: int, burst: int
) -> None:
    rules = Rules(requests=requests, window=60.0, identical=15.0, burst=burst, burst_window=2.0)
    pacing, now, sent = Pacing(rules), 0.0, []
    for contract, number, pause in wishes:
        now += pause
        request = f"{contract}{number}"
        wait = pacing.wait(now, contract, request)
        assert wait >= 0.0
        now += wait
        assert pacing.wait(now, contract, request) == pytest.approx(0.0, abs=1e-6)
        pacing.sent(now, contract, request)
        sent.append((now, contract, request))
    for at, contract, request in sent:
        before = [one for one in sent if at - one[0] >= 0.0]
        within = [one for one in before if at - one[0] < rules.window - 1e-6]
        assert len(within) <= rules.requests
        assert sum(one[1] == contract and at - one[0] < 2.0 - 1e-6 for one in before) <= rules.burst
        assert sum(one[2] == request and at - one[0] < 15.0 - 1e-6 for one in before) <= 1


def test_year_of_two_symbols_takes_as_long_as_the_rules_say() -> None:
    assert Pacing().seconds(504) == pytest.approx((504 - 60) * 10.0)
    assert np.isclose(Pacing().seconds(60), 0.0)


def test_help_names_the_command() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "scripts.cli", "data", "history", "--help"],
        capture_output=True,
        text=True,
        cwd=Path.cwd(),
    )
    assert "Fetch minute bars from Interactive Brokers" in told.stdout
