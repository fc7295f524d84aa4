"""Tickets as one line of JSON and back: what a restarted bot goes on from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from engine.desk import Levels
from engine.errors import DataError
from engine.intent import Intent, Urgency
from engine.options.combo_text import combo_from_json, combo_to_json
from engine.options.contract import Product
from engine.reasons import Reason
from engine.sessions import NEW_YORK
from strategies.ticket import Proposal, Stage, Ticket

VERSION = 1
_PLAIN = ("step", "held", "bought", "paid", "received", "fees", "slippage", "cash", "urgent", "working",
          "sent", "units", "done", "value", "booked", "spot_entry")  # fmt: skip
_INTENT = ("order_ref", "trade_id", "bot", "symbol", "quantity", "opening", "planned_loss",
           "structural_loss", "margin")  # fmt: skip


def ticket_to_json(ticket: Ticket) -> str:
    """Return a ticket as one line of JSON that `ticket_from_json` turns back exactly.

    The place in the lane's bars is left out: bar numbers mean nothing to another process.
    """
    intent, proposal = ticket.intent, ticket.proposal
    return json.dumps(
        {
            "version": VERSION,
            "intent": {name: getattr(intent, name) for name in _INTENT}
            | {"combo": combo_to_json(intent.combo), "why": intent.why, "at": intent.at.isoformat()},
            "proposal": {
                "combo": combo_to_json(proposal.combo),
                "steps": [combo_to_json(step) for step in proposal.steps],
                "expiry": proposal.expiry.isoformat(),
                "short_delta": proposal.short_delta,
                "expected_move": proposal.expected_move,
            },
            **{name: getattr(ticket, name) for name in _PLAIN},
            "stage": ticket.stage,
            "why": ticket.why,
            "urgency": ticket.urgency,
            "entered": ticket.entered.isoformat() if ticket.entered else None,
            "levels": [
                {"combo": combo_to_json(level.combo), "take": str(level.take), "stop": str(level.stop)}
                for level in ticket.levels
            ],
        }
    )


def ticket_from_json(text: str, products: Mapping[str, Product], symbols: tuple[str, ...]) -> Ticket:
    """Return the ticket that `ticket_to_json` wrote down.

    Parameters
    ----------
    text : str
    products : mapping of symbol to Product
    symbols : tuple of str
        The bot's symbols; a ticket's lane is the place of its symbol among them.

    Raises
    ------
    DataError
        The text is no such ticket, or of a symbol that is no longer traded: a trade that is
        open is never forgotten because it cannot be read.
    """
    try:
        raw = json.loads(text)
        if raw["version"] != VERSION:
            raise DataError(f"kept trade: got version {raw['version']!r}, expected {VERSION}")
        intent, proposal = _intent(raw["intent"], products), _proposal(raw["proposal"], products)
        if intent.symbol not in symbols:
            raise DataError(
                f"kept trade {intent.order_ref}: got symbol {intent.symbol!r}, expected one of the bot's "
                f"symbols {', '.join(symbols)}: put it back, or close the trade (mw flatten)"
            )
        ticket = Ticket(intent, proposal, symbols.index(intent.symbol), -1, raw["spot_entry"])
        for name in _PLAIN:
            setattr(ticket, name, raw[name])
        ticket.stage, ticket.why = Stage(raw["stage"]), Reason(raw["why"])
        ticket.urgency = Urgency(raw["urgency"])
        ticket.entered = _time(raw["entered"]) if raw["entered"] else None
        ticket.levels = tuple(
            Levels(combo_from_json(level["combo"], products), float(level["take"]), float(level["stop"]))
            for level in raw["levels"]
        )
        return ticket
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"kept trade: got {text[:60]!r}, expected a ticket's JSON ({error})") from None


def _intent(raw: Mapping[str, Any], products: Mapping[str, Product]) -> Intent:
    return Intent(
        combo=combo_from_json(raw["combo"], products),
        why=Reason(raw["why"]),
        at=_time(raw["at"]),
        **{name: raw[name] for name in _INTENT},
    )


def _proposal(raw: Mapping[str, Any], products: Mapping[str, Product]) -> Proposal:
    return Proposal(
        combo=combo_from_json(raw["combo"], products),
        steps=tuple(combo_from_json(step, products) for step in raw["steps"]),
        expiry=date.fromisoformat(raw["expiry"]),
        short_delta=raw["short_delta"],
        expected_move=raw["expected_move"],
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(NEW_YORK)
