"""The recorder: every kind is kept as it was, what matters before the call returns."""

from __future__ import annotations

import math
import typing
from dataclasses import fields
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine.journal import records, tables
from engine.journal.database import open_journal
from engine.journal.journal import Journal
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.rows import DURABLE, TABLES
from engine.reasons import Reason
from tests.journal.events import DAY, NOON, decision, every_kind, fill, position, run, trade


def test_event_of_every_kind_comes_back_as_it_was(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    journal = Journal([recorder])
    events = every_kind()
    for event in events:
        journal.record(event)
    recorder.close()
    assert recorder.healthy and recorder.counts()["lost"] == 0

    with Reader(place) as reader:
        for event in events:
            if isinstance(event, records.SessionEvent):
                continue
            (row,) = reader.rows(select(TABLES[type(event)].__table__))
            for one in fields(event):
                told, kept = getattr(event, one.name), row[one.name]
                assert same(told, kept), (one.name, told, kept)
            assert (row["run_id"], row["seq"], row["day"]) == (recorder.run_id, 1, DAY)
        (session,) = reader.sessions()
        assert (session["day"], session["how"], session["resumed"]) == (DAY, "flat", False)
        assert session["ended"] - session["started"] == timedelta(hours=4)


def same(told: object, kept: object) -> bool:
    if isinstance(told, float) and math.isnan(told):
        return kept is None
    if isinstance(told, tuple):
        told = list(told)
    if isinstance(told, dict) and isinstance(kept, dict):
        return told.keys() == kept.keys() and all(same(told[key], kept[key]) for key in told)
    return bool(told == kept)


def test_every_kind_of_event_has_a_table_or_is_a_session() -> None:
    kinds = set(typing.get_args(records.Event))
    assert set(TABLES) | {records.SessionEvent} == kinds
    assert kinds >= DURABLE


def test_durable_event_is_seen_by_another_connection_when_the_call_returns(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    with Reader(place) as reader:
        for number in range(1, 6):
            recorder.record(fill(number))
            assert reader._scalar(select(func.count()).select_from(tables.FillRow)) == number
    recorder.close()


def test_decision_that_replaces_another_leaves_one_row_and_no_gap(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    recorder.record(decision(0, reason=Reason.ENTERED, combo="-1 600P +1 599P", credit=0.42))
    recorder.record(decision(5))
    recorder.flush()
    recorder.record(decision(0, reason=Reason.TIMED_OUT, combo="-1 600P +1 599P", credit=0.42))
    recorder.close()
    with Reader(place) as reader:
        newest = reader.last_decisions([recorder.run_id], "putlite")
        assert [(row["seq"], row["reason"]) for row in newest] == [(2, "not_compressed"), (1, "timed_out")]
        counts = reader.reason_counts([recorder.run_id])
        assert counts["reason"].tolist() == ["not_compressed", "timed_out"]
        assert counts["count"].tolist() == [1, 1]
        assert reader.reason_counts([recorder.run_id], DAY, DAY).equals(counts)


def test_execution_told_twice_is_kept_once(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    recorder.record(fill(1))
    recorder.record(fill(1))
    recorder.close()
    with Reader(place) as reader:
        assert len(reader.fills([recorder.run_id])) == 1
    assert recorder.healthy


def test_restart_finds_state_ticket_position_and_executions_of_the_run_before(place: str) -> None:
    first = Recorder(open_journal(place, "paper"), run("one"))
    first.record(records.SessionEvent(NOON, DAY, "started", "paper"))
    first.record(records.StateEvent(NOON, DAY, "old"))
    first.record(records.StateEvent(NOON, DAY, "new"))
    first.record(fill(1))
    first.record(position(1))
    first.record(records.TicketEvent(NOON, "putlite", "XSP", "putlite-1", True, "{}"))
    first.record(records.TicketEvent(NOON, "condor", "XSP", "condor-1", True, "{}"))
    first.record(records.TicketEvent(NOON, "condor", "XSP", "condor-1", False, "{}"))
    first.close("killed")
    second = Recorder(open_journal(place, "paper"), run("two"))
    second.record(records.SessionEvent(NOON + timedelta(minutes=5), DAY, "resumed", "paper"))
    with Reader(place) as reader:
        runs = reader.runs_of(DAY)
        assert runs == (first.run_id, second.run_id)
        kept = reader.state(DAY)
        assert kept is not None and kept["state"] == "new"
        assert list(reader.open_tickets(["putlite", "condor", "buywrite"])) == ["putlite"]
        assert reader.exec_ids(DAY) == {"0001.1"}
        assert [row["order_ref"] for row in reader.open_positions(runs)] == ["putlite-1"]
        second.record(position(0, at=NOON + timedelta(minutes=9)))
        assert reader.open_positions(runs) == []
    second.close()


def test_equity_by_day_adds_up_every_trade_of_the_history(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    for number, net in enumerate((10.0, -4.0, 7.5), start=1):
        at = NOON + timedelta(days=number // 2)
        recorder.record(trade(number, net, exit_time=at))
    recorder.close()
    with Reader(place) as reader:
        table = reader.equity_by_day(reader.history())
        assert table["net"].tolist() == [10.0, 3.5]
        assert table["equity"].tolist() == [150_010.0, 150_013.5]
        assert table["trades"].tolist() == [1, 2]


def test_full_queue_drops_counts_and_tells_but_never_waits(place: str) -> None:
    said: list[str] = []
    recorder = Recorder(open_journal(place, "paper"), run(), capacity=10, tell=said.append)
    with recorder._change:  # the writer cannot take anything meanwhile
        for minute in range(30):
            recorder.record(decision(minute))
    assert recorder.counts()["dropped"] == 20
    assert said[0] == "journal: the queue is full, 1 events dropped so far"
    recorder.record(fill(1))
    recorder.close()
    assert recorder.healthy
    with Reader(place) as reader:
        assert len(reader.fills([recorder.run_id])) == 1
        assert len(reader.last_decisions([recorder.run_id], "putlite", 50)) == 10


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_closing_writes_all_that_waits(place: str, count: int) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    for minute in range(count):
        recorder.record(decision(minute))
    recorder.close()
    assert recorder.counts() == {"written": count, "waiting": 0, "dropped": 0, "lost": 0}


def test_text_no_database_could_hold_does_not_stop_the_recorder(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    recorder.record(
        records.Note(NOON, "tradingview", "note", "zero \x00, half a pair \ud800, both kinds: '\"\\")
    )
    recorder.record(decision(text="\x00", measures={"x": float("inf")}))
    recorder.close()
    assert recorder.healthy
    with Reader(place) as reader:
        assert [row["text"] for row in reader.notes(DAY)] == ["zero ***, half a pair ***, both kinds: '\"\\"]
        assert reader.last_decisions([1], "putlite")[0]["measures"] == {"x": None}
