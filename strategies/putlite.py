"""Bot A: an intraday bull put spread, sold when mid-day volatility is compressed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from engine.indicators.realized import RealizedVolatility
from engine.indicators.regime import Compression, VarianceSpread
from engine.options.chain import Chain
from engine.options.combo import put_spread, short_put
from engine.options.contract import Right
from engine.options.expected_move import expected_move
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.strikes import at_or_below, delta_of, listed
from strategies.ticket import Proposal


class PutLite(Bot):
    """Harvest the volatility risk premium below the market.

    Entry needs volatility of the last half hour, season removed, below the morning's, and
    implied above realised variance. The short put stands far out of the money, by delta or
    by expected moves; a wing ``width`` lower bounds the loss.
    """

    bot_name = "putlite"

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

    def propose(self, lane: Lane, chain: Chain) -> Proposal | Reason:
        config, puts = self.config, chain.side(Right.PUT)
        product = self.p.products[lane.symbol]
        move = expected_move(chain, config.convention, config.ratio).value
        if config.short_by == "delta":
            wanted = chain.nearest(Right.PUT, config.short_delta)
        else:
            wanted = chain.forward - config.short_move * move
        if not math.isfinite(wanted):
            return Reason.NO_QUOTE
        short = at_or_below(puts, min(wanted, chain.spot))
        if short is None:
            return Reason.NO_STRIKE
        if config.structure == "cash_secured":
            combo = short_put(product, chain.expiry, short)
        elif listed(puts, short - config.width):
            combo = put_spread(product, chain.expiry, short, short - config.width)
        else:
            return Reason.NO_STRIKE
        return Proposal(combo, (combo,), chain.expiry, delta_of(puts, short), move)
