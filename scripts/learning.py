"""``mw train``: fit the models, prove what they are worth, keep them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from loguru import logger
from numpy.typing import NDArray

from analyzers.report.learning import Proof, learning_chart, sections_of
from analyzers.report.words import NOT_EVIDENCE
from engine.errors import DataError
from engine.ml.advice import Learned
from engine.ml.cases import Cases
from engine.ml.features import SCHEMA_VERSION
from engine.ml.models import calibrate, exported, fit, need_extra
from engine.ml.split import Split, walk_forward
from engine.ml.store import FORMAT, About, save, versions
from engine.settings import Settings
from scripts.cases import collect
from scripts.chosen import chosen_bots
from scripts.lookahead import examine, last_sessions
from scripts.pages import publish
from scripts.parallel import spread
from scripts.progress import shown
from scripts.proof import Roster, Step, prove
from scripts.requests import BacktestRequest
from scripts.session import Setup, overrides, play, prepare
from scripts.told import console_of, tell

CHECK_SESSIONS, CHECK_CUTS = 90, 2
DEALT_SEED = 1


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A training as the command line asks for it; ``kind`` instead of ``learning.kind``.

    ``as_json``: print for a program instead of tables.
    """

    base: BacktestRequest
    kind: str | None = None
    jobs: int = -1
    as_json: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """A bot's model with its proof."""

    about: About
    estimator: Any
    proof: Proof
    cases: pd.DataFrame


def run(request: TrainRequest) -> Path:
    """Train a model for every bot, print what it is worth and return the folder of all of it.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right, and features that read ahead; nothing is written then.
    """
    from joblib import delayed

    need_extra()
    console = console_of(request.as_json)
    began = time.perf_counter()
    base = request.base
    settings = Settings.load(base.config, base.profile, overrides(base))
    bots = chosen_bots(settings, base.bots)
    with shown(console, f"Training {', '.join(bots)}"):
        one = (delayed(train)(replace(base, bots=(bot,)), bot, request.kind) for bot in bots)
        jobs = min(request.jobs, len(bots)) if request.jobs > 0 else request.jobs
        found: list[Trained] = list(spread(one, jobs))
    proofs = {bot: held.proof for bot, held in zip(bots, found, strict=True)}
    sections = sections_of(proofs)

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
    tell(console, sections, folder / "train.html", request.as_json, told)
    console.print(f"{sum(proof.cases for proof in proofs.values())} candidates, {spent:.0f} s.")
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
    setup = replace(prepare(request), advisors={}, advisor_notes=())
    check_features(setup, roster)
    return learn(setup, bot, kind, roster)


def learn(setup: Setup, bot: str, kind: str | None = None, roster: Roster | None = None) -> Trained:
    """Train and prove one bot's model on a market whose features are known not to read ahead.

    Raises
    ------
    DataError
        Too few candidates, or all of one class.
    """
    learning = setup.settings.learning
    chosen = kind or learning.kind
    cases = collect(setup, bot, roster).known()
    whole = cases.take(cases.complete)
    steps = walk_forward(setup.book.tape.dates, learning.folds, learning.embargo_days)
    last = _step(chosen, whole, steps[-1])
    done = [step for split in steps[:-1] if (step := try_step(chosen, whole, split, bot)) is not None]
    blind = whole.dealt(DEALT_SEED)
    dealt = [step for split in steps[:-1] if (step := try_step(chosen, blind, split, bot)) is not None]
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
    return Trained(about, last.estimator, proof, cases.table())


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


def try_step(kind: str, cases: Cases, split: Split, bot: str) -> Step | None:
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
