"""How fast the journal is, for ``make bench-journal``: writing, and every query a page asks.

``python -m tests.journal.bench [--decisions 1000000] [--seconds 20] [--only sqlite]``; databases of
its own, PostgreSQL's server too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from engine.journal.database import open_journal, start_run
from engine.journal.inserting import insert_rows
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.records import Decision
from engine.journal.redaction import Redactor
from engine.journal.rows import TABLES, row_of
from engine.journal.tables import EventRow, SessionRow
from engine.journal.writing import add_reasons
from engine.reasons import Reason
from tests.journal.events import NOON, decision, fill, position, run, trade
from tests.journal.postgres import own_server

CHUNK = 10_000
BOTS = ("putlite", "buywrite", "condor")
REASONS = (Reason.NOT_COMPRESSED, Reason.IV_BELOW_REALIZED, Reason.WARMING_UP, Reason.TREND, Reason.ENTERED)
A_DAY = 108  # decisions: three bots, 36 minutes each


def days(count: int) -> Iterator[date]:
    """Yield weekdays from 2010 on."""
    day = date(2010, 1, 4)
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day += timedelta(days=1)


def fill_journal(engine: Engine, decisions: int) -> int:
    """Write so many decisions over as many days as that takes, a trade every third day; return the run."""
    redactor, counts = Redactor(), Counter[tuple[str, str]]()
    with engine.begin() as connection:
        run_id = start_run(connection, run("large", start_cash=150_000.0))
        pending: dict[type[EventRow], list[dict[str, Any]]] = {}
        numbers: Counter[type[EventRow]] = Counter()

        def keep(event: Any) -> None:
            table = TABLES[type(event)]
            numbers[table] += 1
            rows = pending.setdefault(table, [])
            rows.append(row_of(event, run_id, numbers[table], redactor))
            if len(rows) == CHUNK:
                insert_rows(connection, table, rows)
                rows.clear()

        for number, day in enumerate(days(-(-decisions // A_DAY))):
            opening = datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC)
            connection.execute(insert(SessionRow), session(run_id, day, opening))
            for made in day_of_decisions(opening, number):
                counts[made.bot, str(made.reason)] += 1
                keep(made)
            if number % 3 == 0:
                for event in day_of_trading(opening, number):
                    keep(event)
        for table, rows in pending.items():
            if rows:
                insert_rows(connection, table, rows)
        add_reasons(connection, run_id, counts)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))
    return run_id


def session(run_id: int, day: date, opening: datetime) -> dict[str, Any]:
    """Return a session's row."""
    ended = opening + timedelta(hours=6)
    return {
        "run_id": run_id,
        "day": day,
        "venue": "paper",
        "resumed": False,
        "started": opening,
        "ended": ended,
        "how": "flat",
        "detail": {},
    }


