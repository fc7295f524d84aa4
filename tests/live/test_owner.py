"""What the owner does with his own hands: closing in TWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SessionError
from engine.ibkr.link import Link
from engine.ibkr.reconcile import Finding
from engine.journal.journal import Journal
from engine.journal.queries import Reader
from scripts.live.flatten import Closer
from scripts.live.plan import save_plan
from scripts.live.reconcile import Choice, run
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.killing import TAG, holding, start, until
from tests.live.stage import WALL, request

pytestmark = [pytest.mark.slow, pytest.mark.wall]


def test_trade_closed_outside_the_session_is_found_and_adopted_with_the_owners_figure(tmp_path: Path) -> None:
    with stage(request(tmp_path, speed=60.0, first=612)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        assert until(lambda: holding(gateway) or not child.is_alive(), 60.0)
        rests = lambda: any(order["orderType"] == "STP" for order in gateway.open_orders())  # noqa: E731
        assert until(rests, 30.0)  # the trade is booked
        child.kill()
        child.join()
        link = Link(plan.settings.ibkr, plan.paper, plan.speed)
        link.start()
        assert Closer(plan, link, Journal()).close(plan.patience) == ()  # as if closed by hand
        link.stop()

        found = run(plan, None, None)
        assert {one.what for one in found} >= {Finding.MISSING_POSITION}
        with pytest.raises(SessionError, match="--net USD"):
            run(plan, Choice.ADOPT, None)
        assert not any(one.blocks for one in run(plan, Choice.ADOPT, -12.5))

        with Reader(plan.database) as reader:
            (trade,) = reader.trades(reader.history()).to_dict("records")
        assert (trade["exit_reason"], trade["net"]) == ("taken_over", -12.5)
        outcome = play(plan)  # and the next session goes on without it
        assert (outcome.how, gateway.positions()) == ("flat", {})


def test_trade_closed_by_hand_while_the_session_runs_is_never_closed_twice(tmp_path: Path) -> None:
    with stage(request(tmp_path, speed=WALL, first=590)) as (gateway, plan):
        save_plan(plan, TAG)
        child = start(plan)
        assert until(lambda: holding(gateway) or not child.is_alive(), 60.0)
        by_hand = plan.settings.ibkr.model_copy(update={"client_id": 55})
        link = Link(by_hand, plan.paper, plan.speed)
        link.start()
        assert Closer(plan, link, Journal()).close(plan.patience) == ()
        link.stop()
        log = plan.folder / "trades.log"
        assert until(lambda: "missing_position" in log.read_text(), 60.0)
        child.terminate()
        child.join(90.0)
        how, *_ = (plan.folder / "outcome").read_text().split()
        assert how == "open"  # the journal's trade waits for the owner's word
        assert gateway.positions() == {}
        assert gateway.open_orders() == []  # nor does its stop wait for a price
