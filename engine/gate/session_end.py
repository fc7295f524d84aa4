"""The end of a session: its record judged, and the verdict told to the gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from engine.gate.compliance import SessionVerdict, judge
from engine.gate.evidence import rules_of, session_record
from engine.gate.facts import Judged, Moved, Opened
from engine.gate.gate import Gate
from engine.gate.permission import is_overridden
from engine.gate.record import SessionRecord
from engine.gate.settings import Item
from engine.gate.slippage import totals
from engine.journal.queries import Reader

COUNTED = ("paper", "live")
UNASKED = "the gate was not asked when it began"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one bot's session: the verdict, and the steps on the ramp it led to."""

    verdict: SessionVerdict
    moves: tuple[Moved, ...] = ()


def end_session(gate: Gate, reader: Reader, day: date, config_dir: Path) -> dict[str, Ending]:
    """Judge all bots of a session and tell the gate; a rehearsal is judged, and not told.

    Parameters
    ----------
    gate : Gate
    reader : Reader
        Of the journal the session wrote.
    day : date
    config_dir : Path
        Folder of ``events.json``.

    Raises
    ------
    GateError
        The journal holds no session of that day, or the gate knows a better reason to refuse.
    """
    record = session_record(reader, day)
    return {bot: _end(gate, reader, record, bot, config_dir) for bot in record.bots}


def settle(gate: Gate, bot: str, reader: Reader | None, config_dir: Path) -> Ending | None:
    """Judge the session a bot has begun and nobody has judged; None where there is none.

    A session that left nothing in its journal is a breach: what began must end in a verdict.

    Parameters
    ----------
    gate : Gate
    bot : str
    reader : Reader or None
        Of the journal of that session's venue, None where there is no such journal.
    config_dir : Path
    """
    opened = gate.standing(bot).opened
    if opened is None:
        return None
    record = None if reader is None or not reader.runs_of(opened.day) else session_record(reader, opened.day)
    if record is not None and reader is not None and bot in record.bots:
        return _end(gate, reader, record, bot, config_dir)
    failed = {Item.RECORD.value: "the session began and left nothing in the journal"}
    verdict = SessionVerdict(bot, ())
    fact = Judged(bot, opened.config, opened.day, opened.venue, failed, 0.0, 0, 0)
    return Ending(verdict, gate.judge(fact))


def _end(gate: Gate, reader: Reader, record: SessionRecord, bot: str, config_dir: Path) -> Ending:
    opened = opening(gate, bot, record)
    standing = gate.standing(bot)
    overridden = record.venue == "live" and is_overridden(standing, record.day)
    if overridden:
        record = replace(record, interventions=("live against the gate", *record.interventions))
    agreed = opened.settings if opened else ""
    verdict = judge(record, bot, rules_of(reader, record, config_dir, gate.settings.session, agreed))
    if record.venue not in COUNTED:
        return Ending(verdict)
    if opened is None:
        verdict = _unasked(verdict)
    fact = judged(record, verdict, opened.config if opened else standing.config)
    return Ending(verdict, gate.judge(replace(fact, overridden=overridden)))


def opening(gate: Gate, bot: str, record: SessionRecord) -> Opened | None:
    """Return what the gate was told when the session began, None when it was not asked."""
    found = None
    for entry in gate.history(bot):
        fact = entry.fact
        if isinstance(fact, Opened) and (fact.day, fact.venue) == (record.day, record.venue):
            found = fact
    return found


def _unasked(verdict: SessionVerdict) -> SessionVerdict:
    items = [
        replace(one, passed=False, evidence=f"{UNASKED}; {one.evidence}") if one.item is Item.CONFIG else one
        for one in verdict.items
    ]
    return replace(verdict, items=tuple(items))


def judged(record: SessionRecord, verdict: SessionVerdict, config: str) -> Judged:
    """Return the verdict on a session as the gate keeps it."""
    bot = verdict.bot
    trades = [trade for trade in record.trades if trade.bot == bot]
    filled = {fill.order_ref for fill in record.fills if fill.bot == bot}
    shadows, slippage, modelled = totals(shadow for shadow in record.shadows if shadow.bot == bot)
    return Judged(
        bot=bot,
        config=config,
        day=record.day,
        venue=record.venue,
        failed=verdict.failed,
        net=round(sum(trade.net for trade in trades), 2),
        trades=len(trades),
        fills=len(filled),
        slippage=round(slippage, 2),
        modelled=round(modelled, 2),
        shadows=shadows,
        rows=record.digest,
    )
