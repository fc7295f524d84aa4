"""Plays the day: minutes, five seconds, nights and faults, each when its time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from engine.gateway import expiry, requests_data
from engine.gateway.exchange import session_hours
from engine.gateway.five_seconds import SECONDS
from engine.gateway.trouble import Trouble
from engine.gateway.venue import Venue

EVENING = MORNING = timedelta(minutes=5)
NAP = 0.25  # seconds of the machine's time after which the agenda is looked at again


class Player:
    """The only one who moves a venue through time.

    Parameters
    ----------
    venue : Venue
    trouble : Trouble
    commit : callable
        Called after every instant at which something has happened.
    """

    def __init__(self, venue: Venue, trouble: Trouble, commit: Callable[[], None]) -> None:
        self.venue, self.trouble, self._commit = venue, trouble, commit
        self._shown = self._boundary(venue.now)  # end of the five seconds shown last

    async def run(self) -> None:
        """Play for ever, or until cancelled."""
        while True:
            self.skip_night()
            due = self.next_due()
            wait = NAP if due is None else self.venue.clock.wait(due)
            if due is None or wait > 0.0:
                await asyncio.sleep(min(wait, NAP))
                continue
            self.advance(due)
            await asyncio.sleep(0)

    async def beat(self) -> None:
        """Repeat quotes for ever, or until cancelled."""
        while self.venue.settings.pulse:
            await asyncio.sleep(1.0 / self.venue.settings.pulse)
            requests_data.repeat(self.venue)
            self._commit()

    def next_due(self) -> datetime | None:
        """Return the next instant at which anything happens, None when the tape is over."""
        venue = self.venue
        ahead = [venue.exchange.due(), venue.faults.next(self.trouble.seen)]
        if any(client.live_bars for client in venue.clients):
            following, due = self._shown + timedelta(seconds=SECONDS), venue.exchange.due()
            if due is not None:  # nothing is shown between two sessions: the next begins with its first piece
                following = max(following, due - timedelta(minutes=1) + timedelta(seconds=SECONDS))
            ahead.append(following if self._forming(following) else None)
        else:
            self._shown = self._boundary(venue.now)
        return min((at for at in ahead if at is not None), default=None)

    def advance(self, at: datetime) -> None:
        """Let happen what is due at an instant; the next one must not lie before it."""
        venue = self.venue
        self.trouble.look(at)
        if self._boundary(at) > self._shown:
            if self._forming(at):
                requests_data.publish_live(venue, at)
            self._shown = self._boundary(at)
        due = venue.exchange.due()
        if due is not None and due <= at:
            self._minute(due)
        self._commit()

    def step(self) -> bool:
        """End the next minute now, on a clock that stands; False when the tape is over."""
        end = self.venue.exchange.due()
        if end is None:
            return False
        self.go(end)
        return True

    def go(self, until: datetime) -> None:
        """Let a clock that stands move to an instant and happen what is due by then, each at its time."""
        clock = self.venue.clock
        while (due := self.next_due()) is not None and due <= until:
            clock.jump(max(due, clock.now()))
            self.advance(due)
        clock.jump(max(until, clock.now()))

    def _forming(self, at: datetime) -> bool:
        """Tell whether an instant lies in the minute that comes next on the tape, its end included."""
        due = self.venue.exchange.due()
        return due is not None and due - timedelta(minutes=1) < at <= due

    @staticmethod
    def _boundary(at: datetime) -> datetime:
        return at - timedelta(seconds=at.second % SECONDS, microseconds=at.microsecond)

    def _minute(self, at: datetime) -> None:
        """End a minute: orders trade on its quotes, then clients see quotes, then bars."""
        venue, exchange = self.venue, self.venue.exchange
        venue.changed = True  # the time: a restart goes on from the last minute
        before = exchange.day if exchange.bar >= 0 else None
        exchange.step()
        settled: set[str] = set()
        if exchange.day != before:
            venue.catalogue.new_day()
            venue.account.new_day(exchange)
            settled |= expiry.settle(venue.account, exchange, morning=True)
        venue.orders.step(at)
        if exchange.last_of_day:
            venue.orders.end_day()
            settled |= expiry.settle(venue.account, exchange, morning=False)
        requests_data.publish(venue)
        if settled:
            venue.holdings_changed(settled)
        else:
            venue.publish_account()

    def skip_night(self) -> None:
        """Jump from after a close to before the next opening, where that is wanted."""
        venue, exchange = self.venue, self.venue.exchange
        due = exchange.due()
        if due is None or not venue.settings.skip_nights or not exchange.last_of_day or not venue.clock.speed:
            return
        closed, opens = session_hours(exchange.day)[1], session_hours(due.date())[0]
        soonest = min(opens - MORNING, self.next_due() or due)
        if closed + EVENING <= venue.now < soonest:
            venue.clock.jump(soonest)
