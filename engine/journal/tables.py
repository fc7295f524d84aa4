"""The journal's tables. Every row of an event has its run and its number within run and table.

``seq`` counts from 1 without gaps in each run and table, so that what is missing can be seen.
``day`` is the New York date of ``at`` unless the event names another. Money is USD. An empty
number is one that was not known.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.journal.columns import Instant, JsonColumn


class Base(DeclarativeBase):
    """Of all tables."""

    type_annotation_map = {
        datetime: Instant(),
        date: Date(),
        dict[str, Any]: JsonColumn,
        list[Any]: JsonColumn,
    }


class MetaRow(Base):
    """What the database remembers of itself: its venue above all."""

    __tablename__ = "meta"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class RunRow(Base):
    """One process that wrote: a backtest, a session, a command."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_kind", "kind", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    venue: Mapped[str]
    account_kind: Mapped[str]
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    how: Mapped[str] = mapped_column(default="")
    git_commit: Mapped[str]
    config_hash: Mapped[str]
    version: Mapped[str]
    command: Mapped[str]
    start_cash: Mapped[float | None]
    settings: Mapped[dict[str, Any]]
    detail: Mapped[dict[str, Any]]


class SessionRow(Base):
    """A trading session of a run: a day, when it began, when and how it ended."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_day", "day", "started"),)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    venue: Mapped[str]
    resumed: Mapped[bool]
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    how: Mapped[str]
    detail: Mapped[dict[str, Any]]


class EventRow(Base):
    """What every event's row has."""

    __abstract__ = True
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True, sort_order=-4)
    seq: Mapped[int] = mapped_column(primary_key=True, sort_order=-3)
    at: Mapped[datetime] = mapped_column(sort_order=-2)
    day: Mapped[date] = mapped_column(sort_order=-1)


class DecisionRow(EventRow):
    """`Decision`."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("decisions_bot_at", "run_id", "bot", "at"),
        Index("decisions_day_reason", "run_id", "day", "bot", "reason"),
    )
    bot: Mapped[str]
    symbol: Mapped[str]
    reason: Mapped[str]
    combo: Mapped[str]
    credit: Mapped[float | None]
    measures: Mapped[dict[str, Any]]
    rules: Mapped[dict[str, Any]]
    text: Mapped[str]


class ReasonRow(Base):
    """How many of a run's decisions came to which reason: a million rows are not counted for a page."""

    __tablename__ = "reason_counts"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    bot: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class OrderRow(EventRow):
    """`OrderEvent`: a state change of an order."""

    __tablename__ = "orders"
    __table_args__ = (Index("orders_ref", "run_id", "order_ref"), Index("orders_day", "run_id", "day"))
    order_ref: Mapped[str]
    bot: Mapped[str]
    symbol: Mapped[str]
    state: Mapped[str]
    limit: Mapped[float | None]
    filled: Mapped[int]
    remaining: Mapped[int]
    reason: Mapped[str]


class FillRow(EventRow):
    """`Fill`: one leg of one execution, each execution id once a run."""

    __tablename__ = "fills"
    __table_args__ = (
        UniqueConstraint("run_id", "exec_id", name="fills_exec"),
        Index("fills_trade", "run_id", "trade_id"),
        Index("fills_day", "run_id", "day"),
    )
    exec_id: Mapped[str]
    order_ref: Mapped[str]
    trade_id: Mapped[int]
    bot: Mapped[str]
    symbol: Mapped[str]
    opening: Mapped[bool]
    instrument: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[float]
    multiplier: Mapped[int]
    fees: Mapped[float]
    combo_price: Mapped[float | None]
    mid: Mapped[float | None]
    source: Mapped[str]


class FeeRow(EventRow):
    """`FeeEvent`."""

    __tablename__ = "fees"
    __table_args__ = (Index("fees_exec", "run_id", "exec_id"),)
    exec_id: Mapped[str]
    order_ref: Mapped[str]
    bot: Mapped[str]
    amount: Mapped[float]
    expected: Mapped[float | None]
    text: Mapped[str]


class PositionRow(EventRow):
    """`PositionEvent`: the last one of an order_ref is what is held."""

    __tablename__ = "positions"
    __table_args__ = (Index("positions_ref", "run_id", "order_ref", "seq"),)
    order_ref: Mapped[str]
    trade_id: Mapped[int]
    bot: Mapped[str]
    symbol: Mapped[str]
    structure: Mapped[str]
    combo: Mapped[str]
    expiry: Mapped[date]
    quantity: Mapped[int]
    legs: Mapped[dict[str, Any]]
    credit: Mapped[float | None]
    planned_loss: Mapped[float]
    structural_loss: Mapped[float]


class HaltRow(EventRow):
    """`HaltEvent`."""

    __tablename__ = "halts"
    __table_args__ = (Index("halts_day", "run_id", "day"),)
    symbol: Mapped[str]
    reason: Mapped[str]
    text: Mapped[str]


