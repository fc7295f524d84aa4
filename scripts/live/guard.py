"""``mw guard``: a process of its own that sees the session's heartbeat and the account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import nan
from pathlib import Path

from loguru import logger

from engine.errors import MarketWatchError, SessionError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.journal.alerts.alerts import Alerts
from engine.journal.alerts.services import services
from engine.journal.journal import Journal
from engine.journal.secrets import load
from engine.live.closing import uncovered
from engine.live.files import AccountLock, Beat, Heartbeat, KillFile
from engine.live.guard import ENDED, AccountLook, Cause, Finding, GuardLimits, Watchman
from engine.options.contract import Contract, Stock
from engine.reasons import Reason
from scripts.live.flatten import Closer
from scripts.live.plan import Plan
from scripts.live.session import play

LOOK = 0.2  # wall seconds between two looks at the heartbeat
ACCOUNT_LOOK = 5.0  # venue seconds between two looks at the account
TERM_SECONDS = 5.0  # wall seconds a session has to end by itself
SHORTEST = 3.0  # wall seconds: nothing is judged faster than a busy machine answers
RESTART = (Cause.DIED,)  # what a supervisor may put right by itself
Tell = Callable[[str], None]


def limits(plan: Plan) -> GuardLimits:
    """Return the guard's limits in wall seconds."""
    session = plan.settings.session
    return GuardLimits(
        max(session.guard_silent_seconds / plan.speed, SHORTEST),
        max(session.guard_lost_seconds / plan.speed, SHORTEST),
        session.guard_day_loss,
    )


class Guard:
    """Watch one session and take its account over when it must be.

    Parameters
    ----------
    plan : Plan
    tag : str
        The account's name in file names.
    tell : callable
        Takes one line for the owner.
    """

    def __init__(self, plan: Plan, tag: str, tell: Tell = logger.error) -> None:
        self.plan, self.tag, self._tell = plan, tag, tell
        self._session = AccountLock(plan.folder, tag)
        self._heart = Heartbeat(plan.folder, tag)
        self._man = Watchman(limits(plan))
        self._eyes = Eyes(plan)

    def run(self) -> int:
        """Watch until the session has ended; return 0 when all is flat or left open on purpose."""
        with AccountLock(self.plan.folder, self.tag, "guard"), ExitStack() as stack:
            stack.callback(self._eyes.close)
            while True:
                beat = self._heart.read()
                if beat is not None and beat.state == ENDED and self._session.holder() is None:
                    return 0
                if beat is not None:
                    found = self._judge(beat)
                    if found is not None:
                        self._eyes.close()
                        return self._take_over(beat, found)
                time.sleep(LOOK)

    def _judge(self, beat: Beat) -> Finding | None:
        running = self._session.holder() is not None
        found = self._man.judge(beat, running, time.time(), self._eyes.look())
        if found is None or found.cause not in RESTART:
            return found
        return found if self._stays_dead(beat) else None

    def _stays_dead(self, beat: Beat) -> bool:
        """Give whoever supervises the session the time to start it again."""
        deadline = time.monotonic() + self.plan.settings.session.guard_restart_seconds / self.plan.speed
        while time.monotonic() < deadline:
            if self._session.holder() is not None:
                logger.warning("guard: session {} has died and is back", beat.pid)
                return False
            time.sleep(LOOK)
        return True

    def _take_over(self, beat: Beat, found: Finding) -> int:
        self._tell(f"guard: {found.text}; takes the account over and closes what is open")
        if found.cause not in (Cause.DIED, Cause.LEFT_OPEN):
            KillFile(self.plan.folder).set(f"guard: {found.text}")
            self._end(beat, gently=found.cause in (Cause.DAY_LOSS, Cause.NAKED))
        left = close_all(self.plan)
        state = f"still open: {', '.join(left)}" if left else "flat"
        self._tell(f"guard: {found.cause}: account is {state}")
        return 2 if left else 0

    def _end(self, beat: Beat, gently: bool) -> None:
        """End the session's process, which may still hold the bots' client id."""
        for number in (signal.SIGTERM, signal.SIGKILL) if gently else (signal.SIGKILL,):
            if self._session.holder() != beat.pid:
                return
            with suppress(ProcessLookupError):
                os.kill(beat.pid, number)
            deadline = time.monotonic() + TERM_SECONDS
            while self._session.holder() is not None and time.monotonic() < deadline:
                time.sleep(LOOK)


