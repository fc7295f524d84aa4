"""Bot A: an intraday bull put spread, sold when mid-day volatility is compressed."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from engine.indicators.realized import RealizedVolatility
from engine.indicators.regime import Compression, VarianceSpread
from engine.options.choice import By, Choice, StrikeRule
from engine.options.combo import put_spread, short_put
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.ticket import Proposal


class PutLite(Bot):
    """Harvest the volatility risk premium below the market.

    Entry needs volatility of the last half hour, season removed, below the morning's, and
    implied above realised variance. The short put stands far out of the money, by delta or
    by expected moves; a wing ``width`` lower bounds the loss.
    """

    bot_name = "putlite"
    sells = frozenset({"put"})

    def measures(self, data: Any) -> dict[str, Any]:
        return {
            "compression": Compression(data).lines.ratio,
            "variance_spread": VarianceSpread(data).lines.spread,
            "realized": RealizedVolatility(data).lines.realized,
        }

    def filters(self, m: SimpleNamespace) -> list[Check]:
        return [
            (Reason.IV_BELOW_REALIZED, m.variance_spread > 0.0),
            (Reason.NOT_COMPRESSED, m.compression < self.config.compression_max),
        ]

    def rule(self) -> StrikeRule:
        config = self.config
        put = (By.DELTA, config.short_delta) if config.short_by == "delta" else (By.MOVE, config.short_move)
        width = 0.0 if config.structure == "cash_secured" else config.width
        return StrikeRule(put=put, put_width=width, convention=config.convention, ratio=config.ratio)

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        product = self.p.products[lane.symbol]
        if self.config.structure == "cash_secured":
            combo = short_put(product, expiry, choice.put)
        else:
            combo = put_spread(product, expiry, choice.put, choice.put_wing)
        return Proposal(combo, (combo,), expiry, choice.put_delta, choice.move)
