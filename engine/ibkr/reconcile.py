"""The journal's picture of the account against the broker's.

A trade made by hand in TWS, an assignment overnight, a liquidation by the broker: none of them is
an error of the program, all of them show up here as differences, with what to do about each.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

from loguru import logger

from engine.errors import LinkError
from engine.ibkr.contracts import Contracts
from engine.ibkr.courier import open_orders
from engine.ibkr.events import Change, LinkChange, OpenOrderTold, Told
from engine.ibkr.link import Link
from engine.ibkr.orders import STOP_SUFFIX
from engine.options.contract import Instrument

if TYPE_CHECKING:
    from engine.ibkr.broker import LiveBroker

LOOKS = 2  # in a row that must agree: executions travel while pictures are taken


class Finding(StrEnum):
    """What a comparison can find."""

    UNKNOWN_POSITION = "unknown_position"
    MISSING_POSITION = "missing_position"
    DIFFERENT_POSITION = "different_position"
    FOREIGN_POSITION = "foreign_position"
    ASSIGNMENT = "assignment"
    LIQUIDATION = "liquidation"
    UNKNOWN_ORDER = "unknown_order"
    LOST_ORDER = "lost_order"


ADVICE = {
    Finding.UNKNOWN_POSITION: "the journal knows nothing of it: close it in TWS, or mw reconcile",
    Finding.MISSING_POSITION: "it was closed elsewhere, or expired: mw reconcile books what TWS says",
    Finding.DIFFERENT_POSITION: "traded elsewhere as well: mw reconcile",
    Finding.FOREIGN_POSITION: "not of an underlying traded here: left alone",
    Finding.ASSIGNMENT: "a short option was assigned: close the shares in TWS, or mw reconcile",
    Finding.LIQUIDATION: "the broker has liquidated it: see to the account's margin before anything else",
    Finding.UNKNOWN_ORDER: "no order of this program: cancel it in TWS if it is not yours",
    Finding.LOST_ORDER: "working in the journal, not open at the broker: its executions decide",
}
HARMLESS = frozenset({Finding.FOREIGN_POSITION, Finding.LOST_ORDER})


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A working order at the broker, of any client."""

    ref: str
    perm_id: int
    client_id: int
    what: str


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one instrument: signed count; shares behind one of it, 1 for shares."""

    count: int
    symbol: str
    multiplier: int = 1
    right: str = ""


@dataclass(frozen=True, slots=True)
class BrokerPicture:
    """What the broker says, instruments by their text.

    ``foreign`` are positions in what is not traded here, ``liquidated`` the instruments the
    broker itself has traded today.
    """

    positions: Mapping[str, Position] = field(default_factory=dict)
    foreign: Mapping[str, int] = field(default_factory=dict)
    orders: tuple[OpenOrder, ...] = ()
    executions: frozenset[str] = frozenset()
    liquidated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JournalPicture:
    """What the journal says: positions by instrument text, open trades and working orders by reference.

    ``ending`` are those of the orders whose end is under way: asked for here or told by the broker,
    and not yet confirmed. At the broker they may stand or be gone.
    """

    positions: Mapping[str, Position] = field(default_factory=dict)
    trades: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    ending: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the two do not agree on; ``blocks`` stops new entries until it is settled."""

    what: Finding
    subject: str
    journal: int
    broker: int

    @property
    def blocks(self) -> bool:
        return self.what not in HARMLESS

    @property
    def ours(self) -> bool:
        """Whether it is about what this program trades: while one stands, the books do not agree."""
        return self.what is not Finding.FOREIGN_POSITION

    def __str__(self) -> str:
        counts = f": journal {self.journal:+d}, broker {self.broker:+d}"
        orders = self.what in (Finding.UNKNOWN_ORDER, Finding.LOST_ORDER)
        return f"{self.what}: {self.subject}{'' if orders else counts}; {ADVICE[self.what]}"


def reconcile(journal: JournalPicture, broker: BrokerPicture) -> tuple[Difference, ...]:
    """Return every difference, positions first; nothing when both agree.

    Applying all position differences to the journal's positions gives the broker's. An order is
    known when the journal has its reference, or when it is the stop of one of its trades. It is
    lost when the journal has it at work, no end of it is under way, and the broker has it not.
    """
    found = _positions(journal.positions, broker)
    found += [Difference(Finding.FOREIGN_POSITION, name, 0, n) for name, n in sorted(broker.foreign.items())]
    for order in broker.orders:
        trade, suffix, _ = order.ref.rpartition(STOP_SUFFIX)
        if order.ref not in journal.orders and not (suffix and trade in journal.trades):
            name = f"{order.what}, client {order.client_id}, {order.ref or 'without a reference'}"
            found.append(Difference(Finding.UNKNOWN_ORDER, name, 0, 1))
    told = {order.ref for order in broker.orders}
    found += [
        Difference(Finding.LOST_ORDER, ref, 1, 0) for ref in sorted(journal.orders - journal.ending - told)
    ]
    return tuple(found)


