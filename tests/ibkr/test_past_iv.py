"""A year of implied volatility from the broker, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from engine.bars import Bars
from engine.execution.settings import ExecutionSettings
from engine.gateway.faults import Fault, Faults
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market
from engine.ibkr.contracts import Contracts
from engine.ibkr.feed import LiveFeed
from engine.ibkr.link import Link
from engine.ibkr.past_iv import Past, PastVolatility
from engine.indicators.rank import IvRank
from engine.sessions import session_dates, stamps
from engine.settings_ibkr import IbkrSettings
from feeds.model import ModelQuotes
from scripts.gateway_market import gateway_market
from tests.ibkr.rig import FAST, Rig, at, fees, products, rig

DATES = session_dates(date(2017, 11, 20), date(2018, 3, 2))  # more than three months: several requests
TODAY = DATES[-1]
REFUSE = {"do": "refuse", "event": "request", "request": "historicalData", "nth": 0, "code": 162}


@cache
def months() -> tuple[Market, Bars]:
    """Return a market of some months and its XSP bars."""
    stamp = stamps(DATES)
    close = 270.0 * np.exp(np.cumsum(np.random.default_rng(8).normal(0.0, 0.0002, len(stamp))))
    opened = np.concatenate([[close[0]], close[:-1]])
    lines = {"vix": np.full(len(stamp), 16.0)}
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    raw = {"XSP": Bars("XSP", stamp, opened, high, low, close, np.full(len(stamp), 1200.0), lines).check()}
    mine = {"XSP": products()["XSP"]}
    book = ModelQuotes(raw, mine)
    made = book.with_lines()
    return gateway_market(made, book, mine, fees(), ExecutionSettings()), made["XSP"]


@contextmanager
def linked(*faults: dict[str, Any]) -> Iterator[tuple[Link, Contracts]]:
    script = Faults([Fault.model_validate(fault) for fault in faults])
    with Gateway(months()[0], start=at("10:45", TODAY), speed=0.0, seed=5, cash=1e5, faults=script) as served:
        link = Link(IbkrSettings(port=served.port, **FAST), paper=True, speed=1.0)
        link.start()
        try:
            contracts = Contracts(link, products())
            contracts.prepare(["XSP"])
            yield link, contracts
        finally:
            link.stop()


def expected(bars: Bars) -> dict[int, float]:
    """Return by day what `IvRank` itself would keep of every session before today."""
    found: dict[int, float] = {}
    for row, dates_row in enumerate(bars.grid.day.tolist()):
        if bars.grid.minute[row] >= 630:
            found.setdefault(bars.grid.dates[dates_row].toordinal(), float(bars.lines["atm_iv"][row]))
    found.pop(TODAY.toordinal(), None)
    return found


def test_past_sessions_come_with_their_value_at_half_past_ten_and_are_asked_for_once(tmp_path: Path) -> None:
    with linked() as (link, contracts):
        found = PastVolatility(link, contracts, tmp_path).fetch(["XSP"], TODAY)["XSP"]
    want = expected(months()[1])
    assert [day for day, _ in found] == sorted(want) and len(found) == len(DATES) - 1
    assert dict(found) == pytest.approx(want, abs=1e-6)
    with linked(REFUSE) as (link, contracts):  # the file is enough
        assert PastVolatility(link, contracts, tmp_path).fetch(["XSP"], TODAY) == {"XSP": found}


def test_only_sessions_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "implied-XSP.json"
    path.write_text(json.dumps({str(DATES[-3]): 0.5, str(DATES[0]): 0.25}))
    with linked() as (link, contracts):
        found = dict(PastVolatility(link, contracts, tmp_path).fetch(["XSP"], TODAY)["XSP"])
    want = expected(months()[1])
    assert found[DATES[-2].toordinal()] == pytest.approx(want[DATES[-2].toordinal()], abs=1e-6)
    assert found[DATES[0].toordinal()] == 0.25  # one request of a month has not reached it
    assert DATES[1].toordinal() not in found


@pytest.mark.parametrize("known", [False, True])
def test_a_refusal_leaves_what_is_known_or_nothing(tmp_path: Path, known: bool) -> None:
    if known:
        (tmp_path / "implied-XSP.json").write_text(json.dumps({str(DATES[-5]): 0.5}))
    with linked(REFUSE) as (link, contracts):
        found = PastVolatility(link, contracts, tmp_path).fetch(["XSP"], TODAY)
    assert found == ({"XSP": ((DATES[-5].toordinal(), 0.5),)} if known else {})


def test_a_year_broken_off_in_the_middle_is_not_kept_and_comes_whole_the_next_time(tmp_path: Path) -> None:
    paced = REFUSE | {"nth": 2, "text": "Historical data request pacing violation"}
    with linked(paced) as (link, contracts):
        past = PastVolatility(link, contracts, tmp_path)
        assert past.fetch(["XSP"], TODAY) == {}
        assert len(past.fetch(["XSP"], TODAY)["XSP"]) == len(DATES) - 1


def test_torn_file_is_asked_for_anew(tmp_path: Path) -> None:
    (tmp_path / "implied-XSP.json").write_text('{"2018-0')
    with linked() as (link, contracts):
        assert len(PastVolatility(link, contracts, tmp_path).fetch(["XSP"], TODAY)["XSP"]) == len(DATES) - 1


class Ranker(bt.Strategy):  # type: ignore[misc]
    params = (("one", None), ("seen", None))

    def __init__(self) -> None:
        self.rank = IvRank(self.data, min_days=2)

    def next(self) -> None:
        bar, minutes = len(self.data) - 1, self.p.one.minutes
        lines = self.data.lines
        self.p.seen.append(
            (minutes.tape.is_live(bar), lines.ranked_iv[0], lines.atm_iv[0], self.rank.lines.percentile[0])
        )
        if sum(live for live, *_ in self.p.seen) >= 3:
            minutes.finish()


def ranked(one: Rig, past: Past) -> list[tuple[bool, float, float, float]]:
    seen: list[tuple[bool, float, float, float]] = []
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(LiveFeed(minutes=one.minutes, symbol="XSP", name="XSP", past_iv=past))
    cerebro.addstrategy(Ranker, one=one, seen=seen)
    cerebro.run()
    return seen


def test_live_minutes_are_ranked_in_the_brokers_series_and_no_past_bar_counts_twice() -> None:
    yesterday = datetime(2018, 3, 1).toordinal()
    past = ((yesterday - 2, 0.001), (yesterday - 1, 0.002), (yesterday, 9.0))
    with rig() as one:
        seen = ranked(one, past)
        tick = one.book.lines_of("XSP")["ranked_iv"]
    live = [row for row in seen if row[0]]
    assert 0.01 < tick < 1.0
    for _, value, _, percentile in live:
        assert value == pytest.approx(tick, rel=0.2)
        assert percentile == pytest.approx(200.0 / 3.0)
    assert all(np.isnan(row[1]) for row in seen[:390])


def test_without_the_brokers_series_the_options_own_volatility_is_ranked() -> None:
    with rig() as one:
        seen = ranked(one, ())
    for _, value, own, percentile in seen:
        assert value == own or (np.isnan(value) and np.isnan(own))
        assert np.isnan(percentile)