def day_of_decisions(opening: datetime, number: int) -> Iterator[Decision]:
    """Yield a day's decisions of three bots."""
    for minute in range(A_DAY // 3):
        at, reason = opening + timedelta(minutes=5 * minute), REASONS[(number + minute) % len(REASONS)]
        for bot in BOTS:
            yield decision(at=at, bot=bot, reason=reason)


def day_of_trading(opening: datetime, number: int) -> Iterator[Any]:
    """Yield one trade with its fills and positions."""
    bot = BOTS[number % 2]
    ref = f"{bot}-{opening:%Y%m%d}-1"
    yield trade(number, bot=bot, order_ref=ref, exit_time=opening + timedelta(hours=3))
    for leg in range(4):
        yield fill(4 * number + leg, trade_id=number, order_ref=f"{ref}/1", at=opening)
    for held in (1, 0):
        yield position(held, ref, at=opening, bot=bot)


def page_queries(reader: Reader, last: date) -> dict[str, Callable[[], object]]:
    """Return every query a page asks, by its name."""
    runs = reader.history()
    return {
        "latest_run": lambda: reader.latest_run("session"),
        "history": reader.history,
        "sessions": lambda: reader.sessions(50),
        "runs_of": lambda: reader.runs_of(last),
        "open_positions": lambda: reader.open_positions(runs),
        "last_decisions": lambda: [reader.last_decisions(runs, bot, 50) for bot in BOTS],
        "reason_counts, a day": lambda: reader.reason_counts(runs, last, last),
        "reason_counts, all": lambda: reader.reason_counts(runs),
        "decisions of a day": lambda: reader.decisions(runs, last),
        "trades of a day": lambda: reader.trades(runs, last, last),
        "trades, newest 200": lambda: reader.trades(runs, limit=200),
        "trades, all": lambda: reader.trades(runs),
        "equity_by_day": lambda: reader.equity_by_day(runs),
        "daily_marks": lambda: reader.daily_marks(400),
        "latest_mark": lambda: reader.latest_mark(runs),
        "marks of a day": lambda: reader.marks(runs, last),
        "fills of a day": lambda: reader.fills(runs, last),
        "fills of a trade": lambda: reader.fills(runs, trade_id=3),
        "orders of a day": lambda: reader.orders(runs, last),
        "halts of a day": lambda: reader.halts(runs, last),
        "latest_heartbeat": lambda: reader.latest_heartbeat(runs),
        "state": lambda: reader.state(last),
        "open_tickets": lambda: reader.open_tickets(BOTS),
        "exec_ids": lambda: reader.exec_ids(last),
        "vetoes": lambda: reader.vetoes(NOON, last),
        "gate_events": reader.gate_events,
    }


def written_a_second(place: str, seconds: float) -> tuple[float, int, float]:
    """Hand a recorder 6,000 events a second, about one of them durable.

    Return events written a second, events dropped, and this process's microseconds of work an event.
    """
    recorder = Recorder(open_journal(place, "paper"), run("rate"))
    began, worked, number = time.perf_counter(), time.process_time(), 0
    while (now := time.perf_counter() - began) < seconds:
        while number < 6_000 * now:
            number += 1
            made = fill(number) if number % 6_000 == 0 else decision(number)
            recorder.record(made)
        time.sleep(0.005)
    recorder.flush()
    took, worked = time.perf_counter() - began, time.process_time() - worked
    counts = recorder.counts()
    recorder.close()
    return counts["written"] / took, counts["dropped"], 1e6 * worked / counts["written"]


def commit_milliseconds(place: str) -> float:
    """Return how long a sender waits for one durable event, the median of 50."""
    recorder = Recorder(open_journal(place, "paper"), run("durable"))
    took = []
    for number in range(50):
        began = time.perf_counter()
        recorder.record(fill(number))
        took.append(1000 * (time.perf_counter() - began))
    recorder.close()
    return sorted(took)[25]


def measure(name: str, place: str, decisions: int, seconds: float) -> None:
    """Print what one database does."""
    rate, dropped, work = written_a_second(place, seconds)
    print(f"{name}: {rate:,.0f} events a second over {seconds:g} s, {dropped} dropped", flush=True)
    print(f"{name}: {work:.0f} microseconds of this process's work an event", flush=True)
    print(f"{name}: a durable event is waited for {commit_milliseconds(place):.1f} ms", flush=True)
    began = time.perf_counter()
    engine = open_journal(place, "paper")
    fill_journal(engine, decisions)
    engine.dispose()
    print(f"{name}: {decisions:,} decisions in bulk in {time.perf_counter() - began:.0f} s", flush=True)
    with Reader(place) as reader:
        last = reader.latest_day()
        assert last is not None
        for query, ask in page_queries(reader, last).items():
            took = []
            for _ in range(7):
                began = time.perf_counter()
                ask()
                took.append(1000 * (time.perf_counter() - began))
            took.sort()
            print(f"{name}: {query:24} median {took[3]:8.1f} ms, best {took[0]:8.1f} ms", flush=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    given = parser.parse_args()
    if given.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            measure("sqlite", str(Path(folder) / "journal.db"), given.decisions, given.seconds)
    if given.only != "sqlite":
        with own_server() as server:
            measure(
                "postgresql",
                server.replace("postgresql+psycopg", "postgresql"),
                given.decisions,
                given.seconds,
            )


if __name__ == "__main__":
    main()
