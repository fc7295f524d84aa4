"""What would come of looking at a chain, for all of a lane's candidates at once.

Strikes, credit, costs, blackouts, market halts and the size of a trade follow from market,
calendar and settings alone. Where the path is known they are computed as columns, and a bot is
only called on the bars where they leave a trade to decide on. A run without this looks at every
chain and comes to the same journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.desk import Desk
from engine.options.choice import OK, WHY, Choice, Choices, StrikeRule
from engine.options.combo import Combo
from engine.options.quotebook import ChoiceBook
from engine.reasons import CODE, PASSED, Reason
from engine.risk.outlook import Outlook, reserves, trade_denials
from strategies.lane import Lane, Preview, whole
from strategies.ticket import Proposal

_WHY = np.array([CODE[reason] for reason in WHY], np.int16)


class Chooser(Protocol):
    """A bot, as far as its choices go."""

    bot_name: str
    desk: Desk
    config: Any
    p: Any
    datas: list[Any]
    strike_rules: tuple[StrikeRule, ...]

    def pick(self, m: SimpleNamespace) -> Any: ...

    def build(self, lane: Lane, expiry: date, choice: Choice) -> Proposal: ...

    def premium(self, proposal: Proposal) -> Combo: ...


def ruled(bot: Chooser, lane: Lane, bars: NDArray[np.int64]) -> list[tuple[StrikeRule, NDArray[np.int64]]]:
    """Return which rule places the strikes on which decision minutes of a lane; none without a bar."""
    if len(bot.strike_rules) == 1:
        return [(bot.strike_rules[0], bars)]
    picked = bot.pick(lane.measured(bars))
    parts = [(rule, bars[picked == number]) for number, rule in enumerate(bot.strike_rules)]
    return [(rule, some) for rule, some in parts if len(some)]


def choices_of(bot: Chooser, lane: Lane, bars: NDArray[np.int64], book: ChoiceBook) -> Choices | None:
    """Return what the bot takes off the chains of decision minutes, None where the book cannot tell."""
    parts = [
        book.choices(lane.symbol, bot.config.expiry_days, some, rule) for rule, some in ruled(bot, lane, bars)
    ]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else Choices.joined(known)


def preview(bot: Chooser, lane: Lane, ahead: Outlook) -> Preview | None:
    """Return what is known of a lane's candidates beforehand, None where nothing is."""
    book = bot.desk.book
    if not bot.strike_rules or not isinstance(book, ChoiceBook) or not len(lane.candidates):
        return None
    found = choices_of(bot, lane, lane.candidates, book)
    if found is None:
        return None
    codes = _WHY[found.code]
    credit, cost, earned, structural = (np.full(len(found.bars), np.nan) for _ in range(4))
    reserve = np.zeros(len(found.bars), np.int64)
    rows = np.flatnonzero(found.code == OK)
    texts: Callable[[Sequence[int]], list[str]] = _no_texts
    if len(rows):
        good = found.take(rows)
        proposal = bot.build(lane, good.expiry[0].item(), good[0])
        columns = good.columns(proposal.combo)
        sold, asks = bot.premium(proposal), book.asks(proposal.combo, good)
        prices = asks if sold is proposal.combo else book.asks(sold, good)
        if columns is None or asks is None or prices is None:
            return None
        options = [column for column in columns if column >= 0]
        credit[rows], earned[rows] = -asks, -prices * sold.multiplier
        days, place = _days(bot, lane, good)
        cost[rows] = costs = bot.desk.fees.estimate_round_trips(proposal.combo, asks, days, place)
        structural[rows] = worst = proposal.combo.structural_losses(good.strikes[:, options], asks, costs)
        codes[rows], reserve[rows] = _verdicts(
            bot, lane, ahead, proposal.combo, good.bars, (asks, earned[rows], costs, worst), days, place
        )
        texts = _texts(proposal.combo, found, options)
    return Preview(found, codes, credit, reserve, cost, earned, structural, texts)


def _days(bot: Chooser, lane: Lane, good: Choices) -> tuple[list[date], np.ndarray]:
    """Return the different sessions of choices, and for every choice which of them is its own."""
    number = whole(lane.data.lines.day)[good.bars]
    first = np.append(0, np.flatnonzero(np.diff(number)) + 1)  # they rise
    place = np.repeat(np.arange(len(first)), np.diff(first, append=len(number)))
    return [bot.desk.clock.day(bar) for bar in good.bars[first].tolist()], place


def _verdicts(
    bot: Chooser,
    lane: Lane,
    ahead: Outlook,
    combo: Combo,
    bars: np.ndarray,
    costs: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    days: list[date],
    place: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and reserves of choices that can be traded, in the order in which a bot asks.

    ``costs`` are ask, premium received, fees and structural loss, a value a choice.
    """
    asks, earned, cost, worst = costs
    config, governor, defined = bot.config, bot.desk.governor, combo.is_defined_risk
    planned, structural = config.planned_loss * config.quantity, worst * config.quantity
    codes = trade_denials(governor, bot.bot_name, planned, structural, defined)
    market = ahead.denials(bars, _same_vix(bot.datas))
    codes = np.where(market == PASSED, codes, market)
    blocked = [governor.calendar_verdict(lane.symbol, day) for day in days]
    calendar = np.array([PASSED if one is None else CODE[one.reason] for one in blocked], np.int16)[place]
    codes = np.where(calendar == PASSED, codes, calendar)
    enough = earned >= bot.p.common.min_credit_to_cost * cost
    codes = np.where(enough, codes, np.int16(CODE[Reason.CREDIT_BELOW_COST]))
    codes = np.where(np.isnan(asks), np.int16(CODE[Reason.NO_QUOTE]), codes)
    return codes, reserves(planned, structural, defined)


def _same_vix(datas: Sequence[Any]) -> bool:
    first, *others = (whole(data.lines.vix).view(np.int64) for data in datas)  # NaN is itself
    return all(np.array_equal(first, other) for other in others)


def _no_texts(rows: Sequence[int]) -> list[str]:
    return [""] * len(rows)


def _texts(sample: Combo, found: Choices, columns: Sequence[int]) -> Callable[[Sequence[int]], list[str]]:
    @cache  # a combo is a candidate for minutes on end
    def text(expiry: date, *strikes: float) -> str:
        return sample.text([expiry] * len(strikes), strikes)

    def texts(rows: Sequence[int]) -> list[str]:
        strikes = found.strikes[rows][:, columns].tolist()
        codes, expiries = found.code[rows].tolist(), found.expiry[rows].tolist()
        return [
            text(expiry, *held) if code == OK else ""
            for code, expiry, held in zip(codes, expiries, strikes, strict=True)
        ]

    return texts
