"""What would come of looking at a chain, for all of a lane's candidates at once.

Strikes, credit, costs and blackouts follow from market and calendar alone. Where the path is
known they are computed as columns, and a bot is only called on the bars where they leave a
trade to decide on. A run without this looks at every chain and comes to the same journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from engine.desk import Desk
from engine.options.choice import OK, WHY, Choice, Choices, StrikeRule
from engine.options.combo import Combo
from engine.options.quotebook import ChoiceBook
from engine.reasons import Reason
from strategies.lane import CODE, PASSED, Lane, Preview
from strategies.ticket import Proposal

Build = Callable[[Lane, date, Choice], Proposal]
_WHY = np.array([CODE[reason] for reason in WHY], np.int16)


def preview(
    desk: Desk,
    lane: Lane,
    rule: StrikeRule | None,
    days: int,
    build: Build,
    premium: Callable[[Proposal], Combo],
    least: float,
) -> Preview | None:
    """Return what is known of a lane's candidates beforehand, None where nothing is.

    Parameters
    ----------
    desk : Desk
    lane : Lane, prepared
    rule : StrikeRule, optional
        None for a bot that chooses its strikes in another way.
    days : int
        Sessions to the expiry.
    build : callable
        Makes the proposal of one choice; every choice must give the same structure.
    premium : callable
        The part of a proposal whose price is the credit.
    least : float
        Credit over the costs of a round trip, at least.
    """
    book = desk.book
    if rule is None or not isinstance(book, ChoiceBook) or not len(lane.candidates):
        return None
    found = book.choices(lane.symbol, days, lane.candidates, rule)
    if found is None:
        return None
    codes, credit = _WHY[found.code], np.full(len(found.bars), np.nan)
    rows = np.flatnonzero(found.code == OK)
    texts = _no_texts
    if len(rows):
        good = found.take(rows)
        proposal = build(lane, good.expiry[0].item(), good[0])
        columns = good.columns(proposal.combo)
        asks, prices = book.asks(proposal.combo, good), book.asks(premium(proposal), good)
        if columns is None or asks is None or prices is None:
            return None
        credit[rows] = -asks
        codes[rows] = _verdicts(desk, lane.symbol, proposal, good, asks, -prices, premium(proposal), least)
        texts = _texts(proposal.combo, found, [column for column in columns if column >= 0])
    return Preview(found, codes, credit, texts)


def _verdicts(
    desk: Desk,
    symbol: str,
    proposal: Proposal,
    good: Choices,
    asks: np.ndarray,
    credit: np.ndarray,
    sold: Combo,
    least: float,
) -> np.ndarray:
    """Return the codes of choices that can be traded, in the order in which a bot asks."""
    days = [desk.clock.day(bar) for bar in good.bars.tolist()]
    blocked = {day: desk.governor.calendar_verdict(symbol, day) for day in dict.fromkeys(days)}
    codes = np.array(
        [PASSED if blocked[day] is None else CODE[blocked[day].reason] for day in days], np.int16
    )
    cost = desk.fees.estimate_round_trips(proposal.combo, asks, days)
    enough = credit * sold.multiplier >= least * cost
    codes = np.where(enough, codes, np.int16(CODE[Reason.CREDIT_BELOW_COST]))
    return np.where(np.isnan(asks), np.int16(CODE[Reason.NO_QUOTE]), codes)


def _no_texts(rows: Sequence[int]) -> list[str]:
    return [""] * len(rows)


def _texts(sample: Combo, found: Choices, columns: Sequence[int]) -> Callable[[Sequence[int]], list[str]]:
    def texts(rows: Sequence[int]) -> list[str]:
        strikes = found.strikes[rows][:, columns].tolist()
        codes, expiries = found.code[rows].tolist(), found.expiry[rows].tolist()
        count = len(columns)
        return [
            sample.text([expiry] * count, held) if code == OK else ""
            for code, expiry, held in zip(codes, expiries, strikes, strict=True)
        ]

    return texts
