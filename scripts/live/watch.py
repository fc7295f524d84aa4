"""What a session looks after on every pass of its loop, beside the bots' own work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import nan
from typing import Any

from loguru import logger

from engine.desk import Desk
from engine.ibkr.broker import LiveBroker
from engine.ibkr.link import Link
from engine.ibkr.reconcile import Difference, Finding, Reconciler
from engine.journal import records
from engine.live.files import Beat, Heartbeat, KillFile
from engine.live.guard import ENDED, LEFT_OPEN
from engine.reasons import Reason
from engine.sessions import CLOSE_MINUTE, NEW_YORK, OPEN_MINUTE, close_minute
from scripts.live.marks import Marker
from scripts.live.plan import LATE, Plan, instant
from scripts.live.vetoes import Vetoes
from scripts.origin import program_version
from strategies.base import Bot

STEP = timedelta(seconds=1)  # of the venue's clock, between two looks
DISPUTED = "the broker holds something else"
DISPUTES = (Finding.MISSING_POSITION, Finding.DIFFERENT_POSITION, Finding.ASSIGNMENT, Finding.LIQUIDATION)
MINUTES_DEALT = 90.0  # venue seconds within which the simulated exchange, once a minute, deals its last
BOOKS_SECONDS = 15.0  # for the first comparison with the broker
JOURNAL_BEAT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: ``flat``, ``kept`` (open by the owner's wish) or ``open``."""

    how: str
    day: date
    trades: int
    net: float
    text: str

    def told(self) -> Mapping[str, Any]:
        """Return what the journal keeps of it."""
        return {"trades": self.trades, "net": self.net, "text": self.text}


