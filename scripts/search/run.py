"""Run what a search file asks for, and keep everything that came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from analyzers.search import figures
from engine.research.space import Changes
from engine.settings import Settings
from scripts.chosen import chosen_bots
from scripts.outcomes import Outcome, read_outcomes
from scripts.progress import watched
from scripts.search.folder import DONE
from scripts.search.found import Found, matrices
from scripts.search.ledger import Ledger
from scripts.search.spec import MOST, Search
from scripts.search.tpe import proposed
from scripts.variants import Base, Variant, run_variants, settings_of


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as the command line asks for it; ``jobs`` are processes, -1 one a core.

    ``as_json``: print for a program instead of tables.
    """

    file: Path
    config: Path
    out: Path
    jobs: int = -1
    scheduler: str | None = None
    as_json: bool = False


@dataclass(frozen=True)
class Plan:
    """A search ready to run: every user error of it has surfaced."""

    search: Search
    base: Base
    settings: Settings
    bots: tuple[str, ...]

    @classmethod
    def of(cls, request: SearchRequest, most: int = MOST) -> Plan:
        """Read the search file, of at most ``most`` variants, and everything they are made of."""
        search = Search.load(request.file, most)
        base = Base.of(search.request(request.config, request.out))
        settings = settings_of(base, search.spec.fixed)
        return cls(search, base, settings, chosen_bots(settings, base.bots))

    @property
    def family(self) -> str:
        """Whose trials count together: the file's word, else the bots."""
        return self.search.spec.family or "-".join(self.bots)

    def folder(self, out: Path) -> Path:
        """Return where the search stands; the same variants, the same folder, however they are judged."""
        told = f"{self.base.digest}{self.search.digest}"
        return out / f"search-{self.search.name}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def searched(plan: Plan, request: SearchRequest, folder: Path, console: Console, ledger: Ledger) -> Found:
    """Run all variants that are not finished yet, and count every one in the ledger."""
    search, base = plan.search, plan.base
    done = folder / DONE
    known = read_outcomes(done)
    if known:
        console.print(f"{len(known)} variants are finished already, from {done}", soft_wrap=True)

    def run(wanted: Sequence[Changes]) -> Iterator[tuple[int, Outcome]]:
        variants = [search.variant(changes) for changes in wanted]
        yield from run_variants(base, variants, request.jobs, done, request.scheduler, known)

    def judge(outcome: Outcome) -> float:
        return judged(outcome, search.spec.metric, plan.settings.account.cash)

    if search.spec.search == "tpe":
        total = search.spec.trials
        results = proposed(search.axes, total, search.spec.batch, search.spec.seed, run, judge)
    else:
        wanted = search.changes()
        total, results = len(wanted), run(wanted)
    found: dict[int, Outcome] = {}
    told = watched(console, "Variants", total, results, lambda result: result[1].key in known)
    for number, outcome in told:
        found[number] = outcome
        if not outcome.error:
            trial = Variant(outcome.changes, outcome.signals).trial(base)
            ledger.add(trial, [judged(outcome, "sharpe", plan.settings.account.cash)])
    ordered = tuple(found[number] for number in sorted(found))
    return Found(tuple(axis.key for axis in search.axes), ordered, plan.settings.account.cash)


def judged(outcome: Outcome, metric: str, capital: float) -> float:
    """Return one figure of one outcome, NaN where its days or trades are too few."""
    return float(figures(*matrices([outcome], outcome.sessions), capital)[metric][0])
