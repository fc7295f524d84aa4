"""What a bot did: approvals, limits, window, blackouts, halts, and whether it was flat in time."""

from __future__ import annotations

import json
from datetime import datetime

from engine.gate.record import SessionRecord, approvals, holdings, intent_of
from engine.gate.rules import Finding, Rules, clock, finding, minute
from engine.journal.records import HaltEvent
from engine.risk.limits import ALL_HALTS, MARKET_HALTS, cents

_CENT = 0.005


def governed(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Every order and fill belongs to an intent the governor had booked by then."""
    approved = approvals(record.states)
    sent = [(one.at, one.order_ref) for one in record.orders if one.bot == bot]
    sent += [(one.at, one.order_ref) for one in record.fills if one.bot == bot]
    first = {intent_of(order_ref): (at, order_ref) for at, order_ref in sorted(sent, reverse=True)}
    wrong = []
    for ref, (at, order_ref) in first.items():
        if ref not in approved:
            wrong.append(f"{order_ref} at {clock(at)} has no approval")
        elif approved[ref][0] > at:
            wrong.append(f"{order_ref} at {clock(at)}, approved only at {clock(approved[ref][0])}")
    return finding(wrong, f"approved: {len(first)}")


def limits(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """No approval took a trade or the day beyond its budget, and no trade lost more than it could."""
    name, budget = rules.limits.budget(bot)
    wrong = []
    most = 0
    for ref, (at, state) in approvals(record.states).items():
        own = [trade for trade in state["open"] if trade[2] == name]
        mine = next((trade for trade in own if trade[0] == ref), None)
        if mine is None or mine[1] != bot:
            continue
        structural, planned = mine[4], mine[5]
        lost = state["realised"].get(name, 0)
        at_risk, plans = lost + sum(trade[4] for trade in own), lost + sum(trade[5] for trade in own)
        most = max(most, at_risk)
        for what, value, limit in (
            ("structural loss", structural, budget.structural_loss),
            ("planned loss", planned, budget.planned_loss),
            ("the day's loss and risk", at_risk, budget.day_cap),
            ("the day's loss and planned loss", plans, rules.limits.day_r * budget.planned_loss),
        ):
            if value > (cents(limit) or 0):
                wrong.append(f"{ref} at {clock(at)}: {what} {value / 100:.2f} USD, limit {limit:.2f}")
        if sum(trade[1] == bot for trade in own) > 1:
            wrong.append(f"{ref} at {clock(at)}: a second combo of {bot}, limit one")
    for trade in record.trades:
        if trade.bot == bot and -trade.net > trade.structural_loss + _CENT:
            told = f"lost {-trade.net:.2f} USD, its structure {trade.structural_loss:.2f}"
            wrong.append(f"{trade.order_ref}: {told}")
    return finding(wrong, f"most at risk {most / 100:,.2f} USD, limit {budget.day_cap:,.2f}")


def window(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Every approval and every opening fill lies within the window, with a minute for its last order."""
    first, last = rules.window(record.day)
    wrong, count = [], 0
    for ref, at in _approved(record, bot).items():
        count += 1
        if not first <= minute(at) < last + 1:
            wrong.append(f"{ref} approved at {clock(at)}")
    for fill in record.fills:
        if fill.bot == bot and fill.opening and not first <= minute(fill.at) < last + 2:
            wrong.append(f"{fill.order_ref} opened at {clock(fill.at)}")
    allowed = "no entries this day" if first > last else f"within {_clock(first)} to {_clock(last)}"
    return finding(wrong, f"entries: {count}, {allowed}" if count else f"no entries, {allowed}")


def blackout(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Nothing was approved in a symbol on a day the event calendar blocks or does not cover."""
    wrong, blocked = [], []
    for symbol in record.bots.get(bot, ()):
        denied = rules.calendar.verdict(symbol, record.day)
        if denied is None:
            continue
        blocked.append(denied.text)
        refs = {fill.order_ref for fill in record.fills if fill.bot == bot and fill.symbol == symbol}
        refs |= {order.order_ref for order in record.orders if order.bot == bot and order.symbol == symbol}
        wrong += [f"{ref} in spite of {denied.text}" for ref in sorted({intent_of(ref) for ref in refs})]
    return finding(wrong, f"none opened: {blocked[0]}" if blocked else "no blocked day")


def halts(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """After every halt that closes positions, each it concerns was acted on in time; none was opened."""
    wrong, worst, concerned = _entered_halted(record, bot, rules), 0.0, 0
    for halt in record.halts:
        if not _concerns(halt, bot, record):
            continue
        concerned += 1
        if halt.reason in ALL_HALTS:  # the others clear once their cause is gone
            for ref, at in _approved(record, bot).items():
                if at > halt.at and (not halt.symbol or _symbol(record, ref) == halt.symbol):
                    wrong.append(f"{ref} approved at {clock(at)} after {halt.reason} of {clock(halt.at)}")
        if halt.reason not in rules.limits.close_on:
            continue
        for ref in _open_at(record, bot, halt):
            seconds = _acted(record, ref, halt.at)
            if seconds is None or seconds > rules.criteria.halt_seconds:
                told = "never" if seconds is None else f"after {seconds:.0f} s"
                limit = f"limit {rules.criteria.halt_seconds:.0f}"
                wrong.append(f"{ref}: {halt.reason} of {clock(halt.at)} acted on {told}, {limit}")
            else:
                worst = max(worst, seconds)
    return finding(wrong, f"{concerned} halts, longest {worst:.0f} s" if concerned else "no halt")


def _entered_halted(record: SessionRecord, bot: str, rules: Rules) -> list[str]:
    """Return the approvals in whose own state a halt stood that concerns them."""
    budget, _ = rules.limits.budget(bot)
    wrong = []
    for ref, (at, state) in approvals(record.states).items():
        trade = next(trade for trade in state["open"] if trade[0] == ref)
        if trade[1] == bot:
            held = [reason for scope, reason in state["halts"] if scope in ("", trade[3], budget)]
            wrong += [f"{ref} approved at {clock(at)} while {reason} stood" for reason in sorted(held)]
    return wrong


def flat(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Nothing is open from the closing minute on, nor in the governor's last state."""
    by = rules.flat_by(record.day)
    wrong, last = [], None
    for ref, steps in holdings(record.fills, bot).items():
        at, left = steps[-1]
        if left:
            wrong.append(f"{ref} still holds {left} contracts or shares")
        elif minute(at) > by:
            wrong.append(f"{ref} flat only at {clock(at)}, limit {_clock(by)}")
        last = max(last or at, at)
    if record.states:
        open_trades = json.loads(record.states[-1].state)["open"]
        wrong += [f"{trade[0]} open in the governor's last state" for trade in open_trades if trade[1] == bot]
    return finding(wrong, "nothing was held" if last is None else f"flat at {clock(last)}")


def _approved(record: SessionRecord, bot: str) -> dict[str, datetime]:
    """Return when each intent of a bot was approved, those of an earlier day left out."""
    return {
        ref: at
        for ref, (at, state) in approvals(record.states).items()
        if next(trade[1] for trade in state["open"] if trade[0] == ref) == bot
    }


def _concerns(halt: HaltEvent, bot: str, record: SessionRecord) -> bool:
    return not halt.symbol or halt.symbol in record.bots.get(bot, ())


def _symbol(record: SessionRecord, ref: str) -> str:
    return next((event.symbol for event in record.orders if intent_of(event.order_ref) == ref), "")


def _open_at(record: SessionRecord, bot: str, halt: HaltEvent) -> list[str]:
    """Return what a bot held when a halt came: of its symbol, or of all where the halt is everybody's."""
    wide = halt.reason not in MARKET_HALTS or not halt.symbol
    held = []
    for ref, steps in holdings(record.fills, bot).items():
        before = [left for at, left in steps if at <= halt.at]
        if before and before[-1] and (wide or _symbol(record, ref) == halt.symbol):
            held.append(ref)
    return held


def _acted(record: SessionRecord, ref: str, at: datetime) -> float | None:
    """Return the seconds from a halt to the first sign of an order that leaves, None without any."""
    leaving = [event.at for event in record.orders if intent_of(event.order_ref) == ref]
    leaving += [fill.at for fill in record.fills if intent_of(fill.order_ref) == ref]
    after = [(when - at).total_seconds() for when in leaving if when >= at]
    return min(after) if after else None


def _clock(value: int) -> str:
    return f"{value // 60:02d}:{value % 60:02d}"