def _positions(journal: Mapping[str, Position], broker: BrokerPicture) -> list[Difference]:
    off = {}
    for name in sorted({*journal, *broker.positions}):
        mine, theirs = _count(journal.get(name)), _count(broker.positions.get(name))
        if mine != theirs:
            off[name] = (mine, theirs)
    assigned = _assigned(off, journal, broker.positions)
    return [
        Difference(_finding(name, mine, theirs, assigned, broker), name, mine, theirs)
        for name, (mine, theirs) in off.items()
    ]


def _finding(name: str, mine: int, theirs: int, assigned: set[str], broker: BrokerPicture) -> Finding:
    if name in broker.liquidated:
        return Finding.LIQUIDATION
    if name in assigned:
        return Finding.ASSIGNMENT
    if not mine:
        return Finding.UNKNOWN_POSITION
    return Finding.DIFFERENT_POSITION if theirs else Finding.MISSING_POSITION


def _assigned(
    off: Mapping[str, tuple[int, int]], journal: Mapping[str, Position], broker: Mapping[str, Position]
) -> set[str]:
    """Return options and shares whose differences are those of an exercise or assignment."""
    found = set()
    held = {**journal, **broker}
    for name, (mine, theirs) in off.items():
        option = held[name]
        if not option.right or abs(theirs) >= abs(mine):
            continue
        gone = mine - theirs
        delivered = gone * option.multiplier * (1 if option.right == "C" else -1)
        for other, (before, after) in off.items():
            shares = held[other]
            if not shares.right and shares.symbol == option.symbol and after - before == delivered:
                found |= {name, other}
    return found


def _count(position: Position | None) -> int:
    return position.count if position is not None else 0


# taking the pictures ----------------------------------------------------------------------


async def broker_picture(link: Link, contracts: Contracts, traded: Iterable[str]) -> BrokerPicture:
    """Ask the broker for positions, open orders of all clients and today's executions.

    Parameters
    ----------
    link : Link
    contracts : Contracts
    traded : iterable of str
        Underlyings traded here; what is held of others is foreign.

    Raises
    ------
    LinkError
        Not connected, or no answer.
    """
    symbols = set(traded)
    rows = await link.ask(lambda ib: ib.reqPositionsAsync(), "positions")
    orders = await open_orders(link, all_clients=True)
    fills = await link.ask(lambda ib: ib.reqExecutionsAsync(), "executions")
    positions, foreign = {}, {}
    for row in rows:
        if row.account != link.account or not row.position:
            continue
        name, known = contracts.name(row.contract), contracts.instrument(row.contract)
        if known is not None and known.symbol in symbols:
            right = str(getattr(known, "right", ""))
            positions[name] = Position(int(row.position), known.symbol, known.multiplier, right)
        else:
            foreign[name] = int(row.position)
    mine = [fill for fill in fills if fill.execution.acctNumber == link.account]
    return BrokerPicture(
        positions,
        foreign,
        tuple(_order(one, contracts) for one in orders if one.account == link.account),
        frozenset(fill.execution.execId for fill in mine),
        frozenset(contracts.name(fill.contract) for fill in mine if fill.execution.liquidation),
    )


def _order(told: OpenOrderTold, contracts: Contracts) -> OpenOrder:
    price = f" at {told.limit:g}" if told.kind == "LMT" else ""
    what = f"{told.action} {told.quantity:g} {contracts.name(told.contract)} {told.kind}{price}"
    return OpenOrder(told.ref, told.perm_id, told.client_id, what)


def journal_picture(broker: LiveBroker) -> JournalPicture:
    """Return what the broker's own records, fed by journalled fills, say is held and at work.

    An execution that waits for its fees counts as held meanwhile, for no longer than it may wait.
    """
    held: dict[str, Position] = {}
    for one, count in [*_booked(broker), *_waiting(broker)]:
        before = _count(held.get(str(one)))
        held[str(one)] = Position(before + count, one.symbol, one.multiplier, str(getattr(one, "right", "")))
    held = {name: position for name, position in held.items() if position.count}
    sent = [work for work in broker.works if work.at.order_id]
    return JournalPicture(
        held,
        frozenset(broker.trades),
        frozenset(work.ref for work in sent),
        frozenset(work.ref for work in sent if work.end_under_way),
    )


