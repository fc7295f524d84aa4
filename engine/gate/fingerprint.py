"""What a bot is, for the gate: its settings and the files of its strategy, without its size."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.settings import Settings
from engine.settings_bots import BOTS, CoreBots, plugins

SECTIONS = ("common", "risk", "execution", "quotes", "learning")
SESSION = {  # of sections that else only say where and how to connect
    "session": (
        "stop_seconds", "stop_far", "stop_far_seconds", "stop_gap_seconds", "unmarked_seconds",
        "late_seconds", "keep_open",
    ),
    "ibkr": ("quote_age", "urgent", "protective_multiple"),
}  # fmt: skip
LOTS = "quantity"  # of a bot
AMOUNTS = ("planned_loss", "structural_loss", "day_cap")  # of a budget, USD
_NOT_THE_BOT = ("enabled",)


@dataclass(frozen=True)
class Fingerprint:
    """A configuration of a bot.

    Parameters
    ----------
    bot : str
    parts : mapping of str to str
        Settings by dotted key as JSON; strategy files by name as digests.
    size : mapping of str to float
        Lots and amounts: they may grow with the lots allowed and are no other configuration.
    """

    bot: str
    parts: Mapping[str, str]
    size: Mapping[str, float]

    @property
    def digest(self) -> str:
        """Return the sha256 of all parts."""
        return hashlib.sha256(json.dumps(dict(self.parts), sort_keys=True).encode()).hexdigest()


def fingerprint(settings: Settings, bot: str, strategies: Path) -> Fingerprint:
    """Return what a bot is now.

    Parameters
    ----------
    settings : Settings
    bot : str
    strategies : Path
        Folder of the strategy files: the bot's own and those all bots share are part of it,
        byte by byte but for line endings; so is the file of its model.
    """
    told = settings.model_dump(mode="json")
    values = {f"{section}.{key}": value for section in SECTIONS for key, value in told[section].items()}
    values |= {f"{section}.{key}": told[section][key] for section, keys in SESSION.items() for key in keys}
    values |= {f"bots.{bot}.{key}": value for key, value in told["bots"][bot].items()}
    budgets = values.pop("risk.budgets")
    if bot in budgets:  # the budgets of others are theirs
        values |= {f"risk.budgets.{bot}.{key}": value for key, value in budgets[bot].items()}
    size = {key: float(value) for key, value in values.items() if _is_size(key)}
    kept = {key: value for key, value in values.items() if key not in size}
    parts = {key: json.dumps(value) for key, value in kept.items() if key.split(".")[-1] not in _NOT_THE_BOT}
    return Fingerprint(bot, parts | _files(strategies, bot) | _model(settings, bot), size)


def _is_size(key: str) -> bool:
    place, _, name = key.rpartition(".")
    if place.startswith("bots."):
        return name == LOTS
    return place.startswith("risk") and name in AMOUNTS


def _files(folder: Path, bot: str) -> dict[str, str]:
    """Return the digests of the strategy files, those of other bots left out, a plugin's own beside them."""
    others = {f"{name}.py" for name in CoreBots.model_fields if name != bot}
    files = [path for path in sorted(folder.glob("*.py")) if path.name not in others]
    if bot not in CoreBots.model_fields:
        files.append(Path(inspect.getfile(plugins(BOTS)[bot])))
    return {f"strategies/{path.name}": _digest(path) for path in files}


def _model(settings: Settings, bot: str) -> dict[str, str]:
    model = getattr(settings.bots, bot).model
    if model is None:
        return {}
    files = [model] if model.is_file() else sorted(path for path in model.rglob("*") if path.is_file())
    return {f"model/{path.name}": _digest(path) for path in files}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return what differs between the parts of two configurations, one line each."""
    lines = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old != new:
            lines.append(f"{key}: {_shown(old)} -> {_shown(new)}")
    return tuple(lines)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def strategy_files(settings: Settings, bots: Sequence[str], strategies: Path) -> str:
    """Return the digests of the bots' strategy files, for a run to remember."""
    found: dict[str, str] = {}
    for bot in bots:
        found |= fingerprint(settings, bot, strategies).parts
    return " ".join(f"{name}={digest}" for name, digest in sorted(found.items()) if name.endswith(".py"))
