"""A journal of an older version is brought up, with a copy from before; a newer one is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from engine.errors import JournalError
from engine.journal import migrate
from engine.journal.database import connect, open_journal
from engine.journal.migrate import backup, upgrade, version
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.tables import MetaRow
from tests.journal.events import every_kind, fill, run, trade

SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.add_column("trades", sa.Column("mood", sa.String(), server_default="calm"))
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that lets the program know one version more."""

    def learn() -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrate.FOLDER, folder)
        (folder / "versions" / "0002_mood.py").write_text(SECOND)
        monkeypatch.setattr(migrate, "FOLDER", folder)

    return learn


def test_older_tables_are_brought_up_with_their_rows_and_a_copy_from_before(
    place: str, next_version: Callable[[], None]
) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    recorder.record(trade())
    recorder.close()
    next_version()
    with pytest.raises(JournalError, match="of version 0001, expected 0002: run mw db upgrade"):
        open_journal(place, "paper")
    engine = connect(place)
    old, new, kept = upgrade(engine)
    assert (old, new) == ("0001", "0002")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT mood, net FROM trades")).all() == [("calm", 12.3)]
    assert upgrade(engine) == ("0002", "0002", None)
    engine.dispose()
    assert (kept is not None) == place.endswith(".db")
    if kept is not None:
        before = connect(kept, read_only=True)
        with before.connect() as connection:
            assert version(connection) == "0001"
            assert connection.execute(text("SELECT net FROM trades")).scalar() == 12.3
        before.dispose()


def test_newer_tables_are_refused_and_untouched(place: str) -> None:
    open_journal(place, "paper").dispose()
    engine = connect(place)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(JournalError, match="newer than this program's 0001: expected a newer market-watch"):
        upgrade(engine)
    with engine.connect() as connection:
        assert version(connection) == "9999"
    engine.dispose()


def test_copy_made_while_a_session_writes_is_a_whole_journal(tmp_path: Path) -> None:
    engine = open_journal(tmp_path / "paper.db", "paper")
    recorder = Recorder(engine, run())
    for event in every_kind():
        recorder.record(event)
    recorder.flush()
    copy = backup(engine, tmp_path / "copy.db")
    recorder.record(fill(2))
    recorder.close()
    with Reader(copy) as reader:
        assert reader.venue == "paper"
        assert len(reader.fills([1])) == 1
        assert reader.rows(select(MetaRow.value)) == [{"value": "paper"}]
    with pytest.raises(JournalError, match=r"copy\.db exists already, expected a new file"):
        backup(engine, copy)
    assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []


def test_copy_to_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    engine = open_journal(tmp_path / "paper.db", "paper")
    with pytest.raises(JournalError, match="cannot be copied to"):
        backup(engine, tmp_path / "nowhere" / "copy.db")
    engine.dispose()
