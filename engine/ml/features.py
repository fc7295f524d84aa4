"""What a model is shown at a decision minute: names, units, and how each is known in time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.indicators.crowding import Crowding
from engine.indicators.rank import IvRank
from engine.indicators.realized import RealizedVolatility
from engine.indicators.regime import RangeOverMove, TrendT, VarianceSpread, VixChange
from engine.indicators.session import DayLines
from engine.sessions import DAY_NS

SCHEMA_VERSION = 1
FAR = 10.0  # days: an announcement further away is no announcement
MARKET, TRADE, CALENDAR = "market", "trade", "calendar"


@dataclass(frozen=True, slots=True)
class Feature:
    """One number a model is shown.

    Parameters
    ----------
    name, unit : str
    source : str
        ``market``: from the bar before the decision's, one bar late; ``trade``: from the quotes
        the decision is made on; ``calendar``: known for years.
    sign : int
        +1 where more of it cannot make a trade worse, -1 where it cannot make it better, 0 where
        both may be; monotone models keep to it.
    text : str
    """

    name: str
    unit: str
    source: str
    sign: int
    text: str


FEATURES = (
    Feature("iv_over_realized", "ratio", MARKET, 1, "implied over the session's realised volatility"),
    Feature("iv_over_recent", "ratio", MARKET, 1, "implied over realised volatility of the last 30 minutes"),
    Feature("range_over_move", "expected moves", MARKET, -1, "the session's range so far"),
    Feature("trend", "t-statistic", MARKET, 0, "the session's drift since 09:35"),
    Feature("gap", "expected moves", MARKET, 0, "the session's open less the close before"),
    Feature("iv_percentile", "0 to 100", MARKET, 0, "implied volatility among the last 252 sessions"),
    Feature("vix_change", "points", MARKET, -1, "VIX less its last value of the session before"),
    Feature("skew", "share", MARKET, 0, "volatility one sd below the money over at the money, less 1"),
    Feature("crowding", "0 to 100", MARKET, 0, "the crowding score"),
    Feature("minutes_left", "minutes", CALENDAR, 0, "to the close"),
    Feature("days_to_event", "days", CALENDAR, 0, "to the next scheduled announcement, 10 at most"),
    Feature("credit_over_risk", "share", TRADE, 0, "credit over the structural loss, at executable prices"),
    Feature("cost_over_credit", "share", TRADE, -1, "fees of the round trip over the credit"),
    Feature("spread_over_credit", "share", TRADE, -1, "the combo's bid-ask spread over the credit"),
    Feature("short_delta", "absolute", TRADE, 0, "delta of the option sold"),
)


class FeatureSet:
    """The features of one underlying of one bot.

    A subclass may add features: ``schema`` names them all, ``lines`` holds what ``market`` reads
    of the bar before.

    Parameters
    ----------
    data : backtrader data feed
    releases : sequence of int
        When scheduled announcements are out, UTC nanoseconds, rising.
    """

    schema: tuple[Feature, ...] = FEATURES

    def __init__(self, data: Any, releases: Sequence[int]) -> None:
        self.releases = list(releases)
        self.left = data.lines.left
        self.lines = list(self.raw(data).values())

    def raw(self, data: Any) -> dict[str, Any]:
        """Return the lines `market` reads, in the order of its arguments."""
        variance, session = VarianceSpread, DayLines
        return {
            "implied": _line(variance, data, "implied"),
            "realized": _line(variance, data, "realized"),
            "iv": data.lines.atm_iv,
            "recent": _line(RealizedVolatility, data, "realized"),
            "range": _line(RangeOverMove, data, "ratio"),
            "trend": _line(TrendT, data, "t"),
            "open": _line(session, data, "session_open"),
            "previous": _line(session, data, "previous_close"),
            "move": _line(session, data, "expected_move"),
            "percentile": _line(IvRank, data, "percentile"),
            "vix_change": _line(VixChange, data, "change"),
            "skew": data.lines.skew,
            "crowding": _line(Crowding, data, "score"),
        }

    def market(self, *values: float) -> tuple[float, ...]:
        """Return the market features of the raw values of one bar."""
        implied, realized, iv, recent, reach, trend, first, previous, move, *others = values
        percentile, vix_change, skew, crowding = others
        return (
            math.sqrt(_over(implied, realized)),
            _over(iv, recent),
            reach,
            trend,
            _over(first - previous, move),
            percentile,
            vix_change,
            skew,
            crowding,
        )

    def at(self, bar: int, stamp: int, trade: Mapping[str, float]) -> tuple[float, ...]:
        """Return all features at the current bar, in the order of the schema; NaN where unknown.

        Parameters
        ----------
        bar : int
            Number of the current bar.
        stamp : int
            Its end, UTC nanoseconds.
        trade : mapping
            The features of the trade by name.
        """
        market = self.market(*(line[-1] for line in self.lines)) if bar else self._nothing()
        return (
            *market,
            float(self.left[0]),
            self.days_to_event(stamp),
            trade["credit_over_risk"],
            trade["cost_over_credit"],
            trade["spread_over_credit"],
            trade["short_delta"],
        )

    def days_to_event(self, stamp: int) -> float:
        """Return the days to the next announcement, at most ``FAR``."""
        place = bisect_right(self.releases, stamp)
        if place == len(self.releases):
            return FAR
        return min((self.releases[place] - stamp) / DAY_NS, FAR)

    def _nothing(self) -> tuple[float, ...]:
        return (math.nan,) * sum(feature.source == MARKET for feature in self.schema)


def of_trade(
    credit: float, structural: float, cost: float, bid: float, ask: float, delta: float
) -> dict[str, float]:
    """Return the features of a trade by name.

    Parameters
    ----------
    credit, structural, cost : float
        USD of one unit: premium received, most that can be lost, fees of the round trip.
    bid, ask : float
        Of the combo, USD for one unit.
    delta : float
        Of the option sold.
    """
    return {
        "credit_over_risk": _over(credit, structural),
        "cost_over_credit": _over(cost, credit),
        "spread_over_credit": _over(ask - bid, credit),
        "short_delta": abs(delta),
    }


def _line(kind: Any, data: Any, name: str) -> Any:
    return getattr(kind(data).lines, name)


def _over(one: float, other: float) -> float:
    """Return a ratio of two non-negative quantities, or of anything and a positive one; else NaN."""
    return one / other if other > 0.0 and one == one else math.nan
