"""``mw db`` and ``mw alerts`` as their user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from engine.journal.database import open_journal
from engine.journal.recorder import Recorder
from scripts import cli
from tests.journal.events import every_kind, run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and an environment that names no database and no service."""
    monkeypatch.chdir(tmp_path)
    for name in ("MW_DATABASE_URL", "MW_TELEGRAM_TOKEN", "MW_DISCORD_WEBHOOK", "MW_ALERT_URLS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.main(list(arguments)) == code
    heard = capsys.readouterr()
    return (heard.out if code == 0 else heard.out + heard.err).strip()


def filled(place: str) -> None:
    recorder = Recorder(open_journal(place, "paper"), run())
    for event in every_kind():
        recorder.record(event)
    recorder.close()


def test_journal_is_made_checked_copied_and_exported(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "db", "upgrade") == "Made journal/paper.db, a journal of paper."
    assert told(capsys, "db", "upgrade") == "journal/paper.db is of version 0001 already."
    assert told(capsys, "db", "check") == "0 rows, no problem found."
    filled("journal/paper.db")
    assert "trades: putlite-1 has gross" in told(capsys, "db", "check", code=2)
    assert told(capsys, "db", "backup", "--out", "copy.db") == "Copied to copy.db"
    for form in ("parquet", "csv", "jsonl"):
        lines = told(capsys, "db", "export", "out", "--format", form).splitlines()
        assert f"out/trades.{form}: 1 rows" in lines
    one = pd.read_parquet("out/decisions.parquet").iloc[0]
    assert json.loads(one["rules"]) == {"iv_below_realized": True, "not_compressed": False}
    assert one["at"] == pd.Timestamp("2026-11-25T17:00", tz="UTC")
    (line,) = (home / "out" / "decisions.jsonl").read_text().splitlines()
    assert json.loads(line)["measures"] == {"compression": 1.31, "iv_rank": None}
    assert pd.read_csv("out/fills.csv").loc[0, "price"] == 1.02


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["db", "check"], "database journal/paper.db: no such file, expected a journal"),
        (["db", "backup", "--venue", "live"], "database journal/live.db: no such file, expected a journal"),
        (["db", "check", "--database", "mysql://h/d"], "expected a file or a URL of PostgreSQL"),
        (["alerts", "test"], "alerts: the environment names no service"),
    ],
)
def test_what_is_missing_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    code = 1 if arguments[0] == "alerts" else 2
    said = told(capsys, *arguments, code=code)
    assert says in said and said.count("\n") == 0
    assert list(home.iterdir()) == []


def test_export_of_an_unknown_table_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled("journal/paper.db")
    assert "got table 'trade'" in told(capsys, "db", "export", "out", "--tables", "trade", code=2)
    assert not (home / "out").exists()


def test_database_url_of_the_venue_goes_before_the_common_one(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".env").write_text("MW_DATABASE_URL=sqlite:///common.db\n")
    monkeypatch.setenv("MW_DATABASE_URL_LIVE", "sqlite:///own.db")
    assert told(capsys, "db", "upgrade", "--venue", "live") == "Made own.db, a journal of live."
    assert told(capsys, "db", "upgrade") == "Made common.db, a journal of paper."
    assert "it is the journal of paper" in told(
        capsys, "db", "upgrade", "--venue", "live", "--database", "common.db", code=2
    )


def test_alert_service_out_of_reach_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MW_ALERT_URLS", "json://user:hunter2secret@127.0.0.1:1/")
    said = told(capsys, "alerts", "test", code=2)
    assert said.splitlines() == ["json: failed, no answer", "mw: 1 of 1 services did not take the message"]
