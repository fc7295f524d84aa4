"""The journal's database fails while a position is open: the session closes it and ends flat."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from sqlalchemy import text

from engine.errors import JournalError
from engine.journal.database import connect
from engine.journal.queries import Reader
from scripts.live.rehearse import stage
from scripts.live.session import play
from tests.live.stage import request


def break_once_held(place: str, stop: threading.Event) -> None:
    """Take the table of marks away as soon as the journal holds a position."""
    while not stop.is_set():
        time.sleep(0.05)
        try:
            with Reader(place) as reader:
                if not reader.open_positions(reader.history()):
                    continue
        except JournalError:
            continue
        engine = connect(place)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE marks RENAME TO gone"))
        engine.dispose()
        return


def test_session_whose_database_fails_closes_what_is_open_and_says_so_once(tmp_path: Path) -> None:
    stop = threading.Event()
    with stage(request(tmp_path)) as (gateway, plan):
        breaker = threading.Thread(target=break_once_held, args=(plan.database, stop))
        breaker.start()
        outcome = play(plan)
        stop.set()
        breaker.join()
        assert gateway.positions() == {} and gateway.open_orders() == []
    assert outcome.how == "flat" and outcome.trades == 1
    lines = [json.loads(line) for line in (plan.logs / "trades.log").read_text().splitlines()]
    (trade,) = [line for line in lines if line["event"] == "trade"]
    assert trade["exit_reason"] == "journal_down"
    told = (plan.logs / "rehearsal.log").read_text()
    assert told.count("no such table: marks; no more entries, the session ends flat") == 1
