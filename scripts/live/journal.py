"""The journal of a session: database, trades.log and alerts as sinks; and what a restart reads from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from loguru import logger

from engine.errors import JournalError
from engine.journal.alerts.alerts import Alerts
from engine.journal.alerts.services import services
from engine.journal.database import open_journal
from engine.journal.journal import Journal
from engine.journal.logs import log_to_files
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
    settled : frozenset of str
        Today's executions that are journalled and booked in their trade.
    written : frozenset of str
        Executions and references of trades that are in the journal, booked or not.
    limits : mapping of order reference to float
        The last limits of the orders at work.
    resumed : bool
        Whether a session of today was there before.
    realised : float
        Net of today's trades that are closed, USD.
    """

    state: DayState
    tickets: Mapping[str, Ticket] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    resumed: bool = False
    realised: float = 0.0


def read_kept(plan: Plan, today: date) -> Kept:
    """Return what a restart goes on from."""
    if "://" in plan.database:
        open_journal(plan.database, plan.venue).dispose()  # a server's database may be empty yet
    elif not Path(plan.database).exists():
        return Kept(DayState.fresh(today))
    with Reader(plan.database) as reader:
        last, runs = reader.latest_day(), reader.history()
        rows = {bot: row | json.loads(row["state"]) for bot, row in reader.last_tickets(plan.bots).items()}
        tickets = {bot: _ticket(plan, bot, row) for bot, row in rows.items() if row["open"]}
        limits = {}
        for ticket in tickets.values():
            told = reader.orders(runs, order_ref=ticket.working) if ticket.working else ()
            if len(told):
                limits[ticket.working] = float(told["limit"].iloc[-1])
        fills = reader.fills(runs, today)
        ids = frozenset(fills["exec_id"]) if len(fills) else frozenset()
        closed = reader.trades(runs, today, today)
        trades = frozenset(closed["order_ref"])
        unsettled = {
            told["exec_id"]
            for told in fills.to_dict("records")
            for ticket in tickets.values()
            if told["trade_id"] == ticket.intent.trade_id and told["exec_id"] not in ticket.booked
        }
        state = _newest(reader.state(today) or (reader.state(last) if last else None), rows.values(), today)
        realised = float(closed["net"].sum())
        return Kept(state, tickets, ids - unsettled, ids | trades, limits, last == today, realised)


def _newest(row: Mapping[str, Any] | None, tickets: Iterable[Mapping[str, Any]], today: date) -> DayState:
    """Return the state kept last, alone or beside a trade, rolled to today."""
    texts = [json.dumps(ticket["state"]) for ticket in tickets] + ([row["state"]] if row else [])
    states = [DayState.from_json(text) for text in texts] or [DayState.fresh(today)]
    return max(states, key=lambda state: state.revision).roll(today)


def _ticket(plan: Plan, bot: str, row: Mapping[str, Any]) -> Ticket:
    symbols = getattr(plan.settings.bots, bot).symbols
    return ticket_from_json(json.dumps(row["ticket"]), plan.products, symbols)


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


def log_of(plan: Plan) -> AbstractContextManager[None]:
    """Return the session's own log file, written as long as it is held."""
    kept = plan.settings.journal
    return log_to_files(plan.logs, plan.venue, kept.log_megabytes, kept.log_files)


@contextmanager
def session_journal(plan: Plan) -> Iterator[SessionJournal]:
    """Open the journal of a session and close it with the word on how it ended.

    Raises
    ------
    JournalError
        It cannot be opened.
    """
    with log_of(plan):
        settings = plan.settings
        run = replace(new_run("session", plan.venue, settings), detail={"bots": list(plan.bots)})
        reached = services(load(), settings.alerts.timeout_seconds) if plan.venue != "rehearsal" else []
        alerts = Alerts(settings.alerts, reached)

        def tell(text: str) -> None:
            logger.error(text)
            alerts.say("failure", "journal failed", text)

        recorder = Recorder(
            open_journal(plan.database, plan.venue), run, tell=tell,
            capacity=settings.journal.queue, patience=settings.journal.patience_seconds,
        )  # fmt: skip
        log = TradesLog(plan.logs / "trades.log", run.name)
        held = SessionJournal(Journal([recorder, log, alerts]), alerts, recorder.run_id)
        try:
            yield held
        finally:
            recorder.close(held.how)
            log.close()
            alerts.close()
