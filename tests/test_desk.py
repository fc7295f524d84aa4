"""The desk: nothing reaches the broker that the governor has not let pass, and nothing is booked twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.desk import Desk
from engine.errors import LedgerError, OrderError
from engine.intent import Approved, Denied, Intent, Urgency
from engine.journal.records import Event
from engine.options.combo import put_spread
from engine.reasons import Reason
from engine.risk.blackouts import EventCalendar
from engine.risk.events import Announcements, Kind
from engine.risk.governor import Governor
from engine.risk.limits import Limits
from engine.risk.state import DayState
from engine.risk.vetoes import Veto
from engine.risk.view import MarketView
from tests.broker.stage import Stage, fee_table, tape
from tests.execution.market import DAY, SPREAD, XSP, TableBook, put

TOMORROW = date(2026, 10, 6)
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
MACRO = {(kind, ""): YEAR for kind in (Kind.CPI, Kind.FOMC, Kind.JOBS)}


class Scene:
    """A desk over the real broker, a table of quotes and a short day."""

    def __init__(self, limits: Limits | None = None) -> None:
        book = TableBook({put(XSP, 600.0): (1.0, 1.02), put(XSP, 599.0): (0.6, 0.62)}, {"XSP": 605.0})
        days = tape({"XSP": [605.0] * 40}, (DAY, TOMORROW))
        self.stage = Stage(book, days)
        calendar = EventCalendar(Announcements((), MACRO, frozenset({"XSP"})))
        self.desk = Desk(
            book,
            self.stage.broker,
            Governor(limits or Limits(), calendar),
            self.stage.journal,
            days,
            fee_table(),
            days.dates,
            self.stage.broker.startingcash,
        )

    def view(self, price: float = 605.0, vix: float = 15.0) -> MarketView:
        at = self.stage.tape.at(self.stage.bar)
        return MarketView(
            at=at,
            day=at.date(),
            minute=700,
            symbol="XSP",
            price=price,
            session_open=605.0,
            previous_close=605.0,
            expected_move=5.0,
            vix=vix,
            vix_previous=15.0,
            day_high=606.0,
            day_low=604.0,
        )

    def intent(self, quantity: int = 1, structural: float = 65.0) -> Intent:
        trade_id = self.desk.next_trade_id()
        ref, at = f"condor-20261005-{trade_id}", self.stage.tape.at(self.stage.bar)
        return Intent(
            ref, trade_id, "condor", "XSP", SPREAD, quantity, True, Reason.ENTERED, at, 50.0, structural, 65.0
        )

    def send(self, intent: Intent, buy: bool, urgency: Urgency = Urgency.URGENT) -> str:
        at = self.stage.tape.at(self.stage.bar)
        return self.desk.send(intent, SPREAD, 1, buy, urgency, at, self.stage.owner)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_approved_trade_is_booked_sent_filled_closed_and_counted(scene: Scene) -> None:
    intent, desk = scene.intent(), scene.desk
    assert isinstance(desk.ask(intent, scene.view()), Approved)
    assert desk.state.structural("shared") == 6_500

    opening = scene.send(intent, buy=True)
    scene.stage.play()
    closing = scene.send(intent, buy=False)
    scene.stage.play()

    assert (opening, closing) == ("condor-20261005-1/1", "condor-20261005-1/2")
    assert scene.stage.owner.states == ["filled", "filled"]
    fills = scene.stage.owner.fills
    assert {fill.order_ref for fill in fills} >= {opening, closing}
    net = -sum(fill.price * fill.quantity * fill.multiplier + fill.fees for fill in fills)
    assert net < 0  # the spread and the fees
    desk.closed(intent, net)
    assert desk.state.open == ()
    assert desk.state.loss("shared") == round(-100 * net)


def test_denied_trade_leaves_no_trace(scene: Scene) -> None:
    before = scene.desk.state
    intent = scene.intent(structural=100.01)
    verdict = scene.desk.ask(intent, scene.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.STRUCTURAL_LOSS_CAP
    assert scene.desk.state == before
    for buy in (True, False):
        with pytest.raises(OrderError, match=r"condor-20261005-1: no order without"):
            scene.send(intent, buy)
    assert scene.stage.journal.orders == []


def test_trade_nobody_asked_about_is_not_sent(scene: Scene) -> None:
    with pytest.raises(OrderError):
        scene.send(scene.intent(), buy=True)


def test_ended_trade_needs_a_new_approval(scene: Scene) -> None:
    intent = scene.intent()
    scene.desk.ask(intent, scene.view())
    scene.desk.closed(intent, 0.0)
    with pytest.raises(OrderError):
        scene.send(intent, buy=True)
    with pytest.raises(LedgerError):
        scene.desk.closed(intent, 0.0)


def test_funds_are_what_the_broker_has_free(scene: Scene) -> None:
    free = scene.desk.broker.funds()
    limits = Limits(structural_loss=1e9, planned_loss=1e9, day_cap=1e9)
    rich = Scene(limits)
    assert isinstance(rich.desk.ask(rich.intent(structural=free), rich.view()), Approved)
    poor = Scene(limits)
    verdict = poor.desk.ask(poor.intent(structural=free + 0.01), poor.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.MARGIN


def test_second_trade_of_a_bot_waits_for_the_end_of_the_first(scene: Scene) -> None:
    first, second = scene.intent(), scene.intent()
    scene.desk.ask(first, scene.view())
    verdict = scene.desk.ask(second, scene.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.ONE_COMBO_PER_BOT
    scene.desk.closed(first, -10.0)
    assert isinstance(scene.desk.ask(second, scene.view()), Approved)


def test_cancelled_order_never_fills(scene: Scene) -> None:
    intent = scene.intent()
    scene.desk.ask(intent, scene.view())
    ref = scene.send(intent, buy=True, urgency=Urgency.ENTRY)
    scene.desk.cancel(ref)
    scene.stage.play(3)
    assert scene.stage.owner.states == ["cancelled"]
    assert scene.stage.owner.fills == []


def test_halt_is_journalled_once_and_stops_entries_for_the_day_only(scene: Scene) -> None:
    desk = scene.desk
    desk.observe(scene.view(price=612.0))
    desk.observe(scene.view(price=613.0))
    assert [(halt.reason, halt.symbol) for halt in scene.stage.journal.halts] == [(Reason.HALT_MOVE, "XSP")]
    verdict = desk.ask(scene.intent(), scene.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.HALT_MOVE

    scene.stage.play(20)
    desk.observe(scene.view())
    assert isinstance(desk.ask(scene.intent(), scene.view()), Approved)


def test_state_of_a_running_desk_survives_a_restart(scene: Scene) -> None:
    intent, desk = scene.intent(), scene.desk
    desk.ask(intent, scene.view())
    desk.observe(scene.view(vix=19.0))
    again = Scene()
    again.desk.state = DayState.from_json(desk.state.to_json())
    assert again.desk.state == desk.state
    verdict = again.desk.ask(replace(scene.intent(), bot="putlite"), again.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.HALT_VIX


def test_trades_are_numbered_from_one_and_a_refusal_takes_no_number(scene: Scene) -> None:
    desk = scene.desk
    assert [desk.next_trade_id(), desk.next_trade_id()] == [1, 1]

    assert isinstance(desk.ask(scene.intent(), scene.view()), Approved)
    assert desk.next_trade_id() == 2

    assert isinstance(desk.ask(scene.intent(), scene.view()), Denied)  # its bot holds a trade
    assert desk.next_trade_id() == 2


def test_spread_bought_is_the_spread_sold_in_the_fills(scene: Scene) -> None:
    assert put_spread(XSP, DAY, 600.0, 599.0) == SPREAD
    intent = scene.intent()
    scene.desk.ask(intent, scene.view())
    scene.send(intent, buy=True)
    scene.stage.play()
    legs = {fill.instrument: fill.quantity for fill in scene.stage.owner.fills}
    assert legs == {str(put(XSP, 600.0)): -1, str(put(XSP, 599.0)): 1}


def test_order_for_more_than_was_approved_is_not_sent(scene: Scene) -> None:
    intent = scene.intent()
    scene.desk.ask(intent, scene.view())

    with pytest.raises(OrderError, match="buys 2 units, approved are 1"):
        scene.desk.send(intent, intent.combo, 2, True, Urgency.ENTRY, intent.at, scene.stage.owner)


class Ledger:
    """A sink that can fail."""

    healthy = True

    def record(self, event: Event) -> None:
        """Keep nothing."""

    def counts(self) -> dict[str, int]:
        return {}


def test_entry_is_denied_once_the_journal_has_failed_and_closing_is_not(scene: Scene) -> None:
    desk, sink = scene.desk, Ledger()
    desk.journal.sinks = (sink,)
    intent = scene.intent()
    assert isinstance(desk.ask(intent, scene.view()), Approved)
    scene.send(intent, buy=True)
    scene.stage.play()
    sink.healthy = False
    before = desk.state
    verdict = desk.ask(replace(intent, bot="putlite", order_ref="putlite-2"), scene.view())
    assert isinstance(verdict, Denied) and verdict.reason is Reason.JOURNAL_DOWN
    assert desk.state == before
    scene.send(intent, buy=False)
    scene.stage.play()
    assert scene.stage.owner.states == ["filled", "filled"]


def test_veto_from_outside_stops_entries_and_nothing_else(scene: Scene) -> None:
    held = scene.intent()
    assert isinstance(scene.desk.ask(held, scene.view()), Approved)
    scene.desk.vetoes = (Veto("tradingview", "trend turned", bot="putlite"),)

    verdict = scene.desk.ask(replace(scene.intent(), bot="putlite"), scene.view())
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.VETOED
    scene.send(held, buy=True)
    scene.stage.play()
    scene.send(held, buy=False)
    scene.stage.play()
    assert sum(fill.quantity for fill in scene.stage.owner.fills) == 0
