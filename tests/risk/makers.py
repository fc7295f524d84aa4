"""Intents and views of an ordinary day, to be varied by the tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.intent import Intent
from engine.options.combo import Combo, covered, put_spread, shares, short_put
from engine.options.contract import Product, Settlement, Style, TickRule
from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.events import Announcements, Event, Kind
from engine.risk.governor import Governor
from engine.risk.limits import Limits
from engine.risk.view import MarketView

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2018, 1, 10)  # a Wednesday without an announcement
XSP = Product(
    "XSP", Style.EUROPEAN, Settlement.CASH_PM, 100, 1.0, TickRule(0.0, 0.01, 0.01, 0.01), "daily", "XSP"
)
SPY = Product(
    "SPY", Style.AMERICAN, Settlement.PHYSICAL, 100, 1.0, TickRule(0.0, 0.01, 0.01, 0.01), "daily", "SPY"
)
SPREAD = put_spread(XSP, DAY, 590.0, 589.0)
NAKED = short_put(XSP, DAY, 590.0)
SHARES = shares(SPY, 200)
COLLAR = covered(SPY, DAY, 200, 1, 605.0, 590.0)
YEARS = (date(2018, 1, 1), date(2018, 12, 31))
MACRO = {(Kind.CPI, ""): YEARS, (Kind.FOMC, ""): YEARS, (Kind.JOBS, ""): YEARS}


def calendar(*events: Event, coverage: Any = None, required: Any = ("CPI", "FOMC", "JOBS")) -> EventCalendar:
    return EventCalendar(Announcements(events, MACRO if coverage is None else coverage), required)


def governor(limits: Limits | None = None, *events: Event, **options: Any) -> Governor:
    return Governor(limits or Limits(), calendar(*events), **options)


def view(minute: int = 700, day: date = DAY, symbol: str = "XSP", **changed: Any) -> MarketView:
    values: dict[str, Any] = {
        "at": datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=NEW_YORK),
        "day": day,
        "minute": minute,
        "symbol": symbol,
        "price": 600.0,
        "session_open": 600.0,
        "previous_close": 599.0,
        "expected_move": 4.0,
        "vix": 12.0,
        "vix_previous": 12.0,
        "day_high": 601.0,
        "day_low": 599.0,
    }
    return MarketView(**(values | changed))


def intent(ref: str = "condor-1", bot: str = "condor", combo: Combo = SPREAD, **changed: Any) -> Intent:
    values: dict[str, Any] = {
        "order_ref": ref,
        "trade_id": 1,
        "bot": bot,
        "symbol": combo.symbol,
        "combo": combo,
        "quantity": 1,
        "opening": True,
        "why": Reason.ENTERED,
        "at": view().at,
        "planned_loss": 50.0,
        "structural_loss": 90.0,
        "margin": 90.0,
    }
    return Intent(**(values | changed))
