"""The page with the last lines of the session's log and of its events."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import streamlit as st

from engine.journal.queries import Reader
from engine.journal.redaction import redact
from scripts.board.table import show

TAIL = 64 * 1024  # bytes read from the end of a log
LINES = 200


def tail(path: Path, lines: int = LINES) -> list[str]:
    """Return the last lines of a file, the newest last; none where there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL, 0))
            held = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    whole = held if size <= TAIL else held[1:]
    return [redact(line) for line in whole[-lines:]]


def log_page(_: Reader, logs: Path) -> None:
    """Show the newest log's end, and the newest events."""
    found = sorted(logs.glob("*.log"), key=lambda path: path.stat().st_mtime) if logs.is_dir() else []
    texts = [path for path in found if path.name != "trades.log"]
    if not found:
        st.info(f"No log is in {logs}/ yet: a session writes it. Run `mw rehearse` or `mw paper`.")
        return
    if texts:
        st.subheader(texts[-1].name)
        st.code("\n".join(tail(texts[-1])) or "empty", language=None, height=340)
    events = pd.DataFrame([row for row in map(_event, reversed(tail(logs / "trades.log"))) if row])
    if not events.empty:
        st.subheader("trades.log")
        show(events, height=340)


def _event(line: str) -> dict[str, str] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    named = {name: str(told.pop(name, "")) for name in ("at", "event", "bot", "symbol")}
    return named | {
        "detail": ", ".join(f"{key} {value}" for key, value in told.items() if value not in ("", None))
    }
