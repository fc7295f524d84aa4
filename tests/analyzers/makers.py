"""Runs made by hand, small enough to add up on paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from analyzers.result import RunResult
from engine.journal.records import Fill, HaltEvent, OrderEvent, Trade
from engine.reasons import Reason
from engine.sessions import session_dates
from engine.settings import Settings
from scripts.frames import frame

NEW_YORK = ZoneInfo("America/New_York")
CONFIG = Path(__file__).parents[2] / "config"
DAYS = session_dates(date(2018, 3, 1), date(2018, 4, 30))


def trade(number: int, day: date, net: float, bot: str = "condor", **changes: Any) -> Trade:
    """Return a trade from 11:00 to 13:00 that cost 5 USD of fees."""
    made = Trade(
        trade_id=number,
        order_ref=f"{bot}-{day:%Y%m%d}-{number}",
        bot=bot,
        symbol="XSP",
        structure="iron_condor",
        legs="XSP -596P +595P -604C +605C",
        expiry=day,
        quantity=1,
        entry_time=datetime(day.year, day.month, day.day, 11, tzinfo=NEW_YORK),
        exit_time=datetime(day.year, day.month, day.day, 13, tzinfo=NEW_YORK),
        credit=0.25,
        exit_price=0.25 - (net + 5.0) / 100.0,
        gross=net + 5.0,
        fees=5.0,
        net=net,
        planned_loss=50.0,
        structural_loss=80.0,
        exit_reason=Reason.PROFIT_TARGET if net > 0 else Reason.PLANNED_LOSS,
        spot_entry=600.0,
        spot_exit=600.5,
        short_delta=-0.15,
        expected_move=2.7,
        slippage=4.0,
        source="model",
    )
    return replace(made, **changes)


def run(trades: list[Trade], days: tuple[date, ...] = DAYS, synthetic: bool = True) -> RunResult:
    """Return a run that left these trades, and a decision for every one of them."""
    decisions = pd.DataFrame(
        {
            "time": pd.to_datetime([item.entry_time for item in trades], utc=True),
            "bot": [item.bot for item in trades],
            "symbol": "XSP",
            "reason": [str(Reason.ENTERED)] * len(trades),
        }
    )
    market = pd.DataFrame({"date": pd.to_datetime(list(days))})
    for name in ("open", "high", "low", "close"):
        market[name] = 600.0
    market["vix"] = 15.0
    return RunResult(
        run_id="20180501-000000-abcdef",
        created=datetime(2018, 5, 1, tzinfo=UTC),
        command="mw backtest",
        git_commit="unknown",
        config_digest="0" * 64,
        seed=7,
        settings=Settings.load(CONFIG).model_dump(mode="json"),
        inputs={},
        data_notes=("by hand",),
        assumptions=("none <but this>",),
        sessions=tuple(days),
        start_cash=10_000.0,
        trades=frame(list(trades), Trade),
        decisions=decisions,
        fills=frame([], Fill),
        orders=frame([], OrderEvent),
        halts=frame([], HaltEvent),
        market=market,
        synthetic=synthetic,
        timings={"run": 0.5},
    )
