"""A session at the gateway: trades, ends flat, and its journal is the gateway's own account of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from engine.journal.queries import Reader
from engine.journal.tables import PositionRow
from tests.live.stage import DAY, rehearsed


def test_rehearsed_hour_trades_ends_flat_and_is_journalled_exactly(tmp_path: Path) -> None:
    with rehearsed(tmp_path) as played:
        assert played.outcome.how == "flat"
        assert played.outcome.trades >= 1
        played.check()
        with Reader(played.plan.database) as reader:
            runs = reader.history()
            trades = reader.trades(runs)
            assert len(trades) == played.outcome.trades
            assert {"entered", "outside_window"} & set(reader.reason_counts(runs).reason)
            check_marks(reader, runs, trades)
            (session,) = reader.sessions()
            assert session["how"] == "flat"


def check_marks(reader: Reader, runs: Sequence[int], trades: pd.DataFrame) -> None:
    """Hold marks and positions of the hour against its trades."""
    assert reader.open_positions(runs) == []
    held = reader.through(PositionRow, runs, DAY)
    marks = [mark for mark in reader.marks(runs, DAY) if mark["combos"]]
    first = trades.iloc[0]
    combo = next(one for mark in marks for one in mark["combos"] if one["order_ref"] == first.order_ref)
    assert combo["credit"] == pytest.approx(first.credit)
    assert [leg[1] for leg in combo["legs"]] == list(held.iloc[0]["legs"].values())
    assert sum(leg[1] * leg[2] for leg in combo["legs"]) == pytest.approx(-combo["mark"])
    assert combo["r"] == pytest.approx(combo["pnl"] / first.planned_loss)
    last = reader.latest_mark(runs)
    assert last is not None
    assert last["realised"] == pytest.approx(trades["net"].sum())
    assert last["market"]["XSP"]["price"] > 0 and last["market"]["XSP"]["vix"] > 0
    assert last["budget_left"]["shared"] == pytest.approx(150.0 + trades["net"].clip(upper=0).sum())