class Eyes:
    """The guard's own look at the account, under its own client id; blind while it cannot connect.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        settings = plan.settings.ibkr.model_copy(update={"client_id": plan.settings.session.guard_client_id})
        self._link = Link(settings, plan.paper, plan.speed)
        self._contracts = Contracts(self._link, plan.products, plan.folder / "contracts")
        self._every = max(ACCOUNT_LOOK / plan.speed, LOOK)
        self._next = 0.0
        self._first = nan
        self._last: AccountLook | None = None
        self._open = False

    def look(self) -> AccountLook | None:
        """Return the account as it is, at most every few seconds; None while it cannot be seen."""
        if time.monotonic() < self._next:
            return self._last
        self._next = time.monotonic() + self._every
        try:
            if not self._open:
                self._link.start()
                self._open = True
            self._last = self._see()
        except MarketWatchError as error:
            self._last = None
            self._next = time.monotonic() + 10 * self._every
            logger.warning("guard: account not seen: {}", error)
            if not self._open:
                self._link = Link(self._link.settings, self._plan.paper, self._plan.speed)
                self._contracts = Contracts(self._link, self._plan.products, self._plan.folder / "contracts")
        return self._last

    def _see(self) -> AccountLook:
        rows = self._link.call(lambda ib: ib.reqPositionsAsync(), "positions")
        held = {self._contracts.instrument(row.contract): round(row.position) for row in rows}
        options = {one: count for one, count in held.items() if isinstance(one, Contract)}
        shares = {one.symbol: count for one, count in held.items() if isinstance(one, Stock)}
        value = self._link.call(lambda ib: _net_liquidation(ib, self._link.account), "account value")
        if self._first != self._first:
            self._first = value
        return AccountLook(value, self._first, uncovered(options, shares))

    def close(self) -> None:
        """Let the client id go."""
        self._link.stop()


async def _net_liquidation(ib: object, account: str) -> float:
    values = ib.accountValues(account)  # type: ignore[attr-defined]
    return next((float(v.value) for v in values if v.tag == "NetLiquidation" and v.currency != "BASE"), nan)


def close_all(plan: Plan) -> tuple[str, ...]:
    """Close the journal's trades by their own bots, then whatever else is open; return what is left."""
    try:
        outcome = play(plan, patience=60.0, ending=Reason.TAKEN_OVER)
        logger.info("closer: the bots' trades: {}", outcome.text)
    except SessionError:
        raise
    except Exception:  # noqa: BLE001  whatever it is, the account must be closed all the same
        logger.exception("closer: the bots' own way out failed, going on without them")
    link = Link(plan.settings.ibkr, plan.paper, plan.speed)
    link.start(60.0)
    try:
        with AccountLock(plan.folder, plan.tag(link.account)):
            return Closer(plan, link, Journal()).close(plan.patience)
    finally:
        link.stop()


@contextmanager
def told_owner(plan: Plan) -> Iterator[Tell]:
    """Return what logs a line and sends it to the owner; alerts in waiting go out at the end."""
    reached = services(load(), plan.settings.alerts.timeout_seconds) if plan.venue != "rehearsal" else []
    alerts = Alerts(plan.settings.alerts, reached)

    def tell(text: str) -> None:
        logger.error(text)
        alerts.say("failure", f"Market Watch {plan.venue}", text)

    try:
        yield tell
    finally:
        alerts.close()


def tag_of(folder: Path, venue: str) -> str:
    """Return the name of the one account with a session of a venue.

    Raises
    ------
    SessionError
        There is none, or several.
    """
    found = sorted(path.name.partition(".")[0] for path in folder.glob(f"{venue}-*.plan.json"))
    if len(found) != 1:
        raise SessionError(
            f"{folder}: {len(found)} accounts have had a {venue} session, expected one"
            + (f"; name it with --tag {' or '.join(found)}" if found else ": start a session first")
        )
    return found[0]


def start_guard(plan: Plan, tag: str) -> None:
    """Start the guard of a session as a process of its own, which outlives the session's."""
    log = (plan.folder / f"{tag}.guard.log").open("a", encoding="utf-8")
    command = [sys.executable, "-m", "scripts.cli", "guard", "--folder", str(plan.folder), "--tag", tag, "-v"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    log.close()
