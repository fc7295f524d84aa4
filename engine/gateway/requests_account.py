"""Requests about the account: values, positions, profit and loss."""

from __future__ import annotations

from engine.gateway.client import Client
from engine.gateway.codec import Values
from engine.gateway.venue import Venue


def account_updates(venue: Venue, client: Client, asked: Values) -> None:
    """Begin or end the stream of account values."""
    client.account_updates = asked["subscribe"]
    if client.account_updates:
        venue.statements.values(client, venue.now)
        client.send("accountDownloadEnd", account=venue.account.name)


def account_updates_multi(venue: Venue, client: Client, asked: Values) -> None:
    """Begin the stream of account values that goes by a request."""
    client.multi.add(asked["reqId"])
    venue.statements.multi(client, asked["reqId"])
    client.send("accountUpdateMultiEnd", reqId=asked["reqId"])


def cancel_account_updates_multi(venue: Venue, client: Client, asked: Values) -> None:
    """End it."""
    client.multi.discard(asked["reqId"])


def account_summary(venue: Venue, client: Client, asked: Values) -> None:
    """Begin a summary of some values."""
    tags = tuple(tag.strip() for tag in asked["tags"].split(",") if tag.strip())
    client.summaries[asked["reqId"]] = tags
    venue.statements.summary(client, asked["reqId"], tags)
    client.send("accountSummaryEnd", reqId=asked["reqId"])


def cancel_account_summary(venue: Venue, client: Client, asked: Values) -> None:
    """End it."""
    client.summaries.pop(asked["reqId"], None)


def positions(venue: Venue, client: Client, asked: Values) -> None:
    """Send what is held, and every change of it from now on."""
    client.positions = True
    venue.statements.positions(client)
    client.send("positionEnd")


def cancel_positions(venue: Venue, client: Client, asked: Values) -> None:
    """End it."""
    client.positions = False


def pnl(venue: Venue, client: Client, asked: Values) -> None:
    """Begin the stream of the account's profit and loss, or of one contract's."""
    client.pnl[asked["reqId"]] = asked.get("conId") or 0
    venue.statements.profit(client, asked["reqId"])


def cancel_pnl(venue: Venue, client: Client, asked: Values) -> None:
    """End it."""
    client.pnl.pop(asked["reqId"], None)


ACCOUNT = {
    "accountUpdates": account_updates,
    "accountUpdatesMulti": account_updates_multi,
    "cancelAccountUpdatesMulti": cancel_account_updates_multi,
    "accountSummary": account_summary,
    "cancelAccountSummary": cancel_account_summary,
    "positions": positions,
    "cancelPositions": cancel_positions,
    "pnl": pnl,
    "cancelPnl": cancel_pnl,
    "pnlSingle": pnl,
    "cancelPnlSingle": cancel_pnl,
}
