"""Bot C: a 0DTE iron condor, sold inside the morning range when the tape is calm."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from engine.indicators.regime import RangeOverMove, VarianceSpread
from engine.indicators.session import MorningRange
from engine.options.chain import Chain
from engine.options.combo import iron_condor
from engine.options.contract import Right
from engine.options.expected_move import expected_move
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.strikes import at_or_above, at_or_below, delta_of, listed
from strategies.ticket import Proposal


class Condor(Bot):
    """Sell both sides of a day that has found its range.

    Entry needs the morning range complete, the price inside it, a range so far of at most
    ``calm_max`` expected moves of the day, and implied above realised variance. The short
    strikes stand ``short_move`` expected moves of the time left away.
    """

    bot_name = "condor"

    def measures(self, data: Any) -> dict[str, Any]:
        morning = MorningRange(data, minutes=self.config.range_minutes)
        return {
            "price": data.close,
            "morning_high": morning.lines.high,
            "morning_low": morning.lines.low,
            "range_over_move": RangeOverMove(data).lines.ratio,
            "variance_spread": VarianceSpread(data).lines.spread,
        }

    def filters(self, m: SimpleNamespace) -> list[Check]:
        return [
            (Reason.OUTSIDE_MORNING_RANGE, (m.price < m.morning_high) & (m.price > m.morning_low)),
            (Reason.NOT_CALM, m.range_over_move <= self.config.calm_max),
            (Reason.IV_BELOW_REALIZED, m.variance_spread > 0.0),
        ]

    def propose(self, lane: Lane, chain: Chain) -> Proposal | Reason:
        config = self.config
        puts, calls = chain.side(Right.PUT), chain.side(Right.CALL)
        move = expected_move(chain, config.convention, config.ratio).value
        if not math.isfinite(move):
            return Reason.NO_QUOTE
        away = config.short_move * move
        short_put = at_or_below(puts, chain.forward - away)
        short_call = at_or_above(calls, chain.forward + away)
        if short_put is None or short_call is None:
            return Reason.NO_STRIKE
        long_put, long_call = short_put - config.width, short_call + config.width
        if not (listed(puts, long_put) and listed(calls, long_call)):
            return Reason.NO_STRIKE
        product = self.p.products[lane.symbol]
        combo = iron_condor(product, chain.expiry, long_put, short_put, short_call, long_call)
        return Proposal(combo, (combo,), chain.expiry, delta_of(puts, short_put), move)
