"""Figures of the dashboard, compared with what was written into the journal and with its tables."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from engine.journal.database import Run, open_journal
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.tables import DecisionRow, TradeRow
from scripts.board import replay, view
from scripts.board.log import tail
from tests.board.makers import CASH, DAY, at, written


def test_day_is_what_was_written(paper: tuple[str, dict[str, Any]]) -> None:
    place, put = paper
    with Reader(place) as reader:
        day = view.day_of(reader, None, at(201))

    assert (day.venue, day.day) == ("paper", DAY)
    assert day.equity == pytest.approx(put["equity"])
    assert day.realised == pytest.approx(12.4 - 31.15)
    assert day.open_pnl == 4.5
    assert day.trades == 2
    assert day.budgets == {"shared": (118.85, 150.0), "buywrite": (1500.0, 1500.0)}
    (held,) = day.positions.to_dict("records")
    assert (held["bot"], held["mark"], held["pnl"], held["r"]) == ("putlite", 0.135, 4.5, 0.09)
    assert day.legs.quantity.tolist() == [-1, 1]
    assert day.bots.set_index("bot").state.to_dict() == {
        "putlite": "holds a trade",
        "buywrite": "flat",
        "condor": "flat",
    }
    assert day.market.set_index("symbol").range_over_move["XSP"] == pytest.approx(2.6 / 3.9)
    assert day.halts.reason.tolist() == ["halt_range"]
    assert day.notes.kind.tolist() == ["veto"]
    assert day.pulse.age == pytest.approx(120.0) and not day.pulse.late


def test_silent_session_is_late_and_an_ended_one_is_not(
    paper: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    with Reader(paper[0]) as reader:
        assert view.day_of(reader, None, at(199) + timedelta(seconds=view.LATE + 1)).pulse.late
        ended = view.day_of(reader, DAY - timedelta(days=1), at(0)).pulse
    assert (ended.late, ended.text) == (False, "ended 15:59, flat")


def test_day_without_marks_has_its_budget_and_equity_from_its_trades(tmp_path: Path) -> None:
    place = str(tmp_path / "backtest.db")
    put = written(place, "backtest", days=2, ended=True, kind="backtest")
    with Reader(place) as reader:
        nothing = view.budgets(
            reader, reader.runs_of(DAY), None, reader.trades(reader.runs_of(DAY), DAY, DAY)
        )
        equity = reader.equity_by_day(reader.history()).equity.iloc[-1]
    left, cap = nothing["shared"]
    assert left == pytest.approx(150.0 - 31.15) and cap == 150.0
    assert nothing["buywrite"] == (1500.0, 1500.0)
    assert equity == pytest.approx(put["equity"])


def test_results_are_the_sums_of_the_trades_table(paper: tuple[str, dict[str, Any]]) -> None:
    place, put = paper
    with Reader(place) as reader:
        trades = reader.trades(reader.history())
        query = select(TradeRow.bot, func.count().label("n"), func.sum(TradeRow.net).label("net"))
        rows = {row["bot"]: row for row in reader.rows(query.group_by(TradeRow.bot))}
        decided = reader.rows(select(func.count().label("n")).select_from(DecisionRow))[0]["n"]
    table = view.results(trades, "bot").set_index("bot")

    assert {bot: (row["n"], pytest.approx(row["net"])) for bot, row in rows.items()} == {
        bot: (row.trades, row.net) for bot, row in table.iterrows()
    }
    assert table.net.sum() == pytest.approx(sum(put["net"]))
    assert decided == put["decisions"]


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50))
def test_drawdown_is_zero_at_every_high_and_never_above(steps: list[float]) -> None:
    equity = CASH + pd.Series(steps).cumsum()
    fall = view.drawdown(equity)
    assert (fall <= 0.0).all()
    assert (fall[equity == equity.cummax()] == 0.0).all()


def test_empty_journal_says_that_there_is_nothing(tmp_path: Path) -> None:
    place = str(tmp_path / "paper.db")
    Recorder(open_journal(place, "paper"), Run("one", "session", "paper", "paper", at(0))).close()
    with Reader(place) as reader:
        day = view.day_of(reader, None, at(0))
    assert day.day is None
    assert math.isnan(day.equity)


def test_dashboard_cannot_write(paper: tuple[str, dict[str, Any]]) -> None:
    with Reader(paper[0]) as reader, reader.engine.connect() as connection:
        with pytest.raises(DBAPIError):
            connection.execute(delete(TradeRow))


def test_replay_shows_no_line_and_no_event_of_later(paper: tuple[str, dict[str, Any]]) -> None:
    with Reader(paper[0]) as reader:
        runs = reader.runs_of(DAY)
        trades = reader.trades(runs, DAY, DAY)
    noon = pd.Timestamp(f"{DAY} 11:00")
    held = replay.lines(trades, noon)
    assert (held.stop <= noon).all()
    assert held.strike.tolist() == [598.0, 597.0, 598.0, 597.0, 603.0, 604.0]
    assert held.side.tolist()[:2] == ["sold", "bought"]
    events = replay.happened(trades, pd.DataFrame(columns=["at", "symbol", "text"]))
    assert events.what.tolist() == ["entry", "entry", "exit", "exit"]


def test_tail_is_the_end_of_a_log_and_nothing_of_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    path.write_text("\n".join(f"line {number} é" for number in range(50_000)), encoding="utf-8")
    assert tail(path, 3) == ["line 49997 é", "line 49998 é", "line 49999 é"]
    assert tail(tmp_path / "none.log") == []


def test_rehearsed_session_is_never_late_for_its_clock_is_another(tmp_path: Path) -> None:
    place = str(tmp_path / "rehearsal.db")
    written(place, "rehearsal")
    with Reader(place) as reader:
        pulse = view.day_of(reader, None, at(10_000)).pulse
    assert math.isnan(pulse.age)
    assert not pulse.late
