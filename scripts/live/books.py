"""The journal's picture of the account held against the broker's, at the start and every minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from engine.desk import Desk
from engine.errors import LinkError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.reconcile import Difference, JournalPicture, reconcile, take_picture
from engine.journal.journal import Journal
from engine.journal.records import Reconciliation
from engine.options.contract import Instrument
from engine.reasons import Reason
from strategies.base import Bot


class Books:
    """Compare, tell, and stop entries while the two do not agree.

    Parameters
    ----------
    link : Link
    contracts : Contracts
    desk : Desk
    journal : Journal
    """

    def __init__(self, link: Link, contracts: Contracts, desk: Desk, journal: Journal) -> None:
        self._link, self._contracts, self._desk, self._journal = link, contracts, desk, journal
        self._every = timedelta(seconds=link.settings.reconcile)
        self._next: datetime | None = None
        self._was_up = True
        self._told: tuple[Difference, ...] | None = None

    def __call__(self, now: datetime, bots: Sequence[Bot]) -> None:
        """Compare when it is time: at the start, after a reconnection, every so often."""
        kind = "start" if self._next is None else "reconnect" if not self._was_up else "minute"
        if not self._link.up:
            self._was_up = False
            return
        if kind == "minute" and self._next is not None and now < self._next:
            return
        self._was_up = True
        self._next = now + self._every
        self.compare(now, bots, kind)

    def compare(self, now: datetime, bots: Sequence[Bot], kind: str) -> tuple[Difference, ...]:
        """Compare now; differences that block latch a halt, which clears when they are gone."""
        try:
            found = reconcile(picture(bots), take_picture(self._link, self._contracts))
        except LinkError as error:
            logger.warning("session: books not compared: {}", error)
            return ()
        if found != self._told:
            self._told = found
            self._tell(now, kind, found)
        blocking = [one.text for one in found if one.blocks]
        if blocking:
            self._desk.halt(Reason.UNRECONCILED, "; ".join(blocking), now)
        else:
            self._desk.clear(Reason.UNRECONCILED, now)
        return found

    def _tell(self, now: datetime, kind: str, found: tuple[Difference, ...]) -> None:
        for one in found:
            logger.warning("session: {}: {}", one.what, one.text)
        told: dict[str, Any] = {f"{one.what}:{one.subject}": one.text for one in found}
        text = "; ".join(one.text for one in found)
        self._journal.record(Reconciliation(now, kind, not found, told, {}, text))


def picture(bots: Sequence[Bot]) -> JournalPicture:
    """Return what the bots' trades hold together, and the orders they believe at work."""
    held: Counter[Instrument] = Counter()
    for bot in bots:
        if bot.ticket is not None:
            for combo, units in bot.ticket.holdings().items():
                held.update({leg.instrument: leg.ratio * units for leg in combo.legs})
    orders = frozenset(bot.ticket.working for bot in bots if bot.ticket is not None and bot.ticket.working)
    return JournalPicture({str(one): count for one, count in held.items() if count}, orders)
