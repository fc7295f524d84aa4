"""The gate: what it has been told, where each bot stands, and what may follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from engine.errors import GateError
from engine.gate.chain import START, linked, verified
from engine.gate.criteria import Criterion, criteria, next_step
from engine.gate.facts import (
    Backtest,
    Entry,
    Fact,
    Judged,
    Moved,
    Opened,
    Overridden,
    Registered,
    kind_of,
    payload,
    read,
)
from engine.gate.fingerprint import Fingerprint, changes
from engine.gate.ledger import Store
from engine.gate.ramp import Standing, told
from engine.gate.settings import GateSettings
from engine.sessions import NEW_YORK, is_session

_MOST_STEPS = 4  # one fact can lead through no more stages than there are


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


class Gate:
    """A verified history, and the standing of every bot in it.

    Parameters
    ----------
    store : Store
    settings : GateSettings
    now : callable
        The clock every new event is dated by.

    Raises
    ------
    GateError
        The history is not what was written.
    """

    def __init__(self, store: Store, settings: GateSettings, now: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings
        self._store, self._now = store, now
        events = verified(store.events())
        self._head = events[-1].hash if events else START
        self._entries = [read(event) for event in events]
        self._standings: dict[str, Standing] = {}
        for entry in self._entries:
            self._take(entry.fact)

    def _take(self, fact: Fact) -> None:
        self._standings[fact.bot] = told(self.standing(fact.bot), fact, self.settings)

    # reading -------------------------------------------------------------------------

    def bots(self) -> tuple[str, ...]:
        """Return the bots the history knows."""
        return tuple(self._standings)

    def standing(self, bot: str) -> Standing:
        """Return where a bot stands; at the very start when nothing is known of it."""
        return self._standings.get(bot) or Standing(bot)

    def criteria(self, bot: str) -> tuple[Criterion, ...]:
        """Return what the bot's next step asks for and what was measured."""
        return tuple(criteria(self.standing(bot), self.settings))

    @property
    def head(self) -> str:
        """The hash of the newest event, ``""`` without any."""
        return self._head

    def history(self, bot: str | None = None) -> Iterator[Entry]:
        """Yield what was told, oldest first."""
        return (entry for entry in self._entries if bot is None or entry.fact.bot == bot)

    # writing -------------------------------------------------------------------------

    def _time(self) -> datetime:
        at = self._now()
        if self._entries and at < self._entries[-1].at:
            raise GateError(
                f"the clock says {_clock(at)}, the gate's last event is of {_clock(self._entries[-1].at)}; "
                "expected a clock that only goes forward: set it right first"
            )
        return at

    def tell(self, fact: Fact) -> None:
        """Write down one fact, as it is: whoever tells it answers for it.

        Raises
        ------
        GateError
            The clock has gone back.
        """
        at = self._time()
        event = linked(at, kind_of(fact), payload(fact), self._head)
        self._store.append(event)
        self._head = event.hash
        self._entries.append(Entry(event.at, fact))
        self._take(fact)

    def _step(self, bot: str) -> tuple[Moved, ...]:
        """Take the steps that are due and return them."""
        taken: list[Moved] = []
        while len(taken) < _MOST_STEPS:
            step = next_step(self.standing(bot), self.settings)
            if step is None:
                break
            self.tell(step)
            taken.append(step)
        return tuple(taken)

    def register(self, found: Fingerprint) -> Standing:
        """Take a bot's configuration; one that is not the last one starts the ramp over."""
        before = self.standing(found.bot)
        if before.config != found.digest:
            old = before.registered.parts if before.registered else {}
            lines = changes(old, found.parts) if before.registered else ()
            self.tell(Registered(found.bot, found.digest, dict(found.parts), dict(found.size), lines))
            self._step(found.bot)  # a configuration that comes back has its backtest
        return self.standing(found.bot)

    def record_backtest(self, backtest: Backtest) -> tuple[Moved, ...]:
        """Take what a backtest showed and return the steps it led to.

        Raises
        ------
        GateError
            It was made with another configuration than the registered one.
        """
        standing = self.standing(backtest.bot)
        if backtest.config != standing.config:
            raise GateError(
                f"backtest {backtest.run}: made with configuration {backtest.config[:8]} of {backtest.bot}, "
                f"expected {standing.config[:8] or 'one that is registered'}"
            )
        self.tell(backtest)
        return self._step(backtest.bot)

    def open_session(self, opened: Opened) -> None:
        """Take the beginning of a session; a restart on the same day changes nothing.

        Raises
        ------
        GateError
            The day is none on which New York trades or lies behind the last one judged, or the
            configuration has changed since the day's session began.
        """
        self._check_day(opened.bot, opened.day)
        before = self.standing(opened.bot).opened
        if before is not None and before.day == opened.day and before.venue == opened.venue:
            if (before.config, before.settings) != (opened.config, opened.settings):
                raise GateError(
                    f"{opened.bot}: the configuration has changed since the session of {opened.day} began "
                    f"({before.settings[:8]} -> {opened.settings[:8]}); expected the same until it has ended"
                )
            return
        if opened.config != self.standing(opened.bot).config:
            raise GateError(
                f"{opened.bot}: configuration {opened.config[:8]} is not registered, expected it first"
            )
        self.tell(opened)

    def judge(self, judged: Judged) -> tuple[Moved, ...]:
        """Take the verdict on a session and return the steps it led to.

        Judged again, a session can only turn out worse: a better verdict is refused, the same
        one changes nothing.

        Raises
        ------
        GateError
            No trading day, a day before the last judged one, or a better verdict than before.
        """
        self._check_day(judged.bot, judged.day)
        known = self._verdict_of(judged)
        if known is not None:
            if replace(known, rows="") == replace(judged, rows=""):
                return ()
            if set(judged.failed) <= set(known.failed):
                raise GateError(
                    f"{judged.bot}: the session of {judged.day} is judged already "
                    f"({', '.join(known.failed) or 'compliant'}), expected no better verdict on it"
                )
        self.tell(judged)
        return self._step(judged.bot)

    def override(self, overridden: Overridden) -> None:
        """Take the owner's typed word."""
        self._check_day(overridden.bot, overridden.day)
        self.tell(overridden)

    def _check_day(self, bot: str, day: date) -> None:
        if not is_session(day):
            raise GateError(f"{bot}: {day} ({day:%A}) is no trading day, expected one")
        today = self._time().astimezone(NEW_YORK).date()
        if day > today:
            raise GateError(f"{bot}: {day} lies ahead, today is {today}")
        last = self.standing(bot).last
        if last is not None and day < last:
            raise GateError(f"{bot}: {day} lies before {last}, the last session judged; expected a later day")

    def _verdict_of(self, judged: Judged) -> Judged | None:
        same = (judged.bot, judged.day, judged.venue)
        for entry in reversed(self._entries):
            fact = entry.fact
            if isinstance(fact, Judged) and (fact.bot, fact.day, fact.venue) == same:
                return fact
        return None


def _clock(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S} New York"
