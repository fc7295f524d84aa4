"""``--json``: what a command prints as a table, for programs."""

from __future__ import annotations

import json
from typing import Any

from analyzers.report.sections import Section
from scripts.pages import plain


def print_json(value: Any) -> None:
    """Print a value as JSON, never coloured: no figure is infinite or NaN there, a day is text."""
    print(json.dumps(plain(value), indent=2, default=str))


def rows_of(section: Section) -> dict[str, Any]:
    """Return a table column by column, its cells as printed."""
    columns = {
        name: {row.strip(): cells[number] for row, cells in section.rows}
        for number, name in enumerate(section.columns)
    }
    return {"title": section.title, "text": section.text, "columns": columns}
