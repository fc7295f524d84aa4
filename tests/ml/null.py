"""Uplifts where there should be none: ``python -m tests.ml.null fair condor 301-306``.

Markets: ``fair``, where nothing is to be known (`tests.ml.fair`), or ``small`` and ``spx``, simulated
minutes at premium 0. In ``fair`` the bot is played with its models, as `mw train` does; in the others
every day's first candidate that the model keeps is its trade, which takes a seventh of the time.

``python -m tests.ml.null worlds buywrite 201-204``: in which share of 1,000 made-up worlds a seed, a
bot's results drawn anew under vetoes that know nothing, the interval of an uplift holds zero.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from analyzers.controls import Mean, difference
from engine.ml.cases import Cases
from engine.ml.split import walk_forward
from scripts.cases import collect, single
from scripts.learning import learn, try_step, values_of
from scripts.requests import BacktestRequest
from scripts.session import Setup, prepare
from tests.ml.test_uplift import CONFIG, WORLDS, fair, results_of, share_held

DRAWN_FROM = 21  # seed of the minutes the results of the made-up worlds come from


def simulated(bot: str, profile: str | None, seed: int) -> Setup:
    """Return a bot's setup on simulated minutes at premium 0."""
    request = BacktestRequest(CONFIG, Path(), (bot,), profile=profile, seed=seed)
    return prepare(replace(request, generator="simulated", premium=0.0))


def by_trades(bot: str, profile: str | None, seed: int) -> Mean:
    """Return what the better half of the rules' candidates brings a trade before costs."""
    setup = replace(simulated(bot, profile, seed), advisors={})
    learning, sessions = setup.settings.learning, setup.book.tape.dates
    cases = collect(setup, bot).known()
    kept, tested = ~cases.complete, np.zeros(len(cases), bool)
    days: list[date] = []
    for split in walk_forward(sessions, learning.folds, learning.embargo_days)[:-1]:
        step = try_step(learning.kind, cases.take(cases.complete), split, bot)
        if step is None:
            continue
        here = np.isin(cases.day, np.array(split.test, "datetime64[D]"))
        value = values_of(step.learned, step.learned.score.many(cases.x))
        kept |= here & (value >= step.median)
        tested |= here
        days += split.test
    return difference(_first(cases, tested & kept, days), _first(cases, tested, days))


def _first(cases: Cases, rows: np.ndarray, days: list[date]) -> pd.DataFrame:
    """Return a table of days with the first of some candidates of each, before costs."""
    chosen = cases.take(rows)
    table = pd.DataFrame({"day": chosen.day, "net": chosen.results.gross.to_numpy(), "trades": 1.0})
    return table.groupby("day").first().reindex(np.array(days, "datetime64[s]"), fill_value=0.0)


def main(market: str, bots: str, seeds: str) -> None:
    """Print a line a run, and how many leave out zero."""
    first, last = (int(seed) for seed in seeds.split("-"))
    if market == "worlds":
        for bot in bots.split(","):
            setup = simulated(bot, None, DRAWN_FROM)
            results = results_of(replace(setup, settings=single(setup.settings, bot)))
            told = [share_held(results, seed, WORLDS) for seed in range(first, last + 1)]
            print(f"{bot}: {np.mean(told):.2%} ({', '.join(f'{one:.1%}' for one in told)})", flush=True)
        return
    found = []
    for bot in bots.split(","):
        for seed in range(first, last + 1):
            if market == "fair":
                one = learn(fair(bot, seed), bot).proof.half[1]
            else:
                one = by_trades(bot, None if market == "small" else market, seed)
            found.append(one)
            word = "" if one.holds_zero else "  leaves out zero"
            print(f"{bot} {seed}: {one.value:.2f} ({one.low:.2f} to {one.high:.2f}){word}", flush=True)
    print(f"{sum(not one.holds_zero for one in found)} of {len(found)} leave out zero")


if __name__ == "__main__":
    main(*sys.argv[1:])
