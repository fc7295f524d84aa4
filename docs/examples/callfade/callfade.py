"""A fourth bot as a plugin: sell a call spread when the day has already risen far."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from engine.indicators.regime import TrendT, VarianceSpread
from engine.options.choice import By, Choice, StrikeRule
from engine.options.combo import call_spread
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.ticket import Proposal


class CallFade(Bot):
    """Sell what lies beyond a strong rise, with a wing that bounds the loss."""

    bot_name = "callfade"
    sells = frozenset({"call"})

    def measures(self, data: Any) -> dict[str, Any]:
        return {"trend": TrendT(data).lines.t, "variance_spread": VarianceSpread(data).lines.spread}

    def filters(self, m: SimpleNamespace) -> list[Check]:
        return [
            (Reason.TREND, m.trend >= self.config.trend_min),
            (Reason.IV_BELOW_REALIZED, m.variance_spread > 0.0),
        ]

    def rule(self) -> StrikeRule:
        return StrikeRule(call=(By.DELTA, self.config.short_delta), call_width=self.config.width)

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        product = self.p.products[lane.symbol]
        combo = call_spread(product, expiry, choice.call, choice.call_wing)
        return Proposal(combo, (combo,), expiry, choice.call_delta, choice.move)
