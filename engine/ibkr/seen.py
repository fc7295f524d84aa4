"""One contract's market as last seen, and whether it can be traded on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite, nan
from typing import Any

from engine.options.contract import Contract, Right
from engine.options.ticks import tick_size

LIVE_DATA = 1
PAIRS_AT_THE_MONEY = 6  # strikes streamed on both sides, for forward and straddle


class Fault(StrEnum):
    """Why a quote is not traded on."""

    NOTHING = "nothing"  # never quoted, or withdrawn (-1 on both sides)
    NOT_LIVE = "not_live"  # frozen or delayed data
    STALE = "stale"
    CROSSED = "crossed"
    NO_ASK = "no_ask"
    NO_BID = "no_bid"  # worth nothing to anybody: can be bought, or given away


@dataclass(frozen=True, slots=True)
class Seen:
    """Prices in USD per share, NaN for none; ``at`` in epoch seconds of the gateway's clock.

    ``beside`` is what the underlying of an option stood at then.
    """

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float
    close: float
    delta: float
    iv: float
    put_volume: float
    call_volume: float
    open_interest: float  # puts and calls of an underlying
    own_iv: float  # of an underlying, as TWS measures it
    kind: int
    at: float
    beside: float = nan
    halted: bool = False

    @classmethod
    def of(cls, ticker: Any, at: float, beside: float = nan) -> Seen:
        """Read a ticker of the client library."""
        greeks = ticker.modelGreeks
        return cls(
            bid=side(ticker.bid, ticker.bidSize),
            ask=side(ticker.ask, ticker.askSize),
            bid_size=ticker.bidSize,
            ask_size=ticker.askSize,
            last=price(ticker.last),
            close=price(ticker.close),
            delta=nan if greeks is None or greeks.delta is None else greeks.delta,
            iv=nan if greeks is None or greeks.impliedVol is None else greeks.impliedVol,
            put_volume=ticker.putVolume,
            call_volume=ticker.callVolume,
            open_interest=ticker.putOpenInterest + ticker.callOpenInterest,
            own_iv=ticker.impliedVolatility,
            kind=ticker.marketDataType,
            at=at,
            beside=beside,
            halted=ticker.halted > 0.0,
        )

    def unmoved(self, option: Contract, spot: float) -> bool:
        """Tell whether an option's quote need not have changed since, the underlying now at ``spot``.

        A quote that does not change is not sent again. One that nobody bids for stands until the
        price has come a strike nearer, another until the move since is worth half a tick.
        """
        product, move = option.product, spot - self.beside
        if not isfinite(self.ask):
            return False
        if not isfinite(self.bid):
            nearer = move if option.right is Right.CALL else -move
            return nearer < product.strike_step
        worth = abs(move * self.delta)
        return worth < 0.5 * tick_size(self.ask, product.tick) and abs(move) < product.strike_step

    def fault(self, now: float, oldest: float) -> Fault | None:
        """Return what is wrong with the quote, None when both sides stand.

        Parameters
        ----------
        now : float
            Gateway's clock, epoch seconds.
        oldest : float
            Seconds after which a quote is not believed.
        """
        if self.kind != LIVE_DATA:
            return Fault.NOT_LIVE
        if not (isfinite(self.bid) or isfinite(self.ask)):
            return Fault.NOTHING
        if now - self.at > oldest:
            return Fault.STALE
        if not isfinite(self.ask):
            return Fault.NO_ASK
        if not isfinite(self.bid):
            return Fault.NO_BID
        return Fault.CROSSED if self.bid > self.ask else None

    def sides(self, now: float, oldest: float) -> tuple[float, float]:
        """Return bid and ask to trade on, NaN where there is none."""
        fault = self.fault(now, oldest)
        if fault is None or fault is Fault.NO_BID:
            return self.bid, self.ask
        return nan, nan

    def trade(self, now: float, oldest: float) -> float:
        """Return the last price of a share that trades now, NaN when it is halted, not live or stale."""
        good = self.kind == LIVE_DATA and not self.halted and now - self.at <= oldest
        return self.last if good else nan

    @property
    def spot(self) -> float:
        """The last trade, else half way between bid and ask, else the previous close."""
        if isfinite(self.last):
            return self.last
        if isfinite(self.bid) and isfinite(self.ask):
            return 0.5 * (self.bid + self.ask)
        return self.close


def price(value: float) -> float:
    """Return a price, NaN for what TWS sends in place of one (-1, 0, the largest double)."""
    return value if 0.0 < value < 1e300 else nan


def side(value: float, size: float) -> float:
    """Return one side of a quote, NaN where nobody stands behind it."""
    return price(value) if size > 0 else nan


def in_reach(strikes: Sequence[float], spot: float, reach: float, lines: int) -> list[tuple[float, Right]]:
    """Return which options of a chain to stream, the most needed first.

    The strikes around the price on both sides, then outward those that are out of the money,
    until ``reach`` USD from the price or the ``lines`` are used up.
    """
    near = sorted((strike for strike in strikes if abs(strike - spot) <= reach), key=lambda k: abs(k - spot))
    chosen: list[tuple[float, Right]] = []
    for place, strike in enumerate(near):
        rights = [Right.CALL if strike >= spot else Right.PUT]
        if place < PAIRS_AT_THE_MONEY:
            rights = [Right.CALL, Right.PUT]
        chosen += [(strike, right) for right in rights]
    return chosen[: max(lines, 0)]


NOTHING_SEEN = Seen(nan, nan, 0.0, 0.0, nan, nan, nan, nan, nan, nan, nan, nan, LIVE_DATA, -inf)
