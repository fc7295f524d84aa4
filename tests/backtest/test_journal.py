"""A backtest written into the database reads back as the run it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from engine.desk import Desk
from engine.errors import JournalError
from engine.journal.check import check
from engine.journal.database import connect, open_journal
from engine.journal.queries import Reader
from engine.journal.tables import DecisionRow
from engine.reasons import Reason
from scripts.backtest import as_result
from scripts.journal import journal_backtest
from scripts.session import Setup
from tests.backtest.conftest import request


@pytest.fixture(scope="module")
def written(spx_year: Setup, spx_played: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a year."""
    place = tmp_path_factory.mktemp("journal") / "backtest.db"
    result = as_result(request(place.parent), spx_year, spx_played, {})
    journal_backtest(open_journal(place, "backtest"), result, spx_played, spx_year)
    return place


@pytest.fixture
def reader(written: Path) -> Iterator[Reader]:
    with Reader(written) as opened:
        yield opened


def test_journal_of_a_backtest_is_sound(written: Path) -> None:
    engine = connect(written, read_only=True)
    found = check(engine)
    engine.dispose()
    assert (found.problems, found.notes) == ((), ())


def test_every_trade_fill_order_and_halt_is_there_cent_for_cent(reader: Reader, spx_played: Desk) -> None:
    journal, runs = spx_played.journal, reader.history()
    kept = reader.trades(runs)
    assert kept["net"].tolist() == [trade.net for trade in journal.trades]
    assert kept["exit_time"].tolist() == [pd.Timestamp(trade.exit_time) for trade in journal.trades]
    assert kept["exit_reason"].tolist() == [str(trade.exit_reason) for trade in journal.trades]
    assert reader.fills(runs)["exec_id"].tolist() == [fill.exec_id for fill in journal.fills]
    assert reader.orders(runs)["state"].tolist() == [order.state for order in journal.orders]
    days = {halt.day for halt in journal.halts}
    assert sum(len(reader.halts(runs, day)) for day in days) == len(journal.halts) > 0


def test_every_decision_is_there_and_the_first_rule_that_fails_is_its_reason(
    reader: Reader, spx_played: Desk
) -> None:
    runs, journal = reader.history(), spx_played.journal
    counts = reader.reason_counts(runs).set_index(["bot", "reason"])["count"].to_dict()
    assert counts == {
        (bot, str(reason)): count for bot in journal.bots for reason, count in journal.reasons(bot).items()
    }
    filtered = 0
    for bot in journal.bots:
        query = select(DecisionRow.reason, DecisionRow.rules, DecisionRow.measures).where(
            DecisionRow.bot == bot
        )
        for row in reader.rows(query):
            failed = next((rule for rule, passes in row["rules"].items() if not passes), None)
            if None in row["measures"].values():
                assert row["reason"] == Reason.WARMING_UP
            elif failed is not None:
                assert row["reason"] == failed
                filtered += 1
            else:
                assert row["reason"] not in row["rules"]
    assert filtered > 1_000


def test_equity_by_day_ends_where_the_trades_end(reader: Reader, spx_played: Desk) -> None:
    runs = reader.history()
    equity = reader.equity_by_day(runs)
    total = sum(trade.net for trade in spx_played.journal.trades)
    assert equity["equity"].iloc[-1] == pytest.approx(spx_played.start_cash + total, abs=0.005)
    marks = reader.daily_marks(1_000)
    assert len(marks) == len(spx_played.sessions)
    assert marks[0]["equity"] == pytest.approx(equity["equity"].iloc[-1], abs=0.005)
    decided = reader.rows(select(func.count().label("all")).select_from(DecisionRow))[0]["all"]
    assert sum(mark["decisions"] for mark in marks) == decided


def test_run_that_is_in_the_journal_already_is_refused_and_leaves_nothing(
    written: Path, spx_year: Setup, spx_played: Desk, reader: Reader
) -> None:

    (run,) = reader.runs()
    created = datetime.now(UTC)
    result = as_result(request(written.parent), spx_year, spx_played, {})
    result = replace(result, run_id=run["name"], created=created)
    with pytest.raises(JournalError, match="UNIQUE constraint failed: runs.name"):
        journal_backtest(open_journal(written, "backtest"), result, spx_played, spx_year)
    assert len(reader.runs()) == 1
