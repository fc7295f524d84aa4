"""``mw train``: fit the models, prove what they are worth, keep them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from loguru import logger
from numpy.typing import NDArray
from rich.console import Console

from analyzers.ablation import paired
from analyzers.controls import Mean, difference
from analyzers.learning import Calibration, by_year, calibration, gap_by_year, importance
from analyzers.report.learning import Proof, learning_chart, sections_of
from analyzers.report.sections import print_sections
from analyzers.report.words import NOT_EVIDENCE
from engine.desk import Desk
from engine.errors import DataError
from engine.ml.advice import Advisor, ByDay, Learned, ModelAdvisor, Policy
from engine.ml.cases import Cases
from engine.ml.features import SCHEMA_VERSION
from engine.ml.models import calibrate, exported, fit, need_extra
from engine.ml.split import Split, walk_forward
from engine.ml.store import FORMAT, About, save, versions
from scripts.cases import collect, single
from scripts.lookahead import examine, last_sessions
from scripts.pages import publish
from scripts.requests import BacktestRequest
from scripts.session import Setup, chosen_bots, play, prepare
from strategies.base import Bot

CHECK_SESSIONS, CHECK_CUTS = 90, 2
DEALT_SEED = 1
BETTER_HALF = "better half"
VALUE = "expected value"
Roster = Mapping[str, type[Bot]]


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A training as the command line asks for it; ``kind`` instead of ``learning.kind``."""

    base: BacktestRequest
    kind: str | None = None
    jobs: int = -1