class TradeRow(EventRow):
    """`Trade`; ``at`` and ``day`` are those of the exit."""

    __tablename__ = "trades"
    __table_args__ = (Index("trades_day", "run_id", "day", "bot"), Index("trades_id", "run_id", "trade_id"))
    trade_id: Mapped[int]
    order_ref: Mapped[str]
    bot: Mapped[str]
    symbol: Mapped[str]
    structure: Mapped[str]
    legs: Mapped[str]
    expiry: Mapped[date]
    quantity: Mapped[int]
    entry_time: Mapped[datetime]
    exit_time: Mapped[datetime]
    credit: Mapped[float | None]
    exit_price: Mapped[float | None]
    gross: Mapped[float]
    fees: Mapped[float]
    net: Mapped[float]
    planned_loss: Mapped[float]
    structural_loss: Mapped[float]
    exit_reason: Mapped[str]
    spot_entry: Mapped[float | None]
    spot_exit: Mapped[float | None]
    short_delta: Mapped[float | None]
    expected_move: Mapped[float | None]
    slippage: Mapped[float | None]
    source: Mapped[str]


class StateRow(EventRow):
    """`StateEvent`."""

    __tablename__ = "states"
    __table_args__ = (Index("states_day", "day", "at"),)
    state: Mapped[str]


class TicketRow(EventRow):
    """`TicketEvent`."""

    __tablename__ = "tickets"
    __table_args__ = (Index("tickets_bot", "bot", "at"),)
    bot: Mapped[str]
    symbol: Mapped[str]
    order_ref: Mapped[str]
    open: Mapped[bool]
    state: Mapped[str]


class ReconciliationRow(EventRow):
    """`Reconciliation`."""

    __tablename__ = "reconciliations"
    __table_args__ = (Index("reconciliations_day", "run_id", "day"),)
    kind: Mapped[str]
    clean: Mapped[bool]
    found: Mapped[dict[str, Any]]
    done: Mapped[dict[str, Any]]
    text: Mapped[str]


class MarkRow(EventRow):
    """`MarkEvent`."""

    __tablename__ = "marks"
    __table_args__ = (Index("marks_day", "run_id", "day", "at"),)
    equity: Mapped[float | None]
    realised: Mapped[float | None]
    open_pnl: Mapped[float | None]
    budget_left: Mapped[dict[str, Any]]
    combos: Mapped[list[Any]]
    market: Mapped[dict[str, Any]]


class DailyRow(EventRow):
    """`DailyMark`."""

    __tablename__ = "daily_marks"
    __table_args__ = (Index("daily_marks_day", "day", "run_id"),)
    equity: Mapped[float | None]
    net: Mapped[float]
    gross: Mapped[float]
    fees: Mapped[float]
    slippage: Mapped[float | None]
    trades: Mapped[int]
    decisions: Mapped[int]
    halts: Mapped[int]
    compliant: Mapped[bool | None]
    figures: Mapped[dict[str, Any]]
    text: Mapped[str]


class HeartbeatRow(EventRow):
    """`Heartbeat`."""

    __tablename__ = "heartbeats"
    pid: Mapped[int]
    version: Mapped[str]
    state: Mapped[str]
    detail: Mapped[dict[str, Any]]


class GateRow(EventRow):
    """`GateEvent`: a chain without forks."""

    __tablename__ = "gate_events"
    __table_args__ = (
        UniqueConstraint("previous", name="gate_events_previous"),
        UniqueConstraint("hash", name="gate_events_hash"),
    )
    kind: Mapped[str]
    payload: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]


class NoteRow(EventRow):
    """`Note`: a source's reference only once."""

    __tablename__ = "notes"
    __table_args__ = (
        Index(
            "notes_reference",
            "source",
            "reference",
            unique=True,
            sqlite_where=text("reference <> ''"),
            postgresql_where=text("reference <> ''"),
        ),
        Index("notes_day", "day", "at"),
    )
    source: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    bot: Mapped[str]
    symbol: Mapped[str]
    until: Mapped[datetime | None]
    reference: Mapped[str]


class SlippageRow(EventRow):
    """`SlippageShadow`."""

    __tablename__ = "slippage"
    __table_args__ = (Index("slippage_day", "run_id", "day"),)
    order_ref: Mapped[str]
    bot: Mapped[str]
    symbol: Mapped[str]
    buy: Mapped[bool]
    quantity: Mapped[int]
    price: Mapped[float]
    decision_at: Mapped[datetime]
    decision_bid: Mapped[float | None]
    decision_ask: Mapped[float | None]
    submitted_at: Mapped[datetime]
    submitted_bid: Mapped[float | None]
    submitted_ask: Mapped[float | None]
    fill_bid: Mapped[float | None]
    fill_ask: Mapped[float | None]
    model: Mapped[float | None]
