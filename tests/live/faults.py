"""Every fault the gateway knows, each in a rehearsed hour of its own; what must hold after every one.

``python -m tests.live.faults`` plays them all and prints a line each (``make faults``).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.live.stage import rehearsed

Script = list[dict[str, Any]]

DROP = {"do": "drop", "at": "10:36"}
FAULTS: Mapping[str, Script] = {
    "tcp dropped while holding": [{"do": "drop", "at": "10:36"}],
    "tcp dropped on the entry": [{"do": "drop", "event": "order"}],
    "tcp dropped as it fills": [{"do": "drop", "event": "filled"}],
    "tcp dropped on a change": [{"do": "drop", "event": "change"}],
    "1100 and 1102": [{"do": "outage", "at": "10:36", "seconds": 300}],
    "1100 and 1101": [{"do": "outage", "at": "10:36", "seconds": 300, "lost": True}],
    "fill lost in an outage": [{"do": "lost", "event": "filled"}],
    "silent requests": [{"do": "silence", "at": "10:36", "seconds": 120}],
    "10349 on the entry": [
        {"do": "notice", "event": "order", "code": 10349, "text": "Order TIF was set to DAY"}
    ],
    "105 on a changed combo": [
        {"do": "refuse", "event": "change", "code": 105, "text": "does not match the original order"}
    ],
    "201 on the entry": [{"do": "refuse", "event": "order", "code": 201, "text": "Order rejected"}],
    "inactive instead of cancelled": [{"do": "inactive", "event": "order"}],
    "fill after cancel": [{"do": "late_fill", "event": "cancel"}],
    "cancel ignored": [{"do": "ignore", "event": "cancel"}],
    "partial combo fill": [{"do": "partial", "event": "trade", "units": 1}],
    "354 on option data": [
        {"do": "refuse", "event": "request", "request": "marketData", "kind": "OPT", "nth": 3, "code": 354,
         "text": "Requested market data is not subscribed."}
    ],
    "rate limit": [{"do": "rate", "at": "10:36", "limit": 5, "seconds": 60}],
    "next id rolled back": [DROP, {"do": "roll_back", "event": "connect", "nth": 2, "by": 2}],
    "client id taken on reconnect": [DROP, {"do": "taken", "event": "connect", "nth": 2}],
    "daily restart": [{"do": "restart", "at": "10:36", "seconds": 120}],
    "frozen quotes": [{"do": "freeze", "at": "10:36", "seconds": 300}],
    "crossed quotes": [{"do": "cross", "at": "10:36", "seconds": 120}],
}  # fmt: skip


def survive(folder: Path, script: Script, quantity: int = 1) -> tuple[str, int]:
    """Play an hour with faults and hold the books together; return how it ended and what happened."""
    overrides: dict[str, Any] = {"bots": {"condor": {"quantity": quantity}}} if quantity > 1 else {}
    if quantity > 1:
        overrides["risk"] = {
            "window_last": "10:45", "flat_by": "11:05", "structural_loss": 100.0 * quantity,
            "planned_loss": 50.0 * quantity, "day_cap": 150.0 * quantity,
        }  # fmt: skip
    with rehearsed(folder, script, overrides=overrides) as played:
        assert played.outcome.how == "flat", played.outcome
        played.check()
        limits = played.plan.settings.risk
        for trade in played.trades():
            assert trade["structural_loss"] <= limits.structural_loss
        assert played.gateway.happened, "the fault did not happen"
        return played.outcome.text, len(played.gateway.happened)


def main() -> int:
    """Play every fault, or those named; return how many did not hold."""
    failed = 0
    wanted = sys.argv[1:] or list(FAULTS)
    for name in wanted:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                quantity = 2 if name.startswith("partial") else 1
                text, count = survive(Path(folder), FAULTS[name], quantity)
                print(f"held    {name}: {text}, {count} faults, {time.monotonic() - began:.0f} s", flush=True)
            except Exception as error:  # noqa: BLE001  one that fails must not hide the others
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} faults held")
    return failed


if __name__ == "__main__":
    sys.exit(main())
