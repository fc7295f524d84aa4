"""A session from the connection to the last word: the same bots on paper, live or in a rehearsal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from math import isfinite
from types import FrameType
from typing import Any

from loguru import logger

from engine.broker.fees import Execution
from engine.desk import Desk
from engine.errors import SessionError
from engine.execution.settings import ExecutionSettings
from engine.ibkr.broker import LiveBroker
from engine.ibkr.contracts import Contracts
from engine.ibkr.feed import LiveFeed, Minutes
from engine.ibkr.link import Link
from engine.ibkr.past_iv import PastVolatility
from engine.ibkr.quotes import LiveQuotes
from engine.journal.journal import Journal
from engine.journal.records import SessionEvent
from engine.live.files import AccountLock, Heartbeat, KillFile
from engine.live.memory import LineMemory
from engine.live.pace import Pace
from engine.options.contract import Instrument
from engine.reasons import Reason
from engine.risk.governor import Governor
from engine.sessions import NEW_YORK
from scripts.advisors import advisors_of
from scripts.live.cerebro import LiveCerebro
from scripts.live.journal import Kept, read_kept, session_journal
from scripts.live.plan import Plan, save_plan, session_of
from scripts.live.record import SessionRecording
from scripts.live.watch import Outcome, Watch
from strategies.roster import BOTS


def _nobody(tag: str) -> None:
    """Tell nobody."""


def _granted(day: date, account: str, equity: float) -> None:
    """Ask nobody: a rehearsal needs no leave."""


def play(
    plan: Plan,
    patience: float = 0.0,
    ending: Reason | None = None,
    started: Callable[[str], None] = _nobody,
    allow: Callable[[date, str, float], None] = _granted,
) -> Outcome:
    """Play the session of today, or what is left of it, and return how it ended.

    Parameters
    ----------
    plan : Plan
    patience : float
        Wall seconds to go on trying to connect.
    ending : Reason, optional
        TAKEN_OVER only closes what an earlier session has left.
    started : callable
        Called with the account's tag once the account is held and before any order.
    allow : callable
        Called before any order with day, account and its value in USD; raises where it may not begin.

    Raises
    ------
    SessionError
        The kill file stands, or another session holds the account.
    LinkError
        No connection, or data are refused.
    JournalError
        The journal cannot be opened.
    """
    if ending is None:
        refuse_killed(plan)
    with ExitStack() as stack:
        link = Link(plan.settings.ibkr, plan.paper, plan.speed, plan.clock)
        link.start(patience)
        stack.callback(link.stop)
        tag = plan.tag(link.account)
        stack.enter_context(AccountLock(plan.folder, tag))
        save_plan(plan, tag)
        started(tag)
        today = session_of(link.clock.instant())
        kept = read_kept(plan, today)
        held = stack.enter_context(session_journal(plan))
        stage = _Stage(plan, link, tag, today, kept, held.journal, stack, ending)
        allow(today, link.account, stage.equity())
        outcome = stage.play()
        held.how = outcome.how
        return outcome


def refuse_killed(plan: Plan) -> None:
    """Raise SessionError while the kill file stands."""
    kill = KillFile(plan.folder)
    why = kill.reason()
    if why is not None:
        raise SessionError(f"{kill.path}: {why}; nothing starts while the file stands (mw unkill)")


class _Stage:
    """The parts of one session, put together."""

    def __init__(
        self,
        plan: Plan,
        link: Link,
        tag: str,
        today: date,
        kept: Kept,
        journal: Journal,
        stack: ExitStack,
        ending: Reason | None,
    ) -> None:
        settings = plan.settings
        self.plan, self.link, self.today, self.kept, self.journal = plan, link, today, kept, journal
        contracts = Contracts(link, plan.products, plan.folder / "contracts")
        contracts.prepare(plan.symbols)
        self.book = LiveQuotes(link, contracts, plan.products, settings.ibkr, plan.members)
        self.book.start(plan.symbols)
        for symbol, ahead in plan.days_ahead().items():
            for days in sorted(ahead):
                self.book.watch(symbol, days)
        lines = plan.folder / f"lines-{plan.venue}"
        self.past = PastVolatility(link, contracts, lines).fetch(plan.symbols, today)
        memory = LineMemory(lines)
        stack.callback(memory.close)
        self.minutes = Minutes(link, contracts, self.book, plan.symbols, settings.ibkr, memory)
        self.broker = LiveBroker(
            link, contracts, self.book, self.minutes.tape, journal, settings.ibkr,
            ExecutionSettings(**settings.execution.model_dump()), self._estimate,
        )  # fmt: skip
        journal.kept = kept.written
        self.broker.knows(sorted(kept.settled))
        self.desk = self._desk()
        self.watch = Watch(
            plan, link, self.desk, self.broker, today,
            Heartbeat(plan.folder, tag), KillFile(plan.folder), kept.limits, kept.realised,
            self._recorder(stack), ending,
        )  # fmt: skip

    def _recorder(self, stack: ExitStack) -> Callable[[], None] | None:
        folder = self.plan.settings.session.record
        if folder is None:
            return None
        recording = SessionRecording(folder, self.today, self.plan.products, self.plan.days_ahead())
        stack.callback(recording.save)
        return lambda: recording.look(self.minutes, self.book)

    def _estimate(self, done: Any, day: date) -> float:
        legs: list[tuple[Instrument, int, float]] = list(done)
        return self.plan.fees.order_fees([Execution(*leg) for leg in legs], day)

    def _desk(self) -> Desk:
        settings = self.plan.settings
        limits = replace(settings.risk.limits(), stale_seconds=settings.ibkr.quote_age)
        governor = Governor(limits, self.plan.calendar, venue=self.plan.venue)
        return Desk(
            self.book, self.broker, governor, self.journal, self.minutes.tape, self.plan.fees,
            [self.today], self.broker.funds(), self.kept.state,
        )  # fmt: skip

    def equity(self) -> float:
        """Return what the account is worth, USD; its free funds where that was not told."""
        value = self.broker.getvalue()
        return value if isfinite(value) else self.broker.funds()

    def _pace(self) -> Pace:
        settings = self.plan.settings
        return Pace(
            lambda: self.link.clock.instant().astimezone(NEW_YORK),
            self.book,
            self.plan.products,
            settings.session.patience(),
            settings.ibkr.quote_age,
            settings.session.late_seconds,
        )

    def play(self) -> Outcome:
        """Run the bots until the session is over or told to end."""
        plan = self.plan
        kind = "resumed" if self.kept.resumed else "started"
        self.journal.record(SessionEvent(self.watch.now(), self.today, kind, plan.venue))
        self.minutes.start()
        cerebro = LiveCerebro(stdstats=False)
        cerebro.setbroker(self.broker)
        for symbol in plan.symbols:
            past = self.past.get(symbol, ())
            cerebro.adddata(LiveFeed(minutes=self.minutes, symbol=symbol, name=symbol, past_iv=past))
        advisors, told = advisors_of(plan.settings, plan.bots)
        for line in told:
            logger.info("session: {}", line)
        for name in plan.bots:
            cerebro.addstrategy(
                BOTS[name],
                desk=self.desk,
                config=getattr(plan.settings.bots, name),
                common=plan.settings.common,
                products=plan.products,
                whole=False,
                pace=self._pace(),
                ticket=self.kept.tickets.get(name),
                advisor=advisors.get(name),
            )
        cerebro.hook = self.watch.on_pass
        with _signals(self.watch.stop):
            cerebro.run()
        outcome = self.watch.outcome()
        self.journal.record(
            SessionEvent(self.watch.now(), self.today, "ended", plan.venue, outcome.how, outcome.told())
        )
        return outcome


@contextmanager
def _signals(stop: Any) -> Iterator[None]:
    """Let SIGTERM and the first Ctrl-C end the session in order; the second breaks it off."""

    def heard(number: int, frame: FrameType | None) -> None:
        logger.warning("session: {} received, closing what is open", signal.Signals(number).name)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
