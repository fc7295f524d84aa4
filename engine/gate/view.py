"""The gate as others show it: read over a connection that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import GateError
from engine.gate.criteria import Criterion, sessions_to_go
from engine.gate.gate import Gate
from engine.gate.ledger import chain_of
from engine.gate.ramp import Run
from engine.gate.settings import GateSettings, Stage
from engine.journal.queries import Reader
from engine.journal.records import GateEvent


@dataclass(frozen=True, slots=True)
class GateView:
    """Where one bot stands, ready to be shown.

    Parameters
    ----------
    bot : str
    stage : Stage
    lots : int
        Allowed live.
    config : str
        The configuration that counts, its first eight digits.
    rows : tuple of Criterion
        What the next step asks for; empty at the top.
    until : int or None
        Sessions until all that is unknown can be known, None where that cannot be said.
    run : Run
        Compliant sessions in a row.
    breaches, overrides : tuple of str
        All there ever were, a line each.
    changed : tuple of str
        What the configuration changed when it was registered.
    """

    bot: str
    stage: Stage
    lots: int
    config: str
    rows: tuple[Criterion, ...]
    until: int | None
    run: Run
    breaches: tuple[str, ...]
    overrides: tuple[str, ...]
    changed: tuple[str, ...]


class ReadOnly:
    """A chain that can only be read."""

    def __init__(self, place: str | Path) -> None:
        with Reader(place) as reader:
            self._events = chain_of(reader.gate_events())

    def events(self) -> Sequence[GateEvent]:
        """Return all events in the order of their links."""
        return self._events

    def append(self, event: GateEvent) -> None:
        """Refuse."""
        raise GateError(f"gate event {event.kind}: got a gate that was opened to be read, expected no event")


def read_gate(place: str | Path, config_dir: Path) -> Gate:
    """Return the gate of a journal, to be read only.

    Raises
    ------
    JournalError
        There is no such journal.
    GateError
        Its history was changed.
    """
    return Gate(ReadOnly(place), GateSettings.load(config_dir))


def view_of(gate: Gate, bot: str) -> GateView:
    """Return where a bot stands."""
    held = gate.standing(bot)
    rows = gate.criteria(bot)
    return GateView(
        bot,
        held.stage,
        held.lots,
        held.config[:8],
        rows,
        sessions_to_go(rows),
        held.run,
        tuple(f"{one.day} {one.venue}: {', '.join(one.failed)}" for one in held.breaches),
        tuple(f"{one.day}: {one.words}" for one in held.overrides),
        held.registered.changed if held.registered else (),
    )


def views(place: str | Path, config_dir: Path) -> tuple[GateView, ...]:
    """Return where every bot stands that the gate knows; what a dashboard asks."""
    gate = read_gate(place, config_dir)
    return tuple(view_of(gate, bot) for bot in gate.bots())