def _booked(broker: LiveBroker) -> Iterator[tuple[Instrument, int]]:
    for trade in broker.trades.values():
        for combo, units in trade.units.items():
            yield from ((leg.instrument, units * leg.ratio) for leg in combo.legs)


def _waiting(broker: LiveBroker) -> Iterator[tuple[Instrument, int]]:
    for at in [*broker.hearing.all(), *(work.at for work in broker.ended.values())]:
        for row in at.executions.unbooked:
            instrument = broker.contracts.instrument(row.contract)
            if instrument is not None and not broker.fills.overdue(row):
                yield instrument, row.side * int(row.quantity)


class Reconciler:
    """Compare once a minute and after every connection; call `next` every cycle.

    A difference counts when two looks in a row have it. While any that blocks stands, the broker
    takes no entries.

    Parameters
    ----------
    broker : LiveBroker
    traded : iterable of str
        Underlyings traded here.
    picture : callable, optional
        The journal's picture; by default that of the broker's own records.
    told : callable, optional
        Given the differences whenever they change, an empty tuple when all is settled.
    """

    def __init__(
        self,
        broker: LiveBroker,
        traded: Iterable[str],
        picture: Callable[[], JournalPicture] | None = None,
        told: Callable[[tuple[Difference, ...]], None] | None = None,
    ) -> None:
        self._broker, self._link, self._traded = broker, broker.link, tuple(traded)
        self._picture = picture or (lambda: journal_picture(broker))
        self._told = told
        self.differences: tuple[Difference, ...] = ()
        self.looks = 0
        self._before: tuple[Difference, ...] = ()
        self._repeated = 0
        self._asked = -inf
        self._asking = False
        self._lost = self._compared_at = 0  # connections lost so far; as it was for the last comparison
        self._inbox: queue.SimpleQueue[tuple[BrokerPicture, int] | None] = queue.SimpleQueue()
        self._link.listen(self._hear)

    @property
    def compared(self) -> bool:
        """Whether the books were compared since the connection was lost last."""
        return self.looks > 0 and self._compared_at == self._lost

    @property
    def settled(self) -> bool:
        """Whether the books were compared, and what differs is known to be no passing thing."""
        return self.looks > 0 and self._before == self.differences

    def next(self) -> None:
        """Ask for a picture when one is due, compare one that has come; never blocks."""
        while not self._inbox.empty():
            told = self._inbox.get()
            self._asking = False
            if told is not None:
                picture, self._compared_at = told
                self._compare(picture)
        now = self._link.clock.now()
        settings = self._broker.settings
        pause = settings.reconcile
        if self._before != self.differences:
            pause = min(pause, settings.confirm_seconds * self._link.clock.speed)
        if self._link.up and not self._asking and now - self._asked >= pause:
            self._asked, self._asking = now, True
            self._link.spawn(self._look)

    def ask(self) -> None:
        """Make the next look due now."""
        self._asked = -inf

    def _hear(self, told: Told) -> None:
        if not isinstance(told, LinkChange):
            return
        if told.what in (Change.LOST, Change.UPSTREAM_LOST):
            self._lost += 1
        else:
            self._asked = -inf

    async def _look(self) -> None:
        found, lost = None, self._lost
        try:
            found = await broker_picture(self._link, self._broker.contracts, self._traded), lost
        except LinkError as error:
            logger.warning("ibkr: reconciliation: {}", error)
        finally:
            self._inbox.put(found)
            self._link.stirred.set()

    def _compare(self, picture: BrokerPicture) -> None:
        self.looks += 1
        found = reconcile(self._picture(), picture)
        self._repeated = self._repeated + 1 if found == self._before else 1
        self._before = found
        if found == self.differences or (found and self._repeated < LOOKS):
            return
        self.differences = found
        for one in found:
            (logger.error if one.blocks else logger.warning)("ibkr: {}", one)
        self._doubt({one.subject for one in found if one.what is Finding.LOST_ORDER})
        blocking = [one for one in found if one.blocks]
        self._broker.halt_entries("reconciliation", str(blocking[0]) if blocking else "")
        if self._told is not None:
            self._told(found)

    def _doubt(self, lost: set[str]) -> None:
        """Let a survey decide what has become of orders the broker does not have open."""
        for work in self._broker.works:
            if work.ref in lost:
                work.at.suspect("not open at the broker")
