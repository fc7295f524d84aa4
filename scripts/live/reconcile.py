"""``mw reconcile``: what the journal and the broker do not agree on, and the owner's word on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum

from rich.console import Console
from rich.table import Table

from engine.desk import Desk
from engine.errors import SessionError
from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.reconcile import (
    BrokerPicture,
    Difference,
    Finding,
    JournalPicture,
    Position,
    broker_picture,
    reconcile,
)
from engine.journal.records import Reconciliation
from engine.live.files import AccountLock
from engine.reasons import Reason
from engine.risk.governor import Governor
from engine.sessions import NEW_YORK
from scripts.live.flatten import Closer
from scripts.live.journal import Kept, read_kept, session_journal
from scripts.live.plan import Plan, session_of
from scripts.progress import shown
from scripts.told import print_json
from strategies.ticket import Ticket
from strategies.ticket_text import ticket_to_json


class Choice(StrEnum):
    """What the owner can decide."""

    ADOPT = "adopt"
    FLATTEN = "flatten"


def run(
    plan: Plan, choice: Choice | None, net: float | None, as_json: bool = False
) -> tuple[Difference, ...]:
    """Show the differences and carry out a choice; return what differs afterwards.

    Parameters
    ----------
    plan : Plan
    choice : Choice, optional
        ``adopt`` ends the journal's trades that the broker no longer holds; ``flatten`` closes
        the options the broker holds. None only shows.
    net : float, optional
        For ``adopt``: what a trade closed elsewhere has brought in all, USD, fees taken off.
    as_json : bool
        Show the differences for a program.

    Raises
    ------
    SessionError
        A session runs, or ``adopt`` has no figure to book.
    """
    console = Console(soft_wrap=True, quiet=as_json)
    link = Link(plan.settings.ibkr, plan.paper, plan.speed, plan.clock)
    link.start()
    try:
        with AccountLock(plan.folder, plan.tag(link.account)):
            today = session_of(link.clock.instant())
            kept = read_kept(plan, today)
            with shown(console, "Comparing the books"):
                found = compare(plan, link, kept)
            show(console, found)
            if as_json:
                print_json([asdict(one) | {"blocks": one.blocks} for one in found])
            if choice is Choice.ADOPT:
                adopt(plan, link, kept, found, net)
            elif choice is Choice.FLATTEN:
                with session_journal(plan) as held:
                    left = Closer(plan, link, held.journal).close(plan.patience)
                    held.how = "open" if left else "flat"
                if left:
                    raise SessionError(f"still open: {', '.join(left)}; close it in TWS")
            return found if choice is None else compare(plan, link, read_kept(plan, today))
    finally:
        link.stop()


def compare(plan: Plan, link: Link, kept: Kept) -> tuple[Difference, ...]:
    """Return what the kept trades and the broker's books do not agree on."""
    contracts = Contracts(link, plan.products, plan.folder / "contracts")
    contracts.prepare(plan.symbols)
    theirs: BrokerPicture = link.call(lambda ib: broker_picture(link, contracts, plan.symbols), "books")
    return reconcile(picture(kept), theirs)


def picture(kept: Kept) -> JournalPicture:
    """Return what the kept trades hold together, and the orders they believe at work."""
    held: dict[str, Position] = {}
    for ticket in kept.tickets.values():
        for combo, units in ticket.holdings().items():
            for leg in combo.legs:
                one, name = leg.instrument, str(leg.instrument)
                before = held[name].count if name in held else 0
                right = str(getattr(one, "right", ""))
                held[name] = Position(before + leg.ratio * units, one.symbol, one.multiplier, right)
    trades = frozenset(ticket.intent.order_ref for ticket in kept.tickets.values())
    orders = frozenset(ticket.working for ticket in kept.tickets.values() if ticket.working)
    return JournalPicture({name: one for name, one in held.items() if one.count}, trades, orders)


def show(console: Console, found: tuple[Difference, ...]) -> None:
    """Print the differences, one a row."""
    if not found:
        console.print("Journal and broker agree.")
        return
    table = Table("what", "of", "journal", "broker", "entries")
    for one in found:
        stopped = "stopped" if one.blocks else "go on"
        table.add_row(str(one.what), one.subject, f"{one.journal:+d}", f"{one.broker:+d}", stopped)
    console.print(table)


def gone(kept: Kept, found: tuple[Difference, ...]) -> list[Ticket]:
    """Return the kept trades of which the broker holds nothing any more."""
    missing = Counter(
        {one.subject: one.journal for one in found if one.what is Finding.MISSING_POSITION or not one.broker}
    )
    return [
        ticket
        for ticket in kept.tickets.values()
        if all(str(leg.instrument) in missing for combo in ticket.holdings() for leg in combo.legs)
    ]


def adopt(plan: Plan, link: Link, kept: Kept, found: tuple[Difference, ...], net: float | None) -> None:
    """End the kept trades that are gone at the broker, with the result the owner names."""
    ended = gone(kept, found)
    if not ended:
        raise SessionError("adopt: no trade of the journal is gone at the broker; nothing to adopt")
    if len(ended) > 1 or (net is None and any(any(ticket.held) for ticket in ended)):
        names = ", ".join(ticket.intent.order_ref for ticket in ended)
        raise SessionError(f"adopt: {names}: expected one trade at a time, with --net USD, its whole result")
    (ticket,) = ended
    at = link.clock.instant().astimezone(NEW_YORK)
    with session_journal(plan) as held:
        desk = _desk(plan, held.journal, kept, at.date())
        book_end(desk, ticket, net or 0.0, at)
        held.journal.record(
            Reconciliation(at, "adopt", False, {str(one.what): str(one) for one in found},
                           {ticket.intent.order_ref: net}, "the owner has taken the broker's books over")
        )  # fmt: skip
        held.how = "adopted"


def _desk(plan: Plan, journal: object, kept: Kept, day: date) -> Desk:
    governor = Governor(plan.settings.risk.limits(), plan.calendar, venue=plan.venue)
    return Desk(None, None, governor, journal, None, plan.fees, [day], 0.0, kept.state)  # type: ignore[arg-type]


def book_end(desk: Desk, ticket: Ticket, net: float, at: datetime) -> None:
    """Book a trade's end outside the session: what is held is settled for ``net`` in all, USD."""
    desk.resume(ticket.intent, ticket.sent)
    filled = ticket.entered is not None
    if filled:
        left = net + ticket.fees - ticket.cash
        ticket.received[0] += left / ticket.proposal.steps[0].multiplier
        ticket.cash += left
        ticket.held, ticket.working, ticket.why = [0] * len(ticket.held), "", Reason.TAKEN_OVER
        desk.journal.trade(ticket.trade(at, float("nan"), "owner"))
    desk.closed(ticket.intent, net, filled)
    desk.keep(ticket.intent.bot, ticket.intent, ticket_to_json(ticket), False, at)
