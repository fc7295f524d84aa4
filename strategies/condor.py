"""Bot C: a 0DTE iron condor, sold inside the morning range when the tape is calm."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

from engine.indicators.regime import RangeOverMove, VarianceSpread
from engine.indicators.session import MorningRange
from engine.options.choice import By, Choice, StrikeRule
from engine.options.combo import iron_condor
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.regime import CALLS, NEITHER, PUTS, overbought
from strategies.ticket import Proposal


class Condor(Bot):
    """Sell both sides of a day that has found its range.

    Entry needs the morning range complete, the price inside it, a range so far of at most
    ``calm_max`` expected moves of the day, and implied above realised variance. The short
    strikes stand ``short_move`` expected moves of the time left away. With ``lean_move`` and
    contrarian timing (``common.regime.spike``), the side nobody overpays stands so much further
    out while the other one is overbought after a spike.
    """

    bot_name = "condor"
    sells = frozenset({"put", "call"})

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

    def rule(self) -> StrikeRule:
        config, short = self.config, (By.MOVE, self.config.short_move)
        return StrikeRule(short, short, config.width, config.width, config.convention, config.ratio)

    def rules(self) -> tuple[StrikeRule, ...]:
        kept, lean = self.rule(), self.config.lean_move
        if not lean or self.p.common.regime.spike is None:
            return (kept,)
        far = (By.MOVE, self.config.short_move + lean)
        leaned = {NEITHER: kept, PUTS: replace(kept, call=far), CALLS: replace(kept, put=far)}
        return tuple(leaned[side] for side in sorted(leaned))

    def pick(self, m: SimpleNamespace) -> Any:
        return overbought(m, self.p.common.regime)

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        product = self.p.products[lane.symbol]
        strikes = choice.put_wing, choice.put, choice.call, choice.call_wing
        combo = iron_condor(product, expiry, *strikes)
        return Proposal(combo, (combo,), expiry, choice.put_delta, choice.move)
