"""Bars that come one at a time, as live: the same bot decides and trades the same."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from engine.journal.records import Decision, StateEvent, TicketEvent
from engine.live.pace import Pace
from engine.live.patience import Patience
from engine.options.combo import Combo
from engine.reasons import Reason
from engine.risk.state import DayState
from engine.sessions import NEW_YORK
from strategies.condor import Condor
from strategies.ticket_text import ticket_from_json
from tests.strategies.stage import CALM, UNIVERSE, day, days, perform
from tests.strategies.test_bots_by_table import FRIDAY, QUIET, RANGE, both_loops, two_days


class Listener:
    """A sink that keeps every event in order."""

    healthy = True

    def __init__(self) -> None:
        self.events: list[Any] = []

    def record(self, event: Any) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.mark.parametrize("bot", ["putlite", "condor"])
@pytest.mark.parametrize("end", [(("16:00", 600.5),), (("11:30", 600.2), ("12:30", 593.0), ("16:00", 593.0))])
def test_same_trades_and_decisions_as_with_all_lines_known(bot: str, end: tuple[Any, ...]) -> None:
    bars = two_days((*RANGE, *end), later_wiggle=0.00002)
    known = both_loops(bot, bars)
    single, _ = perform(bot, bars, one_by_one=True)
    for name in ("trades", "orders", "fills", "halts"):
        assert repr(getattr(known.journal, name)) == repr(getattr(single.journal, name)), name
    assert known.journal.trades
    one, other = known.journal.decisions(), single.journal.decisions()
    columns = ["time", "symbol", "reason"]
    pd.testing.assert_frame_equal(
        one[columns].astype(str).reset_index(drop=True), other[columns].astype(str).reset_index(drop=True)
    )


def test_state_and_trade_are_kept_before_every_order() -> None:
    sink = Listener()
    desk, _ = perform("condor", two_days(QUIET), one_by_one=True, sinks=[sink])

    sent = [event for event in desk.journal.orders if event.state == "working"]
    assert len(sent) >= 2
    for order in sent:
        before = sink.events[: sink.events.index(order)]
        ticket = next(event for event in reversed(before) if isinstance(event, TicketEvent))
        state = next(event for event in reversed(before) if isinstance(event, StateEvent))
        kept = ticket_from_json(json.dumps(json.loads(ticket.state)["ticket"]), UNIVERSE, ("XSP",))
        assert kept.working == order.order_ref
        assert ticket.open
        assert DayState.from_json(state.state).find(kept.intent.order_ref) is not None
    last = sink.of(TicketEvent)[-1]
    assert not last.open
    assert DayState.from_json(sink.of(StateEvent)[-1].state).entries_of("condor", CALM) == 1


def test_every_decision_minute_is_told_with_measures_and_rules() -> None:
    sink = Listener()
    desk, _ = perform("condor", two_days(QUIET), one_by_one=True, sinks=[sink])

    told = {event.at: event for event in sink.of(Decision)}
    table = desk.journal.decisions()
    assert [str(event.reason) for event in told.values()] == table.reason.astype(str).tolist()
    entered = next(event for event in told.values() if event.reason is Reason.ENTERED)
    assert entered.rules["not_calm"] is True
    assert entered.measures["range_over_move"] <= 0.75


class Clocked:
    """A venue's time that follows the bars, and quotes whose age a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2018, 3, 5, 9, 0, tzinfo=NEW_YORK)
        self.old = 0.0

    def age(self, combo: Combo) -> float:
        return self.old

    def pace(self, patience: Patience = Patience()) -> Pace:  # noqa: B008  frozen
        return Pace(lambda: self.time, self, UNIVERSE, patience, 10.0, 90.0)


def timed(clock: Clocked, start: datetime) -> type[Condor]:
    class Timed(Condor):
        def next(self) -> None:
            clock.time = max(start, self.desk.clock.at(len(self.data) - 1))
            super().next()

    return Timed


def test_bars_from_before_the_start_decide_nothing_but_still_halt() -> None:
    vix = (("09:30", 16.0), ("09:40", 19.6), ("09:50", 16.0), ("16:00", 16.0))
    clock = Clocked()
    late = timed(clock, datetime(2018, 3, 5, 11, 2, tzinfo=NEW_YORK))
    sink = Listener()
    desk, _ = perform(
        "condor",
        two_days(QUIET, vix),
        one_by_one=True,
        roster={"condor": late},
        sinks=[sink],
        state=DayState.fresh(CALM),
        pace=clock.pace(),
    )
    assert [halt.reason for halt in desk.journal.halts] == [Reason.HALT_VIX]
    decided = sink.of(Decision)
    assert decided[0].at.time().isoformat() == "11:05:00"
    assert {event.reason for event in decided} == {Reason.HALT_VIX}


def test_yesterdays_wild_bars_halt_nothing_today() -> None:
    wild = day("XSP", FRIDAY, [("09:30", 600.0), ("16:00", 560.0)])
    calm = two_days(QUIET).between(CALM, CALM)
    clock = Clocked()
    start = datetime(2018, 3, 5, 9, 20, tzinfo=NEW_YORK)
    roster = {"condor": timed(clock, start)}
    state = DayState.fresh(CALM)
    desk, _ = perform(
        "condor", days(wild, calm), one_by_one=True, roster=roster, state=state, pace=clock.pace()
    )
    assert desk.journal.halts == []


class Watched(Condor):
    """Looks at its trade every five seconds between two bars."""

    clock = Clocked()

    def next(self) -> None:
        self.clock.time = self.desk.clock.at(len(self.data) - 1)
        super().next()
        for _ in range(11):
            self.clock.time += timedelta(seconds=5)
            self.watch(self.clock.time)


FALL = (*RANGE, ("11:30", 600.2), ("12:30", 593.0), ("16:00", 593.0))
SMALL = {"planned_loss": 15}  # stopped before the day halts


@pytest.mark.parametrize("seconds", [0.0, 20.0, 110.0])
def test_stop_waits_for_its_confirmation(seconds: float) -> None:
    bars = two_days(FALL, later_wiggle=0.0)
    pace = Watched.clock.pace(Patience(seconds, 1e9, 0.0))
    plain, _ = perform("condor", bars, SMALL)
    watched, _ = perform("condor", bars, SMALL, one_by_one=True, roster={"condor": Watched}, pace=pace)
    assert [trade.exit_reason for trade in watched.journal.trades] == [Reason.PLANNED_LOSS]
    sent = [[e.at for e in desk.journal.orders if e.state == "working"][-1] for desk in (plain, watched)]
    assert sent[1] - sent[0] == timedelta(seconds=seconds)
