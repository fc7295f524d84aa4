"""Settings of what is kept and told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from engine.settings_types import Amount, Count, Positive, Section

SILENT = "silent"


def _told(value: object) -> object:
    """Return YAML's on and off as the words they were."""
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


Told = Annotated[Literal["on", "silent", "off"], BeforeValidator(_told)]


class JournalSettings(Section):
    """Where sessions keep their journal, and how long the database may take."""

    folder: Path = Path("journal")
    logs: Path = Path("logs")
    log_megabytes: Positive = 20.0
    log_files: Count = 10
    queue: Count = 50_000
    patience_seconds: Positive = 30.0


class AlertSettings(Section):
    """What is told by Telegram, Discord and others: on, silent (without a sound) or off."""

    session: Told = "on"
    entry: Told = "on"
    exit: Told = "on"
    halt: Told = "on"
    rejected: Told = "on"
    reconciliation: Told = "on"
    summary: Told = "on"
    failure: Told = "on"
    gate: Told = "on"
    note: Told = "silent"
    fill: Told = "off"
    decision: Told = "off"
    per_minute: Annotated[Count, Field(le=600)] = 20
    queue: Count = 200
    retries: Annotated[Count, Field(le=50)] = 8
    first_wait_seconds: Positive = 1.0
    longest_wait_seconds: Positive = 300.0
    timeout_seconds: Positive = 10.0
    closing_seconds: Amount = 15.0
