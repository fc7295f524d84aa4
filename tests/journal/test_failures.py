"""Killed, out of disk, out of reach: nothing committed is lost, and one clear line says what is wrong."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from engine.journal.check import check
from engine.journal.database import connect, open_journal, parse
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from tests.journal.events import decision, fill, run
from tests.journal.soak import kill_while_writing

CUT = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


def test_killed_while_writing_loses_nothing_that_was_committed(place: str) -> None:
    for number in range(3):
        told, kept = kill_while_writing(place, f"run{number}", random.Random(number).uniform(0.05, 0.4))
        assert kept >= told >= 1
    engine = connect(place, read_only=True)
    found = check(engine)
    engine.dispose()
    assert found.problems == ()
    assert found.notes == tuple(
        f"run run{number}: has no end; killed, or still running" for number in range(3)
    )


def child(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of program in a process of its own, as nobody in particular."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body), *arguments], capture_output=True, text=True, timeout=120
    )


def test_full_disk_turns_the_recorder_unhealthy_with_one_line_and_keeps_what_was_written(
    tmp_path: Path,
) -> None:
    told = child(
        """
        import resource, signal, sys
        from engine.journal.database import open_journal
        from engine.journal.journal import Journal
        from engine.journal.recorder import Recorder
        from tests.journal.events import fill, run

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        recorder = Recorder(open_journal(sys.argv[1], "paper"), run(), tell=print)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        journal, number = Journal([recorder]), 0
        while journal.healthy and number < 5_000:
            number += 1
            journal.fill(fill(number))
        for later in range(3):
            journal.fill(fill(number + 1 + later))
        print(number - 1, journal.healthy, recorder.counts()["lost"])
        recorder.close()
        """,
        str(tmp_path / "journal.db"),
    )
    assert told.returncode == 0, told.stderr
    line, counts = told.stdout.strip().splitlines()
    assert "journal.db failed: " in line and line.endswith("no more entries, the session ends flat")
    kept, healthy, lost = counts.split()
    assert healthy == "False" and lost == "4"
    with Reader(tmp_path / "journal.db") as reader:
        assert len(reader.fills([1])) == int(kept) > 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach: pytest's own are for one alone."""
    folder = Path(tempfile.mkdtemp(prefix="mw-locked-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_folder_that_cannot_be_written_is_one_line(open_folder: Path) -> None:
    folder = open_folder / "locked"
    folder.mkdir(mode=0o555)
    told = child(
        """
        import os, sys
        from engine.errors import JournalError
        from engine.journal.database import open_journal
        from engine.journal.migrate import ensure  # before the rights are given away
        import alembic.command

        if os.getuid() == 0:
            os.setuid(65534)
        try:
            open_journal(sys.argv[1], "paper")
        except JournalError as error:
            print(error)
        """,
        str(folder / "paper.db"),
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"database {folder}/paper.db: cannot be opened: unable to open database file\n"
    assert list(folder.iterdir()) == []


def test_lost_connection_is_taken_up_again_and_nothing_is_written_twice(
    fresh_database: Callable[[], str],
) -> None:
    place = fresh_database()
    said: list[str] = []
    recorder = Recorder(open_journal(place, "paper"), run(), tell=said.append)
    admin = create_engine(parse(place).set(database="postgres"), isolation_level="AUTOCOMMIT")
    for number in range(1, 6):
        recorder.record(fill(number))
        with admin.connect() as connection:
            connection.execute(CUT, {"name": parse(place).database})
    recorder.close()
    admin.dispose()
    assert said == []
    with Reader(place) as reader:
        assert reader.fills([recorder.run_id])["seq"].tolist() == [1, 2, 3, 4, 5]


def test_server_out_of_reach_is_one_line_and_the_session_is_not_kept_waiting(
    fresh_database: Callable[[], str],
) -> None:
    place = fresh_database()
    said: list[str] = []
    recorder = Recorder(open_journal(place, "paper"), run(), tell=said.append)
    recorder.record(fill(1))
    name = parse(place).database
    admin = create_engine(parse(place).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(CUT, {"name": name})
    recorder.record(fill(2))
    recorder.record(decision())
    recorder.close()
    admin.dispose()
    assert not recorder.healthy
    (line,) = said
    assert f"database {name} on " in line and "not currently accepting connections" in line
    assert recorder.counts()["lost"] == 2


def test_database_that_never_answers_is_given_up_after_a_while(tmp_path: Path) -> None:
    said: list[str] = []
    engine = open_journal(tmp_path / "journal.db", "paper")
    recorder = Recorder(engine, run(), patience=0.3, tell=said.append)
    blocker = connect(tmp_path / "journal.db")
    with blocker.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        recorder.record(fill(1))
        assert not recorder.healthy
        connection.exec_driver_sql("ROLLBACK")
    blocker.dispose()
    recorder.close()
    assert said == [
        f"journal: database {tmp_path}/journal.db failed: no answer within 0.3 s; "
        "no more entries, the session ends flat"
    ]


@pytest.mark.parametrize("places", [4])
def test_writers_and_readers_of_one_file_never_find_it_locked(tmp_path: Path, places: int) -> None:
    recorder = Recorder(open_journal(tmp_path / "journal.db", "paper"), run("bot"))
    readers = [Reader(tmp_path / "journal.db") for _ in range(places)]
    other = Recorder(open_journal(tmp_path / "journal.db", "paper"), run("other", kind="serve"))
    for number in range(1, 60):
        recorder.record(fill(number))
        other.record(fill(number))
        for reader in readers:
            assert len(reader.fills([recorder.run_id])) == number
    recorder.close()
    other.close()
    assert recorder.healthy and other.healthy
