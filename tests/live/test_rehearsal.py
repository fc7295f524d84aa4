"""A session at the gateway: trades, ends flat, and its journal is the gateway's own account of it."""

from __future__ import annotations

from pathlib import Path

from engine.journal.queries import Reader
from tests.live.stage import rehearsed


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
            (session,) = reader.sessions()
            assert session["how"] == "flat"
