"""A session in a process of its own, killed at a moment of its life and started again."""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.gateway.gateway import Gateway
from engine.journal import logs
from scripts.live.plan import Plan, read_plan, save_plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.live.watch import Outcome
from tests.live.stage import HOUR, Played, request

TAG = "rehearsal-child"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["scripts.live.session"])  # a restart costs no second imports
Moment = Callable[[Gateway], bool]


def working_entry(gateway: Gateway) -> bool:
    """Tell whether an order to open works and nothing is held."""
    return bool(gateway.open_orders()) and not gateway.positions()


def holding(gateway: Gateway) -> bool:
    """Tell whether something is held."""
    return bool(gateway.positions())


def closing(gateway: Gateway) -> bool:
    """Tell whether something is held and a limit order works to close it."""
    return holding(gateway) and any(order["orderType"] == "LMT" for order in gateway.open_orders())


def start(plan: Plan) -> Any:
    """Start the session of a plan as a process."""
    child = PROCESSES.Process(target=_play, args=(plan.folder, TAG), daemon=True)
    child.start()
    return child


def _play(folder: Path, tag: str) -> None:
    logs.start("INFO", folder / "child.log")
    outcome = play(read_plan(folder, tag), 20.0)
    (folder / "outcome").write_text(f"{outcome.how} {outcome.trades} {outcome.net}")


def until(what: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; tell whether it came to be."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def kill_and_restart(folder: Path, moment: Moment, delay: float, speed: float = 120.0) -> None:
    """Kill a session ``delay`` wall seconds after a moment, start it again, and hold everything together.

    Raises
    ------
    AssertionError
        The moment did not come, or the books disagree afterwards.
    """
    slow = {**HOUR, "execution": {"entry_fraction_start": 0.0}} if moment is working_entry else HOUR
    with stage(request(folder, speed=speed, first=590, overrides=slow)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        came = until(lambda: moment(gateway) or not child.is_alive(), 60.0)
        assert came and child.is_alive(), "the moment did not come"
        time.sleep(delay)
        child.kill()
        child.join()
        again = start(plan)
        again.join(120.0)
        assert again.exitcode == 0, (plan.folder / "child.log").read_text()[-3000:]
        how, trades, net = (plan.folder / "outcome").read_text().split()
        outcome = Outcome(how, gateway.now.date(), int(trades), float(net), "")
        assert how == "flat"
        Played(outcome, gateway, plan).check()


def soak(folder: Path, kills: int, seed: int = 0) -> None:
    """Kill ``kills`` sessions at random moments, print a line each; the first that disagrees ends it."""
    draw = random.Random(seed)
    for number in range(kills):
        moment, delay = draw.choice((working_entry, holding, closing)), draw.uniform(0.0, 4.0)
        kill_and_restart(folder / str(number), moment, delay)
        print(f"{number + 1}/{kills}: {moment.__name__} + {delay:.2f} s: books agree", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        soak(Path(place), int(sys.argv[1]))
