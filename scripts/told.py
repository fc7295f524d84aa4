"""``--json``: what a command prints as a table, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from analyzers.report.sections import Section, print_sections
from scripts.pages import plain


def print_json(value: Any) -> None:
    """Print a value as JSON, never coloured: no figure is infinite or NaN there, a day is text."""
    print(json.dumps(plain(value), indent=2, default=str))


def console_of(as_json: bool) -> Console:
    """Return where a command prints: nowhere when it is to print JSON, not even how far it is."""
    return Console(quiet=as_json)


def tell(
    console: Console,
    sections: Sequence[Section],
    page: Path,
    as_json: bool,
    figures: Mapping[str, Any] | None = None,
) -> None:
    """Print a finished report's tables and where its page stands, or both as JSON beside the figures."""
    if as_json:
        told = {"report": str(page), "sections": [rows_of(section) for section in sections]}
        print_json(told if figures is None else told | {"figures": dict(figures)})
        return
    print_sections(console, sections)
    console.print(f"Report: {page}", soft_wrap=True)


def rows_of(section: Section) -> dict[str, Any]:
    """Return a table column by column, its cells as printed."""
    columns = {
        name: {row.strip(): cells[number] for row, cells in section.rows}
        for number, name in enumerate(section.columns)
    }
    return {"title": section.title, "text": section.text, "columns": columns}
