"""Bot B: calls against a part of a small intraday share position, with puts under all of it."""

from __future__ import annotations

import math
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.desk import Levels
from engine.indicators.rank import IvRank
from engine.indicators.regime import TrendT, VarianceSpread
from engine.options.choice import By, Choice, StrikeRule
from engine.options.combo import Combo, shares, single
from engine.options.contract import Right
from engine.reasons import Reason
from strategies.base import Bot
from strategies.lane import Check, Lane
from strategies.ticket import Proposal, Ticket


class BuyWrite(Bot):
    """Sell calls when implied volatility is high and the day has no trend.

    Shares and puts are bought first and sold last, the calls sold second and bought back
    first: whatever order the fills arrive in, no call is ever without its shares. The
    trade ends when ``profit_target`` of the calls' premium is kept, or when shares, puts and
    calls together have lost the planned loss.
    """

    bot_name = "buywrite"
    sells = frozenset({"call"})
    take_reason = Reason.PREMIUM_KEPT  # the shares may have lost more meanwhile

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

    def rule(self) -> StrikeRule:
        config = self.config
        put = (By.DELTA, config.put_delta) if config.collar else None
        return StrikeRule(put=put, call=(By.DELTA, config.call_delta))

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal:
        config, product = self.config, self.p.products[lane.symbol]
        first = shares(product, config.shares)
        if config.collar:
            count = config.shares // product.multiplier
            puts = single(product, expiry, choice.put, Right.PUT, count)
            first = Combo(first.legs + puts.legs, "protected_shares")
        second = single(product, expiry, choice.call, Right.CALL, -config.calls)
        combo = Combo(first.legs + second.legs, "collar" if config.collar else "covered_call")
        return Proposal(combo, (first, second), expiry, choice.call_delta, choice.move)

    def premium(self, proposal: Proposal) -> Combo:
        return proposal.steps[1]

    def levels(self, ticket: Ticket) -> tuple[Levels, ...]:
        whole, calls = ticket.proposal.combo, ticket.proposal.steps[1]
        paid = ticket.per_share(ticket.paid)
        take = (1.0 - self.config.profit_target) * ticket.entry_price(1)
        return (
            Levels(whole, math.inf, paid - self.room(ticket)),
            Levels(calls, take, -math.inf),
        )
