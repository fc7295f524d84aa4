"""Every item of compliance: it passes on a good day, and one fault is enough to fail it, and only it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import GateError
from engine.gate.compliance import ITEMS, judge
from engine.gate.evidence import rules_of, session_record
from engine.gate.settings import Item
from engine.journal.database import Run, open_journal
from engine.journal.queries import Reader
from engine.journal.records import (
    Decision,
    FeeEvent,
    Fill,
    Heartbeat,
    Reconciliation,
    StateEvent,
)
from engine.journal.writing import Writer
from engine.reasons import Reason
from engine.risk.state import DayState, OpenTrade
from tests.gate.day import (
    DAY,
    REF,
    Day,
    at,
    charged,
    failed,
    fill,
    good_day,
    halt,
    idle_day,
    opened,
    order,
    recorded,
    state,
    trade,
    verdict,
    when,
    write,
)
from tests.gate.makers import CONFIG, SETTINGS

HALF_DAY = date(2026, 11, 27)


def test_good_day_passes_every_item_with_evidence(tmp_path: Path) -> None:
    told = verdict(tmp_path, good_day())

    assert told.failed == {}
    assert [one.item for one in told.items] == list(ITEMS) == list(Item)
    assert all(one.evidence and one.question for one in told.items)


def test_day_without_a_trade_passes_for_both_bots(tmp_path: Path) -> None:
    assert failed(tmp_path, idle_day()) == set()
    assert failed(tmp_path / "other", idle_day(), bot="putlite") == set()


def test_losing_day_passes_all_the_same(tmp_path: Path) -> None:
    lost = good_day().without(lambda event: type(event).__name__ == "Trade").with_(trade(net=-60.0))

    assert failed(tmp_path, lost) == set()


# one fault each ------------------------------------------------------------------------


def test_minutes_without_quotes_fail_data(tmp_path: Path) -> None:
    day = good_day()
    blind = [
        replace(event, reason=Reason.NO_QUOTE)
        if isinstance(event, Decision) and event.at < at("11:00")
        else event
        for event in day.events
    ]

    told = verdict(tmp_path, replace(day, events=blind))

    assert told.failed == {"data": "XSP: 30 of 36 decision minutes with data, limit 95%"}


def test_missing_decisions_fail_data(tmp_path: Path) -> None:
    quiet = good_day().without(lambda event: isinstance(event, Decision) and event.at > at("13:00"))

    assert failed(tmp_path, quiet) == {Item.DATA}


def test_silence_of_the_program_fails_data(tmp_path: Path) -> None:
    silent = good_day().without(
        lambda event: isinstance(event, Heartbeat) and at("11:30") < event.at < at("11:34")
    )

    told = verdict(tmp_path, silent)

    assert told.failed == {"data": "no sign of life for 240 s from 11:30:00, limit 180"}


def test_order_without_an_approval_fails_governed(tmp_path: Path) -> None:
    rogue = good_day().with_(order("12:45", 1, "working", "condor-20260310-9"))

    told = verdict(tmp_path, rogue)

    assert told.failed == {"governed": "condor-20260310-9/1 at 12:45:00 has no approval"}


def test_order_before_its_approval_fails_governed(tmp_path: Path) -> None:
    early = good_day().with_(order("10:59:50", 1, "new"))

    assert failed(tmp_path, early) == {Item.GOVERNED}


@pytest.mark.parametrize(
    ("held", "lost", "told"),
    [
        ([opened(structural=10001)], 0, "structural loss 100.01 USD, limit 100.00"),
        ([opened(planned=5001)], 0, "planned loss 50.01 USD, limit 50.00"),
        (
            [opened(), opened("putlite-20260310-2", "putlite", 6001)],
            0,
            "loss and risk 150.01 USD, limit 150.00",
        ),
        ([opened()], 6001, "loss and risk 150.01 USD, limit 150.00"),
        (
            [opened(structural=100, planned=100), opened("condor-20260310-0", structural=100)],
            0,
            "a second combo",
        ),
    ],
)
def test_approval_beyond_a_limit_fails_limits(
    tmp_path: Path, held: list[OpenTrade], lost: int, told: str
) -> None:
    wide = good_day().without(lambda event: isinstance(event, StateEvent))
    wide = wide.with_(state("11:00", *held, lost=lost), state("12:30"))

    found = verdict(tmp_path, wide).failed

    assert set(found) == {"limits"}
    assert told in found["limits"]


def test_loss_beyond_the_structure_fails_limits(tmp_path: Path) -> None:
    beyond = good_day().without(lambda event: type(event).__name__ == "Trade").with_(trade(net=-90.01))

    assert failed(tmp_path, beyond) == {Item.LIMITS}


def shifted(day: Day, hours: float) -> Day:
    """Move everything of the trade by some hours; decisions, heartbeats and comparisons stay."""
    away = timedelta(hours=hours)
    stay = (Decision, Heartbeat, Reconciliation)
    events = []
    for event in day.events:
        if isinstance(event, stay):
            events.append(event)
        elif type(event).__name__ == "Trade":
            events.append(
                replace(event, entry_time=event.entry_time + away, exit_time=event.exit_time + away)
            )
        else:
            events.append(replace(event, at=event.at + away))
    return replace(day, events=sorted(events, key=when))


@pytest.mark.parametrize("hours", [-0.75, 2.6])
def test_entry_outside_the_window_fails_window(tmp_path: Path, hours: float) -> None:
    assert failed(tmp_path, shifted(good_day(), hours)) == {Item.WINDOW}


def test_entry_on_an_event_day_fails_blackout(tmp_path: Path) -> None:
    day = date(2026, 3, 11)  # consumer prices
    moved = [_on(event, day) for event in good_day().events]

    told = verdict(tmp_path, Day(day, moved))

    assert set(told.failed) == {"blackout"}
    assert "CPI" in told.failed["blackout"]


def test_idle_event_day_passes(tmp_path: Path) -> None:
    assert failed(tmp_path, idle_day(date(2026, 3, 11))) == set()


def _on(event: Any, day: date) -> Any:
    away = timedelta(days=(day - DAY).days)
    if type(event).__name__ == "Trade":
        return replace(
            event, entry_time=event.entry_time + away, exit_time=event.exit_time + away, expiry=day
        )
    changes = {"at": event.at + away} | ({"day": day} if hasattr(event, "day") else {})
    if isinstance(event, StateEvent):
        changes["state"] = event.state.replace("2026-03-10", day.isoformat())
    return replace(event, **changes)


def test_halt_acted_on_at_once_passes(tmp_path: Path) -> None:
    assert failed(tmp_path, good_day().with_(halt("12:29"))) == set()


def test_halt_acted_on_too_late_fails_halts(tmp_path: Path) -> None:
    told = verdict(tmp_path, good_day().with_(halt("12:27")))

    assert told.failed == {"halts": f"{REF}: halt_move of 12:27:00 acted on after 150 s, limit 90"}


def test_halt_never_acted_on_fails_halts(tmp_path: Path) -> None:
    told = verdict(tmp_path, _held_on(good_day()).with_(halt("13:00", Reason.HALT_VIX, "")))

    assert "acted on never" in told.failed["halts"]


def test_entry_after_a_halt_fails_halts(tmp_path: Path) -> None:
    assert failed(tmp_path, good_day().with_(halt("10:50"))) == {Item.HALTS}


def test_halt_that_clears_does_not_forbid_entries_afterwards(tmp_path: Path) -> None:
    assert failed(tmp_path, good_day().with_(halt("10:50", Reason.NO_QUOTE))) == set()


def test_approval_while_a_halt_stands_fails_halts(tmp_path: Path) -> None:
    held = DayState(DAY, open=(opened(),), halts=frozenset({("", Reason.NO_QUOTE)}))
    wrong = good_day().without(lambda event: isinstance(event, StateEvent) and event.at == at("11:00"))

    told = verdict(tmp_path, wrong.with_(StateEvent(at("11:00"), DAY, held.to_json())))

    assert told.failed == {"halts": f"{REF} approved at 11:00:00 while no_quote stood"}


def test_halt_of_another_symbol_is_not_this_bots(tmp_path: Path) -> None:
    assert failed(tmp_path, good_day().with_(halt("10:50", symbol="SPY"))) == set()


def _held_on(day: Day) -> Day:
    """Leave out all that leaves."""
    return day.without(
        lambda event: when(event) > at("12:00") and not isinstance(event, (Decision, Heartbeat))
    )


def test_position_left_open_fails_flat(tmp_path: Path) -> None:
    left = _held_on(good_day()).with_(Reconciliation(at("15:31"), "end", True, {}, {}), trade())

    told = verdict(tmp_path, left)

    assert told.failed == {
        "flat": f"{REF} still holds 2 contracts or shares; {REF} open in the governor's last state"
    }


def test_position_closed_late_fails_flat(tmp_path: Path) -> None:
    leave = (Fill, FeeEvent)
    late = good_day().without(lambda event: isinstance(event, leave) and "/2" in event.order_ref)
    late = late.without(lambda event: isinstance(event, Reconciliation) and event.kind == "end")

    told = verdict(
        tmp_path,
        late.with_(
            *fill("15:30:01", 2, False),
            *charged("15:30:02", 2),
            Reconciliation(at("15:31"), "end", True, {}, {}),
        ),
    )

    assert told.failed == {"flat": f"{REF} flat only at 15:30:01, limit 15:30"}


def test_books_that_differ_fail_broker_for_both_bots(tmp_path: Path) -> None:
    differ = good_day().with_(
        Reconciliation(at("13:00"), "reconnect", False, {"XSP": 1}, {}, "one spread more")
    )

    assert failed(tmp_path / "a", differ) == {Item.BROKER}
    assert failed(tmp_path / "b", differ, bot="putlite") == {Item.BROKER}  # they share the account


def test_books_never_compared_fail_broker(tmp_path: Path) -> None:
    unseen = good_day().without(lambda event: isinstance(event, Reconciliation))

    assert failed(tmp_path, unseen) == {Item.BROKER}


def test_fill_after_the_last_comparison_fails_broker(tmp_path: Path) -> None:
    early = good_day().without(lambda event: isinstance(event, Reconciliation) and event.at > at("12:00"))

    assert failed(tmp_path, early) == {Item.BROKER}


@pytest.mark.parametrize(("amount", "wrong"), [(0.77, False), (0.78, True), (0.66, True)])
def test_fees_more_than_five_cents_a_contract_apart_fail_fees(
    tmp_path: Path, amount: float, wrong: bool
) -> None:
    apart = good_day().changed(FeeEvent, amount=amount)

    assert failed(tmp_path, apart) == ({Item.FEES} if wrong else set())


def test_fees_the_broker_has_not_told_fail_fees(tmp_path: Path) -> None:
    untold = good_day().without(lambda event: isinstance(event, FeeEvent))

    assert failed(tmp_path, untold) == {Item.FEES}


def test_hand_of_the_owner_fails_override(tmp_path: Path) -> None:
    place = write(tmp_path / "paper.db", good_day())
    with Writer(open_journal(place, "paper"), Run("flatten-1", "flatten", "paper", "paper", at("13:05"))):
        pass
    with Reader(place) as reader:
        record = session_record(reader, DAY)
        told = judge(record, "condor", rules_of(reader, record, CONFIG, SETTINGS.session, "c" * 64))

    assert told.failed == {"override": "flatten by hand at 13:05:00"}


def test_error_nothing_had_foreseen_fails_errors(tmp_path: Path) -> None:
    broken = replace(good_day(), detail={"errors": ["ZeroDivisionError in putlite"]})

    told = verdict(tmp_path, broken)

    assert told.failed == {"errors": "session-2026-03-10-0: ZeroDivisionError in putlite"}


def test_session_that_failed_fails_errors(tmp_path: Path) -> None:
    assert failed(tmp_path, replace(good_day(), how="failed: KeyError")) == {Item.ERRORS}


def parts(day: Day, text: str) -> tuple[Day, Day]:
    """Cut a day in two processes."""
    first = replace(day, events=[event for event in day.events if when(event) < at(text)], ended=False)
    return first, replace(day, events=[event for event in day.events if when(event) >= at(text)])


def test_killed_process_fails_errors_though_it_was_resumed(tmp_path: Path) -> None:
    assert failed(tmp_path, *parts(good_day(), "11:45")) == {Item.ERRORS}


def test_configuration_swapped_between_two_processes_fails_config(tmp_path: Path) -> None:
    first, second = parts(good_day(), "11:45")
    first = replace(first, ended=True, how="interrupted")

    told = verdict(tmp_path, first, replace(second, config="d" * 64))

    assert set(told.failed) == {"config"}
    assert "config changed: cccccccc, dddddddd" in told.failed["config"]


def test_configuration_the_gate_was_not_told_fails_config(tmp_path: Path) -> None:
    told = verdict(tmp_path, good_day(), agreed="e" * 64)

    assert told.failed == {"config": "ran with cccccccc, begun with eeeeeeee"}


def test_clock_set_back_fails_clock(tmp_path: Path) -> None:
    day = good_day()
    back = [
        replace(event, at=event.at - timedelta(minutes=30))
        if isinstance(event, Heartbeat) and event.at >= at("14:00")
        else event
        for event in day.events
    ]

    told = verdict(tmp_path, replace(day, events=back))

    assert told.failed == {"clock": "heartbeat of 13:30:00 written after one of 13:59:00"}


def test_hole_in_the_journal_fails_record(tmp_path: Path) -> None:
    record = recorded(tmp_path, good_day())
    assert record.gaps == ()
    with open_journal(tmp_path / "paper.db", "paper").begin() as connection:
        connection.exec_driver_sql("DELETE FROM orders WHERE seq = 2")
    with Reader(tmp_path / "paper.db") as reader:
        assert session_record(reader, DAY).gaps == ("1 orders of run 1 are missing",)


def test_order_filled_without_a_fill_fails_record(tmp_path: Path) -> None:
    lost = good_day().without(lambda event: isinstance(event, (Fill, FeeEvent)) and "/2" in event.order_ref)

    assert failed(tmp_path, lost) == {Item.RECORD, Item.FLAT}  # nothing says that it was closed


# days that are not like others ------------------------------------------------------------


def test_half_day_without_entries_passes(tmp_path: Path) -> None:
    half = idle_day(HALF_DAY).without(lambda event: when(event) > at("13:00", HALF_DAY))

    assert failed(tmp_path, half.with_(Reconciliation(at("13:01", HALF_DAY), "end", True, {}, {}))) == set()


def test_entry_on_a_half_day_fails_window(tmp_path: Path) -> None:
    moved = Day(HALF_DAY, [_on(event, HALF_DAY) for event in good_day().events])

    assert Item.WINDOW in failed(tmp_path, moved)


def test_session_without_data_fails_data_alone(tmp_path: Path) -> None:
    dark = idle_day().without(lambda event: isinstance(event, Decision))

    assert failed(tmp_path, dark) == {Item.DATA}


def test_day_without_a_session_cannot_be_judged(tmp_path: Path) -> None:
    place = write(tmp_path / "paper.db", good_day())

    with Reader(place) as reader, pytest.raises(GateError, match="holds no session of 2026-03-12"):
        session_record(reader, date(2026, 3, 12))


def test_equal_rows_have_equal_digests_and_an_edited_row_another(tmp_path: Path) -> None:
    record = recorded(tmp_path, good_day())
    with Reader(tmp_path / "paper.db") as reader:
        assert session_record(reader, DAY).digest == record.digest
    with open_journal(tmp_path / "paper.db", "paper").begin() as connection:
        connection.exec_driver_sql("UPDATE fills SET price = 0.31 WHERE seq = 1")
    with Reader(tmp_path / "paper.db") as reader:
        assert session_record(reader, DAY).digest != record.digest


def test_two_legs_of_an_execution_are_one_fill(tmp_path: Path) -> None:
    assert len(fill("11:00", 1, True)) == 2
    assert len(recorded(tmp_path, good_day()).fills) == 4
