"""``mw show-config``: every setting with the place it comes from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from engine.journal.redaction import redact
from engine.settings import Settings
from engine.settings_files import origins

COMMENT = 44  # column of the origin


def text_of(config: Path, profile: str | None) -> str:
    """Return the merged settings as YAML, each value with its origin beside it, and the digest."""
    settings = Settings.load(config, profile)
    found = origins(settings.model_dump(mode="json"), Settings.layers(config, profile))
    lines: list[str] = []
    _write(settings.model_dump(mode="json"), "", 0, {key: place for key, (_, place) in found.items()}, lines)
    return redact("\n".join([*lines, f"# digest {settings.digest}"]))


def json_of(config: Path, profile: str | None) -> str:
    """Return the merged settings for programs: by dotted key value and origin."""
    settings = Settings.load(config, profile)
    found = origins(settings.model_dump(mode="json"), Settings.layers(config, profile))
    told = {key: {"value": value, "origin": _short(place)} for key, (value, place) in found.items()}
    return redact(json.dumps({"digest": settings.digest, "settings": told}, indent=2))


def _write(values: dict[str, Any], path: str, depth: int, places: dict[str, str], lines: list[str]) -> None:
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            lines.append(f"{'  ' * depth}{key}:")
            _write(value, here, depth + 1, places, lines)
        else:
            flow = yaml.safe_dump(value, default_flow_style=True, width=10_000)
            told = flow.removesuffix("\n").removesuffix("\n...")
            lines.append(f"{'  ' * depth + key + ': ' + told:<{COMMENT}}  # {_short(places[here])}")


def _short(place: str) -> str:
    return os.path.relpath(place) if os.sep in place else place
