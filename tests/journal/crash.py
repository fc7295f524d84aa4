"""A process to be killed: writes orders and fills in pairs, says which are committed, never stops.

``python -m tests.journal.crash PLACE NAME``
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

from engine.journal.database import open_journal
from engine.journal.recorder import Recorder
from engine.journal.records import OrderEvent
from tests.journal.events import NOON, decision, fill, run


def main(place: str, name: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run(name))
    for number in itertools.count(1):
        recorder.record(OrderEvent(f"{name}/{number}", "putlite", "XSP", NOON, "filled", 0.4, 1, 0))
        for minute in range(20):
            recorder.record(decision(20 * number + minute))
        recorder.record(replace(fill(number), order_ref=f"{name}/{number}"))
        if not recorder.healthy:
            raise SystemExit(f"failed: {recorder.failure}")
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
