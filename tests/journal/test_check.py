"""The check finds what was tampered with, and nothing in a sound journal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from engine.journal.check import Findings, check
from engine.journal.database import connect, open_journal, parse
from engine.journal.recorder import Recorder
from engine.journal.records import OrderEvent
from tests.journal.events import NOON, decision, fill, run, trade


def sound(place: str) -> None:
    """Write a journal with one trade whose fills add up."""
    recorder = Recorder(open_journal(place, "paper"), run())
    for step, opening in ((1, True), (2, False)):
        recorder.record(OrderEvent(f"putlite-1/{step}", "putlite", "XSP", NOON, "filled", 0.4, 1, 0))
        for leg, (quantity, price) in enumerate(
            ((-1, 1.02), (1, 0.60)) if opening else ((1, 0.9), (-1, 0.5))
        ):
            recorder.record(
                fill(
                    10 * step + leg,
                    order_ref=f"putlite-1/{step}",
                    opening=opening,
                    quantity=quantity,
                    price=price,
                    fees=0.65,
                )
            )
    recorder.record(trade(gross=2.0, fees=2.6, net=-0.6))
    for minute in range(10):
        recorder.record(decision(minute))
    recorder.close()


def found(place: str, tamper: Callable[[Connection], object] | None = None) -> Findings:
    engine = connect(place)
    if tamper is not None:
        with engine.begin() as connection:
            tamper(connection)
    result = check(engine)
    engine.dispose()
    return result


def test_sound_journal_has_neither_problems_nor_notes(place: str) -> None:
    sound(place)
    assert found(place) == Findings(17, (), ())


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE trades SET net = 5.0", "trades: putlite-1 has net 5.00, gross less fees is -0.60"),
        ("UPDATE fills SET price = price + 0.01 WHERE seq = 1",
         "trades: putlite-1 has gross 2.00 and fees 2.60, its fills 3.00 and 2.60"),
        ("UPDATE fills SET order_ref = 'condor-9/1' WHERE seq = 4",
         "fills: 0001.21 belongs to order condor-9/1, of which there is nothing"),
        ("UPDATE decisions SET reason = 'trend' WHERE seq = 2",
         "reason_counts of run one: putlite not_compressed is off by 1"),
        ("DELETE FROM orders WHERE seq = 1", "orders of run one: 1 of 2 are missing"),
        ("UPDATE alembic_version SET version_num = '0000'", "are of version 0000, expected 0001"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_a_problem(place: str, statement: str, says: str) -> None:
    sound(place)
    problems = found(place, lambda connection: connection.execute(text(statement))).problems
    assert any(says in problem for problem in problems), problems


def test_decisions_lost_from_the_queue_are_a_note(place: str) -> None:
    sound(place)

    def take(connection: Connection) -> None:
        connection.execute(text("DELETE FROM decisions WHERE seq < 4"))
        connection.execute(text("UPDATE reason_counts SET count = count - 3"))

    result = found(place, take)
    assert result.problems == ()
    assert result.notes == ("decisions of run one: 3 of 10 are missing",)


def test_damaged_page_is_a_problem(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("damaged") / "journal.db"
    sound(str(place))
    engine = connect(parse(place))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        root = text("SELECT rootpage FROM sqlite_master WHERE name = 'decisions_bot_at'")
        page = connection.execute(root).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    engine.dispose()
    with place.open("r+b") as file:
        file.seek((page - 1) * size + size - 64)
        file.write(b"\xff" * 48)
    problems = found(str(place)).problems
    assert problems and all(problem.startswith("pages: ") for problem in problems)
