"""Small markets for the indicator tests: real sessions, drawn prices, holes on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import backtrader as bt
import numpy as np

from engine.bars import PRICES, Bars
from engine.indicators import crowding, events, realized, regime, session
from engine.options.clock import VarianceClock
from engine.sessions import close_minute, session_dates, stamp_of, stamps
from feeds.lines import ArrayFeed

# 2018-07-03 closes at 13:00
WEEK = session_dates(date(2018, 6, 29), date(2018, 7, 6))
YEARS = (1 - VarianceClock().overnight_share) / 252

# before the open, within a session, after a close
RELEASES = tuple(
    stamp_of(*when) for when in ((date(2018, 7, 2), 510), (date(2018, 7, 3), 700), (date(2018, 7, 5), 970))
)
EVERY: tuple[tuple[type, dict[str, Any]], ...] = (
    (session.DayLines, {}),
    (session.MorningRange, {}),
    (session.MorningRange, {"minutes": 15}),
    (realized.RealizedVolatility, {}),
    (realized.RealizedVolatility, {"minutes": 5}),
    (realized.RealizedVolatility, {"clock": VarianceClock(0.2, tuple(range(13, 0, -1)))}),
    (regime.ImpliedMove, {}),
    (regime.RangeOverMove, {}),
    (regime.VarianceSpread, {}),
    (regime.IvRank, {"min_days": 2}),
    (regime.IvRank, {"days": 3, "min_days": 1}),
    (regime.SkewLine, {"days": 2, "min_days": 1, "sample_minute": 600}),
    (regime.TrendT, {}),
    (regime.TrendT, {"minutes": 2}),
    (regime.VixChange, {}),
    (regime.Compression, {}),
    (regime.Compression, {"minutes": 10, "morning": 30}),
    (crowding.Crowding, {"days": 3, "min_days": 1}),
    (crowding.Crowding, {"days": 2, "min_days": 2, "minutes": 5}),
    (crowding.IvSpike, {}),
    (crowding.IvSpike, {"minutes": 5}),
    (events.EventCollapse, {"releases": RELEASES}),
)


def market(
    dates: tuple[date, ...] = WEEK, seed: int = 1, volatility: float = 0.15, drift: float = 0.0
) -> Bars:
    """Return whole sessions whose returns follow the variance clock; ``drift`` is per session."""
    rng = np.random.default_rng(seed)
    clock = VarianceClock()
    parts: list[np.ndarray] = []
    level, columns = np.log(2700.0), {name: parts.copy() for name in PRICES}
    for day in dates:
        weights = clock.minute_weights(close_minute(day))
        level += rng.normal(0.0, 0.004)
        fine = rng.normal(0.0, 1.0, (len(weights), 4)) * volatility * np.sqrt(YEARS * weights / 4)[:, None]
        path = level + np.cumsum(fine + (drift * weights / 4)[:, None]).reshape(-1, 4)
        opens = np.append(level, path[:-1, -1])
        columns["open"].append(opens)
        columns["high"].append(np.maximum(opens, path.max(axis=1)))
        columns["low"].append(np.minimum(opens, path.min(axis=1)))
        columns["close"].append(path[:, -1])
        level = path[-1, -1]
    stamp = stamps(dates)
    prices = {name: np.exp(np.concatenate(values)) for name, values in columns.items()}
    wander = np.cumsum(rng.normal(0.0, 0.02, (3, len(stamp))), axis=1)
    lines = {
        "vix": 15 * np.exp(0.3 * wander[0]),
        "atm_iv": 0.14 * np.exp(wander[1]),
        "skew": 1.15 + 0.1 * wander[2],
        "put_volume": np.round(900.0 * np.exp(0.5 * rng.standard_normal(len(stamp)))),
        "call_volume": np.round(1000.0 * np.exp(0.5 * rng.standard_normal(len(stamp)))),
        "open_interest": np.full(len(stamp), 40_000.0),
    }
    return Bars("SPX", stamp, **prices, volume=np.ones(len(stamp)), lines=lines).check()


def keep(bars: Bars, mask: np.ndarray) -> Bars:
    """Return the bars where ``mask`` holds, as a feed with missing minutes delivers them."""
    columns = {name: getattr(bars, name)[mask] for name in (*PRICES, "volume", "stamp")}
    return replace(bars, **columns, lines={name: values[mask] for name, values in bars.lines.items()})


def blank(bars: Bars, **masks: np.ndarray | slice) -> Bars:
    """Return the bars with NaN in the named lines where their mask holds."""
    lines = {name: values.copy() for name, values in bars.lines.items()}
    for name, mask in masks.items():
        lines[name][mask] = np.nan
    return replace(bars, lines=lines)


class _Holder(bt.Strategy):  # type: ignore[misc]
    params = (("wanted", ()),)

    def __init__(self) -> None:
        self.held = [kind(self.data, **settings) for kind, settings in self.p.wanted]

    def start(self) -> None:
        if self.env.p.runonce:
            self.env.runstop()  # whole lines are computed before the first bar; the loop adds nothing


def lines_of(
    bars: Bars, *wanted: tuple[type, dict[str, Any]], once: bool = True, past_iv: tuple[Any, ...] = ()
) -> list[dict[str, np.ndarray]]:
    """Run the indicators over the bars and return their lines by name, one dict an indicator."""
    cerebro = bt.Cerebro(stdstats=False, runonce=once)
    cerebro.adddata(ArrayFeed(bars=bars, past_iv=past_iv))
    cerebro.addstrategy(_Holder, wanted=wanted)
    held = cerebro.run()[0].held
    return [
        {name: np.array(getattr(one.lines, name).array) for name in one.lines.getlinealiases()}
        for one in held
    ]


def line_of(bars: Bars, kind: type, once: bool = True, **settings: Any) -> dict[str, np.ndarray]:
    """Return the lines of one indicator by name."""
    return lines_of(bars, (kind, settings), once=once)[0]
