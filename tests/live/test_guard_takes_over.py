"""A session that is killed, or stops breathing, is closed by the guard; what ends in order is left alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.gateway.gateway import Gateway
from engine.live.files import KillFile
from scripts.live.plan import Plan, save_plan
from scripts.live.rehearse import stage
from scripts.live.watch import Outcome
from tests.live.killing import TAG, guard, holding, start, until
from tests.live.stage import Played, request

pytestmark = [pytest.mark.slow, pytest.mark.wall]

QUICK = {"session": {"guard": False, "guard_restart_seconds": 0.0, "guard_silent_seconds": 300.0}}


def tag_of_account(plan: Plan, gateway: Gateway) -> str:
    return plan.tag("DU0000007")


def taken_over(folder: Path, harm: Callable[[int], None]) -> tuple[Played, float]:
    """Harm a session that holds a position under guard; return the end and the gateway seconds it took."""
    with stage(request(folder, speed=60.0, first=612, overrides=QUICK)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        tag = tag_of_account(plan, gateway)
        assert until(lambda: (plan.folder / f"{tag}.heartbeat.json").exists(), 60.0)
        watching = guard(plan, tag)
        assert until(lambda: holding(gateway) or not child.is_alive(), 60.0)
        harm(child.pid)
        began = gateway.now
        assert until(lambda: not holding(gateway), 60.0), (plan.folder / "guard.log").read_text()[-2000:]
        took = (gateway.now - began).total_seconds()
        watching.join(60.0)
        assert watching.exitcode == 0, (plan.folder / "guard.log").read_text()[-2000:]
        child.kill()
        child.join()
        outcome = Outcome("flat", gateway.now.date(), 1, 0.0, "")
        played = Played(outcome, gateway, plan)
        played.check()
        return played, took


def test_killed_session_is_closed_by_the_guard_and_journalled(tmp_path: Path) -> None:
    played, _ = taken_over(tmp_path, lambda pid: os.kill(pid, signal.SIGKILL))
    assert "has died" in (played.plan.folder / "guard.log").read_text()
    assert KillFile(played.plan.folder).reason() is None  # it may be started again


def test_session_that_hangs_is_ended_closed_and_not_started_again(tmp_path: Path) -> None:
    played, _ = taken_over(tmp_path, lambda pid: os.kill(pid, signal.SIGSTOP))
    assert "no sign of life" in (KillFile(played.plan.folder).reason() or "")
