"""The gate around a session: asked before its first order, told of its verdict after its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from loguru import logger
from rich.console import Console

from analyzers.report.gate import verdict_section
from analyzers.report.sections import print_sections
from engine.gate.gate import Gate
from engine.gate.ledger import Memory
from engine.gate.permission import Request, check_stage, permission
from engine.gate.session_end import COUNTED, Ending, end_session, settle
from engine.gate.settings import GateSettings
from engine.journal.place import journal_place
from engine.journal.queries import Reader
from engine.journal.secrets import load
from engine.settings import Settings
from scripts.gate import open_gate
from scripts.origin import STRATEGIES


def gate_place(settings: Settings) -> str:
    """Return where the gate's journal is."""
    return journal_place(settings.journal, "gate", load())


def ask(
    config: Path, settings: Settings, bots: Sequence[str], venue: str, day: date, account: str, equity: float
) -> None:
    """Ask the gate to let a paper or live session begin; it writes down that it did.

    Raises
    ------
    GateError
        It may not.
    """
    if venue not in COUNTED:
        return
    gate = open_gate(gate_place(settings), config)
    _settle(gate, config, settings, bots, day)
    request = Request(settings, tuple(bots), STRATEGIES, day, venue, account, equity)
    for granted in permission(gate, request).values():
        logger.log("WARNING" if granted.overridden else "INFO", "gate: {}", granted.text)


def _settle(gate: Gate, config: Path, settings: Settings, bots: Sequence[str], day: date) -> None:
    """Judge what earlier sessions have left unjudged, so that no verdict is dodged."""
    for bot in bots:
        opened = gate.standing(bot).opened
        if opened is None or opened.day >= day:
            continue
        place = journal_place(settings.journal, opened.venue, load())
        with ExitStack() as stack:
            there = "://" in place or Path(place).is_file()
            settle(gate, bot, stack.enter_context(Reader(place)) if there else None, config)
        logger.warning("gate: {}: the session of {} was not judged, and is now", bot, opened.day)


def ask_early(config: Path, settings: Settings, bots: Sequence[str], venue: str, day: date) -> None:
    """Refuse a live session before anything connects, where its stage is refused already."""
    if venue == "live":
        request = Request(settings, tuple(bots), STRATEGIES, day, venue, "", 0.0)
        check_stage(open_gate(gate_place(settings), config), request)


def judge_session(
    config: Path, settings: Settings, database: str, venue: str, day: date
) -> dict[str, Ending]:
    """Judge the session of a day by its journal and tell the gate; a rehearsal is only judged.

    Raises
    ------
    GateError
        There is no such session, or the gate refuses the verdict.
    """
    if venue in COUNTED:
        gate = open_gate(gate_place(settings), config)
    else:
        gate = Gate(Memory(), GateSettings.load(config))
    with Reader(database) as reader:
        return end_session(gate, reader, day, config)


def verdicts(endings: dict[str, Ending]) -> dict[str, Any]:
    """Return the verdicts and the steps on the ramp for a program."""
    return {"verdicts": {bot: asdict(ending) for bot, ending in endings.items()}}


def show(endings: dict[str, Ending]) -> None:
    """Print the verdicts, and the steps on the ramp they led to."""
    console = Console()
    if endings:
        print_sections(console, [verdict_section([ending.verdict for ending in endings.values()])])
    for bot, ending in endings.items():
        for move in ending.moves:
            console.print(f"{bot}: {move.origin} -> {move.target}, {move.lots} lots: {move.why}")
