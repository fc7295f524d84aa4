"""Bot B: calls against a part of a small intraday share position, with puts under all of it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.desk import Levels
from engine.indicators.rank import IvRank
from engine.indicators.regime import TrendT, VarianceSpread
from engine.options.chain import Chain
from engine.options.combo import Combo, shares, single
from engine.options.contract import Right
from engine.options.expected_move import Convention, expected_move
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.strikes import at_or_above, at_or_below, delta_of
from strategies.ticket import Proposal, Ticket


class BuyWrite(Bot):
    """Sell calls when implied volatility is high and the day has no trend.

    Shares and puts are bought first and sold last, the calls sold second and bought back
    first: whatever order the fills arrive in, no call is ever without its shares. The
    trade ends when ``profit_target`` of the calls' premium is kept, or when shares, puts and
    calls together have lost the planned loss.
    """

    bot_name = "buywrite"

    def measures(self, data: Any) -> dict[str, Any]:
        return {
            "iv_rank": IvRank(data).lines.rank,
            "trend": TrendT(data).lines.t,
            "variance_spread": VarianceSpread(data).lines.spread,
        }

    def filters(self, m: SimpleNamespace) -> list[Check]:
        return [
            (Reason.IV_RANK_LOW, m.iv_rank >= self.config.iv_rank_min),
            (Reason.TREND, np.abs(m.trend) <= self.config.trend_max),
            (Reason.IV_BELOW_REALIZED, m.variance_spread > 0.0),
        ]

    def propose(self, lane: Lane, chain: Chain) -> Proposal | Reason:
        config, product, expiry = self.config, self.p.products[lane.symbol], chain.expiry
        calls, puts = chain.side(Right.CALL), chain.side(Right.PUT)
        wanted = chain.nearest(Right.CALL, config.call_delta)
        if not math.isfinite(wanted):
            return Reason.NO_QUOTE
        call = at_or_above(calls, max(wanted, chain.spot))
        if call is None:
            return Reason.NO_STRIKE
        first = shares(product, config.shares)
        if config.collar:
            floor = chain.nearest(Right.PUT, config.put_delta)
            put = at_or_below(puts, min(floor, chain.spot))
            if put is None:
                return Reason.NO_STRIKE
            count = config.shares // product.multiplier
            first = Combo.joined((first, single(product, expiry, put, Right.PUT, count)), "protected_shares")
        second = single(product, expiry, call, Right.CALL, -config.calls)
        combo = Combo.joined((first, second), "collar" if config.collar else "covered_call")
        move = expected_move(chain, Convention.STRADDLE).value
        return Proposal(combo, (first, second), expiry, delta_of(calls, call), move)

    def credit_of(self, proposal: Proposal) -> float:
        quote = self.desk.book.quote(proposal.steps[1])
        return np.nan if quote is None else -quote.ask * proposal.steps[1].multiplier

    def levels(self, ticket: Ticket) -> tuple[Levels, ...]:
        whole, calls = ticket.proposal.combo, ticket.proposal.steps[1]
        paid = ticket.per_share(ticket.paid)
        take = (1.0 - self.config.profit_target) * ticket.entry_price(1)
        return (
            Levels(whole, math.inf, paid - self.room(ticket)),
            Levels(calls, take, -math.inf),
        )
