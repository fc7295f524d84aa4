"""A night on which a short option is assigned: the next session finds it, says so and trades on nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.ibkr.reconcile import Finding
from engine.journal.queries import Reader
from engine.journal.tables import ReconciliationRow
from engine.sessions import sessions_ahead
from scripts.live.lockstep import Lockstep
from scripts.live.plan import instant
from scripts.live.reconcile import run
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.live.watch import Watch
from tests.live.stage import DAY, HOUR, request

NEXT = sessions_ahead(DAY, 1)
BEGIN, LOOKED = 625, 640  # minutes after midnight
ASSIGNED = [{"do": "assign", "at": f"{NEXT} 02:30", "symbol": "SPY", "kind": "P"}]
KEPT: dict[str, Any] = {
    **HOUR,
    "bots": {"condor": {"symbols": ["SPY"], "expiry_days": 1}},
    "session": {"guard": False, "keep_open": True},
}


def test_overnight_assignment_is_a_finding_of_the_next_session_and_left_to_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(request(tmp_path, ASSIGNED, first=BEGIN, overrides=KEPT), days=(DAY, NEXT))
    look = Watch.on_pass

    def stopping(self: Watch, bots: list[Any]) -> bool:
        open_ = any(bot.ticket is not None and bot.ticket.stage == "open" for bot in self.bots)
        if open_ and (self.today == DAY or self.now() >= instant(NEXT, LOOKED)):
            self.stop()  # as the owner's Ctrl-C does; what is open is kept
        return look(self, bots)

    monkeypatch.setattr(Watch, "on_pass", stopping)
    with stage(asked) as (gateway, plan):
        assert play(plan).how == "kept"
        held = gateway.positions()
        assert sorted(held.values()) == [-1, -1, 1, 1]
        assert isinstance(plan.clock, Lockstep)
        plan.clock.go(instant(NEXT, BEGIN))
        assert any("assign" in line for line in gateway.happened)
        morning = gateway.positions()
        assert (sorted(morning.values()), morning["SPY"]) == ([-1, 1, 1, 100], 100)  # put upon us

        sent = len(gateway.orders())
        outcome = play(plan)
        assert (outcome.how, outcome.trades) == ("kept", 0)
        assert gateway.positions() == morning
        assert len(gateway.orders()) == sent  # nothing is sold that is not there, by no stop either
        with Reader(plan.database) as reader:
            found = reader.events(ReconciliationRow, reader.history(), NEXT)
            halts = {one["reason"] for one in reader.halts(reader.history(), NEXT)}
        assert any("assignment: SPY: journal +0, broker +100" in one["text"] for one in found)
        assert "unreconciled" in halts

        assert Finding.ASSIGNMENT in {one.what for one in run(plan, None, None)}  # as mw reconcile shows it
