"""How long an account stays open when its session is killed under guard and nobody starts it again.

``python -m tests.live.guarded N [seed]`` (``make soak-guard``) plays an hour in lockstep until a
condor is held, and from there, N times, goes on at the wall's own pace with a session and a guard in
processes of their own, at an exchange that deals at once. The session is killed at a random moment;
what passes on the gateway's clock until the account is flat is printed, and the guard's words with it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from scripts.live.plan import instant, save_plan
from scripts.live.rehearse import stage
from scripts.live.watch import Outcome
from tests.live.killing import TAG, guard, holding, start, until
from tests.live.kills import BEGIN, Moment, hold
from tests.live.stage import DAY, HOUR, Played, request

PATIENCE = 180.0  # wall
LIMIT = 30.0  # seconds of the gateway's clock
GUARDED = {**HOUR, "session": {"guard": False}}  # with the settings' own grace for a restart


def take_over(folder: Path, delay: float) -> float:
    """Kill the session that goes on in a folder ``delay`` wall seconds after it does; return the gap.

    Raises
    ------
    AssertionError
        The account does not come to be flat, or the books disagree.
    """
    asked = request(folder, overrides=GUARDED, speed=1.0, first=BEGIN, prompt=True)
    with stage(asked) as (gateway, plan):
        for path in plan.folder.glob("*.heartbeat.json"):
            path.unlink()  # of the session that is dead
        save_plan(plan, TAG)
        child = start(plan)
        tag = plan.tag("DU0000007")
        log = plan.folder / "child.log"
        assert until(lambda: (plan.folder / f"{tag}.heartbeat.json").exists(), PATIENCE), log.read_text()
        watching = guard(plan, tag)
        rests = lambda: any(order["orderType"] == "STP" for order in gateway.open_orders())  # noqa: E731
        assert until(rests, PATIENCE), log.read_text()
        until(lambda: not child.is_alive(), delay)
        assert holding(gateway) and child.is_alive()
        os.kill(child.pid, signal.SIGKILL)
        began = gateway.now
        told = plan.folder / "guard.log"
        assert until(lambda: not holding(gateway), PATIENCE), told.read_text()[-3000:]
        took = (gateway.now - began).total_seconds()
        played = Played(Outcome("flat", DAY, 1, 0.0, ""), gateway, plan)
        assert until(lambda: bool(played.trades()), PATIENCE), told.read_text()[-3000:]
        watching.kill()  # it would go on looking for what a minute's exchange deals late
        watching.join()
        child.join()
        played.check()
        return took


def measure(folder: Path, count: int, seed: int = 0) -> list[float]:
    """Return the gaps of so many take-overs."""
    draw = random.Random(seed)
    held = folder / "held"
    hold(held, Moment("second", at=instant(DAY, BEGIN) + timedelta(minutes=8)))
    took = []
    for number in range(count):
        place = folder / str(number)
        shutil.copytree(held, place)
        took.append(take_over(place, draw.uniform(0.0, 5.0)))
        print(f"{number + 1}/{count}: flat after {took[-1]:.1f} s", flush=True)
        shutil.rmtree(place)
    return took


def main() -> int:
    """Measure as the command line says; return 1 when a gap was over the limit."""
    with tempfile.TemporaryDirectory() as folder:
        count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
        took = sorted(measure(Path(folder), count, seed))
    over = sum(one > LIMIT for one in took)
    middle = statistics.median(took)
    print(
        f"{count} times: {took[0]:.1f} s at least, median {middle:.1f}, most {took[-1]:.1f}; {over} over 30"
    )
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
