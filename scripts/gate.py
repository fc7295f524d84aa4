"""``mw gate``: where the bots stand between backtest and live."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from analyzers.report.gate import CANNOT, history_section, standing_section
from analyzers.report.sections import Section, print_sections
from engine.errors import GateError
from engine.gate.facts import Judged
from engine.gate.fingerprint import fingerprint
from engine.gate.gate import Gate
from engine.gate.ledger import Book
from engine.gate.permission import override
from engine.gate.settings import GateSettings
from engine.gate.view import GateView, read_gate, view_of
from engine.journal.redaction import redact
from engine.settings import Settings
from engine.settings_files import did_you_mean
from scripts.journal import place_of
from scripts.origin import STRATEGIES, git_commit
from scripts.pages import publish
from scripts.progress import shown
from scripts.told import console_of, print_json


@dataclass(frozen=True, slots=True)
class GateRequest:
    """A question to the gate.

    Parameters
    ----------
    database : str, optional
        The gate's journal; by default where settings and environment have it.
    config : Path
        Folder of the settings.
    profile : str, optional
    bot : str, optional
        Only this one.
    out : Path
        Folder for a report's own folder.
    """

    database: str | None
    config: Path
    profile: str | None = None
    bot: str | None = None
    out: Path = Path("runs")

    @property
    def place(self) -> str:
        """Where the gate's journal is."""
        return place_of(self.database, "gate", self.config, self.profile)


def open_gate(place: str, config: Path) -> Gate:
    """Return the gate to write to; its journal is made when there is none."""
    command = redact(" ".join(["mw", *sys.argv[1:]]))
    return Gate(Book(place, command, git_commit()), GateSettings.load(config))


def show(
    request: GateRequest, report: bool = False, history: bool = False, as_json: bool = False
) -> Path | None:
    """Print where the bots stand, as JSON too, or write it as a report; return the report's folder.

    Raises
    ------
    GateError
        There is no gate yet, its history was changed, or the bot is unknown to it.
    """
    console = Console()
    place = request.place
    if "://" not in place and not Path(place).is_file():
        raise GateError(f"gate: {place} is not there yet; mw gate register begins it")
    gate = read_gate(place, request.config)
    bots = _chosen(gate, request.bot)
    views = [view_of(gate, bot) for bot in bots]
    if as_json:
        events = [asdict(entry) for entry in gate.history(request.bot)] if history else []
        print_json({"bots": [asdict(view) for view in views]} | ({"history": events} if history else {}))
        return None
    sections = [standing_section(view) for view in views]
    told = [history_section(gate.history(request.bot))]
    if report:
        with shown(console, "Drawing the report"):
            folder = _save(request, gate, views, [*sections, *told])
        console.print(f"Report: {folder / 'gate.html'}", soft_wrap=True)
        return folder
    print_sections(console, told if history else sections)
    if not history:
        console.print(CANNOT)
    return None


def _chosen(gate: Gate, bot: str | None) -> tuple[str, ...]:
    if bot is None:
        return gate.bots()
    if bot not in gate.bots():
        known, hint = ", ".join(gate.bots()) or "none yet", did_you_mean(bot, gate.bots())
        raise GateError(f"--bot: got {bot!r}, the gate knows {known}{hint}")
    return (bot,)


def _save(request: GateRequest, gate: Gate, views: Sequence[GateView], sections: Sequence[Section]) -> Path:
    from analyzers.report.gate_chart import gate_chart

    sessions = {
        view.bot: [entry.fact for entry in gate.history(view.bot) if isinstance(entry.fact, Judged)]
        for view in views
    }
    figures = {
        "created": datetime.now(UTC).isoformat(),
        "events": len(list(gate.history())),
        "head": gate.head,
        "bots": [asdict(view) for view in views],
    }
    picture = partial(gate_chart, views, sessions)
    return publish(request.out, "gate", "Market Watch gate", CANNOT, sections, figures, picture)


def register(request: GateRequest, as_json: bool = False) -> None:
    """Take the bots' configuration as it is now; one that has changed starts the ramp over."""
    settings = Settings.load(request.config, request.profile)
    gate = open_gate(request.place, request.config)
    for bot in _enabled(settings, request.bot):
        gate.register(fingerprint(settings, bot, STRATEGIES))
    show(request, as_json=as_json)


def _enabled(settings: Settings, bot: str | None) -> list[str]:
    names = [name for name in type(settings.bots).model_fields if getattr(settings.bots, name).enabled]
    if bot is not None and bot not in names:
        hint = did_you_mean(bot, names)
        raise GateError(f"--bot: got {bot!r}, expected one that is enabled: {', '.join(names)}{hint}")
    return [bot] if bot is not None else names


def record_backtest(
    request: GateRequest, run: Path, trials: int | None, families: Sequence[str], as_json: bool = False
) -> None:
    """Tell the gate what a run showed, for every bot of it.

    Raises
    ------
    GateError
        The run was made with other settings or strategy files than those of now.
    """
    from scripts.gate_backtest import evidence

    settings = Settings.load(request.config, request.profile)
    gate = open_gate(request.place, request.config)
    costs = gate.settings.research.costs
    with shown(console_of(as_json), f"Judging {run.name}"):
        judged = list(evidence(run, settings, STRATEGIES, costs, trials, families, gate))
    for found in judged:
        if request.bot in (None, found.bot):
            gate.register(fingerprint(settings, found.bot, STRATEGIES))
            gate.record_backtest(found)
    show(request, as_json=as_json)


def type_override(request: GateRequest, bot: str, day: date, typed: str) -> None:
    """Take the owner's word for a live session the gate refuses."""
    override(open_gate(request.place, request.config), bot, day, typed)
