"""The journal of a session: database, trades.log and alerts as sinks; and what a restart reads from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from loguru import logger

from engine.errors import JournalError
from engine.journal.alerts.alerts import Alerts
from engine.journal.alerts.services import services
from engine.journal.database import open_journal
from engine.journal.journal import Journal
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.secrets import load
from engine.journal.trades_log import TradesLog
from engine.journal.writing import Writer
from engine.risk.state import DayState
from scripts.journal import new_run
from scripts.live.plan import Plan
from strategies.ticket import Ticket
from strategies.ticket_text import ticket_from_json

FAILED = "failed"


@dataclass(frozen=True)
class Kept:
    """What an earlier process left in the journal.

    Parameters
    ----------
    state : DayState
        Of today.
    tickets : mapping of bot to Ticket
        Trades that were open.
    executions : frozenset of str
        Today's that are journalled.
    limits : mapping of order reference to float
        The last limits of the orders at work.
    resumed : bool
        Whether a session of today was there before.
    """

    state: DayState
    tickets: Mapping[str, Ticket]
    executions: frozenset[str]
    limits: Mapping[str, float]
    resumed: bool


def read_kept(plan: Plan, today: date) -> Kept:
    """Return what a restart goes on from."""
    if "://" not in plan.database and not Path(plan.database).exists():
        return Kept(DayState.fresh(today), {}, frozenset(), {}, False)
    with Reader(plan.database) as reader:
        last = reader.latest_day()
        row = reader.state(today) or (reader.state(last) if last else None)
        state = DayState.from_json(row["state"]).roll(today) if row else DayState.fresh(today)
        tickets, limits = {}, {}
        for bot, kept in reader.open_tickets(plan.bots).items():
            symbols = getattr(plan.settings.bots, bot).symbols
            ticket = tickets[bot] = ticket_from_json(kept["state"], plan.products, symbols)
            told = reader.orders(reader.history(), order_ref=ticket.working) if ticket.working else ()
            if len(told):
                limits[ticket.working] = float(told["limit"].iloc[-1])
        return Kept(state, tickets, frozenset(reader.exec_ids(today)), limits, last == today)


@dataclass
class SessionJournal:
    """A session's journal and the alerts beside it; ``how`` is written as the run's end."""

    journal: Journal
    alerts: Alerts
    run_id: int
    how: str = FAILED


def by_hand(plan: Plan, kind: str) -> None:
    """Journal that somebody takes a hand in a session; never in the way of what he is about to do."""
    try:
        with Writer(open_journal(plan.database, plan.venue), new_run(kind, plan.venue, plan.settings)):
            pass
    except JournalError as error:
        logger.error("{} is not in the journal: {}", kind, error)


@contextmanager
def session_journal(plan: Plan) -> Iterator[SessionJournal]:
    """Open the journal of a session and close it with the word on how it ended.

    Raises
    ------
    JournalError
        It cannot be opened.
    """
    settings = plan.settings
    run = replace(new_run("session", plan.venue, settings), detail={"bots": list(plan.bots)})
    recorder = Recorder(
        open_journal(plan.database, plan.venue), run,
        capacity=settings.journal.queue, patience=settings.journal.patience_seconds,
    )  # fmt: skip
    log = TradesLog(plan.logs / "trades.log", run.name)
    reached = services(load(), settings.alerts.timeout_seconds) if plan.venue != "rehearsal" else []
    alerts = Alerts(settings.alerts, reached)
    held = SessionJournal(Journal([recorder, log, alerts]), alerts, recorder.run_id)
    try:
        yield held
    finally:
        recorder.close(held.how)
        log.close()
        alerts.close()
