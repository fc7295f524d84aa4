"""``mw paper`` and ``mw live``: wait for the session, start the guard, play, say how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial

from loguru import logger
from rich.console import Console

from engine.errors import MarketWatchError, SessionError
from engine.sessions import OPEN_MINUTE
from scripts.commands.options import RUNS
from scripts.gate_session import ask, ask_early
from scripts.live.guard import start_guard
from scripts.live.journal import log_of
from scripts.live.plan import EARLY, Plan, instant, session_of
from scripts.live.session import play, refuse_killed
from scripts.live.watch import Outcome

CONNECT_SECONDS = 600.0  # TWS may be restarting when a session begins
NAP = 5.0


def run(
    plan: Plan, wait: bool = True, watch: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Outcome:
    """Play the next session of a venue and return how it ended.

    Parameters
    ----------
    plan : Plan
    wait : bool
        False connects at once, whatever the time.
    watch : callable, optional
        Gives what stands around the session while it is played.
    """
    refuse_killed(plan)
    asked = (plan.config, plan.settings, plan.bots, plan.venue)
    ask_early(*asked, session_of(datetime.now(UTC)))
    if wait:
        wait_for_session()

    def started(tag: str) -> None:
        if plan.settings.session.guard:
            start_guard(plan, tag)

    with watch():
        outcome = play(plan, CONNECT_SECONDS, started=started, allow=partial(ask, *asked))
    Console().print(f"{plan.venue} session of {outcome.day}: {outcome.text}, net {outcome.net:+.2f} USD")
    with log_of(plan):
        _end_of_day(plan, outcome)
    if outcome.how == "open":
        raise SessionError(f"{plan.venue}: {outcome.text}: close it in TWS, or with mw flatten")
    return outcome


def _end_of_day(plan: Plan, outcome: Outcome) -> None:
    """Judge and report the session; what goes wrong here leaves the session as it ended."""
    from scripts.eod import EodRequest, run

    out = plan.folder if plan.venue == "rehearsal" else RUNS
    try:
        run(EodRequest(plan.config, plan.settings, plan.database, plan.venue, out, outcome.day))
    except (MarketWatchError, OSError) as error:
        logger.error("end of day: {}; put it right, then mw eod", error)


def wait_for_session() -> None:
    """Sleep until half an hour before the next session's open; nothing is connected meanwhile."""
    now = datetime.now(UTC)
    begin, told = next_session(now)
    if begin > now:
        Console().print(told, highlight=False, soft_wrap=True)
    while datetime.now(UTC) < begin:
        time.sleep(NAP)


def next_session(now: datetime) -> tuple[datetime, str]:
    """Return when the next session, or the one that is on, connects, and a line that says so."""
    day = session_of(now)
    begin = instant(day, OPEN_MINUTE) - EARLY
    hours, minutes = divmod(int((begin - now).total_seconds() // 60), 60)
    told = (
        f"Waits for the session of {day}: connects at {begin:%H:%M} New York, in {hours} h {minutes:02d} min"
    )
    return begin, f"{told} (Ctrl-C ends the wait, --now connects at once)"
