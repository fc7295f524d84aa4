"""Variants proposed by Optuna (tree-structured Parzen estimator), the same ones however often stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.errors import ConfigError
from engine.research.space import Axis, Changes
from scripts.outcomes import Outcome

STARTUP = 16  # random ones before the estimator has anything to estimate from

Judge = Callable[[Outcome], float]
Run = Callable[[Sequence[Changes]], Iterator[tuple[int, Outcome]]]


def proposed(
    axes: Sequence[Axis], trials: int, batch: int, seed: int, run: Run, judge: Judge
) -> Iterator[tuple[int, Outcome]]:
    """Let Optuna propose variants in batches, and run them.

    Every proposal has a seed of its own and sees only whole batches before it, so a study is
    the same on any number of processes. The results file is the study's store: after a kill the
    proposals are made again, their finished runs are found there, and the study goes on.

    Parameters
    ----------
    axes : sequence of Axis
    trials, batch, seed : int
    run : callable
        Runs variants and gives (number within them, outcome), finished ones at once.
    judge : callable
        What is to be made large; NaN for an outcome that says nothing.

    Yields
    ------
    (int, Outcome)

    Raises
    ------
    ConfigError
        Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise ConfigError("search: optuna is not installed, expected the extra search") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {axis.key: _distribution(axis) for axis in axes}
    study = optuna.create_study(direction="maximize")
    for start in range(0, trials, batch):
        asked = []
        for number in range(start, min(start + batch, trials)):
            study.sampler = _sampler(seed, number)
            asked.append(study.ask(fixed_distributions=space))
        wanted = [_changes(axes, trial.params) for trial in asked]
        found: dict[int, Outcome] = {}
        for number, outcome in run(wanted):
            found[number] = outcome
            yield start + number, outcome
        for number, trial in enumerate(asked):
            value = judge(found[number]) if not found[number].error else math.nan
            if math.isfinite(value):
                study.tell(trial, value)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _sampler(seed: int, number: int) -> Any:
    import numpy as np
    import optuna

    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=own, n_startup_trials=STARTUP, constant_liar=True)


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not axis.values:
        if axis.whole:
            return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    if _ordered(axis):
        return IntDistribution(0, len(axis.values) - 1)  # the places: their order tells something
    return CategoricalDistribution(list(range(len(axis.values))))


def _ordered(axis: Axis) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values)


def _changes(axes: Sequence[Axis], told: dict[str, Any]) -> Changes:
    return {
        axis.key: axis.values[told[axis.key]]
        if axis.values
        else (told[axis.key] if axis.whole else float(f"{told[axis.key]:.6g}"))
        for axis in axes
    }
