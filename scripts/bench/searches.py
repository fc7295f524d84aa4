"""How many variants of a bot a process runs in a second, everything a sweep does for one included."""

from __future__ import annotations

import random
from pathlib import Path

from engine.errors import LedgerError
from scripts.bench.clock import Timed, timed
from scripts.commands.options import CONFIG
from scripts.search.spec import Search
from scripts.variants import Base, run_variant

SPEC = CONFIG / "searches" / "condor.yaml"


def variants(count: int, out: Path, seed: int = 7) -> Timed[int]:
    """Time so many variants of the shipped search, drawn by lot, in this process; return their trades.

    Bars and surfaces are there, made by one variant before.

    Raises
    ------
    LedgerError
        A variant failed.
    """
    search = Search.load(SPEC)
    base = Base.of(search.request(CONFIG, out))
    drawn = [search.variant(held) for held in random.Random(seed).sample(search.changes(), count + 1)]
    run_variant(base, drawn.pop())

    def work() -> int:
        found = [run_variant(base, variant) for variant in drawn]
        failed = next((one.error for one in found if one.error), "")
        if failed:
            raise LedgerError(f"bench: a variant failed: {failed}")
        return sum(bot.trades for one in found for bot in one.bots.values())

    return timed(work)
