"""Candidates of a bot with what came of each, by playing its own rules on all of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from engine.desk import Desk
from engine.errors import DataError
from engine.journal.records import Trade
from engine.ml.advice import Case, Recorder
from engine.ml.cases import RESULTS, Cases
from engine.options.contract import Contract, Right
from engine.settings import Settings
from scripts.session import Setup, play
from strategies.base import Bot
from strategies.lane import Lane
from strategies.roster import BOTS

GREEKS = ("delta", "gamma", "vega", "theta")


class SlotLane(Lane):
    """A lane that decides in one part of the trade window only.

    Parameters
    ----------
    slot : tuple of int
        First minute after midnight, and the first one that is not of it.
    """

    def __init__(self, *arguments: Any, slot: tuple[int, int], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.slot = slot

    def _decides(self, minute: Any) -> Any:
        return super()._decides(minute) & (minute >= self.slot[0]) & (minute < self.slot[1])


def slots(settings: Settings) -> list[tuple[int, int]]:
    """Return the parts of the trade window of which a candidate each is tried."""
    first, last, step = settings.risk.window_first, settings.risk.window_last, settings.learning.slot_minutes
    return [(start, min(start + step, last)) for start in range(first, last, step)]


def single(settings: Settings, bot: str) -> Settings:
    """Return the settings under which a bot trades one unit once a day."""
    own = getattr(settings.bots, bot).model_copy(update={"quantity": 1, "entries_per_day": 1})
    return settings.model_copy(update={"bots": settings.bots.model_copy(update={bot: own})})


def collect(setup: Setup, bot: str, roster: dict[str, type[Bot]] | None = None) -> Cases:
    """Return the candidates of a bot: in every slot of a day the first that the rules would trade.

    Every candidate is played by the bot itself, from the order to the exit, alone on its day, so
    that target, stop, time, halts, fills and fees are the rule's own. What was never filled is
    left out: nothing came of it.

    Raises
    ------
    DataError
        There is none.
    """
    alone = replace(setup, bots=(bot,), settings=single(setup.settings, bot))
    cases: list[Case] = []
    rows: list[dict[str, Any]] = []
    for slot in slots(setup.settings):
        recorder = Recorder()
        own = (roster or BOTS)[bot]
        slotted = type(f"Slotted{own.__name__}", (own,), {"lane": staticmethod(partial(SlotLane, slot=slot))})
        desk, _ = play(replace(alone, advisors={bot: recorder}), roster={bot: slotted})
        for case, trade in _matched(recorder.cases, desk):
            cases.append(case)
            rows.append(_result(alone, desk, case, trade))
    if not cases:
        raise DataError(f"training: {bot} has no trade from its candidates, expected some")
    order = np.argsort([case.stamp for case in cases], kind="stable")
    table = pd.DataFrame(rows).iloc[order].reset_index(drop=True)
    ordered = [cases[row] for row in order.tolist()]
    return Cases(
        ordered[0].schema,
        np.array([case.day for case in ordered], "datetime64[D]"),
        np.array([case.stamp for case in ordered], np.int64),
        table.pop("ended").to_numpy(np.int64),
        np.array([case.values for case in ordered], np.float64),
        table[[*RESULTS, "exit_reason"]],
    )


def _matched(cases: list[Case], desk: Desk) -> list[tuple[Case, Trade]]:
    """Return trades with the case each came from: the day's last before the first fill."""
    found = []
    for trade in desk.journal.trades:
        entered = trade.entry_time.timestamp() * 1e9
        day = trade.entry_time.date()
        before = [case for case in cases if case.day == day and case.stamp < entered]
        found.append((before[-1], trade))
    return found


def _result(setup: Setup, desk: Desk, case: Case, trade: Trade) -> dict[str, Any]:
    tape: Any = desk.clock
    entered, ended = (round(at.timestamp()) * 1_000_000_000 for at in (trade.entry_time, trade.exit_time))
    first, last = np.searchsorted(tape.stamp, (entered, ended)).tolist()
    bid, _, _ = setup.book.mark_path(case.combo, first, last + 1)
    mark = (bid + trade.credit) * case.combo.multiplier
    told = {
        "ended": ended,
        "net": trade.net / trade.quantity,
        "gross": (trade.gross + trade.slippage) / trade.quantity,
        "planned_loss": trade.planned_loss / trade.quantity,
        "best": float(np.nanmax(mark)) if np.isfinite(mark).any() else np.nan,
        "worst": float(np.nanmin(mark)) if np.isfinite(mark).any() else np.nan,
        "exit_reason": str(trade.exit_reason),
    }
    return told | {f"exit_{name}": value for name, value in _greeks(setup, case, trade, last).items()}


def _greeks(setup: Setup, case: Case, trade: Trade, bar: int) -> dict[str, float]:
    """Return a combo's greeks at a bar, per share of the combo; NaN where a leg is not quoted."""
    book: Any = setup.book
    book.move(bar)
    chain = book.chain(trade.symbol, trade.expiry)
    total = dict.fromkeys(GREEKS, 0.0)
    for leg in case.combo.legs:
        held, weight = leg.instrument, leg.ratio * leg.instrument.multiplier / case.combo.multiplier
        if not isinstance(held, Contract):
            total["delta"] += weight
            continue
        at = np.flatnonzero((chain.strike == held.strike) & (chain.call == (held.right is Right.CALL)))
        for name in GREEKS:
            total[name] += weight * float(getattr(chain, name)[at[0]]) if len(at) else np.nan
    return total
