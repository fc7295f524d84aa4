"""One event of every kind, and runs to write them under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from engine.journal import records
from engine.journal.database import Run
from engine.reasons import Reason

DAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)  # 12:00 in New York
NAN = float("nan")


def run(name: str = "one", venue: str = "paper", kind: str = "session", **changed: Any) -> Run:
    return replace(
        Run(name, kind, venue, "paper", NOON, "abc123", "d1935t", "0.1.0", "mw paper", 150_000.0), **changed
    )


def decision(minute: int = 0, **changed: Any) -> records.Decision:
    made = records.Decision(
        NOON + timedelta(minutes=minute),
        "putlite",
        "XSP",
        Reason.NOT_COMPRESSED,
        measures={"compression": 1.31, "iv_rank": NAN},
        rules={"iv_below_realized": True, "not_compressed": False},
    )
    return replace(made, **changed)


def fill(number: int = 1, **changed: Any) -> records.Fill:
    made = records.Fill(
        f"0001.{number}", "putlite-1/1", 1, "putlite", "XSP", NOON, True, "XSP 2026-11-25 600P", -1,
        1.02, 100, 0.65, -0.42, -0.43, "ibkr",
    )  # fmt: skip
    return replace(made, **changed)


def trade(number: int = 1, net: float = 12.3, **changed: Any) -> records.Trade:
    made = records.Trade(
        number, f"putlite-{number}", "putlite", "XSP", "put_spread", "-1 600P +1 599P", DAY, 1,
        NOON, NOON + timedelta(hours=1), 0.42, 0.28, net + 1.7, 1.7, net, 50.0, 59.3,
        Reason.PROFIT_TARGET, 605.0, 606.0, -0.18, 4.1, 2.0, "ibkr",
    )  # fmt: skip
    return replace(made, **changed)


def position(quantity: int = 1, order_ref: str = "putlite-1", **changed: Any) -> records.PositionEvent:
    made = records.PositionEvent(
        NOON, order_ref, 1, "putlite", "XSP", "put_spread", "-1 600P +1 599P", DAY, quantity,
        {"XSP 2026-11-25 600P": -1, "XSP 2026-11-25 599P": 1}, 0.42, 50.0, 59.3,
    )  # fmt: skip
    return replace(made, **changed)


def every_kind() -> list[Any]:
    """Return one event of every kind there is, a session's start first and its end last."""
    return [
        records.SessionEvent(NOON, DAY, "started", "paper"),
        decision(),
        records.OrderEvent("putlite-1/1", "putlite", "XSP", NOON, "working", -0.43, 0, 1),
        fill(),
        records.FeeEvent(NOON, "0001.1", "putlite-1/1", "putlite", 0.66, 0.65),
        position(),
        records.HaltEvent(DAY, NOON, "XSP", Reason.HALT_MOVE, "moved 1.3"),
        trade(),
        records.StateEvent(NOON, DAY, '{"version": 1}'),
        records.TicketEvent(NOON, "putlite", "XSP", "putlite-1", True, '{"stage": "open"}'),
        records.Reconciliation(NOON, "start", False, {"orders": 1}, {"cancelled": ["7"]}, "one unknown"),
        records.MarkEvent(
            NOON, DAY, 150_012.0, 12.0, -3.5, {"shared": 150.0},
            ({"order_ref": "putlite-1", "pnl": -3.5, "legs": [["XSP 600P", -1, 1.1, -0.2]]},),
            {"XSP": {"iv_rank": 31.0, "vix": NAN}},
        ),
        records.DailyMark(NOON, DAY, 150_012.3, 12.3, 14.0, 1.7, 2.0, 1, 36, 0),
        records.Heartbeat(NOON, 4711, "0.1.0", "trading", {"waiting": 0}),
        records.GateEvent(NOON, "opened", '{"stage":"paper"}', "", "h1"),
        records.Note(NOON, "tradingview", "veto", "no", until=NOON + timedelta(hours=1), reference="n1"),
        records.SlippageShadow(
            NOON, "putlite-1/1", "putlite", "XSP", True, 1, -0.42, NOON, -0.44, -0.42, NOON, -0.44, -0.42,
            -0.43, -0.41,
        ),
        records.SessionEvent(NOON + timedelta(hours=4), DAY, "ended", "paper", "flat"),
    ]  # fmt: skip
