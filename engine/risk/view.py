"""What the governor is shown of the market at one instant."""

from __future__ import annotations

from datetime import date, datetime

from engine.record import record


@record
class MarketView:
    """One underlying at one bar's end, with what the day has been so far.

    Parameters
    ----------
    at : datetime
        Aware; the bar's end.
    day : date
        Session, New York.
    minute : int
        Minute after midnight New York.
    symbol : str
    price, session_open, previous_close : float
        USD per share of the underlying.
    expected_move : float
        USD, one standard deviation (`sigma`) of the whole session, measured at its first bar.
    vix, vix_previous : float
        Index points now and at the previous session's close.
    day_high, day_low : float
        Extremes of the session up to and with this bar.
    half_day : bool
    age : float
        Seconds since the last quote, 0 in a backtest.
    """

    at: datetime
    day: date
    minute: int
    symbol: str
    price: float
    session_open: float
    previous_close: float
    expected_move: float
    vix: float
    vix_previous: float
    day_high: float
    day_low: float
    half_day: bool = False
    age: float = 0.0
