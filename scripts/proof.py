"""What the models of a walk-forward are worth on days they had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analyzers.ablation import paired
from analyzers.controls import Mean, difference
from analyzers.learning import by_year, calibration, gap_by_year, importance
from analyzers.report.learning import Proof
from engine.desk import Desk
from engine.errors import DataError
from engine.ml.advice import Advisor, ByDay, Learned, ModelAdvisor, Policy
from engine.ml.cases import Cases
from engine.ml.split import Split
from scripts.cases import single
from scripts.session import Setup, play
from strategies.base import Bot

BETTER_HALF = "better half"
VALUE = "expected value"
Roster = Mapping[str, type[Bot]]


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the walk-forward: the model and the median value it gave the later cases."""

    split: Split
    learned: Learned
    estimator: Any
    base: float
    median: float


def prove(
    setup: Setup,
    bot: str,
    cases: Cases,
    whole: Cases,
    steps: Sequence[Step],
    dealt: Sequence[Step],
    roster: Roster | None,
) -> Proof:
    """Return what the walk-forward's models were worth on days they had not seen.

    ``dealt`` are models that learned from results dealt to other days, and must know nothing.

    Raises
    ------
    DataError
        No step of the walk-forward could be trained.
    """
    if not steps:
        raise DataError(
            f"training: {bot}: no step of the walk-forward had enough wins and losses to learn from"
        )
    parts = [whole.on(step.split.test) for step in steps]
    chance = np.concatenate(
        [step.learned.score.many(part.x) for step, part in zip(steps, parts, strict=True)]
    )
    base = np.concatenate([np.full(len(part), step.base) for step, part in zip(steps, parts, strict=True)])
    won, day = (np.concatenate([getattr(part, name) for part in parts]) for name in ("won", "day"))
    weights = [len(part) for part in parts]
    looked = [
        importance(step.learned.score.many, part.x, part.won) if len(part) else np.zeros(whole.x.shape[1])
        for step, part in zip(steps, parts, strict=True)
    ]
    days = [day for step in steps for day in step.split.test]
    policy = Policy(setup.settings.learning.least_value)
    rules = _days(setup, bot, None, days, roster)
    by_value = _days(setup, bot, dict.fromkeys(steps, policy), days, roster)
    by_half, by_chance = (
        _days(setup, bot, {step: Policy(step.median) for step in asked}, days, roster)
        for asked in (steps, dealt)
    )
    return Proof(
        bot=bot,
        cases=len(cases),
        complete=len(whole),
        tested=(str(days[0]), str(days[-1])),
        calibration=calibration(chance, won, base, day),
        features=tuple(feature.name for feature in whole.schema),
        importance=tuple(np.average(looked, axis=0, weights=weights).tolist()),
        years=by_year(chance, won, base, day),
        rules_trades=int(rules.trades.sum()),
        value=_uplift(by_value, rules),
        half=_uplift(by_half, rules),
        dealt=_uplift(by_chance, rules),
        half_years=gap_by_year(by_half, rules, list(rules.index)),
        curves=pd.DataFrame(
            {"rules only": rules.net, VALUE: by_value.net, BETTER_HALF: by_half.net}
        ).cumsum(),
    )


def _uplift(kept: pd.DataFrame, rules: pd.DataFrame) -> tuple[int, Mean, Mean]:
    """Return trades kept, what a trade brings more before costs, and a session more after them.

    Only the first can be skill. Its null: where every trade is worth its price at every moment,
    the mean of the kept is that of all, however they are chosen. The second's null is not zero:
    a bot that loses its costs gains them by any veto, also by a blind one.
    """
    before = [table.assign(net=table.net + table.costs) for table in (kept, rules)]
    return int(kept.trades.sum()), difference(*before), paired(kept.net, rules.net)


def _days(
    setup: Setup,
    bot: str,
    policies: Mapping[Step, Policy] | None,
    days: Sequence[date],
    roster: Roster | None,
) -> pd.DataFrame:
    """Play the bot on the whole data and return net, costs and trades of the days tested."""
    advisors: dict[str, Advisor] = {}
    if policies is not None:
        asked: dict[date, Advisor] = {}
        for step, policy in policies.items():
            test = step.split.test
            advisor = ModelAdvisor(step.learned, policy, (test[0], test[-1]))
            asked |= dict.fromkeys(test, advisor)
        advisors = {bot: ByDay(asked)}
    alone = replace(setup, bots=(bot,), advisors=advisors, settings=single(setup.settings, bot))
    desk, _ = play(alone, roster=roster)
    return day_sums(desk, days)


def day_sums(desk: Desk, days: Sequence[date]) -> pd.DataFrame:
    """Return ``net``, ``costs`` (fees, and what was given up against mid) and ``trades`` of some days."""
    trades = desk.journal.trades
    table = pd.DataFrame(
        {
            "day": [trade.entry_time.date().isoformat() for trade in trades],
            "net": [trade.net for trade in trades],
            "costs": [trade.fees + trade.slippage for trade in trades],
            "trades": 1.0,
        }
    )
    return table.groupby("day").sum().reindex([day.isoformat() for day in days], fill_value=0.0)
