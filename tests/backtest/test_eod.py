"""The end of a day: report, row and summary say what the journal holds of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.desk import Desk
from engine.errors import JournalError
from engine.journal.alerts.services import AppriseService
from engine.journal.database import open_journal
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.records import Decision, MarkEvent, SessionEvent
from engine.journal.rows import day_of
from engine.reasons import Reason
from engine.settings import Settings
from scripts import cli
from scripts.eod import EodRequest, run
from scripts.journal import new_run
from scripts.session import Setup
from tests.backtest.conftest import CONFIG
from tests.journal.web import Server

SESSIONS = 25


def at_of(event: Any) -> Any:
    return getattr(event, "exit_time", None) or event.at


@pytest.fixture(scope="module")
def place(spx_year: Setup, spx_played: Desk, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A paper journal of some sessions, as a live session would have written what a backtest did."""
    place = str(tmp_path_factory.mktemp("eod") / "paper.db")
    journal, days = spx_played.journal, spx_played.sessions[:SESSIONS]
    recorder = Recorder(
        open_journal(place, "paper"), new_run("session", "paper", spx_year.settings, 150_000.0)
    )
    events = [event for kind in ("orders", "fills", "halts", "trades") for event in getattr(journal, kind)]
    for event in events + list(decisions(spx_played)):
        if day_of(at_of(event)) <= days[-1]:
            recorder.record(event)
    for day in days:
        opening = pd.Timestamp(day, tz="America/New_York") + timedelta(hours=9, minutes=30)
        recorder.record(SessionEvent(opening, day, "started", "paper"))
        for hour, price in enumerate((100.0, 103.0, 99.0, 101.0)):
            market = {"SPX": {"price": price, "vix": 15.0 + hour}}
            recorder.record(MarkEvent(opening + timedelta(hours=hour), day, 0.0, 0.0, 0.0, market=market))
        recorder.record(SessionEvent(opening + timedelta(hours=6), day, "ended", "paper", "flat"))
    recorder.close()
    return place


def decisions(desk: Desk) -> Iterator[Decision]:
    for bot in desk.journal.bots:
        rules = desk.journal.rules(bot).to_dict("records")
        for row, verdicts in zip(desk.journal.decisions(bot).to_dict("records"), rules, strict=True):
            yield Decision(row["time"], bot, row["symbol"], Reason(row["reason"]), row["combo"],
                           row["credit"], {"minute": row["minute"]},
                           {str(rule): held for rule, held in verdicts.items()})  # fmt: skip


@pytest.fixture
def traded(place: str) -> date:
    """The last day with a trade."""
    with Reader(place) as reader:
        day: date = reader.trades(reader.history())["day"].iloc[-1]
    return day


def request(place: str, out: Path, day: date | None) -> EodRequest:
    return EodRequest(CONFIG, Settings.load(CONFIG), place, "paper", out, day)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where no gate and no service is yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("MW_TELEGRAM_TOKEN", "MW_DISCORD_WEBHOOK", "MW_ALERT_URLS"):
        monkeypatch.delenv(name, raising=False)


def test_day_is_reported_kept_and_told(place: str, traded: date, tmp_path: Path, spx_played: Desk) -> None:
    server = Server()
    folder = run(request(place, tmp_path, traded), [AppriseService(server.url, 2.0)])
    server.close()

    of_day = [trade for trade in spx_played.journal.trades if day_of(trade.exit_time) == traded]
    so_far = [trade for trade in spx_played.journal.trades if day_of(trade.exit_time) <= traded]
    net = round(sum(trade.net for trade in of_day), 2)
    with Reader(place) as reader:
        mark = next(row for row in reader.daily_marks() if row["day"] == traded)
        decided = reader.reason_counts(reader.history(), traded, traded)["count"].sum()
    assert (mark["net"], mark["trades"]) == (net, len(of_day))
    assert mark["equity"] == pytest.approx(150_000.0 + sum(trade.net for trade in so_far), abs=0.005)
    assert mark["decisions"] == decided > 0
    assert mark["compliant"] is False  # the gate was never asked whether it may begin
    assert "config, the gate was not asked when it began" in mark["text"]

    (told,) = server.got
    assert told["title"] == f"{traded}: {net:+.2f} USD, {len(of_day)} trades"
    assert told["message"] == mark["text"]
    for trade in of_day:
        assert f"{trade.bot} {trade.symbol}: {trade.exit_reason}, {trade.net:+.2f} USD" in mark["text"]

    summary = json.loads((folder / "summary.json").read_text())
    assert summary["run"]["venue"] == "paper"
    assert summary["total"]["net"] == pytest.approx(sum(trade.net for trade in so_far), abs=0.005)
    page = (folder / "report.html").read_text()
    assert "<h1>Market Watch paper</h1>" in page and "Paper money: the broker simulates the fills" in page
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    market = pd.read_parquet(folder / "market.parquet")
    assert market.iloc[-1][["open", "high", "low", "close", "vix"]].tolist() == [
        100.0,
        103.0,
        99.0,
        101.0,
        18.0,
    ]


def test_command_takes_the_newest_day_and_says_what_it_wrote(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eod", "--database", place, "--config", str(CONFIG)]) == 0
    said = capsys.readouterr().out
    with Reader(place) as reader:
        day = reader.latest_day()
    assert f"\npaper {day}: " in said
    (folder,) = (tmp_path / "runs").glob(f"paper-{day:%Y%m%d}-*")
    assert f"Report: runs/{folder.name}/report.html" in said


def test_command_tells_a_program_row_and_verdict(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eod", "--database", place, "--config", str(CONFIG), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with Reader(place) as reader:
        day = reader.latest_day()
    assert day is not None and told["day"] == day.isoformat()
    assert Path(told["report"]).is_file()
    assert told["equity"] and told["figures"] and "verdicts" in told


def test_day_without_a_session_is_one_line_and_nothing_is_written(place: str, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="has no session on 2017-01-03, expected one"):
        run(request(place, tmp_path, date(2017, 1, 3)))
    assert list(tmp_path.iterdir()) == []
