"""A session in a process of its own, killed at a moment of its life and started again."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.gateway.gateway import Gateway
from engine.journal import logs
from scripts.live.guard import Guard
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


def guard(plan: Plan, tag: str) -> Any:
    """Start the guard of a plan as a process."""
    child = PROCESSES.Process(target=_guard, args=(plan.folder, tag), daemon=True)
    child.start()
    return child


def _guard(folder: Path, tag: str) -> None:
    logs.start("INFO", folder / "guard.log")
    raise SystemExit(Guard(read_plan(folder, tag), tag).run())


def until(what: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; tell whether it came to be."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def kill_and_restart(folder: Path, moment: Moment, delay: float, speed: float = 120.0) -> bool:
    """Kill a session ``delay`` wall seconds after a moment, start it again, and hold everything together.

    Returns whether the moment came: a busy machine can miss it.

    Raises
    ------
    AssertionError
        The books disagree afterwards.
    """
    slow = {**HOUR, "execution": {"entry_fraction_start": 0.0}} if moment is working_entry else HOUR
    with stage(request(folder, speed=speed, first=590, overrides=slow)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        until(lambda: moment(gateway) or not child.is_alive(), 90.0)
        if not child.is_alive():
            return False
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
        return True