@dataclass(frozen=True, eq=False)
class Trained:
    """A bot's model with its proof."""

    about: About
    estimator: Any
    proof: Proof
    cases: pd.DataFrame
    seconds: float
    digest: str = field(default="")


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the walk-forward: the model and the median value it gave the later cases."""

    split: Split
    learned: Learned
    estimator: Any
    base: float
    median: float


def run(request: TrainRequest) -> Path:
    """Train a model for every bot, print what it is worth and return the folder of all of it.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right, and features that read ahead; nothing is written then.
    """
    from joblib import Parallel, delayed

    from engine.settings import Settings
    from scripts.session import overrides

    need_extra()
    console = Console()
    began = time.perf_counter()
    base = request.base
    settings = Settings.load(base.config, base.profile, overrides(base))
    bots = chosen_bots(settings, base.bots)
    with console.status(f"Training {', '.join(bots)}"):
        one = (delayed(train)(replace(base, bots=(bot,)), bot, request.kind) for bot in bots)
        found: list[Trained] = Parallel(
            n_jobs=min(request.jobs, len(bots)) if request.jobs > 0 else request.jobs
        )(one)
    proofs = {bot: held.proof for bot, held in zip(bots, found, strict=True)}
    sections = sections_of(proofs)
    print_sections(console, sections)

    def beside(folder: Path) -> None:
        for bot, held in zip(bots, found, strict=True):
            save(folder / f"{bot}.mwmodel", held.about, held.estimator)
            held.cases.to_parquet(folder / f"cases-{bot}.parquet", index=False)

    told = {bot: asdict(proof) for bot, proof in proofs.items()}
    folder = publish(
        base.out,
        "train",
        "Market Watch models",
        f"{NOT_EVIDENCE if not base.recording else ''} Settings {settings.digest[:12]};".strip(),
        sections,
        told,
        lambda picture: learning_chart(proofs, picture),
        beside,
    )
    spent = time.perf_counter() - began
    console.print(f"{sum(proof.cases for proof in proofs.values())} candidates, {spent:.0f} s.")
    console.print(f"Models and report: {folder / 'train.html'}", soft_wrap=True)
    return folder


def train(
    request: BacktestRequest, bot: str, kind: str | None = None, roster: Roster | None = None
) -> Trained:
    """Train and prove one bot's model.

    Raises
    ------
    DataError
        A feature reads ahead; too few candidates, or all of one class.
    """
    began = time.perf_counter()
    setup = prepare(request)
    setup = replace(setup, advisors={}, advisor_notes=())
    check_features(setup, roster)
    learning = setup.settings.learning
    chosen = kind or learning.kind
    cases = collect(setup, bot, roster).known()
    whole = cases.take(cases.complete)
    steps = walk_forward(setup.book.tape.dates, learning.folds, learning.embargo_days)
    last = _step(chosen, whole, steps[-1])
    done = [step for split in steps[:-1] if (step := _try(chosen, whole, split, bot)) is not None]
    blind = whole.dealt(DEALT_SEED)
    dealt = [step for split in steps[:-1] if (step := _try(chosen, blind, split, bot)) is not None]
    proof = prove(setup, bot, cases, whole, done, dealt, roster)
    days = [*last.split.train, *last.split.calibrate]
    about = About(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        bot=bot,
        kind=chosen,
        features=whole.schema,
        trained=(days[0], days[-1]),
        cases=len(whole),
        win=last.learned.win,
        loss=last.learned.loss,
        calibration=(last.learned.score.slope, last.learned.score.shift),
        versions=versions(),
        settings_digest=setup.settings.digest,
        proof=proof.summary(),
    )
    return Trained(about, last.estimator, proof, cases.table(), time.perf_counter() - began)


def check_features(setup: Setup, roster: Roster | None = None) -> None:
    """Refuse to train on anything that changes with the future.

    Raises
    ------
    DataError
        Names what reads ahead.
    """
    found, _ = examine(_busy(setup, roster), CHECK_CUTS, roster=roster)
    if found:
        first = sorted(found, key=lambda one: one.change.kind != "feature")[0].change
        names = {f"{one.change.kind} {one.change.name}" for one in found}
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        raise DataError(
            f"training: {first.kind} {first.name} reads ahead{more}, expected nothing to; see mw lookahead"
        )


def _busy(setup: Setup, roster: Roster | None) -> Setup:
    """Return the setup over its last sessions, as few as hold an order."""
    sessions = len(setup.book.tape.dates)
    for count in (CHECK_SESSIONS, 3 * CHECK_SESSIONS):
        if count < sessions:
            part = last_sessions(setup, count)
            if play(part, roster=roster)[0].journal.orders:
                return part
    return setup


def _try(kind: str, cases: Cases, split: Split, bot: str) -> Step | None:
    try:
        return _step(kind, cases, split)
    except DataError as error:
        logger.warning("{} from {}: {}: rules only", bot, split.test[0], error)
        return None


def _step(kind: str, cases: Cases, split: Split) -> Step:
    past, later = cases.on(split.train), cases.on(split.calibrate)
    signs = [feature.sign for feature in cases.schema]
    estimator = fit(kind, past.x, past.won, past.weight, signs)
    raw = exported(estimator)
    score = (
        calibrate(raw, later.x, later.won, later.weight)
        if len(later)
        else calibrate(raw, past.x, past.won, past.weight)
    )
    win = float(np.average(past.net[past.won], weights=past.weight[past.won]))
    loss = -float(np.average(past.net[~past.won], weights=past.weight[~past.won]))
    learned = Learned(score, tuple(feature.name for feature in cases.schema), win, loss)
    seen = later if len(later) else past
    median = float(np.median(values_of(learned, score.many(seen.x))))
    return Step(split, learned, estimator, float(np.average(past.won, weights=past.weight)), median)


def values_of(learned: Learned, chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return expected net results of one unit, USD."""
    return chance * learned.win - (1.0 - chance) * learned.loss


# proof ------------------------------------------------------------------------------------


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
    told: Calibration = calibration(chance, won, base, day)
    return Proof(
        bot=bot,
        cases=len(cases),
        complete=len(whole),
        tested=(str(days[0]), str(days[-1])),
        calibration=told,
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
    """Return trades kept, what a trade brings more before costs, and a session more after them."""
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
