"""Live minutes through Backtrader's own loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from engine.errors import LinkError
from engine.ibkr.feed import LiveFeed
from engine.indicators.session import DayLines
from engine.sessions import stamps
from tests.ibkr.rig import DAYS, TODAY, Rig, market, rig

BESIDE = ("vix", "atm_iv", "put_volume", "left", "open_interest")
STATUSES = ("DELAYED", "LIVE", "CONNBROKEN", "CONNECTED")


@dataclass
class Seen:
    """What a strategy was shown of every bar, and was told of the feed."""

    minutes: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    live: list[bool] = field(default_factory=list)
    closes: list[tuple[float, ...]] = field(default_factory=list)
    lines: list[tuple[float, ...]] = field(default_factory=list)
    opens: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Watcher(bt.Strategy):  # type: ignore[misc]
    params = (("seen", None), ("tape", None), ("stop", None), ("finish", None))

    def __init__(self) -> None:
        self.day = DayLines(self.data)

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        if data is self.data:
            self.p.seen.told.append(data._getstatusname(status))

    def next(self) -> None:
        bar, seen = len(self.data) - 1, self.p.seen
        seen.stamps.append(int(self.p.tape.at(bar).timestamp()))
        seen.minutes.append(int(self.data.lines.minute[0]))
        seen.live.append(self.p.tape.is_live(bar))
        seen.closes.append(tuple(data.close[0] for data in self.datas))
        seen.lines.append(tuple(getattr(self.data.lines, name)[0] for name in BESIDE))
        seen.opens.append(self.day.lines.session_open[0])
        if self.p.stop(self, seen):
            self.p.finish()


def watch(one: Rig, stop: Any) -> Seen:
    """Run Cerebro until a bar on which ``stop`` says so."""
    seen, cerebro = Seen(), bt.Cerebro(stdstats=False)
    cerebro.setbroker(one.broker)
    for symbol in one.symbols:
        cerebro.adddata(LiveFeed(minutes=one.minutes, symbol=symbol, name=symbol))
    feed = one.minutes
    cerebro.addstrategy(Watcher, seen=seen, tape=feed.tape, stop=stop, finish=feed.finish)
    cerebro.run()
    return seen


def minutes(count: int) -> Any:
    return lambda strategy, seen: sum(seen.live) >= count


def test_history_comes_first_then_live_minutes_and_not_one_is_missing_or_doubled() -> None:
    with rig(symbols=("XSP", "SPY"), speed=240.0) as one:
        seen = watch(one, minutes(5))
    whole = stamps(DAYS) // 1_000_000_000
    assert seen.stamps == whole[: len(seen.stamps)].tolist()
    first = seen.live.index(True)
    assert all(seen.live[first:]) and 390 + 30 <= first < 390 + 60
    assert seen.told[:2] == ["DELAYED", "LIVE"]
    for place, symbol in enumerate(("XSP", "SPY")):
        close = market().tape.bars[symbol].close[: len(seen.closes)]
        assert [row[place] for row in seen.closes] == pytest.approx(close.tolist())
    assert set(seen.opens[:390]) == {seen.opens[0]} and seen.opens[400] != seen.opens[0]


def test_lines_beside_the_prices_are_there_on_live_minutes() -> None:
    with rig(speed=240.0) as one:
        seen = watch(one, minutes(4))
    vix, iv, puts, left, interest = seen.lines[-1]
    assert vix == 16.0 and 0.03 < iv < 1.0 and puts == 40.0
    assert left == 960 - seen.minutes[-1]
    assert interest == 390 * (40.0 + 30.0), "the gateway's is what was traded the session before"
    assert np.isnan(seen.lines[10][1])  # no volatility is invented for history


def test_prints_before_the_opening_reach_nobody() -> None:
    with rig(start="09:26", speed=480.0) as one:
        seen = watch(one, minutes(3))
    today = [minute for minute, stamp in zip(seen.minutes, seen.stamps, strict=True) if stamp > _open()]
    assert today[:3] == [571, 572, 573]


def _open() -> int:
    return int(stamps([TODAY])[0] // 1_000_000_000) - 60


def test_a_lost_connection_is_told_and_its_minutes_are_made_good_as_history() -> None:
    drop = {"do": "drop", "at": "10:12", "seconds": 180}
    with rig(speed=240.0, faults=(drop,)) as one:
        seen = watch(one, lambda strategy, seen: seen.minutes[-1] >= 625 and seen.live[-1])
    whole = stamps(DAYS) // 1_000_000_000
    assert seen.stamps == whole[: len(seen.stamps)].tolist()
    assert [status for status in seen.told if status in STATUSES] == [
        "DELAYED", "LIVE", "CONNBROKEN", "CONNECTED", "LIVE",
    ]  # fmt: skip
    back = [live for live, minute in zip(seen.live, seen.minutes, strict=True)][400:]
    assert False in back[back.index(True) :]
    puts = [row[BESIDE.index("put_volume")] for row in seen.lines[390:]]
    first = seen.live.index(True) - 390
    assert np.isnan(puts[:first]).all() and puts[first] == 40.0 * (first + 1), "the morning's come at once"
    assert np.nansum(puts) == 40.0 * len(puts), "what was traded while nobody listened is not lost"


def test_a_symbol_without_bars_is_carried_and_nothing_is_decided_on_it() -> None:
    silent = {
        "do": "silence", "event": "request", "request": "realtimeBars", "symbol": "SPY", "nth": 1,
    }  # fmt: skip
    with rig(speed=240.0, symbols=("XSP", "SPY"), faults=(silent,)) as one:
        seen = watch(one, lambda strategy, seen: one.minutes.missing >= 3)
    assert one.minutes.missing >= 3 and not any(seen.live)
    assert seen.closes[-1][1] == seen.closes[-2][1]


def test_refused_history_stops_the_start_in_one_line() -> None:
    refuse = {"do": "refuse", "event": "request", "request": "historicalData", "code": 162, "text": "no data"}
    with pytest.raises(LinkError, match=r"minutes of XSP: .*162"):
        with rig(faults=(refuse,)):
            pass
