"""A session killed with SIGKILL goes on where it was: same trades, same books, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.journal.queries import Reader
from scripts.live.plan import save_plan
from scripts.live.rehearse import stage
from scripts.live.watch import Outcome
from tests.live.killing import (
    TAG,
    Moment,
    closing,
    holding,
    kill_and_restart,
    start,
    until,
    working_entry,
)
from tests.live.stage import Played, request

pytestmark = [pytest.mark.slow, pytest.mark.wall]


@pytest.mark.parametrize(("moment", "delay"), [(working_entry, 0.0), (holding, 0.0), (closing, 0.05)])
def test_session_killed_and_restarted_ends_flat_with_the_gateways_books(
    tmp_path: Path, moment: Moment, delay: float
) -> None:
    assert kill_and_restart(tmp_path, moment, delay)


def test_session_told_to_end_closes_what_it_holds(tmp_path: Path) -> None:
    with stage(request(tmp_path, speed=120.0, first=590)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        assert until(lambda: holding(gateway) or not child.is_alive(), 60.0)
        child.terminate()
        child.join(60.0)
        assert child.exitcode == 0, (plan.folder / "child.log").read_text()[-2000:]
        how, trades, net = (plan.folder / "outcome").read_text().split()
        assert (how, trades) == ("flat", "1")
        Played(Outcome(how, gateway.now.date(), 1, float(net), ""), gateway, plan).check()
        with Reader(plan.database) as reader:
            (reason,) = reader.trades(reader.history())["exit_reason"]
        assert reason == "session_end"
