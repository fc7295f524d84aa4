"""Play a short rehearsed session through ib_async instead of ib_insync, its journal where it is told.

``python -m tests.live.through_ib_async SITE FOLDER DATABASE``; SITE is the folder of ib_async's packages.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path


def main(site: str, folder: str, database: str) -> None:
    """Play it, hold the books together and print how it ended."""
    sys.path.insert(0, site)  # both libraries bring a package eventkit: only one may be seen
    from engine.ibkr import library

    library.NAMES = ("ib_async",)
    from scripts.live.rehearse import stage
    from scripts.live.session import play
    from tests.live.kills import BEGIN, SHORT
    from tests.live.stage import Played, request

    drop = {"do": "drop", "at": "10:36", "seconds": 45}
    with stage(request(Path(folder), [drop], overrides=SHORT, first=BEGIN)) as (gateway, plan):
        plan = replace(plan, database=database)
        outcome = play(plan)
        Played(outcome, gateway, plan).check()
    assert "ib_insync" not in sys.modules
    print(library.library().__name__, outcome.how, outcome.trades)


if __name__ == "__main__":
    main(*sys.argv[1:])