class Watch:
    """Heartbeat, kill file, connection, the time between bars, and the end of a session.

    Parameters
    ----------
    plan : Plan
    link, desk, broker
        Of the session.
    today : date
    heart : Heartbeat
    kill : KillFile
    limits : mapping of order reference to float
        The last limits journalled of the orders to be taken up.
    realised : float
        Net of the trades that earlier processes closed today, USD.
    see : callable, optional
        Called on every look; what records the session.
    ending : Reason, optional
        TAKEN_OVER for a session that only closes what an earlier one has left.
    """

    def __init__(
        self,
        plan: Plan,
        link: Link,
        desk: Desk,
        broker: LiveBroker,
        today: date,
        heart: Heartbeat,
        kill: KillFile,
        limits: Mapping[str, float],
        realised: float = 0.0,
        see: Callable[[], None] | None = None,
        ending: Reason | None = None,
    ) -> None:
        self.plan, self.link, self.desk, self.broker, self.today = plan, link, desk, broker, today
        self._kill, self._ending = kill, ending
        self._see = see
        self._marker = Marker(desk, broker, today, realised)
        self._vetoes = Vetoes(plan.database)
        self._books = Reconciler(broker, plan.symbols, told=self._differ)
        self._heart, self._limits = heart, limits
        half = close_minute(today) < CLOSE_MINUTE
        flat_by = desk.governor.limits.flat_minute(half)
        last = desk.governor.limits.window(half)[1] if plan.brief else flat_by
        self.until = instant(today, max(last, OPEN_MINUTE)) + LATE
        self.close = instant(today, close_minute(today))
        if plan.settings.session.record is not None:  # half a day cannot be replayed
            self.close += LATE
            self.until = self.close
        self.bots: list[Bot] = []
        self._adopted = False
        self._how = ""
        self._looked = self._told = datetime.min.replace(tzinfo=NEW_YORK)
        self._beaten = 0.0
        self._ends: datetime | None = None
        self._flat_since: float | None = None  # by the link's seconds
        self._looks = 0

    def now(self) -> datetime:
        """Return the venue's time, New York."""
        return self.link.clock.instant().astimezone(NEW_YORK)

    def stop(self) -> None:
        """End the session in order: close what is open, unless the owner keeps it."""
        self._ending = self._ending or Reason.SESSION_END

    def on_pass(self, bots: list[Any]) -> bool:
        """Do what is due; return True when the session is over."""
        if not self._adopted:
            self._adopted = True
            self.bots = [bot for bot in bots if isinstance(bot, Bot)]  # none in a session that only records
            self._adopt()
        self._books.next()
        now = self.now()
        if now - self._looked < STEP:
            return False
        self._looked = now
        self._control(now)
        for bot in self.bots:
            bot.watch(now)
        if self._see is not None:
            self._see()
        self._beat(now)
        return self._over(now)

    def _adopt(self) -> None:
        """Give the broker back the trades of an earlier process, each with its order at work."""
        self.broker.stops.waits = True
        for bot in self.bots:
            ticket = bot.ticket
            if ticket is None:
                continue
            logger.info("session: {} goes on with {}", bot.bot_name, ticket.intent.order_ref)
            self.broker.restore(ticket.intent, bot, ticket.holdings(), ticket.costs())
            order = ticket.order()
            if order is not None:
                average = ticket.value / ticket.done if ticket.done else nan
                limit = self._limits.get(order.ref, nan)
                self.broker.adopt(order, bot, limit, ticket.done, average)
        self._compare("start")
        self.broker.stops.waits = False

    def _compare(self, kind: str) -> None:
        """Hold the broker's books against the journal's once more, and journal that they agree."""
        clock = self.link.clock
        looks, deadline = self._books.looks, clock.seconds() + BOOKS_SECONDS
        self._books.ask()
        while clock.seconds() < deadline and not (self._books.looks > looks and self._books.settled):
            self.broker.next()
            self._books.next()
            clock.sleep(0.02)
        if self._books.looks > looks and self._books.settled and not self._books.differences:
            self.desk.journal.record(records.Reconciliation(self.now(), kind, True, {}, {}))

    def _differ(self, found: tuple[Difference, ...]) -> None:
        """Tell of what the journal and the broker do not agree on."""
        now = self.now()
        told = {f"{one.what}: {one.subject}": str(one) for one in found}
        text = "; ".join(told.values())
        self._dispute({one.subject for one in found if one.what in DISPUTES})
        clean = not any(one.ours for one in found)
        self.desk.journal.record(records.Reconciliation(now, "session", clean, told, {}, text))

    def _dispute(self, subjects: set[str]) -> None:
        """Let trades rest of which the broker holds something else; their stops are taken back too."""
        disputed = set()
        for bot in self.bots:
            ticket = bot.ticket
            if ticket is not None:
                legs = {str(leg.instrument) for combo in ticket.holdings() for leg in combo.legs}
                disputed |= {ticket.intent.order_ref} if legs & subjects else set()
        self.desk.disputed = frozenset(disputed)
        for ref, trade in self.broker.trades.items():
            if ref in disputed:
                trade.stop_refused = DISPUTED
            elif trade.stop_refused == DISPUTED:
                trade.stop_refused = ""

    def _control(self, now: datetime) -> None:
        why = self._kill.reason()
        self._latch(Reason.KILLED, why is not None, f"the kill file stands: {why}", now)
        stale = self._books.looks > 0 and not self._books.compared  # until the first look after a loss
        self._latch(Reason.DISCONNECTED, stale or not self.link.up, "no connection to the broker", now)
        blocking = [str(one) for one in self._books.differences if one.blocks]
        apart = bool(blocking) or not self._books.looks
        text = "; ".join(blocking) or "the broker's books are not compared yet"
        self._latch(Reason.UNRECONCILED, apart, text, now)

    def _latch(self, reason: Reason, on: bool, text: str, now: datetime) -> None:
        if on:
            self.desk.halt(reason, text, now)
        else:
            self.desk.clear(reason, now)

    # the end -----------------------------------------------------------------------

    @property
    def flat(self) -> bool:
        """Whether no bot holds or works anything."""
        return not self.broker.busy and all(bot.ticket is None for bot in self.bots)

    def _over(self, now: datetime) -> bool:
        if self._ending is not None:
            if self._ends is None:
                self._ends = now + timedelta(seconds=self.plan.patience)
            if self.plan.settings.session.keep_open and self._ending is Reason.SESSION_END:
                return self._end("flat" if self.flat else "kept", now)
            self.desk.end(self._ending)
            if self._surely_flat() or now >= self._ends:
                return self._end("flat" if self.flat else "open", now)
            return False
        if now >= self.close or (now >= self.until and self._surely_flat()):
            return self._end("flat" if self.flat else "open", now)
        return False

    def _surely_flat(self) -> bool:
        """Tell whether all has been flat for a while and the broker says so too: fills can come late."""
        if not self.flat:
            self._flat_since = None
            return False
        if self._flat_since is None:
            self._flat_since, self._looks = self.link.clock.seconds(), self._books.looks
            self._books.ask()
        waited, dealt = self.link.clock.seconds() - self._flat_since, 0.0
        if self.plan.venue == "rehearsal":
            dealt = MINUTES_DEALT / self.plan.speed
        least = max(self.link.settings.confirm_seconds, dealt)
        if waited < least or self._books.looks <= self._looks:
            return False
        if self._books.settled and not any(one.blocks for one in self._books.differences):
            return True
        self._books.ask()
        return False

    def _end(self, how: str, now: datetime) -> bool:
        self._how = how
        self._compare("end")
        self._beat(now, last=True)
        return True

    def outcome(self) -> Outcome:
        """Return how the session ended."""
        trades = self.desk.journal.trades
        held = ", ".join(bot.ticket.intent.order_ref for bot in self.bots if bot.ticket is not None)
        text = f"{len(trades)} trades, {'open: ' + held if held else 'flat'}"
        return Outcome(self._how or "failed", self.today, len(trades), sum(one.net for one in trades), text)

    # signs of life ---------------------------------------------------------------------

    def _beat(self, now: datetime, last: bool = False) -> None:
        wall, due = time.monotonic(), last or now - self._told >= JOURNAL_BEAT
        every = self.plan.settings.session.heartbeat_seconds / self.plan.speed
        beats = last or wall - self._beaten >= max(every, 0.2)  # the guard watches by the wall
        if not (due or beats):
            return
        state = self._state(now, last)
        held = ", ".join(f"{bot.bot_name}: {bot.ticket.stage}" for bot in self.bots if bot.ticket) or "flat"
        halts = ", ".join(sorted({str(reason) for _, reason in self.desk.state.halts}))
        if beats:
            self._beaten = wall
            self._heart.write(
                Beat(
                    pid=os.getpid(),
                    at=time.time(),
                    state=state,
                    connected=self.link.up,
                    account=self._heart.path.name.partition(".")[0],
                    venue=self.plan.venue,
                    symbols=self.plan.symbols,
                    text=f"{held}; halts: {halts or 'none'}",
                )
            )
        if due:
            self._told = now
            detail = {"held": held, "halts": halts, "connected": self.link.up, **self.desk.journal.counts()}
            beat = records.Heartbeat(now, os.getpid(), program_version(), state, detail)
            logger.info("heartbeat: pid {}, version {}, {}: {}", beat.pid, beat.version, state, dict(detail))
            self.desk.journal.record(beat)
            self._marker.next(self.bots, now)
            self.desk.vetoes = self._vetoes.at(now, self.today)

    def _state(self, now: datetime, last: bool) -> str:
        if last:
            return LEFT_OPEN if self._how == "open" else ENDED
        if self._ending is not None:
            return "closing"
        return "waiting" if now < instant(self.today, OPEN_MINUTE) else "trading"
